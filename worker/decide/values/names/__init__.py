"""Names of people: how they are written, in which script, and what only stands where a name should be."""

from __future__ import annotations

from worker.decide.values.names.placeholders import is_doubtful, is_placeholder

__all__ = ["is_doubtful", "is_placeholder"]
