"""What a server is told to do with one request, connection or handshake: values for all servers.

Three endings, `Fin`, `Rst` and `Stall`, serve every layer: in place of a TLS handshake, in place of
a response, inside a body, in answer to a proxy's CONNECT. Each may send some bytes first, so that
"after a partial status line" or "with a TLS alert" needs no class of its own:
`Fin(after=PARTIAL_STATUS_LINE)`.
"""

from __future__ import annotations

import enum
import reprlib
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from h2.errors import ErrorCodes

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOW_WINDOW = 65_535
"""The bytes that a stream may send before the HTTP/2 server opens its window again."""

BODILESS = frozenset({204, 304})
"""The statuses whose responses have no body (RFC 9110 §6.4.1)."""

_brief = reprlib.Repr()
_brief.maxother = 60


def _default(of: Field[Any]) -> object:
    return of.default if of.default_factory is MISSING else of.default_factory()


class Step:
    """Anything that a script holds.

    Its repr serves as a test's id: it tells only what was chosen, and cuts long bytes short.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __repr__(self) -> str:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        chosen = [f.name for f in fields(self) if values[f.name] != _default(f)]
        shown = ", ".join(f"{name}={_brief.repr(values[name])}" for name in chosen)
        return f"{type(self).__name__}({shown})"


@dataclass(frozen=True, repr=False)
class Reply(Step):
    """A whole response, correct unless its headers say otherwise.

    Content-Length is added unless the headers have one or the reply is `chunked`; over HTTP/2 that
    means that the length is not said beforehand. Over HTTP/2 a `content-length` that does not fit
    the body is sent as it stands; over HTTP/1.1 say that with `Cut`.
    """

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False


@dataclass(frozen=True, repr=False)
class Fin(Step):
    """Sends `after`, then closes the TCP connection with a FIN.

    As when a process dies: under TLS there is no close_notify.
    """

    after: bytes = b""


@dataclass(frozen=True, repr=False)
class Rst(Step):
    """Sends `after`, then resets the TCP connection (SO_LINGER 0)."""

    after: bytes = b""


@dataclass(frozen=True, repr=False)
class Stall(Step):
    """Sends `after`, then nothing more until the server is closed.

    Over HTTP/2 only this stream is silent: the others of its connection live on.
    """

    after: bytes = b""


@dataclass(frozen=True, repr=False)
class CorruptRecord(Step):
    """Sends a TLS record that cannot be authenticated, then nothing more."""


@dataclass(frozen=True, repr=False)
class Tunnel(Step):
    """Answers a proxy's CONNECT with 200, then passes bytes on to the target.

    If it is `broken`, nobody is there: the connection ends so once the client's first bytes, its
    TLS ClientHello, have come.
    """

    broken: Fin | Rst | Stall | None = None


@dataclass(frozen=True, repr=False)
class ResetStream(Step):
    """Sends RST_STREAM with `code`. REFUSED_STREAM counts as refused, any other as processed."""

    code: ErrorCodes = ErrorCodes.REFUSED_STREAM


class Last(enum.Enum):
    """The last_stream_id of a GOAWAY, as seen from the stream that it answers."""

    ZERO = "0"
    BELOW = "the stream before"
    AT = "this stream"
    MAX = "2**31 - 1"
    PROCESSED = "the last one processed"

    def stream_id(self, own: int, processed: int = 0) -> int:
        """The number that goes into the frame sent on behalf of stream `own`.

        `processed` is the highest stream of the connection that was processed.
        """
        numbers = {
            Last.ZERO: 0,
            Last.BELOW: max(own - 2, 0),
            Last.AT: own,
            Last.MAX: 2**31 - 1,
            Last.PROCESSED: processed,
        }
        return numbers[self]


@dataclass(frozen=True, repr=False)
class GoAway(Step):
    """Sends GOAWAY, then does `then`.

    Streams above `last` are refused, this and later ones. `then=Fin()` closes the connection at
    once: a client that is still sending meets an RST, perhaps before it has read the GOAWAY.
    `then=Reply()` answers this stream in the same segment and goes on with the others up to `last`;
    the client may close when it has seen enough. `then=Stall()` is the same without the answer.

    A GOAWAY below a stream that was processed would be a lie, and fails with AssertionError.
    """

    last: Last = Last.ZERO
    code: ErrorCodes = ErrorCodes.NO_ERROR
    then: Reply | Fin | Rst | Stall = field(default_factory=Fin)


@dataclass(frozen=True, repr=False)
class NoMoreStreams(Step):
    """Answers with a 200, and lets nobody begin another stream on its connection.

    SETTINGS_MAX_CONCURRENT_STREAMS is 0 from then on, as hypercorn says while it stops.
    """


Ending: TypeAlias = Fin | Rst | Stall | CorruptRecord


@dataclass(frozen=True, repr=False)
class Cut(Step):
    """The headers of `reply` and the first `at` bytes of its body, then `by`.

    A chunked body is cut inside its one chunk; `at=len(body)` leaves out only the end of the
    message. A GOAWAY may not disown the stream that it cuts. Before an RST keep `at` to some ten
    thousand bytes: it discards what is on its way.
    """

    reply: Reply = field(default_factory=Reply)
    at: int = 1
    by: Ending | ResetStream | GoAway = field(default_factory=Fin)


@dataclass(frozen=True, repr=False)
class Early(Step):
    """Takes `step` once the headers and `read` bytes of the body are there, and reads no more.

    Over HTTP/1.1 the connection ends with the step: a reply says `Connection: close`, and an RST
    follows it. Over HTTP/2 an RST_STREAM follows, and the stream's window is not opened again: with
    `read=FLOW_WINDOW` the client is certain to be blocked in its upload. Nothing counts as
    processed but a request that ended within those bytes.
    """

    step: Reply | Cut | Ending | ResetStream | GoAway = field(default_factory=Reply)
    read: int = 0
