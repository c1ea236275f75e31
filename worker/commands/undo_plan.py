"""Takes changes of ours back: finds them in the journal, reads their state, and has visits restore the old values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.models import Fate
from worker.decide.journal_line import JournalFilter, JournalLine
from worker.decide.undo import Undoable, UndoVerdict, undoables, verdicts
from worker.ledger.journal.journal import Journal
from worker.ledger.money.answers import Ref
from worker.service.runtime import Runtime
from worker.upkeep.journal_reader import journal_lines
from worker.visits.archiving import COMPANY, ArchiveVerdict, attached, untouched
from worker.visits.watch import Watch, spoilt

ROW = "(the row)"
_LOST = {Fate.GONE: "gone", Fate.MOVED: "moved"}


@dataclass(frozen=True, slots=True)
class StandingChange:
    """Describes the state of one change that is to go back: an ``UndoVerdict``, ``moved``, ``gone`` or ``unread``."""

    record: Ref
    field: str
    property: str
    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)
    stands: str


@dataclass(slots=True)
class UndoPlan:
    """Holds the changes found by record. ``unreached`` are changes on rows that no visit handles any more.

    ``made`` are the rows that deliveries created, which are to be archived.
    """

    keys: dict[Ref, list[str]] = dataclasses.field(default_factory=dict)
    undo: dict[Ref, tuple[Undoable, ...]] = dataclasses.field(default_factory=dict)
    made: set[Ref] = dataclasses.field(default_factory=set)
    unreached: list[JournalLine] = dataclasses.field(default_factory=list)
    standing: list[StandingChange] = dataclasses.field(default_factory=list)

    @property
    def going(self) -> list[Ref]:
        return sorted({one.record for one in self.standing if one.stands == UndoVerdict.BACK})

    def steps(self) -> list[list[Ref]]:
        """Lists the same in the order in which they may go: a company once its people have."""
        last = {one.record for one in self.standing if one.field == ROW and one.record[1] == COMPANY}
        parts = ([one for one in self.going if one not in last], [one for one in self.going if one in last])
        return [part for part in parts if part]

    def emptied(self, crm: str) -> frozenset[str]:
        """Returns the ids of a crm's rows that are to be archived: by then no company has related rows."""
        rows = (one for one in self.standing if one.field == ROW and one.stands == UndoVerdict.BACK)
        return frozenset(one.record[2] for one in rows if one.record[0] == crm)


async def found(runtime: Runtime, wanted: JournalFilter, *, created: bool = False) -> UndoPlan:
    """Find the changes in the journal, as far as Redis still has it; with ``created`` the rows that were made, too."""
    plan, entries = UndoPlan(), dict[Ref, list[Mapping[str, object]]]()
    async for line in journal_lines(runtime.ledger.journal, wanted):
        record = (line.crm, line.object, line.id)
        if line.kind == "created" or (line.kind == "change" and line.state == "confirmed" and line.property):
            is_made = line.kind == "created"
            if (is_made and not created) or record[:2] not in runtime.undoable:
                plan.unreached.append(line)
                continue
            plan.keys.setdefault(record, []).append(line.key)
            if is_made:
                plan.made.add(record)
                continue
            facts = {name: getattr(line, name) for name in ("kind", "state", "field", "property", "before", "after")}
            entries.setdefault(record, []).append(facts | {"rule": line.rule})
    plan.undo = {record: undoables(lines) for record, lines in entries.items()}
    return plan


async def look(runtime: Runtime, plan: UndoPlan) -> None:
    """Read the state of the changes, in the vendors' batches; nothing is written.

    Raises:
        ConnectorError: a CRM could not be read.
    """
    by_watch: dict[tuple[str, str], list[Ref]] = {}
    for record in sorted({*plan.undo, *plan.made}):
        by_watch.setdefault(record[:2], []).append(record)
    for name, records in sorted(by_watch.items(), key=lambda one: one[0][1] == COMPANY):  # people first
        watch = runtime.undoable[name]
        for start in range(0, len(records), watch.vendor.batch):
            plan.standing += await _standing(watch, plan, records[start : start + watch.vendor.batch])


async def _standing(watch: Watch, plan: UndoPlan, records: Sequence[Ref]) -> list[StandingChange]:
    ids = [id for _, _, id in records]
    names = sorted({one.property for record in records for one in plan.undo.get(record, ())})
    ours = await watch.vendor.ours(watch.object, ids, names) if names else {}
    made = [id for crm, kind, id in records if (crm, kind, id) in plan.made]
    left_alone = await untouched(watch, made) if made else frozenset[str]()
    at, emptied = await attached(watch, sorted(left_alone)), plan.emptied(watch.crm)
    rows = await watch.vendor.read(watch.reading(names), ids)
    kept = await watch.complete([row.record for row in rows.values() if row.fate is Fate.FOUND and row.record])
    held = {row.id: row for row in kept}
    back = {
        id: [(one.field, one.property, one.before) for one in plan.undo.get(record, ())]
        for record, id in zip(records, ids, strict=True)
    }
    bad = await spoilt(watch.are_bad, back)
    found: list[StandingChange] = []
    for record in records:
        undo, row = plan.undo.get(record, ()), held.get(record[2])
        stands: Mapping[str, str]
        if row is None:
            fate = rows[record[2]].fate if record[2] in rows else Fate.UNKNOWN
            stands = dict.fromkeys((one.property for one in undo), _LOST.get(fate, "unread"))
        else:
            mine, countries = ours.get(record[2], frozenset()), watch.view(row, {}).countries
            stands = verdicts(undo, row, mine, countries, bad[record[2]])
        if record in plan.made:
            fate = rows[record[2]].fate if record[2] in rows else Fate.UNKNOWN
            going = UndoVerdict.BACK if record[2] in left_alone else ArchiveVerdict.TOUCHED
            if at.get(record[2], frozenset()) - emptied:
                going = ArchiveVerdict.LINKED
            stands_made = going if row is not None else _LOST.get(fate, "unread")
            found.append(StandingChange(record, ROW, "", "", "", stands_made))
        found += [
            StandingChange(record, one.field, one.property, one.before, one.after, stands[one.property]) for one in undo
        ]
    return found


async def ask(runtime: Runtime, plan: UndoPlan, run: str, records: Sequence[Ref] | None = None) -> None:
    """Have a visit take back what goes back of each record, or of these; killed half-way, the same command goes on."""
    for record in plan.going if records is None else records:
        crm, kind, id = record
        await runtime.ledger.work(crm, kind).replay(id, run, undo=plan.keys[record])


async def outcome(journal: Journal, run: str, since_ms: int) -> list[JournalLine]:
    """Read the results of the run's visits, oldest first."""
    wanted = JournalFilter(run=run, since=since_ms)
    return [line async for line in journal_lines(journal, wanted) if line.kind == "change"]
