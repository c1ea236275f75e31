"""Learns the cheapest order of providers from what questions have brought, and keeps the scorecard behind it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import permutations, product

import pytest

from connectors.models import Identity, Offer
from tests.unit.decide.scene import OFFERS, policy, rule
from tests.unit.decide.test_odds import PROFILE, decided
from worker.decide.odds import ENOUGH, EXPLORED, Bought, Odds, counts, odds_of
from worker.decide.order import Advice, advise, expected, explores, exploring, learned, ordered
from worker.decide.order import wilson as interval
from worker.decide.policy import Policy
from worker.decide.scorecard import scorecard

FIELDS = ("work_email", "mobile_phone", "job_title")
GIVEN = ("forager", "kaspr")


def watched(order: tuple[str, ...] = GIVEN) -> Policy:
    return policy(*[rule(name, order, ordered=True) for name in FIELDS])


def market(rng: random.Random) -> dict[Offer, tuple[float, dict[str, float]]]:
    """Returns what providers bring in truth: how often they know somebody, and how often each field comes then."""
    return {
        one: (rng.uniform(0.3, 0.95), {name: rng.uniform(0.3, 1.0) for name in sorted(one.gives)}) for one in OFFERS
    }


def truth(told: dict[Offer, tuple[float, dict[str, float]]]) -> Odds:
    many = 100_000
    return odds_of(
        {
            f"{one.provider}|{one.operation}|{name}": round(by)
            for one, (hit, fields) in told.items()
            for name, by in [
                ("asked", many),
                ("credits", many * hit * one.price),
                *((f"wanted|{field}", many) for field in fields),
                *((f"brought|{field}", many * hit * chance) for field, chance in fields.items()),
            ]
        }
    )


def seen(told: dict[Offer, tuple[float, dict[str, float]]], rng: random.Random, asked: int) -> Odds:
    """Returns what is counted of so many questions at such providers."""
    found = Counter[str]()
    for one, (hit, fields) in told.items():
        name = f"{one.provider}|{one.operation}"
        for _ in range(asked):
            is_hit = rng.random() < hit
            found[f"{name}|asked"] += 1
            found[f"{name}|credits"] += is_hit * one.price
            for field, chance in fields.items():
                found[f"{name}|wanted|{field}"] += 1
                found[f"{name}|brought|{field}"] += is_hit and rng.random() < chance
    return odds_of(found)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10))])
def test_the_learned_order_costs_at_most_2_percent_more_than_the_best_of_all(seed: int) -> None:
    rng = random.Random(seed)
    told = market(rng)
    real, rules = truth(told), watched()
    all_orders = [
        expected(ordered(rules, dict(zip(FIELDS, orders, strict=True))), OFFERS, real)
        for orders in product(permutations(GIVEN), repeat=len(FIELDS))
    ]
    most = max(fills for _, fills in all_orders)
    best = min(credits for credits, fills in all_orders if fills >= most * 0.99)
    credits, fills = expected(learned(rules, OFFERS, seen(told, rng, 2_000)), OFFERS, real)
    assert credits <= best * 1.02
    assert fills >= most * 0.98


def counted(kaspr: float, forager: float, asked: int = 2_000) -> Odds:
    """Kaspr and Forager as sure as told, at list prices."""
    rates = {"kaspr": kaspr, "forager": forager}
    told = {one: (rates[one.provider], dict.fromkeys(sorted(one.gives), 1.0)) for one in OFFERS}
    return seen(told, random.Random(1), asked)


def advised(rules: Policy, odds: Odds) -> Advice:
    return advise(rules, OFFERS, odds, random.Random(2).betavariate)


def test_advice_names_the_cheaper_order_and_what_it_saves_with_an_interval() -> None:
    found = advised(watched(), counted(0.9, 0.9))
    assert set(found.orders.values()) == {("kaspr", "forager")}
    assert found.is_proved
    assert 0 < found.low <= found.saved <= found.high < 1
    assert found.best == pytest.approx(found.now * (1 - found.saved))


def test_an_order_that_is_cheapest_already_is_told_as_such() -> None:
    found = advised(watched(("kaspr", "forager")), counted(0.9, 0.9))
    assert (found.is_proved, found.saved, found.orders["work_email"]) == (False, 0.0, ("kaspr", "forager"))


def test_little_that_was_seen_proves_nothing_and_changes_no_order() -> None:
    few = counted(0.9, 0.9, ENOUGH - 1)
    assert advised(watched(), few).unseen
    assert not advised(watched(), few).is_proved
    assert learned(watched(), OFFERS, few) == watched()


def test_one_person_in_twenty_is_always_asked_about_in_another_order() -> None:
    people = [Identity(slug=f"person-{at}") for at in range(4_000)]
    chosen = [explores(one) for one in people]
    assert sum(chosen) / len(people) == pytest.approx(EXPLORED, abs=0.015)
    assert [explores(one) for one in people] == chosen
    assert exploring(watched()).rules[0].providers == ("kaspr", "forager")
    assert exploring(watched()).digest != ""


def test_the_order_that_is_learned_opens_no_settled_record() -> None:
    assert replace(watched(), learned=True).digest == watched().digest


@pytest.mark.parametrize(
    ("brought", "wanted", "low", "high"), [(0, 0, 0, 1), (0, 10, 0, 0.278), (50, 100, 0.404, 0.596), (10, 10, 0.722, 1)]
)
def test_an_interval_is_wilsons(brought: int, wanted: int, low: float, high: float) -> None:
    assert list(interval(brought, wanted)) == pytest.approx([low, high], abs=0.001)


def test_a_scorecard_has_rates_and_prices_by_provider_field_and_country() -> None:
    found = Counter[str]()
    for at in range(10):
        bought = [Bought(PROFILE, "q", 1 if at < 8 else 0, ("work_email", "job_title"), hit=at < 8)]
        brought = [("q", "work_email")] * (at < 6) + [("q", "job_title")] * (at < 2)
        found.update(counts(bought, decided(*brought), "DE" if at < 5 else "FR"))
    rows = {(one.field, one.country): one.as_json() for one in scorecard(odds_of(found))}
    whole = rows["", ""]
    assert (whole["asked"], whole["credits"], whole["credits_per_filled"]) == (10, 8, 1.0)
    assert (whole["hit_rate"]["rate"], whole["usable_rate"]["rate"]) == (0.8, 0.4)
    assert whole["right_person_rate"]["rate"] == 0.0  # nobody was proved here
    assert (rows["work_email", ""]["brought"], rows["work_email", ""]["credits_per_filled"]) == (6, 1.0)
    assert (rows["", "DE"]["brought"], rows["", "FR"]["brought"]) == (7, 1)
