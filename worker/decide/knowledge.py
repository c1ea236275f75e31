"""Reads the answers at hand about a record's person: the one slug, and whether it is the right person's.

The possible questions about a person are cached: a visit looks at the same few operations and the same person again
after every answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Answer, AskedBy, Identity, Offer, Outcome, Person, Question
from worker.decide.gate import Fact, Facts, Verdict, facts_of, judge
from worker.decide.policy import Policy
from worker.decide.record import View
from worker.decide.values import domains, linkedin
from worker.decide.values.person import PersonName, compare, parts, spells

Askable: TypeAlias = tuple[Offer, Question]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Holds the operations of some providers, cheapest first, equal prices in a fixed order, so that visits ask alike.

    ``by_slug`` are asked about somebody who is known, ``finders`` find somebody.
    """

    offers: tuple[Offer, ...]
    by_slug: tuple[Offer, ...]
    finders: tuple[Offer, ...]


def catalogue(policy: Policy, offers: Sequence[Offer]) -> Catalogue:
    """Returns the operations that may be asked of the policy's records: none of them speaks of a company."""
    return _catalogue(tuple(offers), frozenset() if policy.object == "company" else policy.providers)


@lru_cache(maxsize=128)
def _catalogue(offers: tuple[Offer, ...], providers: frozenset[str]) -> Catalogue:
    asked = (one for one in offers if one.provider in providers)
    ordered = tuple(sorted(asked, key=lambda one: (one.price, one.provider, one.operation, one.account)))
    by_slug = tuple(offer for offer in ordered if offer.asked_by is AskedBy.SLUG)
    return Catalogue(ordered, by_slug, tuple(offer for offer in ordered if offer.asked_by is not AskedBy.SLUG))


@lru_cache(maxsize=1_024)
def finders(known: Catalogue, identity: Identity, domains: tuple[str, ...]) -> tuple[Askable, ...]:
    """Returns questions that find somebody without a slug, cheapest first.

    By name once for each of the employer's domains.
    """
    named = [identity if one == identity.domain else replace(identity, domain=one) for one in domains] or [identity]
    asked = []
    for offer in known.finders:
        whom = named if offer.asked_by is AskedBy.NAME else [identity]
        asked += [(offer, question) for one in whom if (question := offer.question(one))]
    return tuple(asked)


@lru_cache(maxsize=1_024)
def lookups(known: Catalogue, identity: Identity) -> tuple[Askable, ...]:
    """Returns questions about a person known by slug or by a provider's own id, cheapest first."""
    if not (identity.slug or identity.ids):
        return ()
    return tuple((offer, question) for offer in known.by_slug if (question := offer.question(identity)))


_SIGNS = re.compile(r"[._+]")
# Only a personal address is looked up, so that it proves its owner. Numbers and offices are shared.
_PROVES_NOTHING: Mapping[AskedBy, Fact] = {AskedBy.PHONE: Fact.PHONE, AskedBy.NAME: Fact.EMPLOYER}


class Asked(Struct, frozen=True):
    """Holds a question that was asked: its answer, ``None`` when it counts as a miss."""

    offer: Offer
    question: Question
    answer: Answer | None

    @property
    def people(self) -> tuple[Person, ...]:
        """Lists the people of an answer; empty unless it is a hit."""
        return self.answer.people if self.answer and self.answer.outcome is Outcome.HIT else ()

    @property
    def credits(self) -> int:
        """Returns its cost: the provider's figure if there is one, else the worst price."""
        charged = self.answer.credits if self.answer else None
        return self.question.price if charged is None else charged


class Source(Struct, frozen=True):
    """Names a person of an answer whose values may be written."""

    asked: Asked
    person: Person


class Knowledge(Struct, frozen=True):
    """Holds ``asked`` by question key. ``sources`` are the people proved to be the record's.

    ``others`` are answers that name somebody else, ``unsure`` those whose person nothing proves. ``proved`` says that
    an answer named the slug's person and the gate accepted it; ``wrong`` that the gate rejected the ones that did.
    ``mistaken`` are providers whose own answer names somebody else: their answers by slug are about that person.
    """

    identity: Identity
    asked: Mapping[str, Asked] = {}
    sources: tuple[Source, ...] = ()
    others: tuple[Asked, ...] = ()
    unsure: tuple[Asked, ...] = ()
    conflict: bool = False
    proved: bool = False
    wrong: bool = False
    mistaken: frozenset[str] = frozenset()

    @property
    def found(self) -> bool:
        """Tells whether questions by slug, or by a provider's own id, can be asked."""
        return bool(self.identity.slug or self.identity.ids)


@dataclass(slots=True)
class _Judged:
    """Answers by the gate's verdict on their people."""

    same: list[Source] = field(default_factory=list)
    other: list[Asked] = field(default_factory=list)
    unsaid: list[Source] = field(default_factory=list)

    def take(self, one: Asked, person: Person, verdict: Verdict) -> None:
        if verdict is Verdict.OTHER:
            self.other.append(one)
        else:
            (self.same if verdict is Verdict.SAME else self.unsaid).append(Source(one, person))


def learn(
    view: View,
    policy: Policy,
    offers: Catalogue,
    answers: Mapping[str, Answer],
    missed: AbstractSet[str] = frozenset(),
) -> Knowledge:
    """Reads ``answers``. Their order does not matter; questions in ``missed`` count as misses."""
    identity = view.identity
    if not (answers or missed or identity.ids):  # as each record begins: there is nothing to read
        return Knowledge(identity)
    while True:
        known = _learn(view, identity, policy, offers, answers, missed)
        grown = _named(identity, known.sources)
        if grown == identity:
            return known
        identity = grown  # a name is identity, too: some questions can be asked only now


def _learn(
    view: View,
    identity: Identity,
    policy: Policy,
    offers: Catalogue,
    answers: Mapping[str, Answer],
    missed: AbstractSet[str],
) -> Knowledge:
    found_by = _asked(finders(offers, identity, view.domains), answers, missed)
    hits = _found(found_by, identity, view)
    slugs: list[tuple[str, Source | None]] = [(identity.slug, None)] if identity.slug else []
    slugs += [(slug, hit) for hit in hits.same if (slug := _slug(hit))]
    slug = slugs[0][0] if slugs else ""
    ids = () if slug else _ids(hits.same)
    if (slug, ids) != (identity.slug, identity.ids):
        identity = replace(identity, slug=slug, ids=ids)

    asked = _asked(lookups(offers, identity), answers, missed)
    named = _Judged()
    for one in asked:
        if one.offer.names_person:
            for person in one.people:
                named.take(one, person, judge(view.facts, facts_of(person), found_by=Fact.SLUG).verdict)
    proved = bool(named.same or identity.ids) or any(hit for other, hit in slugs if other == slug)
    conflict, wrong = len({other for other, _ in slugs}) > 1, bool(named.other) and not proved
    trusted = proved or not policy.verify_person
    sources = hits.same + named.same + (named.unsaid if trusted else [])
    mistaken = frozenset(one.offer.provider for one in named.other)
    if trusted:
        sources += [
            Source(one, person)
            for one in asked
            if not one.offer.names_person and one.offer.provider not in mistaken
            for person in one.people
        ]
    if conflict or wrong:
        sources = []
    return Knowledge(
        identity=identity,
        asked={one.question.key: one for one in (*found_by, *asked)},
        sources=tuple(sources),
        others=(*hits.other, *named.other),
        unsure=() if trusted else tuple(source.asked for source in (*hits.unsaid, *named.unsaid)),
        conflict=conflict,
        proved=proved,
        wrong=wrong,
        mistaken=mistaken,
    )


def _found(asked: Sequence[Asked], identity: Identity, view: View) -> _Judged:
    """Lists those found without a slug, reverse lookups first. A search that finds somebody else is only a miss."""
    judged = _Judged()
    for one in sorted(asked, key=lambda finder: finder.offer.searches):
        if one.offer.searches:
            if person := _namesake_at_work(one, identity, view):
                judged.take(one, person, Verdict.SAME)
            continue
        by = one.offer.asked_by
        address = identity.email if by is AskedBy.EMAIL else ""
        for person in one.people[:1]:
            verdict = judge(view.facts, facts_of(person, address), found_by=_PROVES_NOTHING.get(by)).verdict
            judged.take(one, person, verdict)
    return judged


def _namesake_at_work(one: Asked, identity: Identity, view: View) -> Person | None:
    """Returns the one person of a search whose name and current employer are the record's; none if there are several.

    A person who has left that employer counts among them: the record may be old, and mean that person.
    """
    record = PersonName(identity.first_name, identity.last_name)
    people: dict[str, Person] = {}
    for person in one.people:
        facts = facts_of(person)
        employers = facts.employers | _former(person)
        if employers.isdisjoint(view.domains) or not _is_named_so(record, view, facts):
            continue
        people.setdefault(facts.slug or person.id, person)
    alone = next(iter(people.values())) if len(people) == 1 else None
    return None if alone is None or facts_of(alone).employers.isdisjoint(view.domains) else alone


def _is_named_so(record: PersonName, view: View, found: Facts) -> bool:
    """Tells whether somebody found by name bears the record's.

    Of sisters in two languages (Luca, Lucas) one has to be spelled by the other side: by the slug, or by the address.
    """
    verdict = compare(record, found.name, strict=True)
    if verdict is not Verdict.UNSAID:
        return verdict is Verdict.SAME
    given, _ = parts(record)
    if len(given.rstrip(".")) < 2:
        return False
    return spells(found.slug, record) or any(
        spells(_SIGNS.sub("-", address.partition("@")[0]), found.name) for address in view.facts.emails
    )


def _former(person: Person) -> frozenset[str]:
    return frozenset(domains.registrable(role.company.domain) for role in person.roles if not role.current)


def _slug(source: Source) -> str:
    return linkedin.slug(source.person.slug) if "slug" in source.asked.offer.gives else ""


def _ids(hits: Iterable[Source]) -> tuple[tuple[str, str], ...]:
    """Names the providers' ids of people found without a profile: (provider, id), one each."""
    found: dict[str, str] = {}
    for hit in hits:
        if hit.person.id:
            found.setdefault(hit.asked.offer.provider, hit.person.id)
    return tuple(found.items())


def _asked(askable: Iterable[Askable], answers: Mapping[str, Answer], missed: AbstractSet[str]) -> list[Asked]:
    known = []
    for offer, question in askable:
        if question.key in missed:
            known.append(Asked(offer, question, None))
        elif question.key in answers:
            known.append(Asked(offer, question, answers[question.key]))
    return known


def has_left(sources: Iterable[Source], home: Sequence[str]) -> bool:
    """Tells whether the sources place the person elsewhere.

    The record's company is a former employer and no current one, or every address at work is another company's.
    """
    then: set[str] = set()
    now: set[str] = set()
    offices: set[str] = set()
    for source in sources:
        facts = facts_of(source.person)
        now |= facts.employers
        offices |= facts.offices
        then |= _former(source.person)
    if not now.isdisjoint(home) or not home:
        return False
    return not then.isdisjoint(home) or (bool(offices) and offices.isdisjoint(home))


def _named(identity: Identity, sources: Sequence[Source]) -> Identity:
    """Returns the identity with the name from an answer, if the record has none: some providers require it."""
    if identity.last_name:
        return identity
    for source in sources:
        person = source.person
        first, last = parts(PersonName(person.first_name, person.last_name, person.full_name))
        if last:
            return replace(identity, first_name=first or identity.first_name, last_name=last)
    return identity
