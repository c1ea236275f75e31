"""What the answers at hand say of a record's person: the one slug, and whether it is the right person's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from connectors.models import Answer, Identity, Offer, Outcome, Person, Question
from worker.decide.policy import Policy
from worker.decide.record import View
from worker.decide.values import domains, linkedin, names
from worker.decide.values.text import clean

_ANYBODY = Identity("x", "x@example.com", "+14155552671", "X", "Y", "example.com")
_UNKNOWN = replace(_ANYBODY, slug="")


class Match(Enum):
    """What a person in an answer is to the record."""

    SAME = auto()
    OTHER = auto()
    UNSAID = auto()  # no name on one side: contradicts nothing, proves nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked: its answer, ``None`` when it counts as a miss."""

    offer: Offer
    question: Question
    answer: Answer | None

    @property
    def people(self) -> tuple[Person, ...]:
        """Whom the answer speaks of; nobody unless it is a hit."""
        return self.answer.people if self.answer and self.answer.outcome is Outcome.HIT else ()

    @property
    def credits(self) -> int:
        """What it cost: the provider's figure where there is one, else the worst price."""
        told = self.answer.credits if self.answer else None
        return self.question.price if told is None else told


@dataclass(frozen=True, slots=True)
class Source:
    """A person of an answer who may be written from."""

    asked: Asked
    person: Person


@dataclass(frozen=True, slots=True)
class Knowledge:
    """``asked`` by question key. ``sources`` are the people proved to be the record's, ``others`` those who are not.

    ``found`` is what gave the slug, ``None`` when it is the CRM's or unknown. ``proved`` says that an answer named
    the slug's person and the name agreed; ``wrong`` that one did and it did not, and none agreed.
    """

    identity: Identity
    asked: Mapping[str, Asked] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    others: tuple[Asked, ...] = ()
    found: Source | None = None
    conflict: bool = False
    proved: bool = False
    wrong: bool = False


def by_slug(offer: Offer) -> bool:
    """Whether the operation is asked by slug."""
    return offer.arguments(_UNKNOWN) is None


def by_price(offers: Sequence[Offer]) -> list[Offer]:
    """Cheapest first; equal prices in a fixed order, so that every visit asks alike."""
    return sorted(offers, key=lambda offer: (offer.price, offer.provider, offer.operation, offer.account))


def learn(
    view: View,
    policy: Policy,
    offers: Sequence[Offer],
    answers: Mapping[str, Answer],
    missed: AbstractSet[str] = frozenset(),
) -> Knowledge:
    """What ``answers`` say. Their order does not matter; questions in ``missed`` count as misses."""
    identity = view.identity
    while True:
        known = _learn(view, identity, policy, by_price(offers), answers, missed)
        grown = _named(identity, known.sources)
        if grown == identity:
            return known
        identity = grown  # a name is identity, too: some questions can be asked only now


def _learn(
    view: View,
    identity: Identity,
    policy: Policy,
    offers: Sequence[Offer],
    answers: Mapping[str, Answer],
    missed: AbstractSet[str],
) -> Knowledge:
    finders = _asked([offer for offer in offers if not by_slug(offer)], identity, answers, missed)
    hits, others = _found(finders, identity, view)
    slugs: list[tuple[str, Source | None]] = [(identity.slug, None)] if identity.slug else []
    for hit in hits:
        slug = linkedin.slug(hit.person.slug)
        if slug and "slug" in hit.asked.offer.gives:
            slugs.append((slug, hit))
    slug, found = slugs[0] if slugs else ("", None)
    identity = replace(identity, slug=slug)

    lookups = _asked([offer for offer in offers if by_slug(offer)], identity, answers, missed) if slug else []
    told = [
        (one, person, match(view.identity, person))
        for one in lookups
        if one.offer.names_person
        for person in one.people
    ]
    proved = any(said is Match.SAME for _, _, said in told) or (
        bool(view.identity.last_name) and any(hit for other, hit in slugs if other == slug)
    )
    mismatched = [one for one, _, said in told if said is Match.OTHER]
    conflict, wrong = len({other for other, _ in slugs}) > 1, bool(mismatched) and not proved
    trusted = proved or not view.identity.last_name
    sources = hits + [
        Source(one, person) for one, person, said in told if said is Match.SAME or (said is Match.UNSAID and trusted)
    ]
    if trusted or not policy.verify_person:
        sources += [Source(one, person) for one in lookups if not one.offer.names_person for person in one.people]
    return Knowledge(
        identity=identity,
        asked={one.question.key: one for one in (*finders, *lookups)},
        sources=() if conflict or wrong else tuple(sources),
        others=(*others, *mismatched),
        found=found,
        conflict=conflict,
        proved=proved,
        wrong=wrong,
    )


def _found(finders: Sequence[Asked], identity: Identity, view: View) -> tuple[list[Source], list[Asked]]:
    """Who was found without a slug and is the record's person, reverse lookups first; and what found somebody else."""
    hits, others = [], []
    for one in sorted(finders, key=lambda finder: finder.offer.searches):
        person, mistaken = _search_hit(one, identity, view) if one.offer.searches else _reverse_hit(one, view.identity)
        if person:
            hits.append(Source(one, person))
        if mistaken:
            others.append(one)
    return hits, others


def match(identity: Identity, person: Person) -> Match:
    """Whether ``person`` bears the record's last name. Without one on the record only another slug speaks against."""
    if not identity.last_name:
        slug = linkedin.slug(person.slug)
        return Match.OTHER if identity.slug and slug and slug != identity.slug else Match.UNSAID
    if not clean(person.last_name) and not clean(person.full_name):
        return Match.UNSAID
    return Match.SAME if _bears(identity, person) else Match.OTHER


def _bears(identity: Identity, person: Person) -> bool:
    if clean(person.last_name) and names.same_last_name(identity.last_name, person.last_name):
        return True
    return names.carries(identity.last_name, person.full_name, identity.first_name)


def _asked(
    offers: Sequence[Offer], identity: Identity, answers: Mapping[str, Answer], missed: AbstractSet[str]
) -> list[Asked]:
    known = []
    for offer in offers:
        question = offer.question(identity)
        if question and question.key in missed:
            known.append(Asked(offer, question, None))
        elif question and question.key in answers:
            known.append(Asked(offer, question, answers[question.key]))
    return known


def _reverse_hit(one: Asked, identity: Identity) -> tuple[Person | None, bool]:
    """The person found by e-mail or phone, if it is the record's; and whether somebody else was found."""
    nameless = replace(identity, slug="")  # a slug other than the record's is a conflict, not another person
    told = [(person, match(nameless, person)) for person in one.people[:1]]
    person = next((person for person, said in told if said is Match.SAME), None)
    if person is None and not identity.last_name:
        person = next((person for person, _ in told), None)
    return person, person is None and any(said is Match.OTHER for _, said in told)


def _search_hit(one: Asked, identity: Identity, view: View) -> tuple[Person | None, bool]:
    """The one person of a search whose name and current employer are the record's; several are none."""
    matching = [person for person in one.people if _is_named(identity, person) and _works_there(person, view)]
    slugs = {linkedin.slug(person.slug) or person.id for person in matching}
    return (matching[0] if len(slugs) == 1 else None), False


def _is_named(identity: Identity, person: Person) -> bool:
    first, last = person.first_name, person.last_name
    if not clean(last):
        first, last = names.split(person.full_name)
    return names.same_person_name(identity.first_name, identity.last_name, first, last)


def _works_there(person: Person, view: View) -> bool:
    employers = {domains.registrable(role.company.domain) for role in person.roles if role.current}
    return not employers.isdisjoint(view.domains or {view.identity.domain} - {""})


def _named(identity: Identity, sources: Sequence[Source]) -> Identity:
    """The identity with the name an answer gave, where the record has none: some providers want it shown."""
    if identity.last_name:
        return identity
    for source in sources:
        first, last = clean(source.person.first_name), clean(source.person.last_name)
        if not last:
            first, last = names.split(source.person.full_name)
        if last:
            return replace(identity, first_name=first or identity.first_name, last_name=last)
    return identity
