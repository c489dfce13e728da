"""Pictures of how it works: boxes, arrows and few words."""

from __future__ import annotations

from .canvas import SMALL, WIDTH, Canvas

_PHASES = (
    ("wait for a free connection", "good"),
    ("find the name, connect", "good"),
    ("TLS, the proxy's tunnel", "good"),
    ("write the headers", "good"),
    ("write the body", "warn"),
    ("the server works", "warn"),
    ("read the response's headers", "warn"),
    ("read the response's body", "good"),
)
_PROVES = (
    (0, 4, "UNSENT", ("It never left:", "sent again, whatever its method.")),
    (
        4,
        7,
        "UNKNOWN",
        (
            "It may have been processed:",
            "sent again if it may run twice.",
            "REFUSED, if its server says so.",
        ),
    ),
    (7, 8, "A BROKEN BODY", ("Mended, if it may run twice.",)),
)


def evidence() -> str:
    """Draw what a failure proves, by where it happened."""
    row, top, left, width = 34.0, 12.0, 10.0, 206.0
    canvas = Canvas(
        "What a failure proves, by where it happens",
        "Up to the writing of the headers a request has not been sent; from then to the response's"
        " headers it may have been processed; after that its body can be mended.",
        row * len(_PHASES) + 2 * top,
    )
    for place, (phase, kind) in enumerate(_PHASES):
        y = top + place * row
        canvas.box(left, y, width, row - 8, kind)
        canvas.text(left + 10, y + 17.5, phase)
    for first, end, name, says in _PROVES:
        y, bottom = top + first * row, top + end * row - 8
        canvas.line(left + width + 14, y, left + width + 14, bottom)
        middle = (y + bottom) / 2 - 8.5 * len(says) + 4
        canvas.text(left + width + 26, middle, name, "strong code", size=SMALL)
        for number, line in enumerate(says, 1):
            canvas.text(left + width + 26, middle + 17 * number, line, "faint")
    return canvas.written()


def mending() -> str:
    """Draw a download that breaks off and is gone on with."""
    canvas = Canvas(
        "A download that breaks off",
        "The first response breaks off after 70,000 of 102,400 bytes; a second request asks for the"
        " rest of the same version by range, and the caller reads one whole body.",
        196,
    )
    left, width, part = 10.0, WIDTH - 20, 0.68
    cut = left + width * part
    canvas.text(left, 22, "first response", "strong")
    canvas.text(left + 118, 22, '200  ETag: "v1"', "faint code", size=SMALL)
    canvas.box(left, 30, width * part, 24, "good")
    canvas.text(cut + 8, 47, "breaks off", "faint")
    canvas.text(left, 88, "the rest", "strong")
    canvas.text(left + 118, 88, 'Range: bytes=70000-  If-Range: "v1"', "faint code", size=SMALL)
    canvas.box(cut, 96, width * (1 - part), 24, "mark")
    canvas.text(cut - 8, 113, "206, from the very next byte", "faint", at="end")
    canvas.text(left, 154, "what you read", "strong")
    canvas.text(left + 118, 154, "one body, of one version", "faint")
    canvas.box(left, 162, width * part + 3, 24, "good")
    canvas.box(cut, 162, width * (1 - part), 24, "mark")
    return canvas.written()


_STATIONS = (
    ("send", "the wrapped transport, as it is", "_sync.py, _async.py"),
    ("understand", "response or exception → what it proves", "_http/"),
    ("decide", "again, or hand over? after how long?", "_core/decider.py"),
)


def road() -> str:
    """Draw the road of one request."""
    canvas = Canvas(
        "The road of one request",
        "The client hands a request to the transport. It is sent; what came of it is understood;"
        " the decider says stop, or after which wait it is sent again.",
        430,
    )
    left, width, top, row = 70.0, 300.0, 96.0, 82.0
    canvas.box(left, 10, width, 44)
    canvas.text(left + width / 2, 29, "your code, httpx.Client", "strong", at="middle")
    canvas.text(
        left + width / 2, 46, "auth, redirects, cookies, timeouts", "faint", size=SMALL, at="middle"
    )
    canvas.arrow((left + width / 2, 54), (left + width / 2, top - 2))
    for place, (name, what, where) in enumerate(_STATIONS):
        y = top + place * row
        canvas.box(left, y, width, 58, "good")
        canvas.text(left + 12, y + 22, name, "strong")
        canvas.text(left + width - 12, y + 22, where, "faint code", size=10.5, at="end")
        canvas.text(left + 12, y + 43, what)
        if place:
            canvas.arrow((left + width / 2, y - row + 58), (left + width / 2, y - 2))
    bottom = top + 2 * row + 58
    canvas.arrow((left + 90, bottom), (left + 90, bottom + 40))
    canvas.text(left + 98, bottom + 23, "stop", "strong")
    canvas.box(left, bottom + 42, 190, 58)
    canvas.text(left + 12, bottom + 64, "what httpx would give", "strong")
    canvas.text(left + 12, bottom + 84, "the last response, or error", "faint", size=SMALL)
    right = left + width + 62
    canvas.arrow(
        (left + width, bottom - 29),
        (right, bottom - 29),
        (right, top + 29),
        (left + width + 2, top + 29),
    )
    canvas.text(left + width + 10, bottom - 60, "again", "strong")
    canvas.text(left + width + 10, bottom - 45, "wait", "faint", size=SMALL)
    canvas.text(left + 224, bottom + 64, "A body that breaks off later", size=SMALL)
    canvas.text(left + 224, bottom + 80, "goes the same road again.", size=SMALL)
    return canvas.written()


_HOUSE = (
    ("_core/", "decide", "values and arithmetic: policy, backoff, budget, decider", "good"),
    ("_http/", "understand", "faults, hints, request bodies, response bodies", "good"),
    ("_history, _observe", "tell", "events, log lines, notes, history", "box"),
    (
        "_state, _attempt, _call, _recovery",
        "keep",
        "where a request, a body stands",
        "box",
    ),
    ("_hooks, _timer, _wait", "wait", "a thread's way, and a task's", "box"),
    (
        "_sync, _async, _body_sync, _body_async",
        "act",
        "send, close, wait: nothing else does",
        "good",
    ),
    ("_client, httpx2, redis, opentelemetry, testing/", "", "built on them", "box"),
)


def house() -> str:
    """Draw the rooms, each above those that may import it."""
    row, top = 56.0, 10.0
    canvas = Canvas(
        "The house",
        "Rooms in ranks: each imports only from those above it. The core decides, the HTTP rooms"
        " understand, the two drivers act.",
        row * len(_HOUSE) + 2 * top - 8,
    )
    for place, (room, verb, holds, kind) in enumerate(_HOUSE):
        y = top + place * row
        canvas.box(40, y, WIDTH - 50, row - 10, kind)
        canvas.text(52, y + 19, room, "code strong", size=12)
        canvas.text(WIDTH - 22, y + 19, verb, "strong", at="end")
        canvas.text(52, y + 37, holds, "faint", size=12)
    canvas.arrow((20, top + row * len(_HOUSE) - 14), (20, top + 4))
    return canvas.written()
