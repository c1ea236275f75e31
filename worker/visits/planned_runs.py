"""Tells which gaps a run that carries out a plan may fill on a record, and whether the record has changed since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from worker.decide.kept import OurValue
from worker.decide.record import planned_mark, with_values
from worker.decide.values.fields import same_value, value_hash
from worker.ledger.journal.journal import Journal
from worker.ledger.work.planned import Planned, PlannedFields
from worker.ledger.work.work import Lease
from worker.visits.visit_notes import VisitNotes
from worker.visits.watch import Watch


class PlannedRuns:
    """Compares records of one watched object with the plans that runs carry out."""

    def __init__(self, watch: Watch, planned: Planned, journal: Journal) -> None:
        self._watch, self._planned, self._journal = watch, planned, journal

    async def of(self, lease: Lease, notes: VisitNotes) -> PlannedFields | None:
        """Returns the fields that the lease's run may fill; ``None`` if the record has changed since the plan.

        A value that the run itself has written is not a change, so that a visit that waited, or died, goes on.
        """
        planned = await self._planned.of(lease.run, lease.crm, lease.object, lease.id)
        if planned is None or self._mark(notes) == planned.mark:
            return planned
        kept = [one.entry for one in await self._journal.entries(lease.crm, lease.object, lease.id)]
        changes = [json.loads(text) for text in (*kept, *notes.ends)]
        written = [one for one in changes if one.get("state") == "confirmed" and one.get("run") == lease.run]
        return planned if written and self._mark(self._before(notes, written)) == planned.mark else None

    def _mark(self, notes: VisitNotes) -> str:
        return planned_mark(self._watch.view(notes.record, notes.own), self._watch.policy)

    def _before(self, notes: VisitNotes, written: Iterable[Mapping[str, str]]) -> VisitNotes:
        """Shows the record as it was before the run wrote the values that are still there."""
        record, own = notes.record, dict(notes.own)
        countries = self._watch.view(record, own).countries
        for one in reversed(list(written)):
            name, property, before = one["field"], one["property"], one["before"]
            if same_value(name, one["after"], record.values.get(property) or "", countries):
                ours = own.get(name, OurValue())
                hash_ = value_hash(name, before, countries) if before else ""
                record, own[name] = with_values(record, {property: before}), ours.written(hash_)
        return VisitNotes(record, {name: value for name, value in own.items() if value != OurValue()})
