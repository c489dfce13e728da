"""Which request is sent next: the caller's, with its key; or what `prepare` made of it.

What may have run is never followed by what may not run after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._core.policy import RetryPolicy
from .requests import copied, is_same_origin, lacks_any, origin_of, put_back

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from .representation import Fields
    from .wire import Wire


class NextRequest:
    """The request that the next attempt of one call sends.

    Args:
        request: the caller's; never changed.
        url: its URL before anything was sent: the wrapped transport may have changed it.
        policy: says which methods may run twice, and what makes others do so.
        wire: what the request goes out through.

    Attributes:
        base: what each attempt begins from.
        request: what is sent, or was last, without the trace.
    """

    __slots__ = ("_asked", "_chosen", "_policy", "_url", "_wire", "base", "request")

    def __init__(
        self, request: httpx.Request, url: httpx.URL, policy: RetryPolicy, wire: Wire
    ) -> None:
        self.base = self.request = request
        self._url = url
        self._policy = policy
        self._wire = wire
        self._asked: Callable[[httpx.Request], None] | None = None
        self._chosen: httpx.Request | None = None

    def add_key(self) -> None:
        """Give the request a key if the policy makes one, the same on all attempts."""
        policy = self._policy
        if policy.generates_key_for(self.request.method) and not self.is_keyed:
            from uuid import uuid4  # noqa: PLC0415 - a fortieth of what importing this costs

            assert policy.idempotency_header is not None
            self.base = self.request = copied(self.request)
            self.request.headers[policy.idempotency_header] = str(uuid4())

    @property
    def is_keyed(self) -> bool:
        """Whether it carries an idempotency key, of its caller's or the policy's making.

        One that `prepare` adds allows nothing: it may be another one the next time.
        """
        return self._key_of(self.base) is not None

    def _key_of(self, request: httpx.Request) -> str | None:
        header = self._policy.idempotency_header
        if header is None:
            return None
        headers, sought = request.headers, header.lower().encode()
        kept: Fields | None = getattr(headers, "_list", None)
        if kept is None:
            return (headers.get(header) or "").strip() or None
        # To ask the headers would have them guess an encoding, for good: they are the caller's.
        found = b", ".join([value for _, name, value in kept if name == sought])
        return found.decode("latin-1").strip() or None

    def ask(self, change: Callable[[httpx.Request], None]) -> None:
        """Let the attempts to come ask for something else than the caller: for a range, say."""
        self._asked = change

    def next_request(self) -> httpx.Request:
        """Return a copy of the request, for `prepare` to change; it will be sent next."""
        self._chosen = request = self._copy()
        request.extensions = {
            name: dict(value) if type(value) is dict else value
            for name, value in request.extensions.items()
        }
        return request

    def _copy(self) -> httpx.Request:
        request = copied(self._begin())
        if self._asked is not None:
            self._asked(request)
            _leave_body_alone(request)
        return request

    def use(self, returned: object) -> None:
        """Send what `prepare` returned; None stands for the request that it was given.

        Raises:
            TypeError: for what is no request of this family.
            ValueError: for another origin: cookies, credentials and redirects belong to the first;
                and for one that may not run where the first may have run.
        """
        given = self._chosen
        assert given is not None
        request = given if returned is None else returned
        if not isinstance(request, self._wire.family.Request):
            raise TypeError(f"prepare must return a Request or None, not {request!r}")
        if not self._may_follow(request):
            raise ValueError(
                "prepare must keep what allows the request to run twice: its method, or its"
                f" {self._policy.idempotency_header}"
            )
        if not is_same_origin(request.url, self._url):
            raise ValueError(
                f"prepare must keep the origin {origin_of(self._url)},"
                f" not change it to {origin_of(request.url)}"
            )
        if request is not given:
            # A new one knows nothing of the client's timeouts, nor of a server's name for TLS.
            request = copied(request)
            request.extensions = {**given.extensions, **request.extensions}
        self._chosen = request

    def _may_follow(self, request: httpx.Request) -> bool:
        """Whether a request may run where the caller's may have run, if that one may run twice."""
        methods, key = self._policy.methods, self._key_of(self.base)
        if self.base.method in methods:
            if request.method in methods:
                return True
        elif key is None:
            return True  # it is sent again only if it did not run
        # With another key it would be another request to the server.
        return key is not None and self._key_of(request) == key

    def _take_next(self) -> httpx.Request:
        """What `prepare` chose, for one attempt; else the caller's."""
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            return chosen
        return self._begin() if self._asked is None else self._copy()

    def _put_back(self, method: str, fields: Fields, extensions: Mapping[str, Any]) -> None:
        headers = self.base.headers
        is_other = tuple(getattr(headers, "_list", ())) != fields
        if is_other or self.base.method != method or lacks_any(self.base, extensions):
            self.base = copied(self.base)
            self.base.method = method
            put_back(self.base, extensions)
        if is_other:
            # Whatever class its headers are of.
            self.base.headers._list = list(fields)  # noqa: SLF001 - nothing else keeps them as they were

    def _begin(self) -> httpx.Request:
        """What the attempt begins from, to the URL that the caller gave."""
        if self.base.url is not self._url:
            self.base = copied(self.base)
            self.base.url = self._url
        return self.base


def _leave_body_alone(request: httpx.Request) -> None:
    """Keep a retry transport within this one from mending what comes.

    It would put another version in the place of one that has been found to be the rest.
    """
    wish = request.extensions.get("retry", {})
    if isinstance(wish, RetryPolicy):
        request.extensions["retry"] = wish.replace(recover_body=False)
    elif isinstance(wish, Mapping):  # and not False, which leaves it alone
        request.extensions["retry"] = {**wish, "recover_body": False}
