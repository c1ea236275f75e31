"""Makes one paid lookup: a kept answer, else a ticket, else the reason why not now.

Equal questions of this process share one call; those of other processes meet at the ticket, and the record comes back
when it ends. A call on the wire belongs to nobody's cancellation.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import TypeAlias, assert_never

import structlog
from msgspec import Struct

from connectors.batching import ended
from connectors.errors import (
    AccessError,
    ConnectorError,
    CreditsError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.limits import TicketSpentError
from connectors.models import Answer, Offer, Outcome, Question
from connectors.ports import Provider
from connectors.telemetry import StepValue, step
from worker.decide.handles import Handle, of_answer, of_question
from worker.decide.not_now import GiveUp, NotNow, RetryAt, WaitForProvider
from worker.decide.odds import PRICE_LIST, Odds, odds_of
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import KeptAnswer, Ref, Yields
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.handle_lists import Suppressions
from worker.ledger.money.lookup_ticket import LookupTicket
from worker.ledger.money.ticket_values import Granted, Missed, NoBudget, Policy
from worker.ledger.run import Run
from worker.ledger.scripts import LedgerBehindError
from worker.ledger.work.work import Lane, Lease
from worker.visits.budget_lines import BudgetLines, cap_line, cap_of
from worker.visits.erased_answers import AnswerEraser
from worker.visits.journal_entries import lookup_entry
from worker.visits.paid_call import MOMENT_MS, QUESTION, RESTORED, VERDICT, Landings, PaidCalls, Reserved
from worker.visits.runner import pause_refusing

CAP_S = 60.0  # a visit waits no longer for room under its run's cap before it comes back later
ODDS_MS = 60_000  # what all workers have seen of the providers is read so often
log = structlog.get_logger(__name__)


class Answered(Struct, frozen=True):
    """Tells that the question is answered. ``credits`` were spent now, 0 when kept; ``entry`` tells the journal."""

    answer: Answer
    credits: int = 0
    entry: str = ""


class Miss(Struct, frozen=True):
    """Says that no answer will come: the provider counts as a miss. ``entry`` journals its cost."""

    entry: str = ""


Looked: TypeAlias = Answered | Miss | NotNow


@dataclass(slots=True)
class Terms:
    """Tells how lookups of one provider are made. Times in ms; ``reserve`` is the share of a day kept for live work."""

    provider: Provider
    offers: tuple[Offer, ...]
    policy: Policy
    skip_after_ms: int
    reserve: float

    def reprice(self, prices: Mapping[str, int]) -> None:
        """Adopt the provider's present prices."""
        self.offers = self.provider.offers(prices)


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Looked]
    ticket: LookupTicket
    askers: int = 0
    priced: bool = False  # one of the askers has the journal's entry and the price


@dataclass
class Lookups:
    """Answers questions: by a kept answer, or by a paid lookup. ``clock`` gives ms."""

    terms: Mapping[str, Terms]
    ledger: Ledger
    calls: PaidCalls
    budget_lines: BudgetLines
    suppressions: Suppressions
    owner: str
    clock: Callable[[], int]
    draining: asyncio.Event
    yields: Yields = field(init=False)
    unchecked: set[str] = field(default_factory=set)  # providers whose books are not yet compared with ours
    landings: Landings = field(default_factory=Landings)
    odds: Odds = PRICE_LIST
    _held: list[tuple[Offer, ...]] = field(default_factory=list)
    _offers: tuple[Offer, ...] = ()
    _offered: dict[frozenset[str], tuple[Offer, ...]] = field(default_factory=dict)
    _odds_due_ms: int = 0
    _flights: dict[str, _Flight] = field(default_factory=dict)
    _capping: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.yields = Yields(self.ledger.scripts)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Returns everything that can be asked of anybody."""
        held = [terms.offers for terms in self.terms.values()]
        if held != self._held:  # a provider has given new prices
            self._held, self._offers = held, tuple(chain.from_iterable(held))
            self._offered.clear()
        return self._offers

    def offers_of(self, providers: frozenset[str]) -> tuple[Offer, ...]:
        """Returns the operations that can be asked of some providers: a visit needs them for every decision."""
        offers = self.offers
        if providers not in self._offered:
            self._offered[providers] = tuple(one for one in offers if one.provider in providers)
        return self._offered[providers]

    async def renew_odds(self) -> None:
        """Read what questions have cost and brought so far, once in a while.

        Raises:
            LedgerUnavailableError: Redis is away.
        """
        if self.clock() >= self._odds_due_ms:
            self._odds_due_ms = self.clock() + ODDS_MS
            self.odds = odds_of(await self.yields.counted())

    async def kept(self, questions: Sequence[Question], ref: Ref | None) -> dict[str, Answer]:
        """Returns the kept answers to any of ``questions``, in one round trip."""
        by_key = {question.key: question for question in questions}
        found = await self.ledger.desk.find(list(by_key), ref)
        return {
            key: self.terms[by_key[key].provider].provider.read(by_key[key], kept.reply)
            for key, kept in found.items()
            if by_key[key].fields <= kept.fields
        }

    async def ask(self, question: Question, lease: Lease, about: Collection[Handle] = ()) -> Looked:
        """Ask on behalf of a leased record; never raises for anything a provider does.

        ``about`` are the handles of the record and of the people found for it.

        Raises:
            LedgerUnavailableError: Redis is unavailable: nothing was sent, or the reply is in the spool.
        """
        if self.draining.is_set():
            return RetryAt(self.clock() + MOMENT_MS, "draining")
        terms = self.terms[question.provider]
        ref = (lease.crm, lease.object, lease.id) if lease.id else None  # a row of a file belongs to no record
        if flight := self._flights.get(question.key):
            if ref:
                await self.ledger.desk.join(flight.ticket.id, question.key, ref)
            return await self._join(flight)
        if question.provider in self.unchecked:
            return WaitForProvider(question.provider, "reconcile", fault=True)
        if not self.calls.spool.has_room():
            return WaitForProvider(question.provider, "disk", fault=True)
        await self._learn_cap(lease.run)
        lines = self.budget_lines.lines(question.provider, lease.crm, lease.run, self.clock())
        closed = terms.reserve if lease.lane is Lane.BACKFILL else 0.0
        reserve = partial(
            self.calls.reserve,
            question,
            ref=ref,
            lines=lines,
            owner=self.owner,
            policy=terms.policy,
            subjects=self.suppressions.hashes((*about, of_question(question.key))),
            closed_share=closed,
        )
        answer = await reserve()
        if isinstance(answer, NoBudget) and answer.line == cap_line(lease.run):
            answer = await self._under_cap(reserve, lease.run, question.price)
        match answer:
            case KeptAnswer():
                return Answered(terms.provider.read(question, answer.reply))
            case Granted():
                ticket = self.calls.ticket(terms.provider, question, answer, is_sheltered=True)
                return await self._shared(question, terms, ticket, lease.run)
            case Missed():
                return Miss()
            case NoBudget(line):
                return self._no_budget(line, question, lines, closed)
            case RetryAt(reason="question") if flight := self._flights.get(question.key):
                return await self._join(flight)
            case RetryAt() | GiveUp():
                return answer
            case _:
                assert_never(answer)

    async def _learn_cap(self, run: str) -> None:
        """Read once the cap of a person's run: all its visits begin at the same time."""
        runs = self.budget_lines.runs
        if run in runs or not Run.named(run).by_person:
            return
        async with self._capping:
            if run not in runs:
                runs[run] = await cap_of(self.ledger.cursors, run)

    async def _under_cap(self, reserve: Callable[[], Awaitable[Reserved]], run: str, price: int) -> Reserved:
        """Returns the answer to a reservation, once calls under way that keep it above the cap have ended."""
        cap, ends = self.budget_lines.runs.get(run) or 0, self.clock() + int(CAP_S * 1000)
        while True:
            landed = self.landings.next(run)
            answer = await reserve()
            is_full = isinstance(answer, NoBudget) and answer.line == cap_line(run) and answer.spent + price <= cap
            if landed is None or not is_full:
                self.landings.leave(run, landed)
                return answer
            left_s = (ends - self.clock()) / 1000
            if left_s <= 0 or self.draining.is_set():
                self.landings.leave(run, landed)
                return RetryAt(self.clock() + MOMENT_MS, QUESTION)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(landed, left_s)

    def _no_budget(self, name: str, question: Question, lines: Sequence[BudgetLine], closed: float) -> Looked:
        """Decides when a run's own cap closes the provider to it, or a budget that never reaches for the price."""
        line = next(one for one in lines if one.name == name)
        if name.startswith("run:"):
            return GiveUp("budget", cut=True)
        if line.end_ms and question.price > line.open(closed):
            return GiveUp("budget")
        return WaitForProvider(question.provider, "budget")  # admitted as soon as provider and crm reach for it

    async def _shared(self, question: Question, terms: Terms, ticket: LookupTicket, run: str) -> Looked:
        flight = _Flight(asyncio.create_task(self._fly(question, terms, ticket), name="lookup"), ticket)
        self._flights[question.key] = flight
        self.landings.begin(run)

        def landed(_: object) -> None:
            self._flights.pop(question.key, None)
            self.landings.end(run)

        flight.task.add_done_callback(landed)
        return await self._join(flight)

    async def _join(self, flight: _Flight) -> Looked:
        """Returns the flight's result, its price for one asker only.

        The last to leave ends a call that is not yet sent.
        """
        flight.askers += 1
        try:
            await ended(flight.task)
            looked = flight.task.result()
            priced, flight.priced = flight.priced, True
            return _unpriced(looked) if priced else looked
        except asyncio.CancelledError:
            if flight.askers == 1 and not flight.ticket.is_leaving and not flight.task.done():
                flight.task.cancel()  # nothing else ends a flight: a sent call runs to its end
            raise
        finally:
            flight.askers -= 1

    async def _fly(self, question: Question, terms: Terms, ticket: LookupTicket) -> Looked:
        with step("lookup", vendor=question.provider, operation=question.operation) as asked:
            looked = await self._bought(question, terms, ticket)
            asked.note(**_shown(looked))
            return looked

    async def _bought(self, question: Question, terms: Terms, ticket: LookupTicket) -> Looked:
        provider, calls = terms.provider, self.calls
        try:
            bought = await calls.send(provider, question, ticket)
        except OutcomeUnknownError as error:
            log.warning("lookup.uncertain", vendor=provider.name, operation=question.operation, status=error.status)
            entry = lookup_entry(question, "uncertain", question.price, self.clock())
            if terms.policy == "never":
                return Miss(entry)
            return RetryAt(self.clock() + MOMENT_MS, VERDICT)
        except TicketSpentError:
            return RetryAt(self.clock() + MOMENT_MS, QUESTION)
        except LedgerBehindError:
            await self.restored()
            return WaitForProvider(provider.name, "restored")
        except ConnectorError as error:
            return await self._refused(error, question, terms)
        finally:
            await calls.wake(ticket)
        if bought.answer.outcome is Outcome.REFUSED:
            return await self._refused(CreditsError(provider.name, question.operation), question, terms)
        if await self.suppressions.has_forgotten(partial(of_answer, bought.answer)):
            await self._eraser.drop(question.key, self.clock())
        if bought.answer.outcome is Outcome.UNREADABLE:
            log.error("lookup.unreadable", vendor=provider.name, operation=question.operation)
        return Answered(bought.answer, bought.credits, bought.entry)

    async def restored(self) -> None:
        """Stops buying if Redis has forgotten paid calls, until a person has looked."""
        for name in self.terms:
            await self.ledger.pauses.pause(name, "restored", why=RESTORED)
        log.error("redis.restored", providers=len(self.terms))

    async def _refused(self, error: ConnectorError, question: Question, terms: Terms) -> Looked:
        """Decides what an uncharged failure means for the record, and for all others that would ask next."""
        name = terms.provider.name
        match error:
            case CreditsError():
                # The whole provider, for one empty pool too: a call asking for it among others is refused as a whole.
                kind = " ".join([*error.bucket.split("_"), "credits"]).strip()
                await self.ledger.pauses.pause(
                    name, "credits", why=f"{name} has no {kind} left: buy some, then refill resume {name}"
                )
                return WaitForProvider(name, "credits")
            case AccessError():
                await pause_refusing(self.ledger.pauses, name, error, key="key")
                return WaitForProvider(name, "credentials", fault=True)
            case RateLimitedError():
                return WaitForProvider(name, "rate")
            case UnavailableError():
                return WaitForProvider(name, "outage", fault=True)
            case RejectedError():
                log.warning("lookup.rejected", vendor=name, operation=question.operation, status=error.status)
                return Miss()
            case _:
                log.error("lookup.failed", vendor=name, operation=question.operation, error=type(error).__name__)
                return Miss()

    @cached_property
    def _eraser(self) -> AnswerEraser:
        return AnswerEraser(self.ledger.desk.answers, self.suppressions)


def _shown(looked: Looked) -> dict[str, StepValue]:
    """Returns the attributes of a sent lookup for its trace."""
    match looked:
        case Answered(answer, credits):
            return {"outcome": str(answer.outcome), "credits": credits}
        case Miss(entry):
            return {"outcome": "uncertain" if entry else "rejected"}
        case RetryAt(_, reason) | WaitForProvider(_, reason) | GiveUp(reason):
            return {"outcome": f"later: {reason}"}


def _unpriced(looked: Looked) -> Looked:
    """Returns the answer for an asker if another one is charged for it and journals it."""
    match looked:
        case Answered(answer):
            return Answered(answer)
        case Miss():
            return Miss()
        case _:
            return looked
