"""Measures what a strategy pays on a market and writes, beside what somebody who knows every answer would pay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from msgspec import structs

from connectors.models import Answer, Outcome, Question
from sandbox.people import Person
from tests.money.market import Market, Row
from worker.decide.decision import Decision
from worker.decide.odds import PRICE_LIST, Odds
from worker.decide.plan import candidates, decide
from worker.decide.policy import Policy
from worker.decide.record import View, look
from worker.decide.values import emails, linkedin, phones
from worker.decide.waterfall import Supply

Strategy = Callable[[Policy], Policy]


def _ordered(*providers: str) -> Strategy:
    def order(rules: Policy) -> Policy:
        return replace(
            rules, rules=tuple(structs.replace(one, providers=providers, ordered=True) for one in rules.rules)
        )

    return order


def _unproved(strategy: Strategy) -> Strategy:
    return lambda rules: replace(strategy(rules), verify_person=False)


STRATEGIES: Mapping[str, Strategy] = {
    "as it pays (no `from`)": lambda rules: rules,
    'from = ["kaspr", "forager"]': _ordered("kaspr", "forager"),
    'from = ["forager", "kaspr"]': _ordered("forager", "kaspr"),
    'from = ["forager"]': _ordered("forager"),
    "as it pays, verify_person = false": _unproved(lambda rules: rules),
}


@dataclass
class Bill:
    """One strategy on one market. ``bound`` is what the same right fills cost somebody who knows all answers before."""

    records: int = 0
    questions: int = 0
    credits: int = 0
    right: int = 0
    wrong: int = 0
    bound: int = 0

    def __add__(self, other: Bill) -> Bill:
        return Bill(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def per_fill(self) -> float:
        return self.credits / max(1, self.right)

    @property
    def times_bound(self) -> float:
        return self.credits / max(1, self.bound)


def cost(question: Question, answer: Answer) -> int:
    """Credits an answer costs."""
    return question.price if answer.credits is None else answer.credits


async def measure(market: Market, rules: Policy, *, odds: Odds = PRICE_LIST, bound: bool = True) -> Bill:
    """Visit every row until nothing new can be learned, and count."""
    bill = Bill()
    for row in market.rows:
        view = look(row.record, rules)
        if view.skip or not view.gaps:
            continue
        decision, asked = await visit(market, view, rules, odds)
        right = {one.field for one in decision.changes if is_theirs(one.field, one.value, row.person)}
        bill += Bill(
            records=1,
            questions=len(asked),
            credits=sum(cost(question, answer) for question, answer in asked),
            right=len(right),
            wrong=len(decision.changes) - len(right),
            bound=await clairvoyant(market, row, view, rules, right) if bound and right else 0,
        )
    return bill


async def visit(
    market: Market, view: View, rules: Policy, odds: Odds = PRICE_LIST
) -> tuple[Decision, list[tuple[Question, Answer]]]:
    """Returns what a visit decides in the end, and what it asked."""
    answers: dict[str, Answer] = {}
    asked: list[tuple[Question, Answer]] = []
    while True:
        decision = decide(view, rules, Supply(market.offers, odds=odds), answers, schema=market.schema)
        if not decision.questions:
            return decision, asked
        for step in decision.questions:
            answer = answers[step.question.key] = await market.book.ask(step.question)
            asked.append((step.question, answer))


def is_theirs(name: str, value: str, person: Person) -> bool:
    """Whether a value is the person's own."""
    told = {
        "work_email": emails.key(value) == person.work_email.lower(),
        "personal_email": emails.key(value) == person.personal_email.lower(),
        "phone": phones.read(value).e164 in {person.phone, person.mobile},
        "mobile_phone": phones.read(value).e164 in {person.phone, person.mobile},
        "linkedin_url": linkedin.slug(value) == person.slug,
        "job_title": value == person.title,
    }
    return told[name]


async def clairvoyant(market: Market, row: Row, view: View, rules: Policy, right: set[str]) -> int:
    """The cheapest answers that fill ``right`` by the same rules: no miss, nothing unusable, but whatever proves."""
    hits: list[tuple[Question, Answer]] = []
    answers: dict[str, Answer] = {}
    while asked := candidates(view, rules, market.offers, answers):
        for question in asked:
            answer = answers[question.key] = await market.book.ask(question)
            if answer.outcome is Outcome.HIT:
                hits.append((question, answer))
    sets = (chosen for count in range(1, len(hits) + 1) for chosen in combinations(hits, count))
    for chosen in sorted(sets, key=lambda one: sum(cost(*pair) for pair in one)):
        told = {question.key: answer for question, answer in chosen}
        decision = decide(view, rules, Supply(market.offers), told, schema=market.schema)
        if right <= {one.field for one in decision.changes if is_theirs(one.field, one.value, row.person)}:
            return sum(cost(*pair) for pair in chosen)
    raise AssertionError("no set of answers fills what was filled")
