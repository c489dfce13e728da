"""Draw the documentation's pictures: `python -m tools.pictures`.

They are kept in docs/pictures, so that they are there wherever the pages are read; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from httpx_retry import RetryPolicy, explain

from . import curves, diagrams

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"


def drawn() -> dict[str, str]:
    """Return every picture, by the name of its file."""
    return {
        "backoffs.svg": curves.backoffs(),
        "evidence.svg": diagrams.evidence(),
        "explain.svg": explain(RetryPolicy(max_attempts=6, max_elapsed=4)).svg(),
        "house.svg": diagrams.house(),
        "jitter.svg": curves.jitter(),
        "mending.svg": diagrams.mending(),
        "road.svg": diagrams.road(),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, picture in drawn().items():
        (FOLDER / name).write_text(picture, encoding="utf-8")
