"""What is retried, how often and for how long: the user's choice, checked when it is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from ._checks import check_count, check_flag, check_number, check_plain_function
from .backoff import Backoff, ExponentialBackoff
from .outcome import Outcome

if TYPE_CHECKING:
    from typing_extensions import Self

RetryIf = Callable[[Outcome], "bool | None"]

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
# Their responses have no body, or one that is a tunnel (RFC 9110 §9.3.2, §9.3.6).
_BODILESS_METHODS = frozenset({"HEAD", "CONNECT"})

# The methods that need a key to be idempotent (draft-ietf-httpapi-idempotency-key-header).
_KEYED_METHODS = frozenset({"POST", "PATCH"})

# RFC 9110 §5.6.2: what methods and field names are made of.
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

_DEFAULT_BACKOFF = ExponentialBackoff()

# RFC 9110 §15. Below it no status counts as failed unless a policy says so.
FIRST_ERROR_STATUS = 400


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Which failures are sent again, how often, and how long all of it may take.

    Immutable, equal by value; `replace` makes a changed one.

    Args:
        max_attempts: sends of one request in all, the first included. While a body is mended, a
            send that brought 64 KiB or more starts the count anew, up to 100 sends.
        max_elapsed: seconds from the first send to the response headers: a wait that would pass it
            is not begun, and no phase of an attempt (pool, connect, TLS, write, headers) may take
            longer than what is left. The same again for the waits and sends that mend a body. None:
            no bound. Headers that drip in, long uploads, name resolution and the wait for a stream
            on a full HTTP/2 connection are beyond its reach.
        backoff: how long to wait when the server does not say: `Callable[[BackoffContext], float]`.
        max_retry_after: seconds that servers may make one request wait, all their waits together.
            Past it the response is handed over at once: a retry is never earlier than asked.
        statuses: status codes that count as failed. Empty means none.
        methods: methods that may run twice (idempotent, RFC 9110 §9.2.2). Empty means none.
        idempotency_header: a request that carries it may run twice whatever its method; None: no
            header says so.
        generate_idempotency_key: give a POST or PATCH that has none such a header: a UUID4, the
            same on all attempts.
        exceptions: exception types, beside httpx's transport errors, that count as transient.
        retry_if: asked about each outcome but a bug of the caller's and a body that cannot be
            decoded: True: it failed, retry it if method, evidence and limits allow; False: it did
            not fail; None: as without it. A plain function in both worlds.
        read_body: read every response's body before `retry_if` is asked, so that it finds
            `outcome.response.content`. The response handed over reads and streams as if untouched.
        replay_buffer: bytes of a body that can be read only once (a generator, a pipe) to keep, so
            that it can be sent again; what goes beyond 1 MiB is kept in a temporary file.
        recover_body: mend a response body that breaks off, of what may run twice: from its exact
            continuation for GET and QUERY, from a new beginning while nothing was delivered, or
            not at all.

    Raises:
        ValueError: for a value out of range.
        TypeError: for a value of the wrong type, or an unknown field.
    """

    max_attempts: int = 4
    max_elapsed: float | None = None
    backoff: Backoff = _DEFAULT_BACKOFF
    max_retry_after: float = 60.0
    statuses: Collection[int] = TRANSIENT_STATUSES
    methods: Collection[str] = IDEMPOTENT_METHODS
    idempotency_header: str | None = "Idempotency-Key"
    generate_idempotency_key: bool = False
    exceptions: Collection[type[Exception]] = ()
    retry_if: RetryIf | None = None
    read_body: bool = False
    replay_buffer: int = 0
    recover_body: bool = True

    plain_methods: frozenset[str] = field(init=False, repr=False, compare=False)
    """The methods whose requests go out as they are: nothing need be proved of them, or added."""

    mended_methods: frozenset[str] = field(init=False, repr=False, compare=False)
    """The methods whose response bodies are mended when they break off."""

    judged_from: int = field(init=False, repr=False, compare=False)
    """The lowest status that has to be judged: a response below it is good as it is."""

    def __new__(cls, *_: Any, **values: Any) -> Self:
        """Refuse unknown fields by name, and say which there are."""
        check_fields(values, cls)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        check_count("max_attempts", self.max_attempts, at_least=1)
        if self.max_elapsed is not None:
            check_number("max_elapsed", self.max_elapsed, above=True)
        check_plain_function("backoff", self.backoff, ("context",))
        if isinstance(self.backoff, type):
            raise TypeError(f"backoff must be callable: call {self.backoff.__name__}()")
        check_number("max_retry_after", self.max_retry_after)
        if self.idempotency_header is not None:
            _check_token("idempotency_header", self.idempotency_header)
        if self.retry_if is not None:
            check_plain_function("retry_if", self.retry_if, ("outcome",))
        check_flag("generate_idempotency_key", self.generate_idempotency_key)
        if self.generate_idempotency_key and self.idempotency_header is None:
            raise ValueError("generate_idempotency_key needs an idempotency_header, not None")
        check_flag("read_body", self.read_body)
        check_flag("recover_body", self.recover_body)
        check_count("replay_buffer", self.replay_buffer, at_least=0)
        self._settle("statuses", _checked_statuses(self.statuses))
        self._settle("methods", _checked_methods(self.methods))
        self._settle("exceptions", _checked_exceptions(self.exceptions))
        plain = (method for method in self.methods if not self.generates_key_for(method))
        self._settle("plain_methods", frozenset(plain if self.max_elapsed is None else ()))
        mended = (method for method in self.methods if self.mends(method))
        self._settle("mended_methods", frozenset(mended))
        # A rule of our own leaves good responses alone, and says so; any other is asked about all.
        asked_from = getattr(type(self.retry_if), "asked_from", 0)
        failing_from = FIRST_ERROR_STATUS if self.retry_if is None else asked_from
        self._settle("judged_from", min({failing_from, *self.statuses}))

    def _settle(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def mends(self, method: str) -> bool:
        """Whether the response body of such a request is mended, if that one may run twice."""
        return self.recover_body and method not in _BODILESS_METHODS

    def generates_key_for(self, method: str) -> bool:
        """Whether a request of this method is given a key if it has none."""
        return self.generate_idempotency_key and method in _KEYED_METHODS

    @classmethod
    def from_urllib3(cls, retry: Any) -> Self:
        """Return the policy that does what an urllib3 `Retry` does: the same attempts and waits.

        What differs: the last response is handed over, and never raised as an error
        (`raise_on_status`); a 408, 425 or 429 of `status_forcelist` is retried whatever the method
        (nothing was processed), as is what carries an Idempotency-Key; `retry_after_max` bounds all
        waits that servers name for one request together, and past it the response is handed over
        rather than retried too early; `Retry-After: 0` is obeyed; bodies that break off are mended
        unless `read` is 0.

        Args:
            retry: an `urllib3.util.Retry` of 1.26 or later.

        Warns:
            UserWarning: once, naming each option that has no counterpart, and what happens instead.

        Raises:
            ValueError: where it has no bound; where `allowed_methods` is empty, which is any method
                to urllib3 2, and none to urllib3 3; and for one that is not in capitals, which is
                no request's to urllib3.
            TypeError: for what is no `Retry`, and for a value of the wrong type.
        """
        from .from_urllib3 import fields_from  # noqa: PLC0415 - for those alone who move

        return cls(**fields_from(retry))

    def replace(self, **changes: Any) -> Self:
        """Return a policy with `changes` made.

        Args:
            **changes: fields and their new values.

        Raises:
            ValueError: for a value out of range.
            TypeError: for a value of the wrong type, or an unknown field.
        """
        check_fields(changes, type(self))
        return replace(self, **changes)


def _fields_of(kind: type[RetryPolicy]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.init)


FIELDS = _fields_of(RetryPolicy)


def check_fields(values: Mapping[str, object], kind: type[RetryPolicy] = RetryPolicy) -> None:
    """Raise unless every key of `values` is a field of a policy, or of a subclass of it."""
    names = FIELDS if kind is RetryPolicy else _fields_of(kind)
    unknown = [name for name in values if name not in names]
    if unknown:
        named = ", ".join(map(repr, unknown))
        raise TypeError(f"{kind.__name__} has no field {named}; its fields are {', '.join(names)}")


def _checked_statuses(value: object) -> frozenset[int]:
    statuses = _members("statuses", value, "status codes")
    for each in statuses:
        check_count("each of statuses", each, at_least=100)
        if each > 999:  # noqa: PLR2004 - RFC 9110 §15: a status code has three digits
            raise ValueError(f"each of statuses must be at most 999, not {each!r}")
    return frozenset(map(int, statuses))


def _checked_methods(value: object) -> frozenset[str]:
    methods = _members("methods", value, "method names")
    for each in methods:
        _check_token("each of methods", each)
    return frozenset(each.upper() for each in methods)


def _checked_exceptions(value: object) -> tuple[type[Exception], ...]:
    types = _members("exceptions", value, "exception types")
    for each in types:
        if not (isinstance(each, type) and issubclass(each, Exception)):
            raise TypeError(f"each of exceptions must be a subclass of Exception, not {each!r}")
    # In an order of their own: policies of the same are equal.
    return tuple(sorted(set(types), key=lambda each: (each.__module__, each.__qualname__)))


def _members(name: str, value: object, kind: str) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
        raise TypeError(f"{name} must be a collection of {kind}, not {value!r}")
    return list(value)


def _check_token(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {value!r}")
    if not value or not _TOKEN.issuperset(value):
        raise ValueError(f"{name} must be an HTTP token, not {value!r}")


DEFAULT_POLICY = RetryPolicy()
