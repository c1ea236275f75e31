"""What a question is expected to cost and to bring: the price list until enough was seen, then what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.models import Offer

ENOUGH = 40  # questions; fewer say little


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of an operation's questions. ``wanted`` and ``brought`` count gaps and usable values, by field."""

    asked: int = 0
    credits: int = 0
    wanted: Mapping[str, int] = field(default_factory=dict)
    brought: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Odds:
    """``seen`` by (provider, operation)."""

    seen: Mapping[tuple[str, str], Seen] = field(default_factory=dict)

    def credits(self, offer: Offer) -> float:
        """Expected credits of one question: a miss is cheap at most providers."""
        seen = self._enough(offer)
        return seen.credits / seen.asked if seen else offer.price

    def chance(self, offer: Offer, field: str) -> float:
        """The chance that one question brings a usable value for an open gap, 1 where nothing is known."""
        seen = self._enough(offer)
        if seen is None:
            return 1.0
        wanted = seen.wanted.get(field, 0)
        if wanted < ENOUGH:
            return seen.credits / (seen.asked * offer.price) if seen.credits and offer.price else 1.0
        return (seen.brought.get(field, 0) + 1) / (wanted + 2)  # never 0: what brought nothing yet may still

    def _enough(self, offer: Offer) -> Seen | None:
        seen = self.seen.get((offer.provider, offer.operation))
        return seen if seen and seen.asked >= ENOUGH else None


PRICE_LIST = Odds()
