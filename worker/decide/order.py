"""Finds the order of providers that closes a record's gaps for the fewest credits, by their past results.

The forecast estimates the cost of an order: it plays the waterfall of a typical record, including shared answers,
proofs, and expensive lookups that become unnecessary. Orders are compared at equal fills.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Identity, Offer
from worker.decide.forecast import Forecaster
from worker.decide.gate import facts
from worker.decide.odds import EXPLORED, Odds, QuestionYield
from worker.decide.policy import FieldRule, Policy
from worker.decide.record import View

Orders: TypeAlias = Mapping[str, tuple[str, ...]]

DRAWS = 100
_SAME = 0.01  # of the values that an order may bring less than another and still count as its equal
_Z = 1.96  # 95 %
_SLUG = "ada-lovelace"


class Advice(Struct, frozen=True):
    """Compares the present order with the cheapest one, for a record with a known profile and every gap open.

    ``now`` and ``best`` are expected credits a record, ``saved`` is the share that the better order saves, ``low``
    and ``high`` its 90 % interval. ``orders`` are by field, ``unseen`` the operations that not enough is known yet of.
    """

    orders: Orders = {}
    now: float = 0.0
    best: float = 0.0
    saved: float = 0.0
    low: float = 0.0
    high: float = 0.0
    unseen: tuple[str, ...] = ()

    @property
    def is_proved(self) -> bool:
        """Tells whether the better order is cheaper within the limits of chance."""
        return not self.unseen and self.saved > 0 and self.low > 0


def typical(policy: Policy) -> View:
    """Returns a person whose profile, name and employer are known, with every field to fill blank."""
    gaps = tuple(rule.field for rule in policy.rules if rule.providers)
    who = Identity(slug=_SLUG, first_name="Ada", last_name="Lovelace", domain="acme.com")
    known = facts(first="Ada", last="Lovelace", employers=("acme.com",), slug=_SLUG)
    return View(identity=who, facts=known, gaps=gaps, blank=gaps, domains=("acme.com",))


def ordered(policy: Policy, orders: Orders) -> Policy:
    """Returns the policy with the providers of its fields asked in these orders."""
    rules = (
        replace(rule, providers=orders[rule.field], ordered=True) if rule.field in orders else rule
        for rule in policy.rules
    )
    return dataclasses.replace(policy, rules=tuple(rules))


def expected(policy: Policy, offers: Sequence[Offer], odds: Odds) -> tuple[float, float]:
    found = Forecaster(policy, offers, odds).of(typical(policy), {})
    return sum(one.mean for one in found.credits.values()), sum(found.fills.values())


def cheapest(policy: Policy, offers: Sequence[Offer], odds: Odds) -> Orders:
    """Returns the order of each field's providers that costs least and brings as much, field by field until none helps.

    It is searched from every common order of all providers, the operator's first.
    """
    names = tuple(dict.fromkeys(name for rule in policy.rules for name in rule.providers))
    choices = _choices(policy)
    starts: list[Orders] = [{rule.field: rule.providers for rule in choices}]
    starts += [{rule.field: _like(rule, common) for rule in choices} for common in permutations(names)]
    known: dict[tuple[tuple[str, ...], ...], tuple[float, float]] = {}

    def cost(orders: Orders) -> tuple[float, float]:
        key = tuple(orders.values())
        if key not in known:
            known[key] = expected(ordered(policy, orders), offers, odds)
        return known[key]

    best = starts[0]
    for found in [*starts, *(_descended(start, cost) for start in starts)]:  # among equals the simplest
        if _is_better(cost(found), cost(best)):
            best = found
    return best


def _choices(policy: Policy) -> list[FieldRule]:
    return [rule for rule in policy.rules if len(rule.providers) > 1]


def _like(rule: FieldRule, common: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in common if name in rule.providers)


def _descended(orders: Orders, cost: Callable[[Orders], tuple[float, float]]) -> Orders:
    better = True
    while better:
        better = False
        for name in orders:
            for order in permutations(orders[name]):
                other = {**orders, name: order}
                if _is_better(cost(other), cost(orders)):
                    orders, better = other, True
    return orders


def _is_better(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Tells whether an order costs less than another and brings no less."""
    return one[0] < other[0] - 1e-9 and one[1] >= other[1] * (1 - _SAME)


def advise(policy: Policy, offers: Sequence[Offer], odds: Odds, beta: Callable[[float, float], float]) -> Advice:
    """Returns the saving of the cheapest order compared with the policy's own.

    The interval is a parametric bootstrap: both orders are reckoned with chances drawn by ``beta`` (a, b) around what
    was seen, the 5th and the 95th of a hundred draws bound it.
    """
    unseen = tuple(f"{one.provider} {one.operation}" for one in _asked(policy, offers) if not odds.is_seen(one))
    standing = {rule.field: rule.providers for rule in policy.rules if rule.providers}
    now = expected(policy, offers, odds)[0]
    if unseen:
        return Advice(standing, now, now, unseen=unseen)
    orders = cheapest(policy, offers, odds)
    better = ordered(policy, orders)
    best = expected(better, offers, odds)[0]
    if best >= now * (1 - 1e-9):
        return Advice(standing, now, now)
    saved = []
    for _ in range(DRAWS):
        drawn = _drawn(odds, beta)
        before, after = expected(policy, offers, drawn)[0], expected(better, offers, drawn)[0]
        saved.append((before - after) / before if before else 0.0)
    saved.sort()
    edge = DRAWS // 20
    return Advice(orders, now, best, (now - best) / now, saved[edge], saved[-edge - 1])


def _asked(policy: Policy, offers: Sequence[Offer]) -> list[Offer]:
    steps = Forecaster(policy, offers, Odds()).of(typical(policy), {}).steps
    return [step.offer for step in steps]


def _drawn(odds: Odds, beta: Callable[[float, float], float]) -> Odds:
    def drawn(one: QuestionYield) -> QuestionYield:
        brought = {
            name: round(wanted * beta(one.brought.get(name, 0) + 1, max(0, wanted - one.brought.get(name, 0)) + 1))
            for name, wanted in one.wanted.items()
        }
        return replace(one, brought=brought)

    return Odds({name: drawn(one) for name, one in odds.seen.items()})


def learned(policy: Policy, offers: Sequence[Offer], odds: Odds) -> Policy:
    """Returns the policy in the cheapest order; unchanged while its questions have too few results."""
    if not all(odds.is_seen(one) for one in _asked(policy, offers)):
        return policy
    found = ordered(policy, cheapest(policy, offers, odds))
    return found if _is_better(expected(found, offers, odds), expected(policy, offers, odds)) else policy


def explores(who: Identity) -> bool:
    """Tells whether a person is among the few who are asked about in another order; always the same for one person."""
    text = f"{who.slug}\n{who.email}\n{who.phone}\n{who.full_name}".casefold()
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") < EXPLORED * 2**32


def exploring(policy: Policy) -> Policy:
    """Returns the policy with every field's last provider asked first."""
    orders = {rule.field: (rule.providers[-1], *rule.providers[:-1]) for rule in _choices(policy)}
    return ordered(policy, orders)


def wilson(brought: int, wanted: int) -> tuple[float, float]:
    """Returns the 95 % interval (Wilson) of a rate; everything is possible if nothing was asked."""
    if not wanted:
        return 0.0, 1.0
    rate, square = min(1.0, brought / wanted), _Z * _Z
    middle = (rate + square / (2 * wanted)) / (1 + square / wanted)
    width = _Z / (1 + square / wanted) * (rate * (1 - rate) / wanted + square / (4 * wanted * wanted)) ** 0.5
    return max(0.0, middle - width), min(1.0, middle + width)
