"""What a hostile server would write, or somebody type: well-formed words, put together ill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

HINTS = (
    "Retry-After", "retry-after-ms", "RateLimit", "RateLimit-Reset", "RateLimit-Remaining",
    "X-RateLimit-Reset", "X-RateLimit-Remaining", "x-should-retry", "Date",
)  # fmt: skip
OF_THE_BODY = (
    "Content-Length", "Content-Range", "Content-Type", "Content-Encoding", "Location", "ETag",
    "Last-Modified", "Date", "Transfer-Encoding",
)  # fmt: skip
_WORDS = st.sampled_from(
    [
        "0", "1", "7", "99", "1000000000", "9" * 12, "9" * 18, "9" * 40, "1.5", "-1", "+1", "1e9",
        "inf", "nan", "0x1", "\u0663", "\uff11", "1_0", "true", "false",
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "06 Nov 9999 24:60:61 GMT", "+9999", "-0000", "Feb", "GMT",
        "bytes", "items", "*", "/", "-", "W/", '"', '"v1"', "multipart/byteranges",
        "text/event-stream", "identity", "gzip", "chunked", "r", "t", "limit", "remaining", "reset",
        "q", "=", ";", ",", ":", " ", "\t", "\0", "\r\n", "\x7f", "\xff",
    ]
)  # fmt: skip


def _mangled(words: list[str], cut: int, times: int) -> bytes:
    text = "".join(words)
    return (text[:cut] + text[cut : cut + 3] * times + text[cut:]).encode("utf-8", "replace")


values: SearchStrategy[bytes] = st.builds(
    _mangled, st.lists(_WORDS, max_size=8), st.integers(0, 30), st.sampled_from([0, 0, 1, 2, 40])
) | st.binary(max_size=60)


def headers(names: tuple[str, ...]) -> SearchStrategy[list[tuple[bytes, bytes]]]:
    """Header fields of these names, in any case, some of them more than once."""
    name = st.sampled_from(names).flatmap(
        lambda each: st.sampled_from([each, each.lower(), each.upper()])
    )
    return st.lists(st.tuples(name.map(str.encode), values), max_size=8)


_TYPED = st.sampled_from(
    [
        "max_attempts", "max_elapsed", "backoff", "statuses", "methods", "retry_if", "exceptions",
        "replay_buffer", "ExponentialBackoff", "ConstantBackoff", "RetryPolicy", "set", "frozenset",
        "jitter", "None", "True", "1", "1.5", "1e999", "9" * 5000, "'GET'", '"', "'", "b'x'", "=",
        "(", ")", "[", "]", "{", "}", ",", "*", "**", "-", ".", "lambda:", "#", "\\", "\n", "\0",
        " ", "\ud800", "f'{1}'", "is", "not ", "await ", "yield ", ":=",
    ]
)  # fmt: skip

# No colon: what one names is imported, and importing runs what it imports.
policies: SearchStrategy[str] = st.lists(_TYPED, max_size=20).map(
    lambda words: "".join(words).replace(":", "")
)
