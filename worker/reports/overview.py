"""Collects the present state from Redis in a few round trips: for ``status`` and for ``/metrics``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from config.settings import Settings
from connectors.telemetry import CallName
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import RunFigures, WorkName, WorkStatus, together
from worker.ledger.journal.reviews import Reviews
from worker.ledger.ledger import Ledger
from worker.ledger.money.budgets import Booked, Totals
from worker.ledger.money.ticket_values import Uncertain
from worker.ledger.rates.calls import Called
from worker.ledger.rates.clocks import Offset
from worker.ledger.rates.cursors import newest_change
from worker.ledger.rates.pauses import Pause
from worker.ledger.rates.timetable import Beat, Ticked
from worker.ledger.redis_memory import MemoryUse
from worker.ledger.run import Run
from worker.ledger.work.work import Counts
from worker.redis.connection import dangers_of
from worker.visits.budget_lines import Cap, budget_lines_of

COMPANY = "company"
DOUBTS_SHOWN = 20
NOTHING = Counts(0, 0, 0, 0, 0, 0, 0)


class Credits(Struct, frozen=True):
    """Counts credits on the day and the month of one budget, and its limits; ``None`` = no limit."""

    today: int = 0
    month: int = 0
    reserved: int = 0
    cap: Cap = field(default_factory=Cap)

    def as_json(self) -> dict[str, int | None]:
        return {
            "today": self.today,
            "month": self.month,
            "reserved": self.reserved,
            "budget_day": self.cap.day,
            "budget_month": self.cap.month,
        }


class Overview(Struct, frozen=True):
    """Holds everything ``status`` shows.

    Times are the ledger's, in ms; ``polls`` maps a work to its last good poll. ``calls`` are those of vendors.

    ``credits`` holds the paid providers, ``crm_credits`` the crms that have a budget; ``totals`` count since the start.
    ``today`` are the results of the day's runs: of each crm, and of OpenProspect for records it delivered.
    ``proposals`` are records that await a person's approval.
    ``announced`` are records that webhooks named, ``recovered`` those that only a sweep found, since the start;
    ``replayed`` came with a signed post that had come before.
    ``clocks`` are the vendors' against ours. ``doubts`` are the longest uncertain lookups,
    ``reconciled`` the last comparison with each provider's books, and
    ``learned`` are crms that ask in the learned order,
    ``newest`` is, by crm, when the last record changed that a poll has seen,
    ``unsafe`` says why Redis may forget.
    """

    now_ms: int
    work: Mapping[WorkName, Counts]
    waiting: Mapping[str, int]
    filled: Mapping[WorkName, Mapping[tuple[str, str], int]]
    uncertain: int
    credits: Mapping[str, Credits]
    crm_credits: Mapping[str, Credits]
    totals: Mapping[str, Totals]
    pauses: Sequence[Pause]
    polls: Mapping[WorkName, int]
    collected_ms: int
    workers: Sequence[Beat]
    today: Mapping[str, RunFigures]
    journal: int
    deliveries: int
    proposals: Mapping[WorkName, int] = {}
    announced: Mapping[WorkName, int] = {}
    recovered: Mapping[WorkName, int] = {}
    replayed: Mapping[WorkName, int] = {}
    doubts: Sequence[Uncertain] = ()
    reconciled: Mapping[str, Mapping[str, Any]] = {}
    unsafe: Sequence[str] = ()
    memory: MemoryUse | None = None
    clocks: Mapping[str, Offset] = {}
    learned: Sequence[str] = ()
    newest: Mapping[str, int] = {}
    calls: Mapping[CallName, Called] = {}

    def as_json(self) -> dict[str, Any]:
        """Returns ``status --json``; its keys are stable, others may join them."""
        return {
            "work": _nested(
                (crm, kind, {"due": one.due, "leased": one.leased, "waiting": one.waiting} | _lanes(one))
                for (crm, kind), one in self.work.items()
            ),
            "waiting": dict(self.waiting),
            "tickets": {"uncertain": self.uncertain},
            "credits": {name: one.as_json() for name, one in self.credits.items()},
            "crm_credits": {name: one.as_json() for name, one in self.crm_credits.items()},
            "filled": _nested((crm, kind, _filled(pairs)) for (crm, kind), pairs in self.filled.items()),
            "today": {crm: _run(one) for crm, one in self.today.items()},
            "paused": self._paused(),
            "polls": _nested((crm, kind, (self.now_ms - at) // 1000) for (crm, kind), at in self.polls.items()),
            "workers": {beat.owner: dict(beat.info) for beat in self.workers},
            "memory": self.memory.as_json() if self.memory else None,
            "uncertain": [_doubt(one) for one in self.doubts],
            "reconciled": {name: dict(comparison) for name, comparison in self.reconciled.items()},
            "unsafe": list(self.unsafe),
            "learned_order": list(self.learned),
            "journal": self.journal,
            "deliveries": self.deliveries,
            "proposals": _nested((crm, kind, count) for (crm, kind), count in self.proposals.items()),
            "clocks": {name: one.ms / 1000 for name, one in self.clocks.items()},
            "recovered": _nested((crm, kind, count) for (crm, kind), count in self.recovered.items()),
        }

    def _paused(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in self.pauses:
            found.setdefault(one.target, {})[one.reason] = {
                "since": one.since_ms,
                "until": one.until_ms or None,
                "why": one.why,
            }
        return found


async def overview(ledger: Ledger, settings: Settings) -> Overview:
    """Read it; nothing is changed and no vendor is asked."""
    now = await ledger.scripts.now()
    providers = list(settings.providers.paid)
    sources = settings.sources
    budget_lines = budget_lines_of(settings)
    lines = {name: budget_lines.provider_lines(name, now)[:2] for name in providers}
    lines |= {name: budget_lines.crm_lines(name, now) for name in budget_lines.crms}
    status, uncertain, booked, pauses = await asyncio.gather(
        ledger.figures.work_status(providers),
        ledger.desk.uncertain_count(),
        ledger.budgets.booked([line.name for pair in lines.values() for line in pair]),
        ledger.pauses.all(),
    )
    announced, recovered, replayed = await asyncio.gather(
        ledger.intake.announced(), ledger.intake.recovered(), ledger.intake.replayed()
    )
    doubts, unsafe, compared = await asyncio.gather(
        ledger.desk.uncertain_list(DOUBTS_SHOWN),
        dangers_of(ledger.scripts.redis) if settings.redis.allow_unsafe else _none(),
        asyncio.gather(*(ledger.books.last(name) for name in providers)),
    )
    ticked, workers, totals, today = await asyncio.gather(
        ledger.timetable.last(),
        ledger.timetable.alive(),
        asyncio.gather(*(ledger.budgets.totals(name) for name in providers)),
        asyncio.gather(*(ledger.figures.of_run(Run.of_day(name, settings.budget_zone, now).name) for name in sources)),
    )
    clocks = await ledger.clocks.of([*providers, *sources])
    names = {name: [line.name for line in pair] for name, pair in lines.items()}
    collected = ticked.get("collect:all")
    return Overview(
        now_ms=now,
        work={name: status.work.get(name, NOTHING) for name in sorted({*works(settings), *status.work})},
        waiting=status.waiting,
        filled=_values_filled(status),
        uncertain=uncertain,
        credits={name: _credits(booked, names[name], budget_lines.providers[name]) for name in providers},
        crm_credits={name: _credits(booked, names[name], cap) for name, cap in budget_lines.crms.items()},
        totals=dict(zip(providers, totals, strict=True)),
        pauses=pauses,
        polls=_polled(ticked),
        collected_ms=collected.done_ms if collected else 0,
        workers=workers,
        memory=await ledger.redis_memory.now(),
        today={crm: _filling(run) for crm, run in zip(sources, today, strict=True)},
        journal=status.journal,
        deliveries=status.deliveries,
        proposals=await proposals(ledger, settings),
        announced=announced,
        recovered=recovered,
        replayed=replayed,
        doubts=doubts,
        reconciled={name: last for name, last in zip(providers, compared, strict=True) if last},
        unsafe=unsafe,
        clocks=clocks,
        newest=await _newest(ledger, settings),
        learned=[name for name, crm in settings.crm.items() if crm.order == "learned"],
        calls=await ledger.calls.all(),
    )


async def _newest(ledger: Ledger, settings: Settings) -> dict[str, int]:
    kept = await ledger.cursors.all()
    found = {
        name: max((int(kept.get(newest_change(name, kind), 0)) for kind in crm.objects()), default=0)
        for name, crm in settings.crm.items()
    }
    return {name: at_ms for name, at_ms in found.items() if at_ms}


def _polled(ticked: Mapping[str, Ticked]) -> dict[WorkName, int]:
    """Returns when (ms) each work was polled last."""
    found: dict[WorkName, int] = {}
    for task, last in ticked.items():
        if task.startswith("poll:") and last.done_ms:
            crm, _, kind = task.partition(":")[2].partition(".")
            found[crm, kind] = last.done_ms
    return found


async def proposals(ledger: Ledger, settings: Settings) -> dict[WorkName, int]:
    """Counts the records that await a person's approval, of every work that is or was in review."""
    names = sorted({*works(settings), *await ledger.all_work.works()})
    counts = await asyncio.gather(*(Reviews(ledger.scripts, *name).waiting() for name in names))
    return {name: count for name, count in zip(names, counts, strict=True) if count}


async def _none() -> tuple[str, ...]:
    return ()


def works(settings: Settings) -> list[WorkName]:
    """Returns every configured (crm, object): watched ones, and targets of deliveries."""
    found = [(name, kind) for name, crm in settings.crm.items() for kind in crm.objects()]
    return [*found, *((name, DELIVERY) for name in settings.providers.deliver_to)]


def undoables(settings: Settings) -> list[WorkName]:
    """Returns every (crm, object) in which visits take changes back: watched ones, and companies of deliveries."""
    return [(name, COMPANY if kind == DELIVERY else kind) for name, kind in works(settings)]


def _filling(run: Mapping[WorkName, RunFigures]) -> RunFigures:
    return together(figures for (_, kind), figures in run.items() if kind != DELIVERY)


def _credits(booked: Mapping[str, Booked], names: Sequence[str], cap: Cap) -> Credits:
    day, month = (booked[name] for name in names)
    return Credits(day.spent, month.spent, day.reserved, cap)


def _values_filled(status: WorkStatus) -> dict[WorkName, Mapping[tuple[str, str], int]]:
    return {name: pairs for name, pairs in status.filled.items() if name[1] != DELIVERY}


def _lanes(one: Counts) -> dict[str, Any]:
    return {
        "dead": one.dead,
        "settled": one.settled,
        "lanes": {"live": one.due - one.due_backfill, "backfill": one.due_backfill},
        "oldest_due": one.oldest_due_ms or None,
    }


def _filled(pairs: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (name, provider), count in pairs.items():
        found.setdefault(name, {})[provider] = count
    return found


def _doubt(one: Uncertain) -> dict[str, Any]:
    return {
        "id": one.ticket_id,
        "provider": one.provider,
        "operation": one.operation,
        "credits": one.price,
        "sent": one.sent_ms,
        "cause": one.cause,
        "verdict": one.verdict,
    }


def _run(one: RunFigures) -> dict[str, Any]:
    filled = sum(one.filled.values())
    return {"records": one.records, "gaps": one.gaps, "filled": filled, "fill_rate": fill_rate(one)}


def fill_rate(one: RunFigures) -> float | None:
    """Returns the share of filled gaps; ``None`` if there were none."""
    return round(sum(one.filled.values()) / one.gaps, 3) if one.gaps else None


def _nested(rows: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for crm, kind, value in rows:
        found.setdefault(crm, {})[kind] = value
    return found
