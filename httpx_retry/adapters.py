"""The wait curves of tenacity and of backoff, as the `backoff=` of a policy."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any, get_args

from ._core._checks import check_one_of, check_plain_function
from ._core.backoff import ConstantBackoff, Jitter
from ._core.policy import FIRST_ERROR_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ._core.backoff import BackoffContext
    from ._core.outcome import Outcome

__all__ = ["TenacityBackoff", "WaitGenBackoff"]

# A generator is asked from its beginning for each wait: so many steps take some 50 µs.
_STEPS = 1_000

# Seconds, 30 years: what a curve without a cap grows to need not even be a float.
_LONGEST = 1e9


@dataclass(frozen=True, repr=False)
class TenacityBackoff:
    """Waits as a wait strategy of tenacity says: `TenacityBackoff(wait_exponential(max=10))`.

    The strategy is shown a `RetryCallState` with its `attempt_number` and `outcome`: the exception,
    that of `raise_for_status()` for a response of 400 or above, or else the response. What was
    waited so far (`idle_for`) is not known. Random strategies draw from `random`, not from the
    transport's own source. Equal where the strategies are, by their settings.

    Args:
        wait: a strategy of tenacity's, or any function that takes its place there.

    Raises:
        TypeError: for what is no plain function.
        ModuleNotFoundError: where tenacity is not installed.
    """

    wait: Callable[[Any], float] = field(compare=False)
    _made_of: object = field(init=False)

    def __post_init__(self) -> None:
        check_plain_function("wait", self.wait, ("retry_state",))
        if isinstance(self.wait, type):
            raise TypeError(f"wait must be callable: call {self.wait.__name__}()")
        import tenacity  # noqa: F401, PLC0415 - missed here, and not in the middle of a request

        object.__setattr__(self, "_made_of", _made_of(self.wait))

    def __call__(self, context: BackoffContext) -> float:
        """Return the seconds to wait after failure number `context.attempt`."""
        from tenacity import RetryCallState, Retrying  # noqa: PLC0415 - for those who have it

        state = RetryCallState(Retrying(wait=self.wait), None, (), {})
        state.attempt_number = context.attempt
        error = _error_of(context.outcome)
        if error is None:
            state.set_result(context.outcome.response)
        else:
            state.set_exception((type(error), error, error.__traceback__))
        return self.wait(state)

    def __repr__(self) -> str:
        return f"TenacityBackoff({self._made_of!r})"


@dataclass(frozen=True)
class _Strategy:
    """What one of tenacity's is made of: they are equal to none, and print as addresses."""

    kind: type
    settings: tuple[tuple[str, object], ...]

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings)
        return f"{self.kind.__name__}({settings})"


def _made_of(value: object) -> object:
    if isinstance(value, tuple | list):
        return tuple(map(_made_of, value))
    kind = type(value)
    if kind.__module__.partition(".")[0] != "tenacity":
        return value
    return _Strategy(kind, tuple((name, _made_of(each)) for name, each in vars(value).items()))


def _error_of(outcome: Outcome) -> Exception | None:
    response = outcome.response
    if response is None:
        return outcome.error
    try:
        # For redirects it raises as well.
        if response.status_code >= FIRST_ERROR_STATUS:
            response.raise_for_status()
    except Exception as error:  # noqa: BLE001 - the HTTPStatusError of either httpx
        return error
    return None


@dataclass(frozen=True, init=False, repr=False)
class WaitGenBackoff:
    """Waits as a wait generator of backoff says: `WaitGenBackoff(backoff.expo, max_value=10)`.

    A generator is made for each wait and asked as often as attempts have failed, 1,000 times at
    most: nothing is shared among requests. It is sent what the latest came to, the exception or the
    response. Where it ends or overflows, its last wait goes on: how many attempts are made is the
    policy's affair. No wait is longer than 10⁹ s.

    Args:
        wait_gen: a wait generator of backoff 2, or any function of its kind.
        jitter: `"full"`, which is backoff's own default, `"equal"` or `"none"`, as for
            `ExponentialBackoff`; None, as in backoff, is `"none"`; or a function of the wait, such
            as `backoff.random_jitter`.
        **options: what `wait_gen` takes: values alone, and no functions that give them.

    Raises:
        ValueError: for a jitter of another name.
        TypeError: for what is no plain function, and for options that `wait_gen` does not take.
    """

    wait_gen: Callable[..., Generator[float, Any, None]]
    jitter: Jitter | Callable[[float], float]
    options: tuple[tuple[str, Any], ...]

    def __init__(
        self,
        wait_gen: Callable[..., Generator[float, Any, None]],
        *,
        jitter: Jitter | Callable[[float], float] | None = "full",
        **options: Any,
    ) -> None:
        check_plain_function("wait_gen", wait_gen)
        if isgeneratorfunction(wait_gen):
            wait_gen(**options)  # takes them or raises, and none of it is run yet
        if jitter is None:
            jitter = "none"
        if callable(jitter):
            check_plain_function("jitter", jitter, ("wait",))
        else:
            check_one_of("jitter", jitter, get_args(Jitter))
        object.__setattr__(self, "wait_gen", wait_gen)
        object.__setattr__(self, "jitter", jitter)
        object.__setattr__(self, "options", tuple(sorted(options.items())))

    def __call__(self, context: BackoffContext) -> float:
        """Return the seconds to wait after failure number `context.attempt`.

        Raises:
            ValueError: where the generator yields nothing, or what is no wait.
            TypeError: where it yields no number.
        """
        wait = min(self._wait(context), _LONGEST)
        if callable(self.jitter):
            return self.jitter(wait)
        return ConstantBackoff(wait, self.jitter)(context)

    def _wait(self, context: BackoffContext) -> float:
        outcome = context.outcome
        happened = outcome.error if outcome.response is None else outcome.response
        waits = self.wait_gen(**dict(self.options))
        wait = None
        with suppress(StopIteration, OverflowError):
            next(waits)  # backoff's own generators yield nothing before they are sent something
            for _ in range(min(context.attempt, _STEPS)):
                wait = waits.send(happened)
        if wait is None:
            raise ValueError(f"wait_gen must yield a wait, and {self!r} yields none")
        return wait

    def __repr__(self) -> str:
        wait_gen = getattr(self.wait_gen, "__name__", self.wait_gen)
        options = "".join(f", {name}={value!r}" for name, value in self.options)
        return f"WaitGenBackoff({wait_gen}, jitter={self.jitter!r}{options})"
