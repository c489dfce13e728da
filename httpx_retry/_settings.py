"""What a transport was given, checked; and what one request wishes otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

from ._core._checks import check_plain_function
from ._core.budget import Budget, Fresh, RetryBudget, Traffic
from ._core.cooldown import LocalCooldown
from ._core.policy import RetryPolicy, check_fields
from ._observe import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from ._core.clock import Clock
    from ._core.cooldown import Cooldown
    from ._http.wire import Wire
    from ._observe import EventHook

# What is left of a policy where nothing is to be retried, judged or told.
_LEFT_ALONE: dict[str, Any] = {
    "max_attempts": 1,
    "max_elapsed": None,
    "statuses": (),
    "retry_if": None,
    "generate_idempotency_key": False,
    "read_body": False,
    "recover_body": False,
}

# What the methods of one of the user's own are given.
_OF_A_BUDGET = {"withdraw": ("origin", "load", "now"), "deposit": ("origin", "tokens")}
_OF_A_COOLDOWN = {"impose": ("origin", "seconds", "now"), "remaining": ("origin", "now")}
OF_A_CLOCK: dict[str, tuple[str, ...]] = {"monotonic": (), "time": ()}


class Settings:
    """What a transport was given beside the transport it wraps, checked.

    Attributes:
        budget: None: there is none.
        is_leased: whether it has tokens only once they are leased.
        cooldown: None: there is none.
        cooling: empty while no request has to wait.
        traffic: where the budget counts the requests.
        missing: empty while no deposit would change anything.
        origins: each recent one, by itself: all calls that wait for it share one string.

    Raises:
        TypeError: for a value of the wrong type.
    """

    __slots__ = (
        "budget",
        "clock",
        "cooldown",
        "cooling",
        "is_leased",
        "missing",
        "on_event",
        "origins",
        "random",
        "traffic",
        "wire",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - the transport's own arguments, in their order
        self,
        wire: Wire,
        policy: RetryPolicy,
        budget: Budget | Fresh | None,
        cooldown: Cooldown | bool,
        on_event: EventHook | None,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        if not isinstance(policy, RetryPolicy):
            raise TypeError(f"policy must be a RetryPolicy, not {policy!r}")
        check_methods("clock must", clock, OF_A_CLOCK)
        check_plain_function("random", random, ())
        if on_event is not None:
            check_plain_function("on_event", on_event, ("event",))
        self.budget = RetryBudget() if isinstance(budget, Fresh) else budget
        self.traffic = Traffic()
        self.missing: Collection[object] = ()
        # Of a subclass nothing is known: it is told of everything.
        if vars(type(self.budget)).get("is_counted_for"):
            own: Any = self.budget
            self.traffic, self.missing = own.traffic, own.missing
        elif self.budget is not None:
            check_methods("budget must be None or", self.budget, _OF_A_BUDGET)
            # What it keeps is its own affair: it is told of every success.
            self.missing = ("unknown",)
            counted = getattr(self.budget, "traffic", None)
            if isinstance(counted, Traffic):
                self.traffic = counted
        self.is_leased = callable(getattr(self.budget, "lease", None))
        self.cooldown = _cooldown_of(cooldown)
        self.cooling = _cooling_of(self.cooldown)
        self.origins: dict[str, str] = {}
        self.wire = wire
        self.on_event = on_event
        self.clock = clock
        self.random = random

    def deposit(self, origin: str, tokens: float | None) -> None:
        """Give tokens back to the budget, of which there is one (see `Budget`).

        What it raises costs nobody a good response: it is logged.
        """
        assert self.budget is not None
        try:
            self.budget.deposit(origin, tokens)
        except Exception as error:  # noqa: BLE001 - logged
            LOGGER.error("the budget's deposit failed", exc_info=error)


def check_methods(what_must: str, thing: object, given: Mapping[str, tuple[str, ...]]) -> None:
    """Raise unless a thing has the methods, as plain functions that take so much, and is no class.

    Args:
        what_must: how the sentence begins.
        thing: whatever came.
        given: what each method is given, by position.
    """
    methods = {name: getattr(thing, name, None) for name in given}
    if isinstance(thing, type) or not all(map(callable, methods.values())):
        named = " and ".join(f"{name}()" for name in given)
        raise TypeError(f"{what_must} have {named}, not be {thing!r}")
    for name, method in methods.items():
        check_plain_function(f"{name}()", method, given[name])


def _cooldown_of(given: object) -> Cooldown | None:
    if isinstance(given, bool):
        return LocalCooldown() if given else None
    check_methods("cooldown must be True, False, or", given, _OF_A_COOLDOWN)
    return cast("Cooldown", given)


def _cooling_of(cooldown: Cooldown | None) -> Collection[object]:
    if cooldown is None:
        return ()
    kind = type(cooldown)
    if isinstance(cooldown, LocalCooldown) and kind.remaining is LocalCooldown.remaining:
        return cooldown.cooling
    return ("unknown",)  # what remains is its own affair: it is always asked


def policy_for(request: httpx.Request, default: RetryPolicy, in_memory: type) -> RetryPolicy | None:
    """Return the policy that the request's own `extensions["retry"]` asks for.

    Args:
        request: one that has such an extension.
        default: the transport's own policy.
        in_memory: the class of streams that need no guard.

    Returns:
        The policy; None: none is needed, the wrapped transport may have the request as it is.

    Raises:
        ValueError: for a mapping with a value out of range.
        TypeError: for anything but False, a `RetryPolicy` or a mapping of its fields.
    """
    wish = request.extensions["retry"]
    if wish is False:
        if isinstance(request.stream, in_memory):
            return None
        # httpcore itself may send it again: its body is guarded all the same, and nothing else.
        return default.replace(**_LEFT_ALONE)
    if isinstance(wish, RetryPolicy):
        return wish
    if isinstance(wish, Mapping):
        check_fields(wish, type(default))
        return default.replace(**wish)
    raise TypeError(
        'extensions["retry"] must be False, a RetryPolicy, or a mapping of its fields,'
        f" not {wish!r}"
    )
