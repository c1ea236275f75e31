"""Reads the numbers vendors tell: in bodies, in headers, as text; whatever is none, or beyond reason, is absent."""

from __future__ import annotations

import math

MOST = 10**15  # beyond any count, credit or time in ms that a vendor can mean


def finite(value: object) -> float | None:
    """Returns ``value`` as a number of at most ``MOST`` on either side of zero; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) <= MOST else None


def whole(value: object) -> int | None:
    """Returns ``value`` as a whole number, what is behind the point left out; ``None`` where ``finite`` is."""
    number = finite(value)
    return None if number is None else int(number)


def count(value: object) -> int | None:
    """Returns a number of things: whole and not negative; ``None`` for anything else."""
    number = whole(value)
    return None if number is None or number < 0 else number
