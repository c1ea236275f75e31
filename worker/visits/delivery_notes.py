"""Holds the results of one visit of a delivered row, and the exception that leaves its nested steps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import structlog

from connectors.models import RefusalKind, WriteResult
from worker.decide.kept import TRIES, cause_of, refused_because, refused_name
from worker.decide.not_now import RetryAt
from worker.decide.obstacles import Obstacle
from worker.ledger.work.work import Lease
from worker.visits.delivery_part import Part, part_of
from worker.visits.journal_entries import IntentEntry, change_entry, kept_back_entry, signal_entry

log = structlog.get_logger(__name__)


class Deferred(Exception):  # noqa: N818 - no error: the way out of a nested step
    """Defers the row, or one of its people."""

    def __init__(self, at_ms: int, reason: str) -> None:
        super().__init__(reason)
        self.retry = RetryAt(at_ms, reason)


@dataclass(slots=True)
class DeliveryNotes:
    """Collects what a delivery leaves.

    ``closed`` are rows that may not be written, with the reason, ``made`` created rows.

    ``at_company`` is the company of a row when it was read, ``stamps`` the time of its last change (vendor ms).
    ``namesakes`` were at the company before a person was created there, by external id.
    ``fresh`` is the time (ms) at which this visit, or one that was cut short, created rows, by object and external id.
    ``problems`` need a person: sentences that name rows and prospects by their ids. ``obstacles``
    may end by themselves. ``is_proposed``: the row waits for a person's approval.
    ``done`` are people (external ids) whom this visit or an earlier one has finished; ``is_part``: others are left.
    """

    lease: Lease
    entries: list[str] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    at_company: dict[str, str] = field(default_factory=dict)
    stamps: dict[tuple[str, str], int] = field(default_factory=dict)
    namesakes: dict[str, frozenset[str]] = field(default_factory=dict)
    fresh: dict[tuple[str, str], int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    is_proposed: bool = False
    is_part: bool = False
    done: set[str] = field(default_factory=set)
    _noted: set[str] = field(default_factory=set)

    @property
    def tries(self) -> int:
        """Counts how often the delivery has waited for time to end an obstacle."""
        return int(self._kept("tries") or 0)

    @property
    def looks(self) -> int:
        """Counts how often the delivery has waited for a change of rows."""
        return int(self._kept("looks") or 0)

    @property
    def is_last(self) -> bool:
        """Tells whether time has had its chances: obstacles that remain need a person."""
        return self.tries >= TRIES

    @property
    def own(self) -> dict[str, str]:
        """Returns texts for the next visit: tries and looks so far, and the refusals that the journal knows."""
        timed = any(not one.waits_for_rows for one in self.obstacles)
        counts = (self.tries + 1, 0) if timed else (0, self.looks + 1)
        return {"tries": str(counts[0]), "looks": str(counts[1]), "told": " ".join(sorted(self._noted))}

    def go_on(self, digest: str) -> None:
        """Adopts the results and counts of earlier visits of the same row, including this one's view of the company."""
        part = part_of(digest, self._kept("part"))
        if not part.done:
            return
        self.done |= set(part.done)
        self.counts = dict(part.counts)
        self.problems = list(dict.fromkeys((*part.problems, *self.problems)))
        self.obstacles = list(dict.fromkeys((*part.obstacles, *self.obstacles)))
        self.stamps = {(object, id): stamp for object, id, stamp in part.stamps} | self.stamps

    def part(self, digest: str) -> dict[str, str]:
        """Returns texts for the visit that goes on with the others."""
        rows = {row for one in self.obstacles for row in one.rows}
        stamps = tuple((*row, self.stamps[row]) for row in sorted(rows & self.stamps.keys()))
        done = tuple(sorted(self.done))
        part = Part(digest, done, self.counts, tuple(self.problems), tuple(self.obstacles), stamps)
        kept = {name: self._kept(name) for name in ("tries", "looks")}
        return {**kept, "told": " ".join(sorted({*self._kept("told").split(), *self._noted})), "part": part.text}

    def awaited(self) -> list[tuple[str, str, int]]:
        """Returns the rows whose change brings the delivery back, with the stamp that each had (0: not read)."""
        rows = {row for one in self.obstacles if one.waits_for_rows for row in one.rows}
        return [(*row, self.stamps.get(row, 0)) for row in sorted(rows)]

    def count(self, name: str, by: int = 1) -> None:
        """Count something for the run's report."""
        self.counts[name] = self.counts.get(name, 0) + by

    def refused(self, intent: IntentEntry, word: WriteResult) -> None:
        """Tell of a value that the CRM refused: journal, log and report have its word, the journal once."""
        cause = cause_of(word)
        self.count(f"dropped.{word.kind}")
        self.count(refused_name(word))
        self._once(change_entry(intent, "refused", cause=cause), cause, intent.object, intent.id, intent.property)
        log.warning(
            "delivery.value_refused",
            made_object=intent.object,
            made_id=intent.id,
            property=intent.property,
            kind=word.kind,
            code=word.code,
            cause=cause,
        )

    def incomplete(self, object: str, external_id: str, at_ms: int) -> None:
        """Tell of a person without a last name: no CRM takes one, and no person can end that."""
        self.count("incomplete")
        entry = signal_entry("incomplete", "openprospect", "", {"external_id": external_id}, at_ms)
        self._once(entry, "incomplete", object, external_id)
        log.info("delivery.incomplete", made_object=object)

    def keep_back(
        self,
        what: str,
        kind: RefusalKind,
        cause: str,
        at_ms: int,
        rows: tuple[tuple[str, str], ...] = (),
        *,
        object: str,
        external_id: str,
    ) -> None:
        """Note a row or link that cannot be created or filled now; if time cannot help, it needs a person."""
        one = Obstacle(what, kind, cause, rows)
        if one.passes:
            self.obstacles.append(one)
        else:
            self.problems.append(one.sentence)
        id = rows[0][1] if rows else ""
        self.count(refused_because(cause))
        self._once(kept_back_entry(object, id, external_id, cause, at_ms), cause, object, id, external_id)
        log.warning("delivery.kept_back", made_object=object, made_id=id, kind=kind, cause=cause)

    def _once(self, entry: str, *what: str) -> None:
        """Keep an entry unless an earlier visit of the row has journalled the same."""
        digest = hashlib.sha256("\n".join(what).encode()).hexdigest()[:8]
        self._noted |= set(self._kept("told").split())
        if digest not in self._noted:
            self.entries.append(entry)
        self._noted.add(digest)

    def _kept(self, name: str) -> str:
        return self.lease.memory.own.get(name, "") if self.lease.memory else ""
