"""Groups dead letters by the origin of their trouble, reading only those that are new since the last look."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from config.settings import Settings
from worker.decide.origins import TroubleOrigin, cause_of, origin_of
from worker.ledger.journal.figures import WorkName
from worker.ledger.ledger import Ledger
from worker.ledger.work.work import DeadLetter
from worker.reports.overview import works

DeadRow = tuple[WorkName, DeadLetter]
KEPT = 20  # filters whose groups are kept between looks
MOST = 5_000  # dead letters that are read for one look; the next look goes on


class DeadGroup(Struct, frozen=True):
    """Holds the dead letters of one cause. ``seen`` is their fingerprint: a word on it is a word on these alone."""

    origin: TroubleOrigin
    cause: str
    rows: Sequence[DeadRow]
    seen: str


@dataclass(slots=True)
class DeadLetters:
    """Lists the dead letters of every work, as this process has read them. ``unread`` are those still to come."""

    ledger: Ledger
    settings: Settings
    unread: int = 0
    _known: dict[WorkName, dict[str, DeadLetter]] = field(default_factory=dict)
    _rows: list[DeadRow] = field(default_factory=list)
    _kept: dict[tuple[str, ...], tuple[list[DeadRow], list[DeadGroup]]] = field(default_factory=dict)

    async def groups(self, wanted: Mapping[str, str]) -> list[DeadGroup]:
        """Returns what matches, by origin and cause, the largest first within an origin.

        The groups found before are valid while no dead letter has come or gone.
        """
        rows, asked = await self.rows(), tuple(wanted.values())
        if asked not in self._kept or self._kept[asked][0] is not rows:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[asked] = rows, grouped(rows, wanted)
        return self._kept[asked][1]

    async def rows(self) -> list[DeadRow]:
        """Returns every dead letter that is read, oldest first in its work; the same list while it stays so."""
        names, room, self.unread = sorted({*works(self.settings), *await self.ledger.all_work.works()}), MOST, 0
        is_same = True
        for name in names:
            work, known = self.ledger.work(*name), self._known.get(name, {})
            since = await work.letters.since()
            new = [id for id, at in since.items() if id not in known or known[id].since_ms != at]
            read = {one.id: one for one in await work.letters.of(new[:room], since)}
            room, self.unread = room - len(new[:room]), self.unread + len(new[room:])
            if read or since.keys() != known.keys():
                self._known[name] = {id: one for id in since if (one := read.get(id) or known.get(id))}
                is_same = False
        if not is_same:
            self._rows = [(name, one) for name, held in sorted(self._known.items()) for one in held.values()]
        return self._rows


def grouped(rows: Iterable[DeadRow], wanted: Mapping[str, str]) -> list[DeadGroup]:
    """Returns the rows that match ``origin``, ``cause`` and ``crm``, if given, by origin and cause."""
    found: dict[tuple[TroubleOrigin, str], list[DeadRow]] = {}
    for name, letter in rows:
        group = origin_of(letter.reason), cause_of(letter.reason)
        held = {"origin": group[0], "cause": group[1], "crm": name[0]}
        if all(wanted.get(part, "") in {"", text} for part, text in held.items()):
            found.setdefault(group, []).append((name, letter))
    order = list(TroubleOrigin)
    ranked = sorted(found.items(), key=lambda one: (order.index(one[0][0]), -len(one[1]), one[0][1]))
    return [DeadGroup(*group, held, seen_of(held)) for group, held in ranked]


def all_seen(groups: Iterable[DeadGroup]) -> str:
    return hashlib.sha256("\n".join(group.seen for group in groups).encode()).hexdigest()


def seen_of(rows: Iterable[DeadRow]) -> str:
    """Returns the fingerprint of dead letters: which, and since when they are dead."""
    lines = sorted(f"{name[0]}\n{name[1]}\n{one.id}\n{one.since_ms}" for name, one in rows)
    return hashlib.sha256("\n\n".join(lines).encode()).hexdigest()
