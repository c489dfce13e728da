"""An exception, and what was seen of its attempt → what it proves about processing.

httpx and httpcore map many faults to few exceptions, and their messages differ between threads,
asyncio and trio: so this reads the objects behind an exception, never its text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._core.outcome import Evidence
from .alarm import alarm_of
from .causes import chain_of, first, is_a, is_of_proxy, names_the_network, says_too_much

if TYPE_CHECKING:
    from collections.abc import Collection

    import httpx

    from .wire import Wire
    from .witness import Witness


class Fault(NamedTuple):
    """What a failed attempt proves.

    Attributes:
        evidence: what it proves about processing.
        at_once: whether another attempt may well succeed without any wait: the server refused this
            one by protocol, or a connection had gone stale.
    """

    evidence: Evidence
    at_once: bool = False


UNSENT = Fault(Evidence.UNSENT)
STALE = Fault(Evidence.UNSENT, at_once=True)
REFUSED = Fault(Evidence.REFUSED, at_once=True)
UNKNOWN = Fault(Evidence.UNKNOWN)
PERMANENT = Fault(Evidence.PERMANENT)
BUG = Fault(Evidence.BUG)

# RFC 9113 §7.
REFUSED_STREAM = 0x7
_HTTP_1_1_REQUIRED = 0xD

# By convention: 408 (RFC 9110 §15.5.9), 425 (RFC 8470 §5.2), 429 (RFC 6585 §4).
REFUSING_STATUSES = frozenset({408, 425, 429})


def fault_of(
    error: Exception, request: httpx.Request, wire: Wire, witness: Witness | None
) -> Fault:
    """Return what an exception raised by the wrapped transport proves.

    Args:
        error: the exception.
        request: the request as it was sent.
        wire: what it went out through.
        witness: what was seen of the attempt; None where nothing was to be proved.
    """
    if alarm_of(error) is not None:
        return BUG
    chain = chain_of(error)
    if isinstance(error, wire.family.TransportError):
        fault = _mapped(error, chain, request, wire)
    else:
        fault = _raw(error, chain)
    if witness is None or not witness.saw_anything:
        return fault
    return _with_witness(fault, chain, witness)


def _mapped(
    error: httpx.TransportError, chain: tuple[Any, ...], request: httpx.Request, wire: Wire
) -> Fault:
    family = wire.family
    if isinstance(error, family.UnsupportedProtocol) or _is_about_certificates(chain):
        return PERMANENT
    if isinstance(error, family.ProxyError):
        return _proxy_refusal(str(error))
    if isinstance(error, family.unsent):
        if wire.renames and says_too_much(error):
            return UNKNOWN
        is_connecting = isinstance(error, family.ConnectError | family.ConnectTimeout)
        if is_connecting and wire.has_proxy and request.url.scheme == "https":
            # httpcore leaks the slot of a tunnel in which TLS fails: trying again makes it worse.
            return UNSENT if names_the_network(chain) or is_of_proxy(chain) else PERMANENT
        return UNSENT
    if isinstance(error, family.LocalProtocolError):
        # Over HTTP/2 httpcore says so of what a server did, too.
        return UNKNOWN if first(chain, "h2.exceptions", "ProtocolError") else PERMANENT
    return _by_http2(chain)


def _by_http2(chain: tuple[Any, ...]) -> Fault:
    """What the server's own frames say (RFC 9113 §6.8, §8.7)."""
    reset = first(chain, "h2.events", "StreamReset")
    if reset is not None and reset.remote_reset:
        if reset.error_code == REFUSED_STREAM:
            return REFUSED
        if reset.error_code == _HTTP_1_1_REQUIRED:
            return PERMANENT
    goaway = first(chain, "h2.events", "ConnectionTerminated")
    return REFUSED if goaway is not None and goaway.last_stream_id == 0 else UNKNOWN


def _raw(error: Exception, chain: tuple[Any, ...]) -> Fault:
    """Faults of the transport that escape httpx without a name of its own."""
    if is_a(error, "socksio.exceptions", "ProtocolError"):
        return UNSENT
    if is_a(error, "h11", "LocalProtocolError") or _is_about_certificates(chain):
        return PERMANENT
    if is_a(error, "h2.exceptions", "ProtocolError"):
        return _by_http2(chain)
    escaped = any(
        is_a(error, module, name)
        for module in ("anyio", "trio")
        for name in ("BrokenResourceError", "ClosedResourceError", "EndOfStream")
    )
    # Of a body: the server's GOAWAY left out a stream whose answer it had begun.
    disowned = any(
        is_a(error, each, "ConnectionNotAvailable") for each in ("httpcore", "httpcore2")
    )
    # Not every OSError: a missing file is the caller's own.
    if escaped or disowned or is_a(error, "ssl", "SSLError") or is_a(error, "socket", "gaierror"):
        return UNKNOWN
    if isinstance(error, ConnectionError | TimeoutError) or type(error) is OSError:
        return UNKNOWN
    return BUG


def _with_witness(fault: Fault, chain: tuple[Any, ...], witness: Witness) -> Fault:
    """Bring what an exception says together with what the trace proves: the trace has the say."""
    if fault.evidence is Evidence.PERMANENT or fault.evidence is Evidence.BUG:
        return fault
    if witness.tunnel_failed and not witness.left:
        return PERMANENT
    if witness.left == 1 and not witness.was_answered:
        return _of_our_stream(chain, witness)
    if witness.left:
        return UNKNOWN
    # h2 refuses to begin a stream before it has made a frame of its headers.
    if not witness.began or first(chain, "h2.exceptions", "TooManyStreamsError"):
        return UNSENT
    return STALE


def _of_our_stream(chain: tuple[Any, ...], witness: Witness) -> Fault:
    """What the server's frames say of the one stream that the request left on."""
    reset = first(chain, "h2.events", "StreamReset")
    if reset is not None and reset.stream_id == witness.stream_id:
        return _by_http2(chain)
    goaway = first(chain, "h2.events", "ConnectionTerminated")
    if goaway is None or witness.stream_id is None:
        return UNKNOWN
    return REFUSED if witness.stream_id > goaway.last_stream_id else UNKNOWN


def _proxy_refusal(text: str) -> Fault:
    """What a proxy says stands in the text and nowhere else: an HTTP proxy begins with a status."""
    status = text[:3]
    # aiohttp writes a comma after it.
    if status.isascii() and status.isdigit() and text[3:4] in (" ", ","):
        is_final = status[0] == "4" and int(status) not in REFUSING_STATUSES
    else:
        # Four wrong passwords may lock an account.
        is_final = text.startswith(_SOCKS_REFUSES_US) or text.endswith(_SOCKS_REFUSES_THIS)
    # All else a proxy may say today and take back tomorrow, as an origin may.
    return PERMANENT if is_final else UNSENT


# httpcore's words for RFC 1928 §3 and §6, and RFC 1929 §2.
_SOCKS_REFUSES_US = ("Invalid username/password", "Requested ")
_SOCKS_REFUSES_THIS = (": Connection not allowed by ruleset.", " not supported.")


def _is_about_certificates(chain: tuple[Any, ...]) -> bool:
    """Whether ours does not trust theirs, or theirs not ours: neither will change its mind."""
    for link in chain:
        if is_a(link, "ssl", "SSLCertVerificationError"):
            return True
        # OpenSSL's symbolic name of the peer's alert (RFC 8446 §6.2), not its message.
        reason = getattr(link, "reason", None) if is_a(link, "ssl", "SSLError") else None
        if reason is not None and "ALERT" in reason and any(each in reason for each in _ALERTS):
            return True
    return False


_ALERTS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


_REFUSED, _UNKNOWN = Evidence.REFUSED, Evidence.UNKNOWN


def evidence_of_status(status: int, failing: Collection[int]) -> Evidence:
    """Return what a response's status proves.

    Args:
        status: the status code.
        failing: statuses that the policy counts as failed. One taken out of them means something
            else to its server, so the convention does not hold.
    """
    refused = status in REFUSING_STATUSES and status in failing
    return _REFUSED if refused else _UNKNOWN
