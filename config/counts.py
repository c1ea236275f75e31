"""Tells figures with their noun, everywhere by the same rule."""

from __future__ import annotations


def counted(count: float, one: str, more: str = "") -> str:
    """Returns so many of something: ``1 record is``, ``2 records are``; ``more`` where an s alone does not make it."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
