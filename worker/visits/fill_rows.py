"""Takes rows of a table through the waterfall: the rules, tickets and budgets of a visit, and no CRM."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Outcome, Question, Record
from worker.decide.decision import Decision, Next
from worker.decide.handles import Handle, of_decision, of_identity
from worker.decide.not_now import GiveUp, RetryAt, WaitForProvider
from worker.decide.odds import Bought, counts
from worker.decide.plan import decide
from worker.decide.policy import Policy
from worker.decide.reasons import Reason
from worker.decide.record import View, country_of, handles, look
from worker.decide.waterfall import Supply
from worker.ledger.journal.journal import Journal
from worker.ledger.work.work_values import Lane, Lease
from worker.visits.outlook import KnownAnswers, offers_of, read_kept, spared
from worker.visits.purchase import Answered, Looked, Lookups, Miss
from worker.visits.visit_notes import bought

CRM = "csv"  # the owner of the budget lines of tables, besides the provider's and the run's
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class FilledRow:
    """Holds the result of one row: ``filled`` is field -> (value, provider), ``waits`` why it may be filled later.

    ``held`` says which credits kept a gap open for good: ``cap`` of the run, ``price`` above a whole budget.
    """

    filled: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    unfilled: dict[str, Reason] = field(default_factory=dict)
    waits: dict[str, str] = field(default_factory=dict)
    gaps: int = 0
    held: frozenset[str] = frozenset()


class RowPlan(Struct, frozen=True):
    """Holds the first questions of a row: nothing is sent."""

    gaps: tuple[str, ...]
    kept: int = 0
    questions: tuple[Question, ...] = ()


@dataclass(slots=True)
class TableRows:
    """Visits the rows of one table in one run. ``patience_s`` is how long a row waits for what cannot go on yet.

    ``stopping`` is set when a person ended it: rows under way end, and no further question is asked.
    ``too_dear`` holds the lowest price, by provider, that is above a whole budget, ``short`` the lowest that is above
    a budget's remaining credits.
    """

    lookups: Lookups
    journal: Journal
    policy: Policy
    run: str
    patience_s: float
    stopping: asyncio.Event
    too_dear: dict[str, int] = field(default_factory=dict)
    short: dict[str, int] = field(default_factory=dict)

    async def plan(self, record: Record) -> RowPlan:
        """Returns the questions of a row, given the kept answers."""
        _, view, _ = await self._seen(record)
        known = await self._kept(view)
        decision = await self._decided(view, known, {})
        return RowPlan(view.gaps, len(decision.changes), tuple(one.question for one in decision.questions))

    async def fill(self, record: Record) -> FilledRow:
        """Asks until nothing new can be learned now.

        Raises:
            LedgerUnavailableError: Redis is away.
        """
        about, view, lease = await self._seen(record)
        known, blocked, notes, held = await self._kept(view), dict[str, str](), list[Bought](), set[str]()
        while True:
            decision = await self._decided(view, known, blocked)
            if not decision.questions or self.stopping.is_set():
                break
            handles_now = about | of_decision(decision)
            looked = await asyncio.gather(*(self._ask(one.question, lease, handles_now) for one in decision.questions))
            for one, result in zip(decision.questions, looked, strict=True):
                await self._noted(one, result, known, blocked, held)
                if isinstance(result, Answered) and result.entry:
                    hit = result.answer.outcome is Outcome.HIT
                    notes.append(bought(one, result.credits, view, decision, hit=hit))
        lookups = self.lookups
        lookups.yields.note(counts(notes, decision, country_of(view)))
        learned = of_decision(decision) - of_identity(view.identity)
        if learned and any(await lookups.suppressions.among([learned])):
            return FilledRow(unfilled=dict.fromkeys(view.blank, Reason.SUPPRESSED), gaps=len(view.blank))
        waits = {name: blocked[provider] for provider, names in decision.blocked.items() for name in names}
        waits |= {name: "stopped" for one in decision.questions for name in one.fields}
        filled = {one.field: (one.value, one.provider) for one in decision.changes}
        unfilled = {name: why for name, why in decision.unfilled.items() if name not in waits}
        waits = {name: why for name, why in waits.items() if name not in filled}
        if Reason.BUDGET not in unfilled.values():
            held.clear()  # another provider closed the gap
        return FilledRow(filled, unfilled, waits, len(view.blank), frozenset(held))

    async def _seen(self, record: Record) -> tuple[frozenset[Handle], View, Lease]:
        about = handles(record, self.policy)
        suppressions = self.lookups.suppressions
        (listed,) = await suppressions.among([about]) if about else [False]
        view = look(replace(record, suppressed=listed), self.policy)
        return about, view, _lease(self.run, self.lookups.owner)

    async def _kept(self, view: View) -> KnownAnswers:
        known = KnownAnswers()
        await read_kept(self.lookups, view, self.policy, known)
        return known

    async def _decided(self, view: View, known: KnownAnswers, blocked: Collection[str]) -> Decision:
        return await spared(lambda seen: self._decide(seen, known, blocked), view, known, self.lookups.ledger.bad)

    def _decide(self, view: View, known: KnownAnswers, blocked: Collection[str]) -> Decision:
        offers = offers_of(self.lookups, self.policy)
        supply = Supply(offers, known.closed, frozenset(blocked), self.lookups.odds)
        return decide(view, self.policy, supply, known.answers, missed=known.missed)

    async def _ask(self, question: Question, lease: Lease, about: frozenset[Handle]) -> Looked:
        """Asks a question; waits a while if another row asks it already, or the rate is used up for the moment."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.patience_s
        while True:
            looked = await self.lookups.ask(question, lease, about)
            match looked:
                case RetryAt():
                    pass
                case WaitForProvider(reason="rate") if not await self.lookups.ledger.pauses.of(question.provider):
                    pass
                case _:
                    return looked
            left = ends - loop.time()
            if left <= 0 or self.stopping.is_set():
                return looked
            await asyncio.sleep(min(LOOK_S, left))

    async def _noted(
        self, asked: Next, result: Looked, known: KnownAnswers, blocked: dict[str, str], held: set[str]
    ) -> None:
        key, provider, price = asked.question.key, asked.question.provider, asked.question.price
        entry = ""
        match result:
            case Answered(answer, _, entry):
                known.answers[key] = answer
            case Miss(entry):
                known.missed.add(key)
            case GiveUp(reason, cut):
                known.closed[provider] = reason
                if cut:
                    held.add("cap")
                elif reason == Reason.BUDGET:
                    held.add("price")
                    self.too_dear[provider] = min(price, self.too_dear.get(provider, price))
            case WaitForProvider(_, reason):
                if reason == "budget":
                    self.short[provider] = min(price, self.short.get(provider, price))
                blocked[provider] = await self._why(provider, reason)
            case RetryAt(_, reason):
                blocked[provider] = "verdict" if reason in {"question", "verdict"} else reason
        if entry:
            await self.journal.append("", "", "", self.run, [entry], token=f"{self.run}:{key}")

    async def _why(self, provider: str, reason: str) -> str:
        """Returns the sentence of the pause of a provider, else the word for why it has no capacity."""
        pauses = await self.lookups.ledger.pauses.of(provider)
        return next((one.why for one in pauses if one.why), reason)


def _lease(run: str, owner: str) -> Lease:
    """Returns the right under which a row asks. It belongs to no record: nothing of it is in the work."""
    return Lease(CRM, "contact", "", "", owner, Lane.LIVE, run, 0, 0, 0, False, None, (), "")
