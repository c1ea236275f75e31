"""A plan foretells the questions of a record's visit, what they cost at most, and what is expected."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from hypothesis import given

from connectors.models import Answer, Company, Email, Outcome, Person, Question, Role
from tests.harness.examples import examples
from tests.unit.decide.scene import ADA, AT_ACME, MISS, OFFERS, WORK, hit, kaspr, policy, record, visit, with_slug
from tests.unit.decide.test_plan_properties import books, policies, rows
from worker.decide.forecast import Forecaster
from worker.decide.odds import ENOUGH, PRICE_LIST, odds_of
from worker.decide.policy import Policy
from worker.decide.record import look

SEEN = {f"{one.provider}|{one.operation}|asked": 2 * ENOUGH for one in OFFERS}
HALF = odds_of(SEEN | {f"{one.provider}|{one.operation}|credits": ENOUGH * one.price for one in OFFERS})
FOUND = Person(
    slug="ada-example",
    first_name="Ada",
    last_name="Example",
    roles=(Role("", Company(domain="acme.com"), current=True),),
)


def most(row: object, rules: Policy, kept: Mapping[str, Answer] | None = None) -> int:
    found = Forecaster(rules, OFFERS, PRICE_LIST).of(look(row, rules), kept or {})  # type: ignore[arg-type]
    return sum(one.most for one in found.credits.values())


@examples(200, short=20)
@given(rows, policies, books)
def test_no_visit_costs_more_than_was_foretold_as_the_most(row: object, told: Policy, book: dict[str, Answer]) -> None:
    seen = visit(row, told, book)  # type: ignore[arg-type]
    if len({one.operation for one in seen.asked}) == len(seen.asked):  # a second domain asks a search twice
        assert seen.credits <= most(row, told)


@pytest.mark.parametrize(
    ("row", "book"),
    [
        (with_slug(), {}),
        (with_slug(), {"profile": kaspr()}),
        (record(AT_ACME), {"search": hit(FOUND), "profile": kaspr()}),
        (record(AT_ACME), {}),
    ],
)
def test_the_questions_of_a_visit_are_among_those_foretold(row: object, book: dict[str, Answer]) -> None:
    rules = policy()
    foretold = [one.offer.operation for one in Forecaster(rules, OFFERS, PRICE_LIST).of(look(row, rules), {}).steps]  # type: ignore[arg-type]
    asked = visit(row, rules, book).operations  # type: ignore[arg-type]
    assert asked
    assert set(asked) <= set(foretold)
    assert foretold[0] == asked[0]


def test_a_kept_answer_leaves_what_it_does_not_bring() -> None:
    rules = policy()
    seen = visit(with_slug(), rules, {"profile": kaspr(emails=(WORK,), title="VP")})
    kept = {key: one for key, one in seen.answers.items() if one is not MISS}
    found = Forecaster(rules, OFFERS, PRICE_LIST).of(look(with_slug(), rules), kept)
    assert {name for step in found.steps for name in step.fields} == {"phone", "mobile_phone"}
    assert not Forecaster(rules, OFFERS, PRICE_LIST).of(look(with_slug(), rules), seen.answers).steps


def test_expected_credits_are_what_visits_cost_on_average() -> None:
    """Every operation hits every second time and costs its price then; what a hit brings is drawn alike."""
    rules, chance, total, count = policy(), random.Random(7), 0, 2_000
    odds = odds_of(
        SEEN
        | {f"{one.provider}|{one.operation}|credits": ENOUGH * one.price for one in OFFERS}
        | {f"{one.provider}|{one.operation}|wanted|{name}": 2 * ENOUGH for one in OFFERS for name in one.gives}
        | {f"{one.provider}|{one.operation}|brought|{name}": ENOUGH for one in OFFERS for name in one.gives}
    )

    def book(question: Question) -> Answer:
        if chance.random() < 0.5:
            return MISS
        full = {"profile": kaspr(emails=(WORK,), title="VP", phones=ADA.phones), "detail": hit(ADA)}
        return full.get(question.operation, hit(Person(emails=(Email("ada@acme.com", WORK.grade, "work"),))))

    email_only = policy(*(one for one in rules.rules if one.field in {"work_email", "job_title"}))
    for _ in range(count):
        seen = visit(with_slug(), email_only, book, odds=odds)
        total += sum(one.price for one in seen.asked if seen.answers[one.key].outcome is Outcome.HIT)
    found = Forecaster(email_only, OFFERS, odds).of(look(with_slug(), email_only), {})
    assert sum(one.mean for one in found.credits.values()) == pytest.approx(total / count, rel=0.08)
    assert found.guessed == 0


def test_the_price_list_speaks_until_enough_was_seen() -> None:
    rules = policy()
    assert Forecaster(rules, OFFERS, PRICE_LIST).of(look(with_slug(), rules), {}).guessed == 1
    assert Forecaster(rules, OFFERS, HALF).of(look(with_slug(), rules), {}).guessed == 0
