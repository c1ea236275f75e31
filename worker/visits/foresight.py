"""Foretells the visits of one watched object, a page of rows at a time; buys nothing, writes nothing, notes nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from connectors.models import Record
from worker.decide import pushing
from worker.decide.decision import Change
from worker.decide.forecast import Forecast, Forecaster
from worker.decide.kept import OurValue
from worker.decide.odds import Odds
from worker.decide.reasons import Reason
from worker.decide.record import planned_mark
from worker.ledger.scripts import Scripts
from worker.ledger.work.memory import Memory
from worker.ledger.work.record_state import states
from worker.visits.outlook import Decider, KnownAnswers, tells_nothing_new
from worker.visits.purchase import Lookups
from worker.visits.watch import Watch, ours

DEAD = "dead letter"
UNCHANGED = "nothing new"
COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class ForeseenVisit:
    """Foretells the visit of one record.

    ``skip`` says why there would be none. ``changes`` are written at once, from kept answers and values
    that the CRM refused before; ``before`` is what their properties hold. ``closed`` says why a field is left alone,
    ``unfilled`` why nothing is left to ask for one. ``kept`` counts the kept answers.
    """

    crm: str
    object: str
    id: str
    skip: str = ""
    gaps: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    before: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    closed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unfilled: Mapping[str, str] = dataclasses.field(default_factory=dict)
    kept: int = 0
    forecast: Forecast = dataclasses.field(default_factory=Forecast)
    mark: str = ""
    whom: tuple[str, ...] = dataclasses.field(default=(), repr=False)

    @property
    def fields(self) -> tuple[str, ...]:
        """Lists the fields that may be written."""
        asked = (name for step in self.forecast.steps for name in step.fields)
        return tuple(dict.fromkeys((*(one.field for one in self.changes), *asked)))

    @property
    def does_something(self) -> bool:
        """Tells whether anything would be asked or written."""
        return bool(self.fields)


class Foresight:
    """Foretells by the rules, the kept answers and the odds of this moment."""

    def __init__(self, watch: Watch, lookups: Lookups, scripts: Scripts) -> None:
        self.watch, self._lookups, self._scripts = watch, lookups, scripts
        self._decider = Decider(watch, lookups)
        self._forecaster: tuple[Odds, Forecaster] | None = None

    async def of(self, rows: Sequence[Record], *, forced: bool = False) -> list[ForeseenVisit]:
        """Foretells the visits of rows as they were read; ``forced``: regardless of their fingerprints.

        Raises:
            ConnectorError: the CRM could not be asked about linked companies or a person's edits.
        """
        if not rows:
            return []
        watch, ids = self.watch, [row.id for row in rows]
        await self._lookups.renew_odds()
        memories, where, now, records = await asyncio.gather(
            watch.work.memory(ids),
            states(self._scripts, watch.crm, watch.object, ids),
            watch.work.now(),
            watch.complete(rows),
        )
        seen = (
            self._visit(one, memories.get(one.id), now, is_dead=where.get(one.id) == "dead", forced=forced)
            for one in records
        )
        return list(await asyncio.gather(*seen))

    async def _visit(
        self, record: Record, memory: Memory | None, now: int, *, is_dead: bool, forced: bool
    ) -> ForeseenVisit:
        watch = self.watch
        own = ours(memory)
        view = watch.view(record, own)
        own |= {name: OurValue(refused=True) for name in view.refused}
        closed = {name: str(reason) for name, reason in view.closed.items()}
        foreseen = ForeseenVisit(watch.crm, watch.object, record.id, closed=closed)
        if view.skip:
            return dataclasses.replace(foreseen, skip=str(view.skip))
        if is_dead and not forced:
            return dataclasses.replace(foreseen, skip=DEAD)
        opened: frozenset[str] = frozenset()
        if not forced and tells_nothing_new(watch, view, memory, now):
            opened = watch.opened(view, memory)
            if not opened:
                return dataclasses.replace(foreseen, skip=UNCHANGED)
        if not view.gaps:
            return dataclasses.replace(foreseen, skip="" if closed else COMPLETE)
        mark = planned_mark(view, watch.policy)
        outlook = await self._decider.outlook(record, view, own)
        known, chosen = KnownAnswers(), opened or view.gaps
        open_, paid = outlook.only(chosen), (one for one in outlook.paid if one.field in chosen)
        await self._decider.learn(open_, known, None)
        decision = await self._decider.decided(open_, known)
        decision = replace(decision, changes=(*paid, *decision.changes))
        decision = await self._decider.unsuppressed(decision, outlook.view)
        push = pushing.push(decision.changes, outlook.view, record, outlook.view, watch.policy, own)
        who = decision.identity
        return dataclasses.replace(
            foreseen,
            gaps=outlook.view.gaps,
            changes=push.writes,
            before={one.field: record.values.get(one.property) or "" for one in push.writes},
            closed={name: str(reason) for name, reason in outlook.view.closed.items()},
            unfilled={
                **dict.fromkeys(outlook.unfit.intersection(chosen), str(Reason.INVALID_VALUE)),
                **{name: str(why) for name, why in decision.unfilled.items() if name not in outlook.view.closed},
            },
            kept=len(known.answers),
            forecast=self._foretell().of(known.without_bad(open_), known.answers) if decision.questions else Forecast(),
            mark=mark,
            whom=(who.slug, *((who.first_name, who.last_name, who.domain, who.email) if not who.slug else ())),
        )

    def _foretell(self) -> Forecaster:
        odds = self._lookups.odds
        if self._forecaster is None or self._forecaster[0] is not odds:
            made = Forecaster(self._decider.usual_policy(), self._decider.offers, odds, self.watch.schema)
            self._forecaster = (odds, made)
        return self._forecaster[1]
