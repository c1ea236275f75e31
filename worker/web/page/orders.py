"""Names what the page has done by the functions of the commands, and what they say before they do it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from worker.decide.scorecard import Score
from worker.ledger.money.answers import Ref

Note = Callable[[Sequence[Ref]], Awaitable[None]]


class UndoWish(Struct, frozen=True):
    """Names the changes to undo: all of one run, or all on one record."""

    run: str = ""
    record: Ref | None = None


@dataclass(frozen=True, slots=True)
class UndoRow:
    """Describes the state of one change to undo."""

    record: Ref
    field: str
    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)
    stands: str = ""
    goes_back: bool = False


class UndoLook(Struct, frozen=True):
    """Describes the effect of an undo. ``unreached`` changes are on rows that no visit handles."""

    rows: Sequence[UndoRow]
    unreached: int

    @property
    def going(self) -> int:
        return sum(one.goes_back for one in self.rows)

    @property
    def records(self) -> list[Ref]:
        """Returns the records of which something goes back."""
        return sorted({one.record for one in self.rows if one.goes_back})

    @property
    def seen(self) -> str:
        """Returns the fingerprint of all of it."""
        return _fingerprint([[*one.record, one.field, one.before, one.after, one.stands] for one in self.rows])


@dataclass(frozen=True, slots=True)
class PersonWish:
    """Names somebody by what finds them, or by a record of theirs."""

    texts: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    record: Ref | None = None


class PersonLook(Struct, frozen=True):
    """Describes the data kept about a person. ``not_asked`` are CRMs that did not answer, and why."""

    records: Sequence[Ref]
    kept: Mapping[str, int]
    not_asked: Mapping[str, str]

    @property
    def seen(self) -> str:
        """Returns the fingerprint of the records' people."""
        return _fingerprint([list(one) for one in self.records])


class Scorecard(Struct, frozen=True):
    """Holds the scores of the providers, and the order that would have been cheapest, in sentences."""

    scores: Sequence[Score]
    sentences: Sequence[str]


class Lifted(Struct, frozen=True):
    """Names the pauses that were lifted, and those that last until something else happens."""

    lifted: Sequence[str]
    stands: Sequence[str]


class Orders(Protocol):
    """Carries out a visitor's orders, as the command of the same name does.

    Each raises ``ConfigError`` for faults that people can fix, and ``ConnectorError`` if a CRM does not answer.
    """

    def targets(self) -> Sequence[str]:
        """Returns the names that can be paused: crms and providers."""

    async def undo_look(self, asked: UndoWish) -> UndoLook:
        """Reads the state of the changes; changes nothing."""

    async def undo(self, asked: UndoWish, seen: str, run: str, note: Note) -> UndoLook | None:
        """Asks visits of ``run`` to take back the changes shown; ``None`` if they have changed since.

        ``note`` hears first of the records.
        """

    async def suppress(self, text: str, why: str) -> bool:
        """Puts a person on the suppression list; ``False`` if they were on it."""

    async def suppress_record(self, record: Ref) -> int:
        """Puts on the list all that names the person of a record, and returns how much was new there."""

    async def unsuppress(self, text: str) -> bool:
        """Takes a person, or an entry by its hash, off the list; ``False`` if it was not on it."""

    async def person(self, asked: PersonWish) -> PersonLook:
        """Lists the data kept about a person; changes nothing."""

    async def forget(self, asked: PersonWish, seen: str, note: Note) -> Sequence[str] | None:
        """Erases a person, and returns what is left to do; ``None``, and nothing done, if other records are found.

        ``note`` hears first of the records.
        """

    async def scorecard(self) -> Scorecard:
        """Returns each provider's yield and price; no vendor is asked."""

    async def pause(self, target: str, why: str) -> None:
        """Stops everything of a crm or provider."""

    async def resume(self, target: str) -> Lifted:
        """Lifts every reason of a crm or provider."""


def _fingerprint(rows: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
