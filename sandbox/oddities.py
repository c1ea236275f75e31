"""Spoils one value of an answer as no decent vendor would: a client must survive it and never believe it."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sandbox.calls import Reply

_DEEP: Any = "x"
for _ in range(300):
    _DEEP = [_DEEP]

VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [None], [[]], {"": None}, _DEEP),
    *(-1, 0, 0.5, -0.0, 1e300, -1e300, 1e-300, float("inf"), float("nan"), 2**53 + 1, 2**63, -(2**63) - 1, 10**400),
    *("", " ", "-1", "0.5", "1e400", "NaN", "Infinity", "9" * 400, "9" * 5_000, "0x10", "\u0663"),
    *("\x00", "\x1b[31m", "\u202e", "\ud800", "\ufeff", "a" * 100_000, "%00%FF", "<!--", "=1+1", "'; --", "../.."),
    *("9999-12-31T23:59:59.999+14:00", "0001-01-01T00:00:00-14:00", "2026-02-30T25:61:61Z", "1e9", "null"),
)
HEADERS = (
    "Date", "Retry-After", "Content-Type", "X-Request-Id", "Location", "ETag", "decreased-credits",
    "remaining-credits", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-HubSpot-RateLimit-Daily-Remaining",
    "X-HubSpot-RateLimit-Remaining", "X-HubSpot-RateLimit-Interval-Milliseconds", "Sforce-Limit-Info",
)  # fmt: skip
_HEADER_TEXTS = (
    "", "-1", "0.5", "1e300", "NaN", "inf", "9" * 400, "\u00ff", "Fri, 31 Dec 9999 23:59:59 GMT", "x" * 4_000,
    "api-usage=" + "9" * 400 + "/1", "text/html; charset=utf-16", "application/json; charset=x-none",
)  # fmt: skip
BODIES = (b"", b"null", b"0", b'""', b"[" * 5_000, b'{"a":' * 5_000, b"\xff\xfe{}", b'{"a":1}{"a":2}', b"NaN")


def odd(reply: Reply, seed: int) -> Reply:
    """Returns the reply with one value, one header or its whole body replaced; the same for the same seed."""
    chance = random.Random(seed)
    kind = chance.choice(("value", "value", "value", "header", "body"))
    places = list(_places(reply.body))
    if kind == "value" and places:
        body = json.loads(json.dumps(reply.body))
        _put(body, chance.choice(places), chance.choice(VALUES))
        return replace(reply, body=json.dumps(body).encode("ascii"))
    if kind == "header":
        name, text = chance.choice(HEADERS), chance.choice(_HEADER_TEXTS)
        if name == "Content-Type":
            return replace(reply, content_type=text or "x")
        return replace(reply, headers={**reply.headers, name: text})
    return replace(reply, body=chance.choice(BODIES))


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the path of every value below the top, containers too."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*above, key)
        yield from _places(inner, (*above, key))


def _put(body: Any, path: tuple[Any, ...], value: Any) -> None:
    keys = [*path]
    while keys:
        key = keys.pop(0)
        key = key if isinstance(body, list) else str(key)
        if keys:
            body = body[key]
        else:
            body[key] = value
