"""Which question is next for one gap: the providers in the field's order, each one's operations by price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from connectors.models import Offer, Question
from worker.decide.knowledge import Knowledge, by_price, by_slug
from worker.decide.policy import FieldRule, Policy
from worker.decide.reasons import Reason
from worker.decide.record import View
from worker.decide.values.fields import EMAIL_FIELDS, PHONE_FIELDS

_WORTH_FINDING = EMAIL_FIELDS | PHONE_FIELDS | {"linkedin_url"}


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this now."""

    offer: Offer
    question: Question


@dataclass(frozen=True, slots=True)
class Await:
    """The next question is this provider's, which has no capacity now."""

    provider: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing is left to ask.

    ``limited`` says what kept a question from being asked, ``identified`` that any could be asked of this identity.
    """

    limited: Reason | None = None
    identified: bool = True


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The ordered questions of a record, given what is known, what may be spent and who can be asked."""

    view: View
    policy: Policy
    offers: Sequence[Offer]
    known: Knowledge
    closed: Mapping[str, Reason] = field(default_factory=dict)
    blocked: AbstractSet[str] = frozenset()
    spent: Mapping[str, int] = field(default_factory=dict)

    def next(self, rule: FieldRule) -> Ask | Await | Stop:
        """The next step for the field of ``rule``, which no known answer fills."""
        if self.known.conflict or self.known.wrong:
            return Stop()
        if self.known.identity.slug:
            return self._first(rule, self._lookups(rule))
        return self._first(rule, self._finders(rule))

    def _first(self, rule: FieldRule, steps: Iterable[tuple[Offer, Offer]]) -> Ask | Await | Stop:
        """The first (question, question it is a step to) that is new, affordable and whose provider can be asked."""
        limited, left = None, self._left(rule)
        for offer, target in steps:
            question = offer.question(self.known.identity)
            if question is None or question.key in self.known.asked:
                continue
            if left is not None and max(offer.price, target.price) > left:
                limited = limited or Reason.BUDGET
            elif offer.provider in self.closed:
                limited = limited or self.closed[offer.provider]
            elif offer.provider in self.blocked:
                return Await(offer.provider)
            else:
                return Ask(offer, question)
        identified = any(
            offer.question(self.known.identity) for offer in self._usable_offers() if self._worth(offer, rule)
        )
        return Stop(limited or (self._out_of_reach(rule) if identified else None), identified)

    def _usable_offers(self) -> list[Offer]:
        """The operations of every provider the policy names, cheapest first."""
        return [offer for offer in by_price(self.offers) if offer.provider in self.policy.providers]

    def _lookups(self, rule: FieldRule) -> Iterable[tuple[Offer, Offer]]:
        """Questions by slug that give the field, each after the one that proves the person where it needs proof."""
        for target in self._targets(rule):
            question = target.question(self.known.identity)
            if question is None or question.key in self.known.asked:
                yield target, target
            elif self._needs_proof(target):
                proofs = self._proofs(target.provider)
                yield from ((proof, target) for proof in proofs)
            else:
                yield target, target

    def _targets(self, rule: FieldRule) -> list[Offer]:
        """What answers the field by slug, in the order it is asked."""
        return [
            offer
            for provider in dict.fromkeys(rule.providers)
            for offer in by_price(self.offers)
            if offer.provider == provider and rule.field in offer.gives - {"linkedin_url"} and by_slug(offer)
        ]

    def _finders(self, rule: FieldRule) -> list[tuple[Offer, Offer]]:
        """Questions that find the slug, or the value itself, without a slug; cheapest first, whoever answers."""
        follows = self._follows(rule)
        return [
            (offer, offer)
            for offer in self._usable_offers()
            if not by_slug(offer)
            and ((follows and "slug" in offer.gives) or self._gives(offer, rule))
            and self._worth(offer, rule)
        ]

    def _worth(self, offer: Offer, rule: FieldRule) -> bool:
        """Whether the field justifies the price: nobody is found by phone for 15 credits to fill in a title for 1."""
        if by_slug(offer) or rule.field in _WORTH_FINDING:
            return True
        return offer.price <= max((target.price for target in self._targets(rule)), default=offer.price)

    @staticmethod
    def _gives(offer: Offer, rule: FieldRule) -> bool:
        if offer.provider not in rule.providers:
            return False
        return rule.field in offer.gives or (rule.field == "linkedin_url" and "slug" in offer.gives)

    def _out_of_reach(self, rule: FieldRule) -> Reason | None:
        """Why no identity is bought for the field, where what would follow it cannot be asked."""
        targets = [] if self.known.identity.slug else self._targets(rule)
        if not any("slug" in offer.gives and self._is_new(offer) for offer in self._usable_offers()):
            return None
        shut = next((self.closed[target.provider] for target in targets if target.provider in self.closed), None)
        return shut or (Reason.BUDGET if targets and not self._follows(rule) else None)

    def _is_new(self, offer: Offer) -> bool:
        question = offer.question(self.known.identity)
        return question is not None and question.key not in self.known.asked

    def _follows(self, rule: FieldRule) -> bool:
        """Whether a question by slug could fill the field once the slug is known."""
        left = self._left(rule)
        return any(
            target.provider not in self.closed and (left is None or target.price <= left)
            for target in self._targets(rule)
        )

    def _needs_proof(self, offer: Offer) -> bool:
        return (
            self.policy.verify_person
            and not offer.names_person
            and bool(self.view.identity.last_name)
            and not self.known.proved
        )

    def _proofs(self, provider: str) -> list[Offer]:
        """What tells whose slug it is, at the provider itself: the contact lookup means the same person."""
        return [
            offer
            for offer in by_price(self.offers)
            if offer.provider == provider and offer.names_person and "person" in offer.gives and by_slug(offer)
        ]

    def _left(self, rule: FieldRule) -> int | None:
        """Credits the field's own questions may still cost. What finds or proves the person serves every field."""
        if rule.max_credits is None:
            return None
        used = sum(
            one.credits
            for one in self.known.asked.values()
            if one.offer.provider in rule.providers and rule.field in one.offer.gives and by_slug(one.offer)
        )
        return rule.max_credits - used - self.spent.get(rule.field, 0)


def independent(one: Ask, other: Ask, fields: Mapping[str, Sequence[str]], known: Knowledge) -> bool:
    """Whether neither answer could make the other question unnecessary, so that both may be asked at once."""
    if not known.identity.slug or not (by_slug(one.offer) and by_slug(other.offer)):
        return False
    if not known.proved and (one.offer.names_person or other.offer.names_person):
        return False  # either could show that the slug is somebody else's
    return not (set(fields[one.question.key]) & other.offer.gives or set(fields[other.question.key]) & one.offer.gives)
