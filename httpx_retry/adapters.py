"""The wait curves of tenacity and backoff, as the `backoff=` of a policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._core._checks import check_callable, check_count, check_plain_function

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ._core.backoff import BackoffContext
    from ._core.outcome import Outcome

    Wait = Callable[[Any], float]
    WaitGen = Callable[..., Generator[float, Any, None]]

# A generator is asked from its start for each wait: this many steps take some 50 µs.
_STEPS = 1_000

# Seconds: 30 years. What a curve without a cap grows to may be no float at all.
_LONGEST = 1e9


@dataclass(frozen=True)
class TenacityBackoff:
    """Waits as a wait strategy of tenacity says: `TenacityBackoff(wait_exponential(max=10))`.

    It is shown a `tenacity.RetryCallState` with the `attempt_number` and the `outcome`: the
    exception, for a response of 400 or above what `raise_for_status()` raises, and any other
    response as a result. What was slept so far (`idle_for`) is not known. Two are equal whose
    strategies are of the same make and settings. Random strategies draw from `random`, not from the
    transport's own.

    Args:
        wait: a wait strategy: an object of tenacity's, or any function of its kind.

    Raises:
        TypeError: for what is no plain function.
        ModuleNotFoundError: where tenacity is not installed.
    """

    wait: Wait = field(compare=False)
    _value: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_plain_function("wait", self.wait)
        import tenacity  # noqa: F401, PLC0415 - for those alone who have it, and at once if not

        object.__setattr__(self, "_value", _value_of(self.wait))

    def __call__(self, context: BackoffContext) -> float:
        """Return the seconds to wait after failure number `context.attempt`."""
        from tenacity import RetryCallState, Retrying  # noqa: PLC0415 - as above

        state = RetryCallState(Retrying(wait=self.wait), None, (), {})
        state.attempt_number = context.attempt
        error = _error_of(context.outcome)
        if error is None:
            state.set_result(context.outcome.response)
        else:
            state.set_exception((type(error), error, error.__traceback__))
        return self.wait(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_written(self._value)})"
