"""Estimates a question's cost and yield: by the price list until enough was seen, then by what was seen.

What came of questions is counted by name: ``<provider>|<operation>|asked``, ``...|credits``, ``...|hits`` and
``...|misses``; and by field ``...|wanted|<field>`` and ``...|brought|<field>``, for gaps that a question was to close
and those that it closed; of an operation that names somebody also for ``slug`` and ``person``.
``...|in|<country>|...`` has the same of the people of one country, as far as the record or its number tells, for people
to read: at most as many as there are countries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from connectors.models import Offer
from worker.decide.decision import Decision

ENOUGH = 200  # questions of an operation; fewer say little
ENOUGH_WANTED = 40  # of them for one field
EXPLORED = 0.05  # of the people are asked about in another order, so that the last provider's rates stay current
_ASKED, _CREDITS, _HITS, _MISSES = "asked", "credits", "hits", "misses"
_WANTED, _BROUGHT, _PERSON, _IN, _BOUNCED = "wanted", "brought", "person", "in", "bounced"


class QuestionYield(Struct, frozen=True):
    """Counts the results of an operation's questions: ``wanted`` gaps and ``brought`` usable values, by field.

    ``countries`` has the same by country. ``bounced`` are values that turned out bad later, of a provider as a whole.
    """

    asked: int = 0
    credits: int = 0
    hits: int = 0
    misses: int = 0
    wanted: Mapping[str, int] = {}
    brought: Mapping[str, int] = {}
    countries: Mapping[str, QuestionYield] = {}
    bounced: Mapping[str, int] = {}


class Odds(Struct, frozen=True):
    """Holds odds, ``seen`` by (provider, operation)."""

    seen: Mapping[tuple[str, str], QuestionYield] = {}

    def credits(self, offer: Offer) -> float:
        """Returns expected credits of one question: a miss is cheap at most providers."""
        seen = self._enough(offer)
        return seen.credits / seen.asked if seen else offer.price

    def chance(self, offer: Offer, field: str) -> float:
        """Returns the chance that one question brings a usable value for an open gap, 1 if unknown."""
        seen = self._enough(offer)
        if seen is None:
            return 1.0
        wanted = seen.wanted.get(field, 0)
        if wanted < ENOUGH_WANTED:
            return min(1.0, seen.credits / (seen.asked * offer.price)) if seen.credits and offer.price else 1.0
        return min(1.0, (seen.brought.get(field, 0) + 1) / (wanted + 2))  # never 0: what brought nothing yet may still

    def is_seen(self, offer: Offer) -> bool:
        """Tells whether enough was seen of an operation for its odds to be our own."""
        return self._enough(offer) is not None

    def asked(self, offer: Offer) -> int:
        """Counts the questions that its odds are from; 0 while the price list speaks for it."""
        seen = self._enough(offer)
        return seen.asked if seen else 0

    def _enough(self, offer: Offer) -> QuestionYield | None:
        seen = self.seen.get((offer.provider, offer.operation))
        return seen if seen and seen.asked >= ENOUGH else None


PRICE_LIST = Odds()


class Bought(Struct, frozen=True):
    """Names a question that was paid for, and the gaps that were open when it was asked."""

    offer: Offer
    key: str
    credits: int
    gaps: Collection[str]
    hit: bool = False
    finds: bool = False
    """Nobody was known by profile: it was to find somebody."""


def counts(bought: Iterable[Bought], decision: Decision, country: str = "") -> dict[str, int]:
    """Counts questions once ``decision`` knows what their answers are worth; ``country`` is the person's."""
    found, changed = Counter[str](), {(change.question_key, change.field) for change in decision.changes}
    known = bool(decision.identity.slug or decision.identity.ids)
    for one in bought:
        operation = f"{one.offer.provider}|{one.offer.operation}"
        found[f"{operation}|{_ASKED}"] += 1
        found[f"{operation}|{_CREDITS}"] += one.credits
        found[f"{operation}|{_HITS if one.hit else _MISSES}"] += 1
        for name in one.offer.gives & set(one.gaps):
            found[f"{operation}|{_WANTED}|{name}"] += 1
            found[f"{operation}|{_BROUGHT}|{name}"] += (one.key, name) in changed
        if one.offer.names_person:
            found[f"{operation}|{_WANTED}|{_PERSON}"] += 1
            found[f"{operation}|{_BROUGHT}|{_PERSON}"] += one.key in decision.rightly
        if one.finds and "slug" in one.offer.gives:
            found[f"{operation}|{_WANTED}|slug"] += 1
            found[f"{operation}|{_BROUGHT}|slug"] += known
    if country:
        for name, by in list(found.items()):
            provider, operation, what = name.split("|", 2)
            found[f"{provider}|{operation}|{_IN}|{country}|{what}"] = by
    return {name: by for name, by in found.items() if by}


def bounced_name(provider: str, field: str) -> str:
    """Returns the name under which a value that turned out bad is counted."""
    return f"{provider}||{_BOUNCED}|{field}"


def odds_of(counted: Mapping[str, int]) -> Odds:
    """Returns the odds from the counts; unknown names contribute nothing."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for name, by in counted.items():
        provider, operation, what = (*name.split("|", 2), "", "")[:3]
        sums.setdefault((provider, operation), {})[what] = by
    return Odds({operation: _yield(sums_of) for operation, sums_of in sums.items()})


def _yield(sums_of: Mapping[str, int]) -> QuestionYield:
    countries: dict[str, dict[str, int]] = {}
    for name, by in _by_field(sums_of, _IN).items():
        country, _, what = name.partition("|")
        countries.setdefault(country, {})[what] = by
    return QuestionYield(
        asked=sums_of.get(_ASKED, 0),
        credits=sums_of.get(_CREDITS, 0),
        hits=sums_of.get(_HITS, 0),
        misses=sums_of.get(_MISSES, 0),
        wanted=_by_field(sums_of, _WANTED),
        brought=_by_field(sums_of, _BROUGHT),
        bounced=_by_field(sums_of, _BOUNCED),
        countries={country: _yield(sums) for country, sums in countries.items()},
    )


def _by_field(sums_of: Mapping[str, int], what: str) -> dict[str, int]:
    return {name.partition("|")[2]: by for name, by in sums_of.items() if name.startswith(f"{what}|")}
