"""Foretells the questions and cost of a record's waterfall, by playing it with invented answers.

The questions are those of ``decide``: it is asked again after every outcome that a question can have, as a visit asks
it after every answer. How likely an outcome is and what it costs say the odds.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Answer, Company, Identity, Offer, Outcome, Person, PhoneKind, Property, Role
from worker.decide.decision import Next
from worker.decide.gate import Facts
from worker.decide.odds import Odds
from worker.decide.plan import decide
from worker.decide.policy import Policy
from worker.decide.record import View
from worker.decide.values import phones
from worker.decide.values.fields import EMAIL_FIELDS, PHONE_FIELDS
from worker.decide.values.person import PersonName
from worker.decide.waterfall import Supply

_SLUG, _PERSON = "slug", "person"
_UNSEEN = 0.5  # the chance of an operation that not enough is known yet of; only a hit is taken to cost its price
_DEEPEST = 12  # questions; no record has so many, but it bounds the effect of a price list
_SHAPES = 4_096
_MOBILE, _FIXED = "+491711234567", "+493012345678"


class ExpectedCredits(Struct, frozen=True):
    """Holds the credits of one provider: their mean, the mean of their square, and the most there can be."""

    mean: float = 0.0
    square: float = 0.0
    most: int = 0


class LikelyStep(Struct, frozen=True):
    """Names a question that may be asked for ``fields``: how likely that is, and the credits expected of it.

    ``credits`` has the chance in it.
    """

    offer: Offer
    fields: tuple[str, ...]
    chance: float
    credits: float


class Forecast(Struct, frozen=True):
    """Foretells one record. ``steps`` are in the order in which they are asked while none of them brings anything.

    ``credits`` are by provider, ``fills`` are the chances of a value by field. ``guessed`` is the chance that an
    operation is asked of which too little was seen, so that the price list speaks for it.
    """

    steps: tuple[LikelyStep, ...] = ()
    credits: Mapping[str, ExpectedCredits] = {}
    fills: Mapping[str, float] = {}
    guessed: float = 0.0


class _Branch(Struct, frozen=True):
    """Holds one outcome of a question. ``found``: it names the record's person."""

    chance: float
    credits: float
    brings: frozenset[str] = frozenset()
    found: bool = False


@dataclass(slots=True)
class _Tree:
    """Holds what follows from one state of knowledge, all outcomes together."""

    steps: dict[Offer, LikelyStep] = field(default_factory=dict)
    credits: dict[str, ExpectedCredits] = field(default_factory=dict)
    fills: dict[str, float] = field(default_factory=dict)


_Played = dict[Hashable, _Tree]


class Forecaster:
    """Foretells the records of one policy. Records with the same kinds of known data are computed once."""

    def __init__(
        self, policy: Policy, offers: Sequence[Offer], odds: Odds, schema: Mapping[str, Property] | None = None
    ) -> None:
        self._policy, self._offers, self._odds, self._schema = policy, offers, odds, schema or {}
        self._shapes: dict[Hashable, Forecast] = {}

    def of(self, view: View, answers: Mapping[str, Answer]) -> Forecast:
        """Plays the waterfall of a record from its known data; without answers that of its typical like."""
        if answers:
            return self._played(view, answers)
        typical = _typical(view)
        shape = (typical.gaps, typical.identity, typical.domains, typical.facts, tuple(typical.numbers.items()))
        if shape not in self._shapes:
            if len(self._shapes) >= _SHAPES:
                self._shapes.clear()
            self._shapes[shape] = self._played(typical, {})
        return self._shapes[shape]

    def _played(self, view: View, answers: Mapping[str, Answer]) -> Forecast:
        tree = self._play(view, answers, frozenset(), 0, {})
        steps = tuple(tree.steps.values())
        guessed = max((step.chance for step in steps if not self._odds.is_seen(step.offer)), default=0.0)
        return Forecast(steps, tree.credits, tree.fills, guessed)

    def _play(
        self, view: View, answers: Mapping[str, Answer], missed: AbstractSet[str], depth: int, known: _Played
    ) -> _Tree:
        """Returns what follows from a state. Several outcomes often lead to one, which is played once."""
        kept = frozenset(answers.items())
        state = (view.gaps, view.identity, tuple(view.numbers.items()), kept, frozenset(missed), depth)
        if state not in known:
            known[state] = self._follow(view, answers, missed, depth, known)
        return known[state]

    def _follow(
        self, view: View, answers: Mapping[str, Answer], missed: AbstractSet[str], depth: int, known: _Played
    ) -> _Tree:
        supply = Supply(self._offers, odds=self._odds)
        decision = decide(view, self._policy, supply, answers, missed=missed, schema=self._schema)
        tree = _Tree()
        if not decision.questions or depth == _DEEPEST:
            return tree
        asked = decision.questions[0]  # parallel questions stay worth asking whatever it brings: they follow
        offer, key = asked.offer, asked.question.key
        filled = {change.field for change in decision.changes}
        tree.steps[offer] = LikelyStep(offer, asked.fields, 1.0, self._credits(offer))
        for branch in self._branches(asked, [name for name in view.gaps if name not in filled], decision.identity):
            known_then = {**answers, key: _somebody(view, decision.identity, offer)} if branch.found else answers
            missing = missed if branch.found else missed | {key}
            rest = self._play(_after(view, branch, decision.identity), known_then, missing, depth + 1, known)
            _add(tree, offer, branch, rest)
        return tree

    def _chance(self, offer: Offer, name: str) -> float:
        return self._odds.chance(offer, name) if self._odds.is_seen(offer) else _UNSEEN

    def _credits(self, offer: Offer) -> float:
        return self._odds.credits(offer) * (1.0 if self._odds.is_seen(offer) else _UNSEEN)

    def _branches(self, asked: Next, gaps: Sequence[str], identity: Identity) -> list[_Branch]:
        """Returns a question's possible results, their chances adding up to 1: the person, nothing, ever more fields.

        A field that comes rarely is taken to come with those that come more often.
        """
        offer = asked.offer
        chances = {name: self._chance(offer, name) for name in gaps if name in offer.gives}
        finds = _SLUG in offer.gives and not identity.slug
        names = finds or offer.names_person
        person = self._chance(offer, _SLUG if finds else _PERSON) if names else 0.0
        hit = max([person, *chances.values()], default=0.0)
        expected = self._credits(offer)
        paid = min(float(offer.price), expected / hit) if hit else 0.0
        wasted = max(0.0, expected - hit * paid) / (1 - hit) if hit < 1 else 0.0
        ordered = sorted(chances.items(), key=lambda one: -one[1])
        branches, above, brings = [], hit, frozenset[str]()
        for name, chance in [*ordered, ("", 0.0)]:
            branches.append(_Branch(max(0.0, above - chance), paid, brings, names))
            above, brings = min(above, chance), brings | {name}
        branches.insert(1, _Branch(1 - hit, wasted))
        return branches


def _add(tree: _Tree, offer: Offer, branch: _Branch, rest: _Tree) -> None:
    for step in rest.steps.values():
        known = tree.steps.get(step.offer, LikelyStep(step.offer, step.fields, 0.0, 0.0))
        fields = tuple(dict.fromkeys((*known.fields, *step.fields)))
        chance, credits = branch.chance * step.chance, branch.chance * step.credits
        tree.steps[step.offer] = LikelyStep(step.offer, fields, known.chance + chance, known.credits + credits)
    for name in branch.brings:
        tree.fills[name] = tree.fills.get(name, 0.0) + branch.chance
    for name, chance in rest.fills.items():
        tree.fills[name] = tree.fills.get(name, 0.0) + branch.chance * chance
    for provider in sorted({offer.provider, *tree.credits, *rest.credits}):
        now, price = (branch.credits, offer.price) if provider == offer.provider else (0.0, 0)
        before, after = (one.get(provider, ExpectedCredits()) for one in (tree.credits, rest.credits))
        tree.credits[provider] = ExpectedCredits(
            before.mean + branch.chance * (now + after.mean),
            before.square + branch.chance * (now * now + 2 * now * after.mean + after.square),
            max(before.most, price + after.most),
        )


def _after(view: View, branch: _Branch, identity: Identity) -> View:
    """Returns the record as it is once the outcome's values are known."""
    if not branch.brings:
        return view
    known = view.identity
    if not known.email and branch.brings & EMAIL_FIELDS:  # it is identity at once
        known = replace(known, email=f"somebody@{identity.domain or 'acme.com'}")
    numbers = dict.fromkeys(sorted(branch.brings & PHONE_FIELDS), _MOBILE)
    gaps = tuple(name for name in view.gaps if name not in branch.brings)
    return replace(view, gaps=gaps, identity=known, numbers={**numbers, **view.numbers})


def _somebody(view: View, identity: Identity, offer: Offer) -> Answer:
    """Returns an answer that names the record's person and has no value for it."""
    domain = next(iter(view.domains), "")
    person = Person(
        slug=(identity.slug or "somebody-of-that-name") if _SLUG in offer.gives else identity.slug,
        first_name=identity.first_name,
        last_name=identity.last_name,
        roles=(Role("", Company(domain=domain), current=True),) if domain else (),
    )
    return Answer(Outcome.HIT, (person,))


def _typical(view: View) -> View:
    """Returns a typical person with the same kinds of known data."""
    who, known = view.identity, view.facts
    domains = tuple(f"acme-{number}.com" for number in range(len(view.domains)))
    first, last = "Ada" if who.first_name else "", "Lovelace" if who.last_name else ""
    home = frozenset(domains[:1] or ("acme.com",))
    numbers = {
        name: _MOBILE if phones.read(number, kind=PhoneKind.FIXED).mobile else _FIXED
        for name, number in sorted(view.numbers.items())
    }
    identity = Identity(
        slug="ada-lovelace" if who.slug else "",
        email="ada@acme-mail.com" if who.email else "",
        phone=_MOBILE if who.phone else "",
        first_name=first,
        last_name=last,
        domain=domains[0] if domains else "",
    )
    facts = Facts(
        name=PersonName(first, last),
        emails=frozenset({"ada@acme-mail.com"}) if known.emails else frozenset(),
        numbers=frozenset({_MOBILE}) if known.numbers else frozenset(),
        employers=home if known.employers else frozenset(),
        offices=home if known.offices else frozenset(),
        slug=identity.slug,
    )
    return View(identity=identity, facts=facts, gaps=view.gaps, blank=view.blank, numbers=numbers, domains=domains)
