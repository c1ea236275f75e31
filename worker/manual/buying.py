"""Buys a paid lookup by hand.

A kept answer, else a ticket on the provider's budgets, else a sentence that says why not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from config.counts import counted
from connectors.errors import ContractError, OutcomeUnknownError, RateLimitedError, UnavailableError
from connectors.limits import TicketSpentError
from connectors.models import Question, Reply
from connectors.ports import Provider
from worker.decide.not_now import GiveUp, RetryAt
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import KeptAnswer
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.handle_lists import Suppressions
from worker.ledger.money.spool import Spool
from worker.ledger.money.ticket_values import Granted, KeepingTimes, Missed, NoBudget, Policy
from worker.ledger.scripts import LedgerBehindError
from worker.visits.budget_lines import BudgetLines, shortage
from worker.visits.journal_entries import lookup_entry
from worker.visits.paid_call import MIDNIGHT, RESTORED, VERDICT, PaidCalls
from worker.visits.suppressed import about

SUPPRESSED = "this person is on the suppression list: refill suppress remove takes them off"
TRIES = 3  # a ticket may be tidied away while its call waits for a slot, and midnight may pass: then once more


class NotNowError(Exception):
    """Tells why something asked for cannot be done now: one sentence with the reason and what to do."""


class Quote(Struct, frozen=True):
    """Holds the offer that a person sees before anything is sent.

    ``at_most`` are the credits of the ``new`` questions at their worst price, ``left`` what budgets and balance still
    allow today. ``kept_ms`` is when the oldest of the kept answers came, 0 when none is kept.
    """

    at_most: int
    new: int
    left: int
    kept_ms: int = 0


@dataclass(slots=True)
class Buyer:
    """Makes lookups of one provider: nothing is bought that was not quoted before.

    ``spent`` counts the credits of this run, ``kept_ms`` is when the oldest kept answer it used came.
    """

    provider: Provider
    ledger: Ledger
    budget_lines: BudgetLines
    spool: Spool
    policy: Policy
    keep: KeepingTimes
    owner: str
    run: str
    suppressions: Suppressions
    clock: Callable[[], int]
    spent: int = 0
    bought: int = 0
    kept_ms: int = 0
    _prices: dict[str, int] = field(default_factory=dict)
    _quoted: set[str] = field(default_factory=set)

    async def quote(self, questions: Sequence[Question]) -> Quote:
        """Returns the worst price of those ``questions`` that are not kept, and the credits left for it.

        Raises:
            AccessError: the provider refuses our key: nothing can be bought.
            NotNowError: Redis has forgotten calls that were paid for, or somebody asked for is suppressed.
        """
        questions = [self._as_a_visit(one) for one in questions]
        if any(await self.suppressions.among([about(one) for one in questions])):
            raise NotNowError(SUPPRESSED)
        kept = await self.ledger.desk.find([one.key for one in questions])
        new = [one for one in questions if not _serves(kept.get(one.key), one)]
        since = min((found.at_ms for found in kept.values()), default=0)
        if not new:
            return Quote(0, 0, 0, since)
        if await self.ledger.rollback_guard.behind() is not None:
            raise NotNowError(RESTORED)
        await self._learn()
        self._quoted |= {one.key for one in new}
        left = await self._left(self._lines())
        return Quote(sum(self._priced(one).price for one in new), len(new), left, since)

    async def ask(self, question: Question) -> Reply:
        """Returns the kept or bought reply.

        Raises:
            NotNowError: the budget is used up, or the same question is under way or may have been charged.
            ConnectorError: by the reply; a refused call is not charged.
        """
        question = self._priced(self._as_a_visit(question))
        if question.key not in self._quoted:
            return await self._kept(question)
        for _ in range(TRIES):
            answer = await self._calls.reserve(
                question,
                ref=None,
                lines=self._lines(),
                owner=self.owner,
                policy=self.policy,
                subjects=self.suppressions.hashes(about(question)),
            )
            match answer:
                case KeptAnswer():
                    return self._used(answer)
                case Granted():
                    try:
                        return await self._send(question, answer)
                    except TicketSpentError:
                        continue
                    except LedgerBehindError:
                        raise NotNowError(RESTORED) from None
                case RetryAt(reason=reason) if reason == MIDNIGHT:
                    continue
                case RetryAt(at_ms, reason) if reason == VERDICT:
                    raise NotNowError(
                        "the same question was sent and no clear answer came back: the provider's own log decides by "
                        f"{at(at_ms)}, ask again then (refill uncertain list)"
                    )
                case RetryAt(at_ms):
                    seconds = max(1, (at_ms - self.clock()) // 1000)
                    raise NotNowError(f"the same question is under way elsewhere: ask again in {seconds} s at most")
                case Missed():
                    raise NotNowError(
                        "the answer to the same question was lost and perhaps charged, so it is not asked again: "
                        "refill uncertain list shows it, refill uncertain resolve ID --ask-again opens it"
                    )
                case GiveUp():
                    raise NotNowError(SUPPRESSED)
                case NoBudget(line):
                    raise NotNowError(await self._no_budget(line, question.price))
                case _:
                    assert_never(answer)
        raise NotNowError("the ticket expired before the call was sent and nothing was charged: ask again")

    async def _no_budget(self, name: str, price: int) -> str:
        """Names the budget that does not cover the price, with its figures, its end, and the next step."""
        lines = {one.name: one for one in self._lines()}
        line, who = lines.get(name), self.provider.name
        if line is None:  # it has started again meanwhile
            return f"{name.replace(':', ' ')} does not have enough left for {counted(price, 'credit')}: ask again"
        booked = (await self.ledger.budgets.booked([name]))[name]
        until = f", until {at(line.end_ms)}" if line.end_ms else ""
        step = f"ask again then, or raise providers.{who}.budget" if line.end_ms else f"buy credits at {who}"
        return f"{shortage(line, booked, price)}{until}. Next: {step}"

    async def _kept(self, question: Question) -> Reply:
        """Returns the kept reply of a question for which no price was quoted."""
        found = (await self.ledger.desk.find([question.key])).get(question.key)
        if found is None or not _serves(found, question):
            raise NotNowError("the kept answer has just expired, and nothing was sent: ask again for its price")
        return self._used(found)

    def _used(self, kept: KeptAnswer) -> Reply:
        self.kept_ms = min(self.kept_ms or kept.at_ms, kept.at_ms)
        return kept.reply

    async def _send(self, question: Question, granted: Granted) -> Reply:
        calls = self._calls
        ticket = calls.ticket(self.provider, question, granted)
        try:
            bought = await calls.send(self.provider, question, ticket)
        except OutcomeUnknownError:
            await self._note(granted, lookup_entry(question, "uncertain", question.price, self.clock()))
            raise
        finally:
            await calls.wake(ticket)
        self.spent += bought.credits
        self.bought += 1
        await self.ledger.rollback_guard.high_water.sync()
        await self._note(granted, bought.entry)
        return bought.reply

    async def _note(self, granted: Granted, entry: str) -> None:
        await self.ledger.journal.append("", "", "", self.run, [entry], token=granted.ticket_id)

    async def _learn(self) -> None:
        """Reads today's prices and balance; what cannot be read stays as the contract and the budget say."""
        try:
            status = await self.provider.account_status()
        except RateLimitedError:
            raise
        except (UnavailableError, ContractError):
            return
        self._prices |= status.prices
        if status.credits is not None:
            self.budget_lines.balances[self.provider.name] = (self.clock(), status.credits)

    @property
    def _calls(self) -> PaidCalls:
        return PaidCalls(self.ledger, self.spool, self.keep, self.clock)

    def _as_a_visit(self, question: Question) -> Question:
        """Returns the question with the fields a visit would ask for, so that its answer serves a visit too."""
        offers = (offer for offer in self.provider.offers({}) if offer.operation == question.operation)
        offer = next(offers, None)
        if question.fields or offer is None:
            return question
        return replace(question, fields=offer.gives - {"slug", "person"})

    def _priced(self, question: Question) -> Question:
        return replace(question, price=self._prices.get(question.operation, question.price))

    def _lines(self) -> tuple[BudgetLine, ...]:
        return self.budget_lines.provider_lines(self.provider.name, self.clock())

    async def _left(self, lines: Sequence[BudgetLine]) -> int:
        booked = await self.ledger.budgets.booked([line.name for line in lines])
        return max(0, min(line.cap - booked[line.name].spent - booked[line.name].reserved for line in lines))


def _serves(kept: KeptAnswer | None, question: Question) -> bool:
    return kept is not None and question.fields <= kept.fields


def at(ms: int) -> str:
    """Returns an instant for people: ``2026-11-20 09:00:00 UTC``."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
