"""Holds the progress of earlier visits of a large delivery, so that each goes on where the last one ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from worker.decide.obstacles import Obstacle


@dataclass(frozen=True, slots=True)
class Part:
    """Holds the finished people of one row, and the entries to journal once all are finished.

    ``digest`` is the row's: if the row was delivered anew, nobody is finished. ``stamps`` are (object, id, vendor ms).
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
    """Returns the progress of a row, which is empty once the row is another."""
    part = _PART.validate_json(text) if text else Part(digest)
    return part if part.digest == digest else Part(digest)
