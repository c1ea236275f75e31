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
    """Names what is to go back: all that one run wrote, or all that was written on one record."""

    run: str = ""
    record: Ref | None = None


@dataclass(frozen=True, slots=True)
class UndoRow:
    """Tells how one change stands that is to go back."""

    record: Ref
    field: str
    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)
    stands: str = ""
    goes_back: bool = False


class UndoLook(Struct, frozen=True):
    """Tells what an undo would do. ``unreached`` changes are on rows that no visit handles."""

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
    """Tells what is kept of somebody. ``not_asked`` are CRMs that did not say whether they have them, and why."""

    records: Sequence[Ref]
    kept: Mapping[str, int]
    not_asked: Mapping[str, str]

    @property
    def seen(self) -> str:
        """Returns the fingerprint of whose records these are."""
        return _fingerprint([list(one) for one in self.records])


class Scorecard(Struct, frozen=True):
    """Holds the scores of the providers, and the order that would have been cheapest, in sentences."""

    scores: Sequence[Score]
    sentences: Sequence[str]


class Lifted(Struct, frozen=True):
    """Tells which pauses were lifted, and which stand until something else happens."""

    lifted: Sequence[str]
    stands: Sequence[str]


class Orders(Protocol):
    """Carries out what a visitor of the page orders, as the command of the same name does.

    Each raises ``ConfigError`` for what people can mend, and ``ConnectorError`` where a CRM does not answer.
    """

    def targets(self) -> Sequence[str]:
        """Returns what can be paused: crms and providers."""

    async def undo_look(self, asked: UndoWish) -> UndoLook:
        """Reads how the changes stand; changes nothing."""

    async def undo(self, asked: UndoWish, seen: str, run: str, note: Note) -> UndoLook | None:
        """Asks visits of ``run`` to take back what was shown; ``None``, with nothing done, if it stands otherwise.

        ``note`` hears first of the records.
        """

    async def suppress(self, text: str, why: str) -> bool:
        """Puts somebody on the suppression list; ``False`` where they were on it."""

    async def suppress_record(self, record: Ref) -> int:
        """Puts on the list all that names the person of a record, and returns how much was new there."""

    async def unsuppress(self, text: str) -> bool:
        """Takes somebody, or an entry by its hash, off the list; ``False`` where it was not on it."""

    async def person(self, asked: PersonWish) -> PersonLook:
        """Tells what is kept of somebody; changes nothing."""

    async def forget(self, asked: PersonWish, seen: str, note: Note) -> Sequence[str] | None:
        """Erases somebody, and returns what is left to do; ``None``, and nothing done, where other records are found.

        ``note`` hears first of the records.
        """

    async def scorecard(self) -> Scorecard:
        """Tells what each provider brings at what price; no vendor is asked."""

    async def pause(self, target: str, why: str) -> None:
        """Stops everything of a crm or provider."""

    async def resume(self, target: str) -> Lifted:
        """Lifts every reason of a crm or provider."""


def _fingerprint(rows: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
