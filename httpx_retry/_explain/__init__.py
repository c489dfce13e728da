"""What a policy will do, drawn for a person.

Only this room is loaded with the library; the others come in when something is to be drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.policy import DEFAULT_POLICY, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions
    from rich.text import Text

    from .forecast import Forecast


class Explanation:
    """What a policy will do, to be looked at: by `print`, by rich, in a notebook, as SVG."""

    __slots__ = ("_forecast", "_policy")

    def __init__(self, policy: RetryPolicy, forecast: Forecast) -> None:
        self._policy = policy
        self._forecast = forecast

    def __repr__(self) -> str:
        return f"<Explanation of {self._policy!r}>"

    def __str__(self) -> str:
        # ASCII, as nobody knows where it will be printed.
        return self.text(width=80, ascii_only=True)

    def text(self, *, width: int = 80, ascii_only: bool = False) -> str:
        """Return the picture as plain text.

        Args:
            width: columns to draw in; from 64 to 100 of them are made use of.
            ascii_only: for where nothing else can be printed.
        """
        from .text import lines, plain  # noqa: PLC0415 - when it is drawn

        return plain(lines(self._policy, self._forecast, width=width, ascii_only=ascii_only))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        from rich.text import Text  # noqa: PLC0415 - an extra, and it is there: it is asking

        from .text import lines  # noqa: PLC0415 - when it is drawn

        for line in lines(
            self._policy, self._forecast, width=options.max_width, ascii_only=options.ascii_only
        ):
            yield Text.assemble(*line)

    def svg(self) -> str:
        """Return the picture as an SVG document."""
        from .picture import picture  # noqa: PLC0415 - when it is drawn

        return picture(self._policy, self._forecast)

    def _repr_svg_(self) -> str:
        return self.svg()


def explain(policy: RetryPolicy = DEFAULT_POLICY) -> Explanation:
    """Work out what a policy will do: its attempts, its waits, its worst case.

    `print` it, give it to rich, or write its `svg()` to a file.

    Args:
        policy: the policy; its backoff is called some 2,000 times for each attempt that is
            foreseen, of which there are 100 at most.

    Raises:
        ValueError: where the policy's backoff raises, or returns what is no wait.
        TypeError: where it returns no number, or the policy is none.
    """
    from .forecast import forecast  # noqa: PLC0415 - when it is asked for

    if not isinstance(policy, RetryPolicy):
        raise TypeError(f"policy must be a RetryPolicy, not {policy!r}")
    return Explanation(policy, forecast(policy))
