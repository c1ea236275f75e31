"""Compares our ledger with the provider's own books: what differs is reported, and past a tolerance nothing is spent.

A provider with a log (Forager) is compared with its log. One that only shows a balance (Kaspr) proves something when we
are its only user, between two instants at which no call was in flight. Any proof of an uncertain lookup in the books
is applied, so that afterwards both sides are equal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from msgspec import Struct, structs, to_builtins

from config.counts import counted
from config.settings import Settings
from connectors.ports import KeepsBalance, KeepsLog, Provider
from worker.decide.books_difference import Doubt, Verdicts, outside, verdicts
from worker.ledger.ledger import Ledger
from worker.ledger.money.books import CALL_MS, DAY_MS, UNSEEN_MS, Booking, Comparison, Ours
from worker.ledger.money.ticket_values import Uncertain
from worker.ledger.rates.clocks import Offset
from worker.upkeep.provider_log import Log, read_log
from worker.upkeep.vendor_clocks import heard

REASON, RESTORED = "reconcile", "restored"
DAYS_SHOWN = 31
log = structlog.get_logger(__name__)


class BooksLine(Struct, frozen=True):
    """Compares one operation of one UTC day, in credits.

    ``uncertain`` are those that our books may hold besides ``ours``.
    """

    day: str
    operation: str
    ours: int
    theirs: int
    uncertain: int


@dataclass(frozen=True, slots=True)
class BooksReport:
    """Holds one provider's comparison, in credits.

    ``drift`` is what theirs holds beyond anything ours explains, ``None`` when it is unknown. ``by`` is ``log``
    or ``balance``; both sides begin at ``since_ms``.
    """

    provider: str
    by: str
    since_ms: int = 0
    ours: int = 0
    theirs: int | None = None
    sent: int = 0
    uncertain: int = 0
    drift: int | None = None
    accepted: int = 0
    tolerance: int = 0
    charged: int = 0  # lookups judged to have been charged, and not
    uncharged: int = 0
    left: int | None = None
    paused: bool = False
    notes: tuple[str, ...] = ()
    lines: tuple[BooksLine, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Returns one object for scripts and for the ledger."""
        return dict(to_builtins(self))


async def reconcile(
    ledger: Ledger, settings: Settings, provider: Provider, *, accept: bool = False, detail: bool = False
) -> BooksReport:
    """Compare one provider's books with ours, apply the proofs, and pause it if the drift exceeds its tolerance.

    With ``accept`` a drift is taken as explained: a person looks, after a Redis that had forgotten. Totals are read
    first, and the log itself only if they leave something open, or with ``detail``.

    Raises:
        ConnectorError: its books could not be read.
    """
    name = provider.name
    paid = settings.providers.paid[name]
    state = await _resumed(ledger, name)
    if isinstance(provider, KeepsLog):
        report, state = await _by_log(ledger, provider, state, detail=detail)
    else:
        report = await _by_balance(ledger, provider, sole_user=paid.sole_user)
    report = dataclasses.replace(report, tolerance=paid.reconcile_tolerance)
    if report.drift is not None and accept and state is not None:
        state = _accepted(structs.replace(state, held=report.drift, held_by=_excess(report, state)))
    accepted = state.accepted if state else 0
    excess = 0 if report.drift is None or accept else report.drift - accepted
    if abs(excess) > paid.reconcile_tolerance:
        await ledger.pauses.pause(name, REASON, why=_why(name, excess))
        log.error("provider.drifted", vendor=name, credits=excess)
        state = structs.replace(state, held=report.drift, held_by=_excess(report, state)) if state else None
    report = dataclasses.replace(
        report, accepted=accepted, paused=any(one.reason == REASON for one in await ledger.pauses.of(name))
    )
    await ledger.books.keep(name, state, {**report.as_json(), "lines": [], "at_ms": await ledger.scripts.now()})
    log.info("provider.reconciled", vendor=name, drift=report.drift, charged=report.charged, uncharged=report.uncharged)
    return report


def _why(name: str, excess: int) -> str:
    credits = f"{counted(abs(excess), 'credit')} {'more' if excess > 0 else 'fewer'}"
    return (
        f"{name} billed {credits} than our ledger explains: see refill reconcile, then run refill resume {name}; "
        "if others use the account, set reconcile_tolerance"
    )


async def _resumed(ledger: Ledger, name: str) -> Comparison | None:
    """Returns the result of the comparison; a drift that somebody resumed on is accepted."""
    state = await ledger.books.comparison(name)
    if state is None or state.held is None:
        return state
    if any(one.reason == REASON for one in await ledger.pauses.of(name)):
        return state
    return _accepted(state)


def _accepted(state: Comparison) -> Comparison:
    """Accepts the provider's cause of a pause as other people's from now on."""
    others = {name: state.others.get(name, 0) + state.held_by.get(name, 0) for name in {*state.others, *state.held_by}}
    return structs.replace(state, accepted=state.held or 0, held=None, others=others, held_by={})


def _excess(report: BooksReport, state: Comparison) -> dict[str, int]:
    """Returns the credits of each operation beyond what ours, or known charges of other people, explain."""
    found: dict[str, int] = {}
    for line in report.lines:
        extra = line.theirs - line.ours - line.uncertain
        found[line.operation] = found.get(line.operation, 0) + extra
    rest = {name: extra - state.others.get(name, 0) for name, extra in found.items()}
    return {name: extra for name, extra in rest.items() if extra > 0}


# ---- by the provider's log -----------------------------------------------------------------------------------------


async def _by_log(
    ledger: Ledger, provider: KeepsLog, state: Comparison | None, *, detail: bool
) -> tuple[BooksReport, Comparison]:
    name = provider.name
    left = (await provider.account_status()).credits  # first: its reply is dated, and days are the provider's
    clock = await _clock(ledger, provider)
    ahead = clock.ms if clock else 0
    now = await ledger.scripts.now()
    before = await ledger.books.ours(name)
    doubtful = await _uncertain(ledger, name)
    if state is None:
        state = await _begun(provider, before, doubtful, now, ahead)
    billed = await provider.billed(state.since_ms, now + ahead + DAY_MS)
    after = await ledger.books.ours(name)
    bill = billed - state.theirs
    owed, at_most = bill - state.accepted + state.ours, after.spent + after.sent + after.uncertain
    drift = outside(owed, before.spent - before.recent, at_most) + state.accepted
    explained = drift == state.accepted
    first = max(state.since_ms // DAY_MS, (now + ahead) // DAY_MS - DAYS_SHOWN)
    log_ = Log(after.by_day)
    if detail or doubtful or not explained:
        log_ = await read_log(provider, after.by_day, first, (now + ahead) // DAY_MS)
        after = await ledger.books.ours(name)
    judged = Verdicts()
    if _quiet(before, after, doubtful, now) and _comparable(clock, doubtful, state):
        if first * DAY_MS == state.since_ms and log_.whole:
            judged = _judge_by_operation(after, log_.by_day, doubtful, state, explained=explained)
        elif explained:
            judged = verdicts(owed - after.spent, [Doubt(one.ticket_id, one.price) for one in doubtful])
        await _apply(ledger, doubtful, judged)
        if judged.charged:
            after = await ledger.books.ours(name)
            doubtful = await _uncertain(ledger, name)
            drift = outside(owed, after.spent, after.spent + after.uncertain) + state.accepted
    report = BooksReport(
        provider=name,
        by="log",
        since_ms=state.since_ms,
        ours=after.spent - state.ours,
        theirs=bill,
        sent=after.sent,
        uncertain=after.uncertain,
        drift=drift,
        charged=sum(judged.charged.values()),
        uncharged=len(judged.charged) - sum(judged.charged.values()),
        left=left,
        lines=_lines(after, log_.by_day, doubtful, first, ahead),
    )
    return report, await _moved_on(provider, state, after, doubtful, ahead)


async def _clock(ledger: Ledger, provider: KeepsLog) -> Offset | None:
    """Returns the offset of the provider's clock from the ledger's; ``None`` if its replies never showed it."""
    found = await heard(ledger.clocks, provider.name, provider.clock)
    return found or (await ledger.clocks.of([provider.name])).get(provider.name)


def _comparable(clock: Offset | None, doubtful: Sequence[Uncertain], state: Comparison) -> bool:
    """Tells whether uncertain lookups can be judged: by a clock that has not moved since they were sent.

    A clock that was set back across midnight dates charges before the day on which the comparison begins.
    """
    if clock is None:
        return not doubtful
    return all(
        clock.held_since(one.sent_ms, one.stretch) and one.sent_ms + clock.ms >= state.since_ms for one in doubtful
    )


async def _begun(provider: KeepsLog, ours: Ours, doubtful: Sequence[Uncertain], now: int, ahead: int) -> Comparison:
    """Begin at the start of a day, with everything billed before us taken as other people's."""
    since = (min([now, *(one.sent_ms for one in doubtful)]) + ahead) // DAY_MS * DAY_MS
    earlier = _earlier(ours, since)
    known = ours.spent - earlier
    billed = await provider.billed(since, now + ahead + DAY_MS)
    if billed <= known + ours.sent + ours.uncertain:
        return Comparison(since_ms=since, ours=earlier)
    first = since // DAY_MS
    log_ = await read_log(provider, ours.by_day, first, (now + ahead) // DAY_MS)
    others = _others(ours, log_.by_day, first) if log_.whole else {}
    return Comparison(since_ms=since, ours=earlier, theirs=billed - known, others=others)


async def _moved_on(
    provider: KeepsLog, state: Comparison, ours: Ours, doubtful: Sequence[Uncertain], ahead: int
) -> Comparison:
    """Begin today, once nothing of the days before can change, so that little has to be read.

    The sums of closed days on either side become part of the new beginning, so the comparison is the same to the
    credit, however busy today is. Both totals end at a moment whose charges are all visible.
    """
    theirs_now = ours.now_ms + ahead
    since, settled = theirs_now // DAY_MS * DAY_MS, theirs_now - UNSEEN_MS
    closed = settled - CALL_MS > since and all(one.sent_ms + ahead >= since for one in doubtful)
    if since == state.since_ms or not closed:
        return state
    before = await provider.billed(state.since_ms, settled) - await provider.billed(since, settled)
    earlier = _earlier(ours, since)
    others = state.others
    if any(others.values()) or before != earlier - state.ours:  # other people's, or a call across midnight
        first, last = state.since_ms // DAY_MS, since // DAY_MS - 1
        log_ = await read_log(provider, ours.by_day, first, last)
        gone = _others(ours, log_.by_day, first, last + 1)
        names = sorted({*others, *gone})
        others = {name: others.get(name, 0) - gone.get(name, 0) for name in names} if log_.whole else {}
    return structs.replace(
        state,
        since_ms=since,
        ours=earlier,
        theirs=state.theirs + (earlier - state.ours) - before,
        others=others,
    )


def _others(ours: Ours, theirs: Mapping[Booking, int], first: int, until: int | None = None) -> dict[str, int]:
    """Returns what theirs holds beyond ours on the days from ``first`` until before ``until``, by operation."""

    def booked(side: Mapping[Booking, int], name: str) -> int:
        return sum(
            credits
            for (day, operation), credits in side.items()
            if operation == name and day >= first and (until is None or day < until)
        )

    operations = {name for day, name in {*theirs, *ours.by_day} if day >= first}
    return {name: booked(theirs, name) - booked(ours.by_day, name) for name in sorted(operations)}


def _earlier(ours: Ours, since_ms: int) -> int:
    """Returns credits we spent on the days before ``since_ms``."""
    return ours.spent - sum(credits for (day, _), credits in ours.by_day.items() if day * DAY_MS >= since_ms)


def _quiet(before: Ours, after: Ours, doubtful: Sequence[Uncertain], now: int) -> bool:
    """Tells whether both sides stood still: nothing in flight, and nothing so young that the log need not show it."""
    still = before.calls == after.calls and before.spent == after.spent and not before.sent and not after.sent
    old = all(max(one.sent_ms, one.since_ms) < now - UNSEEN_MS for one in doubtful)
    return still and old and not before.recent and not after.recent


def _judge_by_operation(
    ours: Ours, theirs: Mapping[Booking, int], doubtful: Sequence[Uncertain], state: Comparison, *, explained: bool
) -> Verdicts:
    """Judge the lookups in doubt. That one was charged is believed only while the whole bill is ``explained``."""
    first, found, mixed = state.since_ms // DAY_MS, dict[str, bool](), False
    for operation in sorted({one.operation for one in doubtful}):
        extra = _of(theirs, operation, first) - _of(ours.by_day, operation, first) - state.others.get(operation, 0)
        doubts = [Doubt(one.ticket_id, one.price) for one in doubtful if one.operation == operation]
        if explained or extra == 0:
            judged = verdicts(extra, doubts)
            found |= judged.charged
            mixed = mixed or judged.mixed
    return Verdicts(found, mixed)


def _of(booked: Mapping[Booking, int], operation: str, first: int) -> int:
    return sum(credits for (day, name), credits in booked.items() if name == operation and day >= first)


def _lines(
    ours: Ours, theirs: Mapping[Booking, int], doubtful: Sequence[Uncertain], first: int, ahead: int
) -> tuple[BooksLine, ...]:
    open_: dict[Booking, int] = {}
    for one in doubtful:
        key = ((one.sent_ms + ahead) // DAY_MS, one.operation)
        open_[key] = open_.get(key, 0) + one.price
    keys = sorted(key for key in {*ours.by_day, *theirs, *open_} if key[0] >= first)
    return tuple(
        BooksLine(
            _day(day), name, ours.by_day.get((day, name), 0), theirs.get((day, name), 0), open_.get((day, name), 0)
        )
        for day, name in keys
    )


def _day(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY_MS / 1000, UTC):%Y-%m-%d}"


# ---- by the balance ------------------------------------------------------------------------------------------------


async def _by_balance(ledger: Ledger, provider: Provider, *, sole_user: bool) -> BooksReport:
    name, books = provider.name, ledger.books
    ours = await books.ours(name)
    if sole_user and not ours.sent:
        left = await provider.left() if isinstance(provider, KeepsBalance) else None
        if left is not None:
            await books.note_balance(name, left, ours.calls)
    base, last = await books.instants(name)
    report = BooksReport(
        name, "balance", ours=ours.spent, sent=ours.sent, uncertain=ours.uncertain, left=last.left if last else None
    )
    if not sole_user:
        return _noted(report, "sole_user is not set: what is left proves nothing while others may spend it")
    if base is None or last is None:
        return _noted(report, "no balance was read yet while no call was in flight")
    since = dataclasses.replace(report, since_ms=base.at_ms, ours=last.spent - base.spent)
    doubtful = [one for one in await _uncertain(ledger, name) if base.at_ms < one.sent_ms <= last.at_ms]
    moved = base.left - last.left
    extra = moved - since.ours
    if extra < 0:
        await books.rebase(name, last)
        return _noted(since, "credits were added, or less was charged than we count: compared anew from here")
    judged = verdicts(extra, [Doubt(one.ticket_id, one.price) for one in doubtful])
    await _apply(ledger, doubtful, judged)
    drift = outside(extra, 0, sum(one.price for one in doubtful))
    if len(judged.charged) == len(doubtful):
        await books.rebase(name, last)
    charged = sum(judged.charged.values())
    return dataclasses.replace(
        since,
        ours=since.ours + sum(one.price for one in doubtful if judged.charged.get(one.ticket_id)),
        theirs=moved,
        uncertain=(await books.ours(name)).uncertain,
        drift=drift,
        charged=charged,
        uncharged=len(judged.charged) - charged,
    )


def _noted(report: BooksReport, note: str) -> BooksReport:
    return dataclasses.replace(report, notes=(*report.notes, note))


# ---- proofs --------------------------------------------------------------------------------------------------------


async def _uncertain(ledger: Ledger, name: str) -> list[Uncertain]:
    """Returns the provider's uncertain lookups, longest first."""
    return [one for one in await ledger.desk.all_uncertain() if one.provider == name]


async def _apply(ledger: Ledger, doubtful: Sequence[Uncertain], judged: Verdicts) -> None:
    """Settle the credits. Only certainly uncharged lookups, if the policy allows, may be asked once more.

    If only some were charged, nobody knows which, so that many are marked as charged. These come first: if the process
    dies in between, the remaining lookups are mixed or all charged, never some that the bill shows as uncharged.
    """
    settled = [one for one in doubtful if one.ticket_id in judged.charged]
    for one in sorted(settled, key=lambda one: judged.charged[one.ticket_id]):
        charged = judged.charged[one.ticket_id]
        if not charged and not judged.mixed and one.policy == "once_if_uncharged":
            ended = await ledger.desk.verdict(one.ticket_id, charged=False)
        else:
            ended = await ledger.desk.resolve(one.ticket_id, ask_again=False, charged=charged)
        await ledger.all_work.wake(ended.waiters)
        log.info("ticket.judged", vendor=one.provider, operation=one.operation, charged=charged)
