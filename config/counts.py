"""Tells figures with their noun, everywhere by the same rule."""

from __future__ import annotations


def counted(count: float, one: str, more: str = "") -> str:
    """Returns a count with its noun: ``1 record is``, ``2 records are``; ``more`` is an irregular plural."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
