"""Tells what visits propose, reading only the works whose proposals have changed since the last look."""

from __future__ import annotations

from dataclasses import dataclass, field

from config.settings import Settings
from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import ProposalHead, Reviews, Stand
from worker.ledger.ledger import Ledger
from worker.reports.overview import works


@dataclass(slots=True)
class Proposals:
    """Represents the proposals of every work that wait for a word, as this process has read them."""

    ledger: Ledger
    settings: Settings
    _known: dict[WorkName, tuple[int, list[ProposalHead]]] = field(default_factory=dict)
    _found: list[tuple[WorkName, ProposalHead]] = field(default_factory=list)

    async def waiting(self) -> list[tuple[WorkName, ProposalHead]]:
        """Returns every proposal that waits for a word, oldest first in its work; the same list while it stays so."""
        is_same = True
        for name in sorted({*works(self.settings), *await self.ledger.all_work.works()}):
            reviews = Reviews(self.ledger.scripts, *name)
            changes = await reviews.changes()  # before the rows, so that what changes meanwhile is read again
            if self._known.get(name, (-1,))[0] != changes:
                rows = [row for row in await reviews.heads() if row.stand == Stand.PROPOSED]
                self._known[name], is_same = (changes, rows), False
        if not is_same:
            self._found = [(name, row) for name, (_, rows) in sorted(self._known.items()) for row in rows]
        return self._found
