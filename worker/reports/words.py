"""Tells figures and times in words, for every screen."""

from __future__ import annotations

_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def lasting(ms: int) -> str:
    """Returns a length of time in its two largest units: ``2d 3h``, ``45s``."""
    seconds = max(0, ms) // 1000
    parts: list[str] = []
    for size, unit in _UNITS:
        if seconds >= size or (unit == "s" and not parts):
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return " ".join(parts[:2])


def ago(at_ms: int, now_ms: int) -> str:
    """Tells how long ago; ``never`` for 0."""
    return f"{lasting(now_ms - at_ms)} ago" if at_ms else "never"


MENDED = frozenset({"consent", "property"})  # reasons that are looked at again and end by themselves


def until(at_ms: int, now_ms: int, reason: str = "") -> str:
    """Tells how long a pause still lasts; 0 lasts until it is lifted, by us or by a person."""
    if at_ms:
        return f"for {lasting(at_ms - now_ms)}"
    return "until mended" if reason in MENDED else "until resumed"


def of(figure: int, cap: int | None) -> str:
    """Returns ``12 of 500``; only the figure if there is no limit."""
    return f"{figure:,}" if cap is None else f"{figure:,} of {cap:,}"
