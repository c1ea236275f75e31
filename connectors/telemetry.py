"""Reports the steps of the work by name, and the vendor calls of this process.

Untraced, a step only reads one variable. Calls are counted until somebody takes the counts.

Values are ids, names of the configuration and counts: never a value of a record, a secret or a text of a vendor's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from time import time
from typing import Protocol, Self, TypeAlias

from connectors.operations import Operation

StepValue: TypeAlias = str | int | bool


class Step(Protocol):
    """Takes notes on a step under way."""

    @property
    def name(self) -> str:
        """Returns what another process's step may be linked to it by (W3C ``traceparent``); ``""`` untraced."""

    def note(self, **values: StepValue) -> None:
        """Adds facts that have become known about it."""


class Tracer(Protocol):
    """Keeps steps. Each lasts as long as its block, inside the step that is under way in the same context."""

    def step(
        self, kind: str, links: Sequence[str], values: Mapping[str, StepValue]
    ) -> AbstractContextManager[Step]: ...

    def note(self, values: Mapping[str, StepValue]) -> None: ...


class _Untraced:
    """Replaces every step if nobody traces."""

    name = ""

    def note(self, **values: StepValue) -> None:
        """Notes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


_UNTRACED = _Untraced()
_tracers: list[Tracer] = []


def is_traced() -> bool:
    return bool(_tracers)


def begin(tracer: Tracer) -> None:
    """Lets ``tracer`` record every step from now on."""
    _tracers[:] = [tracer]


def end() -> None:
    _tracers.clear()


def step(kind: str, links: Sequence[str] = (), **values: StepValue) -> AbstractContextManager[Step]:
    """Returns a step to be under way while its block runs; ``links`` name the steps that led to it."""
    return _tracers[0].step(kind, links, values) if _tracers else _UNTRACED


def note(**values: StepValue) -> None:
    """Adds to the innermost step that is under way."""
    if _tracers:
        _tracers[0].note(values)


BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the ranges that durations are counted in, in seconds; the last range has none."""

UNSENT = "unsent"
LAST = 100
"""Calls of a vendor that are kept at most."""

CallName = tuple[str, str]  # vendor, operation
CallMade = tuple[float, Operation, int | None, float]  # when (s), what, HTTP status, how long (s)


class CallEnd(StrEnum):
    OK = "ok"
    LIMITED = "429"
    REFUSED = "refused"  # any other 4xx
    FAILED = "failed"  # a 5xx
    LOST = "lost"  # no answer, or none that can be read


def end_of(status: int | None) -> CallEnd:
    """Returns how a call with this HTTP status ended; ``None`` = no answer."""
    if status is None:
        return CallEnd.LOST
    if status == 429:
        return CallEnd.LIMITED
    if status >= 500:
        return CallEnd.FAILED
    return CallEnd.REFUSED if status >= 400 else CallEnd.OK


class CallFigures:
    """Counts calls by (vendor, operation, what): an end, the place of a range, ``ms`` in all, or ``unsent``.

    Beside them the last calls of each vendor are kept.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._last: dict[str, deque[CallMade]] = {}

    def note(self, vendor: str, operation: Operation, status: int | None, seconds: float) -> None:
        """Count one call, and keep it among the last."""
        if vendor not in self._last:
            self._last[vendor] = deque(maxlen=LAST)
        self._last[vendor].append((time(), operation, status, seconds))
        self._count(vendor, operation.name, status, seconds)

    def unsent(self, vendor: str, operation: Operation) -> None:
        """Count a write that was not sent, since the read it was decided on had taken too long."""
        self._counts[vendor, operation.name, UNSENT] += 1

    def last(self) -> dict[str, list[CallMade]]:
        """Returns the last calls of each vendor since this was asked, oldest first."""
        taken, self._last = self._last, {}
        return {vendor: list(calls) for vendor, calls in taken.items()}

    def _count(self, vendor: str, operation: str, status: int | None, seconds: float) -> None:
        self._counts[vendor, operation, end_of(status)] += 1
        self._counts[vendor, operation, f"le{bisect_left(BOUNDS_S, seconds)}"] += 1
        self._counts[vendor, operation, "ms"] += round(seconds * 1000)

    def take(self) -> dict[tuple[str, str, str], int]:
        """Returns the counts since the last time, and resets them."""
        taken, self._counts = self._counts, Counter()
        return dict(taken)

    def give_back(self, counts: dict[tuple[str, str, str], int]) -> None:
        """Count again what was taken and could not be kept."""
        self._counts.update(counts)


CALLS = CallFigures()
"""The calls of this process, by any transport."""
