"""Holds what earlier visits of a large delivery have done, so that each goes on where the last one ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from worker.decide.obstacles import Obstacle


@dataclass(frozen=True, slots=True)
class Part:
    """Holds the people of one row that are done with, and what is to be said of them once all are.

    ``digest`` is the row's: of a row that was delivered anew nothing is done. ``stamps`` are (object, id, vendor ms).
    """

    digest: str
    done: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    stamps: tuple[tuple[str, str, int], ...] = ()

    @property
    def text(self) -> str:
        return _PART.dump_json(self).decode()


_PART: TypeAdapter[Part] = TypeAdapter(Part)


def part_of(digest: str, text: str) -> Part:
    """Returns what is kept of a row, which is nothing once the row is another."""
    part = _PART.validate_json(text) if text else Part(digest)
    return part if part.digest == digest else Part(digest)
