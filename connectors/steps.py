"""Names the steps of the work for whoever traces them. Untraced, a step is one look at a variable and nothing else.

Values are ids, names of the configuration and counts: never a value of a record, a secret or a text of a vendor's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, Self, TypeAlias

StepValue: TypeAlias = str | int | bool


class Step(Protocol):
    """Takes notes on a step under way."""

    @property
    def name(self) -> str:
        """Returns what another process's step may be linked to it by (W3C ``traceparent``); ``""`` untraced."""

    def note(self, **values: StepValue) -> None:
        """Adds what has become known of it."""


class Tracer(Protocol):
    """Keeps steps. Each lasts as long as its block, inside whichever step is under way in the same context."""

    def step(
        self, kind: str, links: Sequence[str], values: Mapping[str, StepValue]
    ) -> AbstractContextManager[Step]: ...

    def note(self, values: Mapping[str, StepValue]) -> None: ...


class _Untraced:
    """Stands for every step where nobody traces."""

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
    """Tells whether anybody traces."""
    return bool(_tracers)


def begin(tracer: Tracer) -> None:
    """Lets ``tracer`` record every step from now on."""
    _tracers[:] = [tracer]


def end() -> None:
    """Lets nobody record steps any more."""
    _tracers.clear()


def step(kind: str, links: Sequence[str] = (), **values: StepValue) -> AbstractContextManager[Step]:
    """Returns a step to be under way while its block runs; ``links`` name the steps that led to it."""
    return _tracers[0].step(kind, links, values) if _tracers else _UNTRACED


def note(**values: StepValue) -> None:
    """Adds to the innermost step that is under way."""
    if _tracers:
        _tracers[0].note(values)
