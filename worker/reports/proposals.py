"""Lists proposals from their index lines alone: read again only if a work's proposals have changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from config.settings import Settings
from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import TIME, Reviews, plain_part
from worker.ledger.ledger import Ledger
from worker.reports.overview import works

KEPT = 20  # filters whose matches are kept between looks


@dataclass(frozen=True, slots=True)
class ProposalFilter:
    """Names the proposals that a person looks at; an empty part is any."""

    crm: str = ""
    id: str = ""
    field: str = ""
    provider: str = ""
    company: str = ""

    def of(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """Returns the lines that match: a field and a provider are those of one change."""
        if self.id:
            start = f"\t{plain_part(self.id)}\t".encode()
            lines = [line for line in lines if line.startswith(start, TIME)]
        if self.company:
            company = f"\t{plain_part(self.company)}\t ".encode()
            lines = [line for line in lines if company in line]
        if self.field or self.provider:
            before = f" {plain_part(self.field)}" if self.field else ""
            after = f"{plain_part(self.provider)} " if self.provider else ""
            change = f"{before}={after}".encode()
            lines = [line for line in lines if change in line]
        return lines


@dataclass(frozen=True, slots=True)
class Matches:
    """Holds the lines that match, by work and oldest first there."""

    lines: Mapping[WorkName, Sequence[bytes]]
    count: int
    fingerprint: str

    def first(self, most: int) -> dict[WorkName, Sequence[bytes]]:
        """Returns at most so many of them."""
        found = dict[WorkName, Sequence[bytes]]()
        for name, lines in self.lines.items():
            found[name] = list(islice(lines, most - sum(map(len, found.values()))))
        return found


@dataclass(slots=True)
class Proposals:
    """Lists the proposals of every work that await approval, as this process has read their lines."""

    ledger: Ledger
    settings: Settings
    _known: dict[WorkName, tuple[int, list[bytes]]] = field(default_factory=dict)
    _matches: dict[ProposalFilter, Matches] = field(default_factory=dict)

    async def matching(self, wanted: ProposalFilter) -> Matches:
        """Returns the matches; those found before are valid while no proposal has changed."""
        for name in sorted({*works(self.settings), *await self.ledger.all_work.works()}):
            reviews = Reviews(self.ledger.scripts, *name)
            changes = await reviews.changes()  # before the lines, so that what changes meanwhile is read again
            if self._known.get(name, (-1,))[0] != changes:
                self._known[name] = changes, await reviews.lines()
                self._matches.clear()
        if wanted not in self._matches:
            if len(self._matches) >= KEPT:
                self._matches.clear()
            known = sorted((name, lines) for name, (_, lines) in self._known.items())
            self._matches[wanted] = _matches(
                {name: wanted.of(lines) for name, lines in known if wanted.crm in {"", name[0]}}
            )
        return self._matches[wanted]


def _matches(lines: Mapping[WorkName, Sequence[bytes]]) -> Matches:
    digest = hashlib.sha256()
    for (crm, object), some in lines.items():
        digest.update(f"{crm} {object} {len(some)}\n".encode())
        digest.update(b"\n".join(some))
    return Matches(lines, sum(map(len, lines.values())), digest.hexdigest())
