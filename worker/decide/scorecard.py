"""Makes the providers' scorecard from what paid questions have cost and brought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from worker.decide.odds import Odds, QuestionYield
from worker.decide.order import wilson

_NO_VALUES = frozenset({"slug", "person"})


@dataclass(slots=True)
class Score:
    """Adds up one provider's questions: all of them, those for one ``field``, or those about people of a ``country``.

    ``wanted`` are gaps that a question was to close, ``brought`` those that it closed with a usable value. ``named``
    are answers that named somebody, ``rightly`` those that named the record's person. ``credits`` of a field are its
    share of what the questions cost that brought it. ``bounced`` are values that turned out bad on a record.
    """

    provider: str
    field: str = ""
    country: str = ""
    asked: int = 0
    hits: int = 0
    answered: int = 0
    wanted: int = 0
    brought: int = 0
    named: int = 0
    rightly: int = 0
    credits: float = 0.0
    bounced: int = 0

    def add(self, seen: QuestionYield) -> None:
        values = {name: by for name, by in seen.wanted.items() if name not in _NO_VALUES}
        names = {name: by for name, by in seen.wanted.items() if not self.field or name == self.field}
        brought = sum(seen.brought.get(name, 0) for name in values)
        mine = sum(seen.brought.get(name, 0) for name in values if name in names)
        if self.field:
            self.credits += seen.credits * mine / brought if brought else 0.0
        else:
            self.credits += seen.credits
        self.bounced += sum(by for name, by in seen.bounced.items() if self.field in {"", name})
        self.asked += seen.asked
        self.hits += seen.hits
        self.answered += seen.hits + seen.misses
        self.wanted += sum(by for name, by in values.items() if name in names)
        self.brought += mine
        if "person" in seen.wanted:
            self.named += min(seen.hits, seen.wanted["person"])
            self.rightly += min(seen.hits, seen.brought.get("person", 0))

    def as_json(self) -> dict[str, Any]:
        """Returns the row with its rates and their 95 % intervals (Wilson); ``None`` if nothing was counted."""
        found: dict[str, Any] = {"provider": self.provider}
        found |= {name: one for name, one in (("field", self.field), ("country", self.country)) if one}
        return found | {
            "asked": self.asked,
            "wanted": self.wanted,
            "brought": self.brought,
            "credits": round(self.credits, 2),
            "hit_rate": rate(self.hits, self.answered),
            "usable_rate": rate(self.brought, self.wanted),
            "right_person_rate": rate(self.rightly, self.named),
            "bounce_rate": rate(self.bounced, self.brought) if not self.country else None,
            "credits_per_filled": round(self.credits / self.brought, 2) if self.brought else None,
        }


def rate(by: int, of: int) -> dict[str, float] | None:
    """Returns a rate and its interval; ``None`` of nothing."""
    if not of:
        return None
    low, high = wilson(by, of)
    return {"rate": round(min(1.0, by / of), 4), "low": round(low, 4), "high": round(high, 4)}


def scorecard(odds: Odds) -> list[Score]:
    """Returns a row for each provider, then for each of its fields, then for each country."""
    found: dict[tuple[str, str, str], Score] = {}
    for (provider, _), seen in odds.seen.items():
        for key, one in _parts(provider, seen):
            found.setdefault(key, Score(*key)).add(one)
    order = {"": 0}
    return sorted(
        found.values(),
        key=lambda one: (order.get(one.country, 1), order.get(one.field, 1), one.field, one.country, one.provider),
    )


def _parts(provider: str, seen: QuestionYield) -> Iterator[tuple[tuple[str, str, str], QuestionYield]]:
    yield (provider, "", ""), seen
    for name in seen.wanted.keys() | seen.bounced.keys():
        if name not in _NO_VALUES:
            yield (provider, name, ""), seen
    for country, one in seen.countries.items():
        yield (provider, "", country), one
