"""Says why something cannot be done now, in the one vocabulary that the rules, purchases and visits share.

There are three answers: try again at a time, wait until a provider has capacity, or give up for this run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct


class RetryAt(Struct, frozen=True):
    """Asks to be tried again at ``at_ms``, or earlier when the call or verdict that it waits for ends."""

    at_ms: int
    reason: str


class WaitForProvider(Struct, frozen=True):
    """Says that a provider has no capacity now. ``fault``: an outage or a bad credential, not waited out for ever."""

    provider: str
    reason: str = ""
    fault: bool = False


class GiveUp(Struct, frozen=True):
    """Says that this run can get no further; ``reason`` is counted. ``cut``: the run's own cap forbids it."""

    reason: str
    cut: bool = False


NotNow: TypeAlias = RetryAt | WaitForProvider | GiveUp


def soonest(waits: Iterable[RetryAt]) -> RetryAt:
    return min(waits, key=lambda one: one.at_ms)
