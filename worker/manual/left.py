"""Tells which records a run leaves in the work, what they wait for, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from config.counts import counted
from connectors.models import RefusalKind
from worker.ledger.journal.figures import RunFigures, WorkName
from worker.ledger.own_clock import clock
from worker.ledger.rates.pauses import Pause
from worker.ledger.work.work import Lane, Left, Work
from worker.manual.shortages import short_of
from worker.service.runtime import Runtime
from worker.visits.budget_lines import cap_line, cap_of
from worker.visits.visit_notes import DRIFTED, TOO_DEAR

_ENDS_BY_ITSELF = frozenset({"leased", "verdict"})  # a lease in 90 s, a verdict in 5 min at the latest
_RATE = frozenset({"429", "rate"})


class Held(Struct, frozen=True):
    """Counts records of one kind that a run leaves. ``until_ms``: when they can go on, ``None`` if unknown.

    ``why`` is one of the words of ``docs/passes.md``, ``waits_for`` the provider or crm that it is about, and ``hint``
    a sentence or word more.
    """

    crm: str
    object: str
    records: int
    why: str
    waits_for: str = ""
    until_ms: int | None = None
    hint: str = ""

    def goes_on_by(self, at_ms: int) -> bool:
        """Says whether they can go on by a time without anybody's doing."""
        return self.why in _ENDS_BY_ITSELF or (self.until_ms is not None and self.until_ms <= at_ms)


async def held(runtime: Runtime, run: str, works: Sequence[Work], *, served: bool = False) -> list[Held]:
    """Returns the records of the run that are still in the work, by what holds them.

    ``served``: other processes visit them, so that it says nothing which crms are open here.
    """
    groups = [(work, one) for work in works for one in await work.of_run.left(run)]
    if not groups:
        return []
    holders = _Holders(
        runtime, await runtime.ledger.pauses.all(), clock(), await _cap_room(runtime, run), served=served
    )
    return _merged([await holders.of(work, one) for work, one in groups])


def left_behind(by_work: Mapping[WorkName, RunFigures], left: Sequence[Held] = (), cap: str = "") -> tuple[Held, ...]:
    """Returns ``left`` with the records that a run has let go: cut by its cap, taken, too expensive for any day.

    ``cap`` says how much of the run's cap is spent.
    """
    found = [replace(one, hint=cap) if one.why == "cap" else one for one in left]
    for (crm, kind), figures in by_work.items():
        for why, count in (
            ("cap", figures.tally.get("cut", 0)),
            ("drifted", figures.tally.get(DRIFTED, 0)),
            ("price", figures.tally.get(TOO_DEAR, 0)),
            ("taken", figures.taken),
        ):
            if count:
                found.append(Held(crm, kind, count, why, hint=cap if why == "cap" else ""))
    return tuple(_merged(found))


def _kept_back(note: str) -> tuple[str, str] | None:
    """Returns the obstacle of a delivery that waits for a CRM, and the CRM's message about it."""
    kind, _, cause = note.partition(": ")
    if not cause or kind not in set(RefusalKind):
        return None
    return "record" if kind in {RefusalKind.ROW, RefusalKind.RULE} else "crm", cause


async def _cap_room(runtime: Runtime, run: str) -> int | None:
    """Returns the credits that a run may still spend, ``None`` if it has no cap."""
    cap = await cap_of(runtime.ledger.cursors, run)
    if cap is None:
        return None
    booked = (await runtime.ledger.budgets.booked([cap_line(run)]))[cap_line(run)]
    return cap - booked.spent - booked.reserved


def _merged(rows: Iterable[Held]) -> list[Held]:
    found: dict[tuple[str, ...], Held] = {}
    for row in rows:
        name = (row.crm, row.object, row.why, row.waits_for, row.hint)
        before = found.get(name)
        if before is None:
            found[name] = row
        else:
            times = [at for at in (before.until_ms, row.until_ms) if at is not None]
            found[name] = replace(before, records=before.records + row.records, until_ms=min(times, default=None))
    return [found[name] for name in sorted(found)]


class _Holders:
    """Finds what holds a group of records, at one moment."""

    def __init__(
        self, runtime: Runtime, pauses: Sequence[Pause], now: int, cap_room: int | None, *, served: bool
    ) -> None:
        self._runtime, self._pauses, self._now, self._served = runtime, pauses, now, served
        self._cap_room = cap_room
        self._opens: dict[str, int] = {}

    async def of(self, work: Work, one: Left) -> Held:
        row = Held(work.crm, work.object, one.records, one.state)
        match one.state:
            case "leased":
                return replace(row, until_ms=self._now)
            case "waiting":
                return await self._waiting(row, one)
            case _:
                return self._due(row, one)

    def _due(self, row: Held, one: Left) -> Held:
        """Returns the records due now or later: their crm may be paused, or not open at all."""
        at, runtime = max(one.soonest_ms, self._now), self._runtime
        is_open = self._served or f"{row.crm}.{row.object}" in runtime.lines
        if not is_open and row.crm not in runtime.shut:
            return replace(row, why="observe", waits_for=row.crm)
        if pause := self._paused(row.crm):
            until = max(at, pause.until_ms) if pause.until_ms else None
            return replace(row, why="paused", waits_for=row.crm, until_ms=until, hint=pause.why or pause.reason)
        if not is_open:
            return replace(row, why="paused", waits_for=row.crm, hint=f"{row.crm} is not open")
        match one.note:
            case "verdict":
                return replace(row, why="verdict", until_ms=at)
            case note if note in _RATE:
                return replace(row, why="rate", waits_for=row.crm, until_ms=at)
            case "slow_reads":
                return replace(row, why="slow_reads", waits_for=row.crm, until_ms=at)
            case "" | "part":
                return replace(row, until_ms=at)
            case note if kept_back := _kept_back(note):
                why, hint = kept_back
                return replace(row, why=why, waits_for=row.crm, until_ms=at, hint=hint)
            case note:
                return replace(row, why="retry", until_ms=at, hint=note)

    def _paused(self, *targets: str) -> Pause | None:
        """Returns the pause that lasts longest on one of ``targets``."""
        pauses = [one for one in self._pauses if one.target in targets]
        return max(pauses, key=lambda one: one.until_ms or 2**53, default=None)

    async def _waiting(self, row: Held, one: Left) -> Held:
        """Returns what waits for providers: the one that can take it first is the one it waits for."""
        needs = one.needs or (0,) * len(one.providers)
        rows = [
            await self._provider(row, name, one.lane, need) for name, need in zip(one.providers, needs, strict=True)
        ]
        first = min(rows, key=lambda held: 2**53 if held.until_ms is None else held.until_ms)
        if one.note == "verdict":
            return replace(first, why="verdict", until_ms=one.soonest_ms or first.until_ms)
        if one.soonest_ms and (first.until_ms is None or one.soonest_ms < first.until_ms):
            return replace(first, until_ms=max(one.soonest_ms, self._now))
        return first

    async def _provider(self, row: Held, name: str, lane: Lane, need: int) -> Held:
        runtime, row = self._runtime, replace(row, waits_for=name)
        terms = runtime.lookups.terms.get(name)
        if terms is None:
            return replace(row, why="paused", hint=f"{name} is not configured any more")
        bucket = terms.offers[0].bucket
        pause = self._paused(name, bucket if bucket.startswith(name) else f"{name}:{bucket}")
        if pause and not pause.until_ms:
            return replace(row, why="paused", hint=pause.why or pause.reason)
        if name not in self._opens:
            self._opens[name] = await runtime.limiters[name].opens_at(bucket)
        at = self._opens[name] or None
        if name in runtime.lookups.unchecked and at and at <= self._now:
            return replace(row, why="reconcile", until_ms=self._now)  # they are compared again and again
        why, hint = "rate", ""
        if pause and pause.reason not in _RATE:
            why, hint = "paused", pause.why or pause.reason
        reserve = terms.reserve if lane is Lane.BACKFILL else 0.0
        short = await short_of(runtime, name, row.crm, self._now, need=need, closed_share=reserve)
        if short is not None:
            why, (ends_at, hint) = "budget", short
            at = max(at, ends_at) if at and ends_at else None
        elif self._cap_room is not None and self._cap_room < max(1, need):  # let in, it would only be cut
            return replace(row, why="cap", waits_for="")
        return replace(row, why=why, until_ms=at, hint=hint)


def cap_figures(max_credits: int | None, credits: Mapping[str, int]) -> str:
    """Says how much of a run's cap is spent, ``""`` if it has none."""
    return "" if max_credits is None else f"limit {counted(max_credits, 'credit')}, {sum(credits.values())} spent"
