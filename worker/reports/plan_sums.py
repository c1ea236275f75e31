"""Adds up foreseen visits: their writes, leftovers and cost. A million records take the memory of ten."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from connectors.limits import Window
from connectors.models import Offer
from worker.decide.forecast import ExpectedCredits, LikelyStep
from worker.decide.odds import Odds
from worker.visits.foresight import ForeseenVisit

_BITS = 2**26  # 8 MB: one question in a thousand is taken for a known one at three million of them
_PROBES = 4
_SURE = 2.0  # standard deviations of a band: the cost lies in it 19 times of 20
_MODEL = 0.03  # of the expected cost: how far chances that are taken for independent may mislead
_SOME = 0.1  # of the expected credits
_BURST_S = 60  # longer windows may be used up at once


class AskedBefore:
    """Remembers which questions a plan has counted already: a kept answer serves every record of that person."""

    def __init__(self) -> None:
        self._bits = bytearray(_BITS // 8)

    def add(self, question: str) -> bool:
        """Adds a question; tells whether it was there."""
        digest = hashlib.blake2b(question.encode(), digest_size=4 * _PROBES).digest()
        known = True
        for at in range(_PROBES):
            place, bit = divmod(int.from_bytes(digest[4 * at : 4 * at + 4], "big") % _BITS, 8)
            known &= bool(self._bits[place] >> bit & 1)
            self._bits[place] |= 1 << bit
        return known


class CreditBand(Struct, frozen=True):
    """Holds the credits of one provider: expected, the band that they lie in, and the most there can be.

    ``by`` says what speaks for the operations: ``own rates``, the ``price list``, or ``both``.
    """

    expected: int = 0
    low: int = 0
    high: int = 0
    most: int = 0
    by: str = "own rates"


@dataclass(slots=True)
class _Spending:
    """Sums up one provider. ``less`` and ``more`` are the possible errors of estimates from the price list."""

    mean: float = 0.0
    variance: float = 0.0
    most: int = 0
    less: float = 0.0
    more: float = 0.0
    by_offer: dict[Offer, float] = field(default_factory=dict)


@dataclass(slots=True)
class PlanSums:
    """Sums up the records of a plan: ``read`` are rows looked at, ``visits`` those that something would be done for."""

    read: int = 0
    visits: int = 0
    gaps: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    unfilled: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)  # by field: written from answers that are kept
    expected: dict[str, float] = field(default_factory=dict)  # by field: values that lookups will bring
    shared: int = 0  # records whose lookups another record of the plan pays for
    visited: Counter[str] = field(default_factory=Counter)  # by crm
    written: dict[str, float] = field(default_factory=dict)  # by crm: records with a write
    questions: dict[str, float] = field(default_factory=dict)  # by limiter bucket
    _spending: dict[str, _Spending] = field(default_factory=dict)
    _asked: AskedBefore = field(default_factory=AskedBefore)

    def add(self, one: ForeseenVisit) -> None:
        self.read += 1
        self.closed.update(one.closed.values())
        if one.skip:
            self.skipped[one.skip] += 1
            return
        self.gaps += len(one.gaps)
        self.unfilled.update(one.unfilled.values())
        if not one.does_something:
            return
        self.visits += 1
        self.visited[one.crm] += 1
        self.changes.update(change.field for change in one.changes)
        for name, chance in one.forecast.fills.items():
            self.expected[name] = self.expected.get(name, 0.0) + chance
        stays = math.prod(1 - min(1.0, chance) for chance in one.forecast.fills.values())
        self.written[one.crm] = self.written.get(one.crm, 0.0) + (1.0 if one.changes else 1 - stays)
        self._spend(one)

    def _spend(self, one: ForeseenVisit) -> None:
        new = [step for step in one.forecast.steps if not self._asked.add(_name(step, one.whom))]
        self.shared += bool(one.forecast.steps) and not new
        own: dict[str, float] = {}
        for step in new:
            name = step.offer.provider
            own[name] = own.get(name, 0.0) + step.credits
            self.questions[step.offer.bucket] = self.questions.get(step.offer.bucket, 0.0) + step.chance
            by_offer = self._spending.setdefault(name, _Spending()).by_offer
            by_offer[step.offer] = by_offer.get(step.offer, 0.0) + step.credits
        for name, credits in one.forecast.credits.items():
            self._book(self._spending.setdefault(name, _Spending()), credits, own.get(name, 0.0), one.forecast.guessed)

    @staticmethod
    def _book(spending: _Spending, credits: ExpectedCredits, own: float, guessed: float) -> None:
        if not own:
            return  # all of it is asked for another record
        share = own / credits.mean if credits.mean else 0.0
        spending.mean += own
        spending.variance += share * max(0.0, credits.square - credits.mean**2)
        spending.most += credits.most
        spending.less += guessed * own
        spending.more += guessed * (credits.most - own)

    def credits(self, odds: Odds) -> dict[str, CreditBand]:
        """Returns the expected spending, by provider."""
        return {name: _band(one, odds) for name, one in sorted(self._spending.items()) if one.most}

    def seconds(self, windows: Mapping[str, tuple[Window, ...]]) -> float:
        """Returns how long the lookups take at these rates of the buckets, the slowest one."""
        return max(
            (lasts_s(count, window) for name, count in self.questions.items() for window in windows.get(name, ())),
            default=0.0,
        )

    def as_json(self, odds: Odds) -> dict[str, Any]:
        return {
            "records": self.read,
            "visits": self.visits,
            "gaps": self.gaps,
            "changes": {"now": dict(self.changes), "expected": {k: round(v) for k, v in self.expected.items()}},
            "skipped": dict(self.skipped),
            "closed": dict(self.closed),
            "unfilled": dict(self.unfilled),
            "shared": self.shared,
            "credits": {
                name: {"expected": one.expected, "low": one.low, "high": one.high, "most": one.most, "by": one.by}
                for name, one in self.credits(odds).items()
            },
        }


def lasts_s(count: float, window: Window) -> float:
    """Returns how long so many calls take under one window."""
    free = window.calls if window.seconds > _BURST_S else 0
    return max(0.0, count - free) * window.seconds / window.calls


def _name(step: LikelyStep, whom: tuple[str, ...]) -> str:
    return "|".join((step.offer.provider, step.offer.operation, *(part.casefold() for part in whom)))


def _band(one: _Spending, odds: Odds) -> CreditBand:
    unsure = sum(_unsure(offer, spent, odds) for offer, spent in one.by_offer.items())
    spread = _SURE * (math.sqrt(one.variance) + unsure) + _MODEL * one.mean
    low = max(0.0, one.mean - one.less - spread)
    high = min(float(one.most), one.mean + one.more + spread)
    guessed = one.less / one.mean if one.mean else 0.0
    by = "own rates" if guessed < _SOME else "price list" if guessed > 1 - _SOME else "both"
    return CreditBand(round(one.mean), math.floor(low), math.ceil(high), one.most, by)


def _unsure(offer: Offer, spent: float, odds: Odds) -> float:
    """Returns the standard error of the credits expected of an operation, from how often it was seen."""
    asked, mean = odds.asked(offer), odds.credits(offer)
    if not asked or not mean or not offer.price:
        return 0.0
    return spent * math.sqrt(max(0.0, offer.price / mean - 1) / asked)
