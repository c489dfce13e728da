"""A laboratory of network faults: real servers on 127.0.0.1 that fail as they are told, and count.

```python
with HTTP1Server([Rst(), Reply(200, b"ok")]) as server:
    client.get(server.url, headers={"x-id": "a"})
    assert server.processed == {"a": [Received("GET"), Received("GET")]}
    assert server.connections == 2
```
"""

from .connect import UNRESOLVABLE, ProxyServer, SOCKSRefusal, SOCKSServer, full_backlog, refused
from .http1 import (
    CONTINUE,
    EARLY_HINTS,
    GARBAGE,
    HUGE_HEADER,
    PARTIAL_HEADERS,
    PARTIAL_STATUS_LINE,
    HTTP1Server,
    HTTP1Step,
)
from .http2 import BAD_FRAME, HTTP2Server, HTTP2Step
from .server import Received, Server
from .stale import close_before_write, close_before_write_async
from .steps import (
    FLOW_WINDOW,
    CorruptRecord,
    Cut,
    Early,
    Fin,
    GoAway,
    Last,
    NoMoreStreams,
    Reply,
    ResetStream,
    Rst,
    Stall,
    Step,
    Tunnel,
)
from .tls import (
    ALERT,
    CLIENT_CERTIFICATE,
    PLAINTEXT,
    TRUSTED,
    WRONG_AUTHORITY,
    WRONG_HOST,
    Identity,
    client_context,
)

__all__ = [
    "ALERT",
    "BAD_FRAME",
    "CLIENT_CERTIFICATE",
    "CONTINUE",
    "EARLY_HINTS",
    "FLOW_WINDOW",
    "GARBAGE",
    "HUGE_HEADER",
    "PARTIAL_HEADERS",
    "PARTIAL_STATUS_LINE",
    "PLAINTEXT",
    "TRUSTED",
    "UNRESOLVABLE",
    "WRONG_AUTHORITY",
    "WRONG_HOST",
    "CorruptRecord",
    "Cut",
    "Early",
    "Fin",
    "GoAway",
    "HTTP1Server",
    "HTTP1Step",
    "HTTP2Server",
    "HTTP2Step",
    "Identity",
    "Last",
    "NoMoreStreams",
    "ProxyServer",
    "Received",
    "Reply",
    "ResetStream",
    "Rst",
    "SOCKSRefusal",
    "SOCKSServer",
    "Server",
    "Stall",
    "Step",
    "Tunnel",
    "client_context",
    "close_before_write",
    "close_before_write_async",
    "full_backlog",
    "refused",
]
