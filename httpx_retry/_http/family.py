"""Which httpx: its exceptions, stream bases and default transports, as one value.

httpx and httpx2 have classes of the same names that are not the same classes. Only the public
classes name either; all else asks the `Family` it is given.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

from .._core.policy import FIELDS, RetryPolicy
from .causes import is_a

_T = TypeVar("_T")

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping, MutableMapping
    from types import ModuleType

    import httpx

    # What both have: where httpx2 is not installed, type checkers take anything for its classes.

    class AnyRequest(Protocol):
        """A `Request`."""

        @property
        def method(self) -> str: ...
        @property
        def extensions(self) -> MutableMapping[str, Any]: ...

    class AnyResponse(Protocol):
        """A `Response`."""

        @property
        def status_code(self) -> int: ...
        def read(self) -> bytes: ...

    class AnyClient(Protocol):
        """A `Client` or an `AsyncClient`."""

        @property
        def event_hooks(self) -> Mapping[str, Any]: ...
        def build_request(self, method: str, url: str) -> AnyRequest: ...


class HTTPTransportOptions(TypedDict, total=False):
    """What `httpx.HTTPTransport` and `httpx.AsyncHTTPTransport` take."""

    verify: ssl.SSLContext | str | bool
    cert: str | tuple[str, str] | tuple[str, str, str] | None
    trust_env: bool
    http1: bool
    http2: bool
    limits: httpx.Limits
    proxy: httpx.URL | str | httpx.Proxy | None
    uds: str | None
    local_address: str | None
    retries: int
    socket_options: Iterable[Any] | None


class Family:
    """The classes of one httpx.

    Args:
        module: `httpx` or `httpx2`.
    """

    def __init__(self, module: ModuleType) -> None:
        self.name: str = module.__name__
        self._module = module
        self.Request: type[httpx.Request] = module.Request
        self.Response: type[httpx.Response] = module.Response
        self.ByteStream: type[httpx.ByteStream] = module.ByteStream
        self.BaseTransport: type[httpx.BaseTransport] = module.BaseTransport
        self.AsyncBaseTransport: type[httpx.AsyncBaseTransport] = module.AsyncBaseTransport
        self.HTTPTransport: type[httpx.HTTPTransport] = module.HTTPTransport
        self.AsyncHTTPTransport: type[httpx.AsyncHTTPTransport] = module.AsyncHTTPTransport
        self.DecodingError: type[httpx.DecodingError] = module.DecodingError
        self.RequestError: type[httpx.RequestError] = module.RequestError
        self.TransportError: type[httpx.TransportError] = module.TransportError
        self.StreamConsumed: type[httpx.StreamConsumed] = module.StreamConsumed
        self.TimeoutException: type[httpx.TimeoutException] = module.TimeoutException
        self.ProxyError: type[httpx.ProxyError] = module.ProxyError
        self.ConnectError: type[httpx.ConnectError] = module.ConnectError
        self.ConnectTimeout: type[httpx.ConnectTimeout] = module.ConnectTimeout
        self.UnsupportedProtocol: type[httpx.UnsupportedProtocol] = module.UnsupportedProtocol
        self.LocalProtocolError: type[httpx.LocalProtocolError] = module.LocalProtocolError
        self.RemoteProtocolError: type[httpx.RemoteProtocolError] = module.RemoteProtocolError
        # Before a byte of the request is written, or at the pool's door.
        self.unsent: tuple[type[httpx.TransportError], ...] = (
            module.ConnectError,
            module.ConnectTimeout,
            module.PoolTimeout,
        )
        # What request bodies other than bytes travel in: not public, and nothing else tells them.
        content, multipart = module._content, module._multipart  # noqa: SLF001 - as said
        self.MultipartStream: type[Any] = multipart.MultipartStream
        self.iterator_streams: tuple[type[Any], ...] = (
            content.IteratorByteStream,
            content.AsyncIteratorByteStream,
        )
        # Streams that can be read again.
        self.replayable: tuple[type, ...] = (self.ByteStream, self.MultipartStream)
        self._read_by = {module.SyncByteStream: "__iter__", module.AsyncByteStream: "__aiter__"}
        self.streams: tuple[type, ...] = tuple(self._read_by)
        self.transports: tuple[type, ...] = (self.BaseTransport, self.AsyncBaseTransport)
        self.apps: tuple[type, ...] = (module.ASGITransport, module.WSGITransport)
        self.traceless: tuple[type, ...] = (module.MockTransport, *self.apps)
        real = self.HTTPTransport, self.AsyncHTTPTransport
        self.own: tuple[type, ...] = (*real, *self.traceless)
        self._joined: dict[tuple[type, ...], type] = {}
        self._no_closes = (None, module.SyncByteStream.close, module.AsyncByteStream.aclose)
        self._idle: dict[type, bool] = {}

    def stream_class(self, behaviour: type[_T], *sides: type) -> type[_T]:
        """Return the class as a subclass of this family's byte streams, of each world that it has.

        A stream that says to be of both is closed in either, whether that closes anything or not.

        Args:
            behaviour: what its instances do.
            *sides: classes that have the methods of the worlds, where it has not.
        """
        parts = (*sides, behaviour)
        if parts not in self._joined:
            bases = [
                base
                for base, method in self._read_by.items()
                if any(hasattr(part, method) for part in parts)
            ]
            self._joined[parts] = type(behaviour.__name__, (*parts, *bases), {})
        return self._joined[parts]

    def closes_nothing(self, stream: object) -> bool:
        """Whether closing a stream does nothing: in tasks it is dear all the same."""
        kind = type(stream)
        is_idle = self._idle.get(kind)
        if is_idle is None:
            # Of a proxy, whose class has no base of ours, nothing is known.
            own = (getattr(kind, "close", None), getattr(kind, "aclose", None))
            is_idle = issubclass(kind, self.streams) and all(
                each in self._no_closes for each in own
            )
            self._idle[kind] = is_idle
        return is_idle

    def transport(
        self, given: httpx.BaseTransport | None, options: HTTPTransportOptions
    ) -> httpx.BaseTransport:
        """Return the transport to wrap: the given one, or a new one made with the options.

        Raises:
            TypeError: for both at once, for a transport of the other world or family, and for
                what is none.
        """
        self._check(given, options, self.BaseTransport, self.AsyncBaseTransport, "handle_request")
        return self.HTTPTransport(**options) if given is None else given

    def async_transport(
        self, given: httpx.AsyncBaseTransport | None, options: HTTPTransportOptions
    ) -> httpx.AsyncBaseTransport:
        """Return the async transport to wrap, as `transport` does.

        Raises:
            TypeError: as `transport` does.
        """
        self._check(
            given, options, self.AsyncBaseTransport, self.BaseTransport, "handle_async_request"
        )
        return self.AsyncHTTPTransport(**options) if given is None else given

    def _check(
        self,
        given: object,
        options: HTTPTransportOptions,
        wanted: type,
        twin: type,
        method: str,
    ) -> None:
        _check_misplaced(options)
        if given is None:
            return
        expected = f"{self.name}.{wanted.__name__}"
        if isinstance(given, type):
            raise TypeError(f"transport must be an instance of {expected}: call {given.__name__}()")
        if isinstance(given, RetryPolicy):
            raise TypeError(
                f"transport must be an instance of {expected}: pass a policy as policy="
            )
        # httpx itself asks for no class: a test client's own transport may have none.
        if not isinstance(given, wanted) and (
            not callable(getattr(given, method, None)) or _module_of(given, wanted.__name__)
        ):
            hint = self._hint_for(given, wanted, twin)
            raise TypeError(f"transport must be an instance of {expected}, not {given!r}: {hint}")
        if options:
            named = ", ".join(f"{name}=" for name in options)
            raise TypeError(
                f"transport and {named} exclude each other: pass {named} to the"
                f" {type(given).__name__} that you wrap, or leave transport out"
            )

    def _hint_for(self, given: object, wanted: type, twin: type) -> str:
        if any(is_a(given, each, kind) for each in _MODULES for kind in ("Client", "AsyncClient")):
            return "add_retries(client) gives it retries"
        if isinstance(given, twin):
            prefix = "Async" if twin is self.AsyncBaseTransport else ""
            return f"pass it to {prefix}RetryTransport"
        module = _module_of(given, wanted.__name__)
        if module is not None:
            return _elsewhere(module)
        return f"see the {self.name} documentation on transports"

    def other_of(self, thing: object, name: str) -> str | None:
        """The name of the other family, where a thing is of that one's class of that name."""
        if isinstance(thing, getattr(self._module, name)):
            return None
        return _module_of(thing, name)

    def exception_like(self, kind: type[BaseException]) -> type[BaseException]:
        """Return this family's class for the other's of the same name; any other as it is."""
        name = kind.__name__
        is_one = any(kind is getattr(sys.modules.get(each), name, None) for each in _MODULES)
        own: type[BaseException] = getattr(self._module, name, kind) if is_one else kind
        return own

    def check_request(self, request: object) -> None:
        """Check that a request is of this family: a client of the other one has another's.

        Raises:
            TypeError: for one of the other; of anything else the wrapped transport has its say.
        """
        if isinstance(request, self.Request):
            return  # most are, and each one is asked
        module = _module_of(request, "Request")
        if module is not None:
            raise TypeError(
                f"this transport is for {self.name}, and the request is of {module}:"
                f" {_elsewhere(module)}"
            )


# Where the public classes of each family are.
_MODULES = {"httpx": "httpx_retry", "httpx2": "httpx_retry.httpx2"}


def _module_of(thing: object, name: str) -> str | None:
    """The family of whose class of that name it is: what a class says itself, SDKs overwrite."""
    return next((module for module in _MODULES if is_a(thing, module, name)), None)


def _elsewhere(module: str) -> str:
    return f"the transports for {module} are those of {_MODULES[module]}"


# What whoever moves here may still write, and what it is called here.
_CALLED_HERE = {
    "retry": "pass policy=RetryPolicy(...)",
    "total": "pass policy=RetryPolicy(max_attempts=...), which counts the first one, too",
    "attempts": "pass policy=RetryPolicy(max_attempts=...), which counts the first one, too",
    "backoff_factor": "pass policy=RetryPolicy(backoff=ExponentialBackoff(...))",
    "status_forcelist": "pass policy=RetryPolicy(statuses=...)",
    "allowed_methods": "pass policy=RetryPolicy(methods=...)",
    "timeout": "timeouts are the client's, and a deadline for all attempts is"
    " policy=RetryPolicy(max_elapsed=...)",
}


def _check_misplaced(options: HTTPTransportOptions) -> None:
    for name in options:
        if name in FIELDS:
            raise TypeError(
                f"{name} is a field of RetryPolicy: pass policy=RetryPolicy({name}=...)"
            )
        if name in _CALLED_HERE:
            raise TypeError(f"{name} is no option of a transport: {_CALLED_HERE[name]}")
