"""Chooses the next question for each gap: the least expected credits for each value it can still bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache
from typing import TypeAlias

from msgspec import Struct

from connectors.models import AskedBy, Offer, Outcome, PhoneKind, Question
from worker.decide.gate import Fact, is_provable
from worker.decide.knowledge import Askable, Catalogue, Knowledge, finders, has_left, lookups
from worker.decide.not_now import GiveUp, WaitForProvider
from worker.decide.odds import PRICE_LIST, Odds
from worker.decide.policy import FieldRule, Policy
from worker.decide.reasons import Reason
from worker.decide.record import View
from worker.decide.values import phones
from worker.decide.values.fields import EMAIL_FIELDS, EMPLOYER_FIELDS, PHONE_FIELDS

_WORTH_FINDING = EMAIL_FIELDS | PHONE_FIELDS | {"linkedin_url"}
LEFT_BEHIND = EMPLOYER_FIELDS | {"work_email"}


class Supply(Struct, frozen=True):
    """Names the providers to ask, and the expected cost and yield of a question (``odds``).

    ``closed`` providers (-> a ``Reason``) cannot be asked in this run and are passed over; ``blocked`` ones have no
    capacity now, and fields they are next for wait.
    """

    offers: Sequence[Offer]
    closed: Mapping[str, str] = {}
    blocked: AbstractSet[str] = frozenset()
    odds: Odds = PRICE_LIST


class Ask(Struct, frozen=True):
    """Ask this now. ``ratio`` is the expected credits per usable value, all gaps counted that it may serve."""

    offer: Offer
    question: Question
    ratio: float = 0.0


Step: TypeAlias = Ask | WaitForProvider | GiveUp


class _Way(Struct, frozen=True):
    """Names a question, and the ones known to follow it.

    It proves the person for ``target``, or is the target itself.
    """

    offer: Offer
    question: Question
    target: Offer
    ratio: float


@lru_cache(maxsize=1_024)
def _able(offers: Catalogue, name: str, providers: tuple[str, ...]) -> tuple[Offer, ...]:
    """Lists the questions by slug whose answers may hold the field and whose provider may fill it."""
    return tuple(one for one in offers.by_slug if name in one.gives and one.provider in providers)


class Waterfall:
    """Chooses the next questions of a record, given the answers, the credits left and the available providers."""

    def __init__(
        self,
        view: View,
        policy: Policy,
        offers: Catalogue,
        known: Knowledge,
        gaps: Sequence[FieldRule],
        supply: Supply,
    ) -> None:
        """Take ``gaps``, the rules of the fields that no known answer fills, and the ``offers`` about such records."""
        self._view, self._policy, self._offers, self._known = view, policy, offers, known
        self._closed = {name: Reason(why) for name, why in supply.closed.items()}
        self._gaps, self._blocked, self._odds = gaps, supply.blocked, supply.odds
        self._new = {
            offer: question
            for offer, question in lookups(offers, known.identity)
            if question.key not in known.asked and offer.provider not in known.mistaken
        }
        self._provable = known.proved or not policy.verify_person or is_provable(view.facts, Fact.SLUG)
        self._chances: dict[Offer, list[float]] = {}
        self._ratios: dict[tuple[Offer, Offer], float] = {}
        self._served: dict[str, list[Offer]] = {}

    @cached_property
    def has_left(self) -> bool:
        """Tells whether the person has left the record's company, where that counts."""
        return not self._policy.allow_employer_changed and has_left(self._known.sources, self._view.domains)

    @cached_property
    def _finders(self) -> list[Askable]:
        """Lists the questions that find a person: by number only if the record can prove who answers there."""
        return [
            (offer, question)
            for offer, question in finders(self._offers, self._known.identity, self._view.domains)
            if offer.asked_by is not AskedBy.PHONE
            or (is_provable(self._view.facts, Fact.PHONE) and not self._is_unknown_at(offer.provider))
        ]

    def _is_unknown_at(self, provider: str) -> bool:
        """Tells whether a provider knows nobody by name or address: its expensive answer by number is another's."""
        asked = [one for one in self._known.asked.values() if one.answer and one.answer.outcome is Outcome.MISS]
        return {one.offer.asked_by for one in asked if one.offer.provider == provider} >= {AskedBy.NAME, AskedBy.EMAIL}

    def steps(self) -> dict[str, Step]:
        """Returns the next step for each gap, by field."""
        return {rule.field: self._next(rule) for rule in self._gaps}

    def _next(self, rule: FieldRule) -> Step:
        if self._known.conflict or self._known.wrong:
            return GiveUp(Reason.NOT_FOUND)
        limited, left = None, self._left(rule)
        for way in self._lookups(rule) if self._known.found else self._finding(rule):
            if left is not None and max(way.offer.price, way.target.price) > left:
                limited = limited or Reason.BUDGET
            elif way.offer.provider in self._closed:
                limited = limited or self._closed[way.offer.provider]
            elif way.offer.provider in self._blocked:
                return WaitForProvider(way.offer.provider)
            else:
                return Ask(way.offer, way.question, way.ratio)
        if limited:
            return GiveUp(limited)
        return GiveUp(
            (self._out_of_reach(rule) or Reason.NOT_FOUND) if self._is_identified(rule) else Reason.NO_IDENTITY
        )

    # ---- a known person ------------------------------------------------------------------------------------------

    def _lookups(self, rule: FieldRule) -> list[_Way]:
        """Returns questions by slug for the field or the person first, as the operator orders, else as it pays.

        Nobody is paid for if nothing on the record could prove them.
        """
        if not self._provable:
            return []
        places = {name: place for place, name in enumerate(rule.providers)} if rule.ordered else {}
        ways = [way for offer in self._targets(rule) if offer in self._new for way in self._ways(offer)]
        ways.sort(key=lambda way: (places.get(way.target.provider, 0), way.ratio, not way.offer.names_person))
        return ways

    def _targets(self, rule: FieldRule) -> list[Offer]:
        """Lists the questions that may answer the field by slug."""
        if rule.field == "linkedin_url":
            return []
        known = self._served.get(rule.field)
        if known is None:
            left = rule.field in LEFT_BEHIND and self.has_left
            able = () if left else _able(self._offers, rule.field, rule.providers)
            held = rule.field in PHONE_FIELDS and self._is_held(rule.field)
            known = self._served[rule.field] = [one for one in able if not (held and one.gives <= PHONE_FIELDS)]
        return known

    def _is_held(self, name: str) -> bool:
        """Tells whether the record's other field has the number that an expensive question for numbers would bring."""
        if name == "phone":
            return "mobile_phone" in self._view.numbers
        return phones.read(self._view.numbers.get("phone", ""), kind=PhoneKind.FIXED).mobile

    def _ways(self, target: Offer) -> list[_Way]:
        """Returns the target's question, or those that prove the person before it."""
        if not self._policy.verify_person or self._known.proved or target.names_person:
            return [_Way(target, self._new[target], target, self._ratio(target, target))]
        return [  # at the provider itself: its contact lookups mean the same person
            _Way(proof, question, target, self._ratio(proof, target))
            for proof, question in self._new.items()
            if proof.names_person and proof.provider == target.provider
        ]

    def _ratio(self, offer: Offer, target: Offer) -> float:
        """Returns expected credits for each usable value of a question and of what follows it."""
        known = self._ratios.get((offer, target))
        if known is None:
            known = self._ratios[offer, target] = self._reckoned(offer, target)
        return known

    def _reckoned(self, offer: Offer, target: Offer) -> float:
        credits, chances = self._odds.credits(offer), self._chance(offer)
        if target is not offer:
            credits += self._odds.credits(target)
            chances = [1 - (1 - one) * (1 - other) for one, other in zip(chances, self._chance(target), strict=True)]
        return credits / max(sum(chances), 0.01)

    def _chance(self, offer: Offer) -> list[float]:
        """Returns the chance of a usable value from an operation, by gap."""
        known = self._chances.get(offer)
        if known is None:
            known = self._chances[offer] = [
                self._odds.chance(offer, rule.field)
                if rule.field in offer.gives and offer in self._targets(rule)
                else 0.0
                for rule in self._gaps
            ]
        return known

    # ---- a person to be found ------------------------------------------------------------------------------------

    def _finding(self, rule: FieldRule) -> list[_Way]:
        """Returns questions that find the slug, or the value itself, without a slug; those that find cheapest first."""
        follows = self._follows(rule)
        ways = [
            _Way(offer, question, offer, self._odds.credits(offer) / self._odds.chance(offer, "slug"))
            for offer, question in self._finders
            if question.key not in self._known.asked
            and ((follows and "slug" in offer.gives) or self._gives(offer, rule))
            and self._is_worth(offer, rule)
        ]
        return sorted(ways, key=lambda way: way.ratio)

    def _is_worth(self, offer: Offer, rule: FieldRule) -> bool:
        """Tells whether the field justifies the price.

        Nobody is found by phone for 15 credits to fill in a title for 1.
        """
        if rule.field in _WORTH_FINDING:
            return True
        return offer.price <= max((target.price for target in self._targets(rule)), default=offer.price)

    @staticmethod
    def _gives(offer: Offer, rule: FieldRule) -> bool:
        if offer.provider not in rule.providers:
            return False
        return rule.field in offer.gives or (rule.field == "linkedin_url" and "slug" in offer.gives)

    def _follows(self, rule: FieldRule) -> bool:
        """Tells whether a question by slug could fill the field once the slug is known."""
        left = self._left(rule)
        return any(
            target.provider not in self._closed and (left is None or target.price <= left)
            for target in self._targets(rule)
        )

    # ---- why nothing is left -------------------------------------------------------------------------------------

    def _is_identified(self, rule: FieldRule) -> bool:
        """Tells whether anything could be, or was, asked about this person for the field."""
        if lookups(self._offers, self._known.identity):
            return self._provable
        return any(self._is_worth(offer, rule) for offer, _ in self._finders)

    def _out_of_reach(self, rule: FieldRule) -> Reason | None:
        """Says why no identity is bought for the field, if the questions after it cannot be asked."""
        asked = self._known.asked
        if self._known.found or all("slug" not in one.gives or q.key in asked for one, q in self._finders):
            return None
        targets = self._targets(rule)
        shut = next((self._closed[target.provider] for target in targets if target.provider in self._closed), None)
        return shut or (Reason.BUDGET if targets and not self._follows(rule) else None)

    def _left(self, rule: FieldRule) -> int | None:
        """Returns credits the field's own questions may still cost.

        A question that finds or proves the person serves every field.
        """
        if rule.max_credits is None:
            return None
        return rule.max_credits - sum(
            one.credits
            for one in self._known.asked.values()
            if one.offer.provider in rule.providers
            and rule.field in one.offer.gives
            and one.offer.asked_by is AskedBy.SLUG
        )


def independent(one: Ask, other: Ask, fields: Mapping[str, Sequence[str]], known: Knowledge) -> bool:
    """Tells whether neither answer could make the other question unnecessary, so that both may be asked at once."""
    if not known.found:
        return False
    if not known.proved and (one.offer.names_person or other.offer.names_person):
        return False  # either could show that the slug is somebody else's
    return not (set(fields[one.question.key]) & other.offer.gives or set(fields[other.question.key]) & one.offer.gives)
