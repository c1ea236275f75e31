"""Reads names of people: their notation, their script, and the placeholders for them."""

from __future__ import annotations

from worker.decide.values.names.placeholders import is_doubtful, is_placeholder

__all__ = ["is_doubtful", "is_placeholder"]
