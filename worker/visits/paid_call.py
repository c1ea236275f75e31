"""Sends one paid call on its ticket, for a visit and for a person alike, and reads the reply's meaning and cost.

A call reserves its worst price, and its end usually releases most of it: askers may wait for that (``Landings``).
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TypeAlias, assert_never, cast

import structlog
from msgspec import Struct

from config.settings import Settings
from connectors.models import Answer, Outcome, Question, Reply
from connectors.ports import KeepsBalance, Provider
from worker.decide.not_now import GiveUp, RetryAt
from worker.decide.reasons import Reason
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import KeptAnswer, Ref
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.lookup_ticket import LookupTicket, ReplySettlement
from worker.ledger.money.spool import Spool
from worker.ledger.money.ticket_values import (
    Busy,
    Forbidden,
    Granted,
    KeepingTimes,
    Missed,
    NoBudget,
    Policy,
    StaleDay,
    TicketTerms,
    Unknown,
)
from worker.ledger.scripts import LedgerUnavailableError
from worker.visits.journal_entries import lookup_entry


class Landings:
    """Counts the paid calls under way by run, and wakes one asker of the run at the end of each, all at the last.

    One call frees room for about one other: waking all of them each time would ask Redis for each of them each time.
    """

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._askers: dict[str, deque[asyncio.Future[None]]] = {}

    def begin(self, run: str) -> None:
        """Notes that a call of ``run`` is on its way."""
        self._calls[run] += 1

    def end(self, run: str) -> None:
        self._calls[run] -= 1
        if not self._calls[run]:
            del self._calls[run]
        self._wake(run)

    def _wake(self, run: str) -> None:
        askers = self._askers.get(run, deque())
        while askers:
            asker = askers.popleft()
            if not asker.done():
                asker.set_result(None)
                if self._calls[run]:
                    return
        self._askers.pop(run, None)

    def next(self, run: str) -> asyncio.Future[None] | None:
        """Returns the step to take when this asker's turn has come, ``None`` if no call is under way."""
        if not self._calls[run]:
            return None
        asker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._askers.setdefault(run, deque()).append(asker)
        return asker

    def leave(self, run: str, asker: asyncio.Future[None] | None) -> None:
        """Gives up an asker's turn: one that has come already is the next one's."""
        if asker is None:
            return
        if asker.done() and not asker.cancelled():
            self._wake(run)
        asker.cancel()


MOMENT_MS = 2_000
CALL_MS = 100_000  # a ticket's deadline: slot, connection, reading and storing, with room to spare
RESTORED = "Redis has forgotten paid calls that were sent (a backup, or another Redis): run refill reconcile"
QUESTION, VERDICT, MIDNIGHT = "question", "verdict", "midnight"  # delay before a reservation is tried again
Reserved: TypeAlias = KeptAnswer | Granted | Missed | NoBudget | RetryAt | GiveUp
log = structlog.get_logger(__name__)


class BoughtReply(Struct, frozen=True):
    """Holds a paid reply, its meaning and its price. ``entry`` tells the journal."""

    reply: Reply
    answer: Answer
    credits: int
    entry: str


def cost(question: Question, answer: Answer) -> int:
    """Returns the cost of a paid reply: its own figure, else the worst price, and nothing for a refusal."""
    if answer.outcome is Outcome.REFUSED:
        return 0
    return question.price if answer.credits is None else answer.credits


def settlement(provider: Provider, question: Question, reply: Reply) -> ReplySettlement:
    """Tells the ledger what to make of a paid reply."""
    answer = provider.read(question, reply)
    return ReplySettlement(
        cost(question, answer),
        hit=answer.outcome is Outcome.HIT,
        refused=answer.outcome is Outcome.REFUSED,
        left=cast("KeepsBalance", provider).left_after(reply) if _keeps_balance(type(provider)) else None,
        unpriced=answer.outcome is Outcome.UNREADABLE and answer.credits is None,
        answer=answer,
    )


def keeping_times(settings: Settings) -> KeepingTimes:
    """Returns how long the configuration has answers kept."""
    times = (settings.answers.keep_hits, settings.answers.keep_misses)
    return KeepingTimes(*(int(one.total_seconds() * 1000) for one in times))


@cache
def _keeps_balance(kind: type[Provider]) -> bool:
    """Tells whether providers of a kind keep a balance; to ask each of them costs as much as reading its reply."""
    return issubclass(kind, KeepsBalance)


class PaidCalls(Struct, frozen=True):
    """Buys in four steps: ``reserve``, then ``ticket`` and ``send``, and ``wake`` whatever the result."""

    ledger: Ledger
    spool: Spool
    keep: KeepingTimes
    clock: Callable[[], int]

    async def reserve(
        self,
        question: Question,
        *,
        ref: Ref | None,
        lines: Sequence[BudgetLine],
        owner: str,
        policy: Policy,
        subjects: Sequence[str],
        closed_share: float = 0.0,
    ) -> Reserved:
        """Returns a kept answer, the right to one call, or why there is none; arguments as ``Desk.reserve``."""
        answer = await self.ledger.desk.reserve(
            question,
            TicketTerms(owner, CALL_MS, self.keep.hits_ms, policy),
            ref=ref,
            lines=lines,
            closed_share=closed_share,
            subjects=subjects,
        )
        match answer:
            case KeptAnswer() | Granted() | Missed() | NoBudget():
                return answer
            case Busy(until_ms):
                return RetryAt(until_ms, QUESTION)
            case Unknown(until_ms):
                return RetryAt(until_ms, VERDICT)
            case StaleDay():
                log.warning("lookup.day_stale", vendor=question.provider)  # midnight, or our clock is off
                return RetryAt(self.clock() + MOMENT_MS, MIDNIGHT)
            case Forbidden():
                return GiveUp(Reason.SUPPRESSED)
            case _:
                assert_never(answer)

    def ticket(
        self, provider: Provider, question: Question, granted: Granted, *, is_sheltered: bool = False
    ) -> LookupTicket:
        """Returns the right to send it; ``is_sheltered`` as ``connectors.limits.Ticket`` has it."""
        return LookupTicket(
            self.ledger.desk,
            granted,
            settle=partial(settlement, provider, question),
            spool=self.spool,
            keep=self.keep,
            is_sheltered=is_sheltered,
        )

    async def send(self, provider: Provider, question: Question, ticket: LookupTicket) -> BoughtReply:
        """Sends once and keeps the reply; pauses a provider that took more than its worst price.

        Raises:
            ConnectorError: as ``Provider.ask``.
            TicketSpentError: the ticket was tidied away before the call left.
            LedgerBehindError: Redis has forgotten paid calls; nothing was sent.
            LedgerUnavailableError: Redis is unavailable: nothing was sent, or the reply is in the spool.
        """
        try:
            reply = await provider.ask(question, ticket)
        except asyncio.CancelledError:
            await asyncio.shield(ticket.released("cancelled"))  # refused by the ledger once the call was sent
            raise
        answer = ticket.answer or provider.read(question, reply)
        if ticket.ended and ticket.ended.overrun:
            cause = f"{question.operation} cost more than its worst price known"
            why = f"{cause}: check {provider.name}'s price list, then refill resume {provider.name}"
            await self.ledger.pauses.pause(provider.name, "overrun", why=why)
        spent = cost(question, answer)
        return BoughtReply(reply, answer, spent, lookup_entry(question, answer.outcome, spent, self.clock()))

    async def wake(self, ticket: LookupTicket) -> None:
        """Makes the records due that waited for the call to end; after pauses, so that they meet them."""
        if ticket.ended and ticket.ended.waiters:
            try:
                await self.ledger.all_work.wake(ticket.ended.waiters)
            except LedgerUnavailableError:
                log.warning("lookup.unwoken", records=len(ticket.ended.waiters))  # their deferral ends by itself
