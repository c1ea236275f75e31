"""Makes a plan: reads the CRMs as a full pass would, and foretells every visit. Buys nothing, writes nothing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Fate, Record
from worker.decide.odds import Odds
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.own_clock import clock
from worker.ledger.rates.pauses import Pause
from worker.reports.plan_deliveries import DeliverySums, ForeseenDelivery, foresee_deliveries
from worker.reports.plan_sums import PlanSums, lasts_s
from worker.service.opening import open_crms
from worker.service.runtime import Runtime
from worker.visits.foresight import ForeseenVisit, Foresight
from worker.visits.watch import Watch

PAGE = 100  # rows foretold at once


class PlanAsked(Struct, frozen=True):
    """Limits a plan: one crm, one of its objects, one record, at most so many records with something to do."""

    crm: str = ""
    object: str = ""
    record: tuple[str, str, str] | None = None
    limit: int | None = None

    @property
    def takes_deliveries(self) -> bool:
        """Tells whether deliveries are asked for: with everything of a crm, or by their name."""
        return self.record is None and self.limit is None and self.object in {"", DELIVERY}

    def takes(self, watch: Watch) -> bool:
        """Tells whether the records of a watched object are asked for."""
        if self.record:
            return (watch.crm, watch.object) == self.record[:2]
        return self.crm in {"", watch.crm} and self.object in {"", watch.object}


@dataclass(slots=True)
class Plan:
    """Holds the sums, and the conditions of a pass: ``pauses``, ``budgets`` (credits left today) and crms not read."""

    sums: PlanSums = field(default_factory=PlanSums)
    pages: dict[str, int] = field(default_factory=dict)
    odds: Odds = field(default_factory=Odds)
    pauses: Sequence[Pause] = ()
    budgets: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    not_read: Sequence[str] = ()
    deliveries: Mapping[str, DeliverySums] = field(default_factory=dict)
    undelivered: str = ""  # why OpenProspect was not asked for ready deliveries
    reviewed: Sequence[str] = ()  # crms in which every change waits for a person's word
    observed: Sequence[str] = ()  # crms that a pass leaves alone: what their records would come to in review
    is_cut: bool = False  # at the limit: there are more records

    def as_json(self) -> dict[str, Any]:
        paused = [{"target": one.target, "reason": one.reason, "why": one.why} for one in self.pauses]
        return self.sums.as_json(self.odds) | {
            "crm_calls": dict(self.calls),
            "seconds": round(self.seconds),
            "budget_today": dict(self.budgets),
            "paused": paused,
            "not_read": [*self.not_read, *(["openprospect"] if self.undelivered else [])],
            "deliveries": {name: one.as_json() for name, one in self.deliveries.items()},
            "review": list(self.reviewed),
            "observe": list(self.observed),
            "limited": self.is_cut,
        }


Show = Callable[[ForeseenVisit], None]


async def make_plan(
    runtime: Runtime,
    asked: PlanAsked,
    show: Show,
    shown: Callable[[PlanSums], None],
    delivered: Callable[[ForeseenDelivery], None],
) -> Plan:
    """Make the plan of every record asked for, a page after the other; each goes to ``show`` at once and not kept.

    Raises:
        ConnectorError: a CRM could not be read to the end.
    """
    plan = Plan()
    await runtime.refresh_standing()
    await open_crms(runtime)
    plan.not_read = sorted(name for name in runtime.shut if asked.crm in {"", name})
    for watch in [one for _, one in sorted(runtime.watches.items()) if asked.takes(one)]:
        foresight = Foresight(_out_of_observe(watch), runtime.lookups, runtime.ledger.scripts)
        async for rows in _rows(watch, asked, plan):
            for one in await foresight.of(rows, forced=asked.record is not None):
                if plan.is_cut:
                    break
                plan.sums.add(one)
                show(one)
                plan.is_cut = asked.limit is not None and plan.sums.visits >= asked.limit
            shown(plan.sums)
            if plan.is_cut:
                break
    if asked.takes_deliveries:
        plan.deliveries, plan.undelivered = await foresee_deliveries(runtime, asked.crm, delivered)
    plan.reviewed, plan.observed = (_in_mode(runtime, asked, mode) for mode in ("review", "observe"))
    plan.odds = runtime.lookups.odds
    await _meet(runtime, plan)
    return plan


def _out_of_observe(watch: Watch) -> Watch:
    """Returns a watch whose records are looked up: of one that is only observed, a plan tells what review would do."""
    policy = watch.policy
    return replace(watch, policy=dataclasses.replace(policy, mode="review")) if policy.mode == "observe" else watch


def _in_mode(runtime: Runtime, asked: PlanAsked, mode: str) -> list[str]:
    return sorted({one.crm for one in runtime.watches.values() if one.policy.mode == mode and asked.takes(one)})


async def _rows(watch: Watch, asked: PlanAsked, plan: Plan) -> AsyncIterator[Sequence[Record]]:
    if asked.record:
        found = (await watch.vendor.read(watch.watched, [asked.record[2]]))[asked.record[2]]
        if found.fate is Fate.FOUND and found.record is not None:
            yield [found.record]
        return
    after, done = "", False
    while not done:
        page = await watch.vendor.walk(watch.watched, after)
        plan.pages[watch.crm] = plan.pages.get(watch.crm, 0) + 1
        for start in range(0, len(page.records), PAGE):
            yield page.records[start : start + PAGE]
        after, done = page.cursor.id, page.done


async def _meet(runtime: Runtime, plan: Plan) -> None:
    """Find the conditions of the pass: rates, budgets, pauses."""
    sums, lookups = plan.sums, runtime.lookups
    plan.pauses = await runtime.ledger.pauses.all()
    plan.calls = {name: _calls(runtime, plan, name) for name in sorted({*plan.pages, *sums.visited})}
    windows = {bucket: seen for one in runtime.providers.values() for bucket, seen in one.buckets.items()}
    crm_s = [
        lasts_s(calls, window)
        for name, calls in plan.calls.items()
        for buckets in list(runtime.crms[name].buckets.values())[:1]
        for window in buckets
    ]
    plan.seconds = max([sums.seconds(windows), *crm_s], default=0.0)
    now = clock()
    lines = {name: lookups.budget_lines.provider_lines(name, now) for name in runtime.providers}
    rooms = await runtime.ledger.budgets.rooms(lines, 0.0)
    plan.budgets = {name: room[0] for name, room in rooms.items()}


def _calls(runtime: Runtime, plan: Plan, name: str) -> int:
    """Returns the calls of a CRM: its walk, the batches of visits, and those of writes, which go half full.

    Each batch is read with its linked companies, or read again and written. Fields that can be locked and writes that
    are verified cost one call more.
    """
    size = runtime.crms[name].batch
    watches = [one for one in runtime.watches.values() if one.crm == name]
    history = runtime.crms[name].keeps_history
    locks = history and any(rule.lock_ms for one in watches for rule in one.policy.rules)
    verified = history and any(rule.write in {"if_ours", "always"} for one in watches for rule in one.policy.rules)
    visits = math.ceil(plan.sums.visited[name] / size) * (2 + locks)
    writes = math.ceil(2 * plan.sums.written.get(name, 0.0) / size) * (2 + verified)
    return plan.pages.get(name, 0) + visits + writes
