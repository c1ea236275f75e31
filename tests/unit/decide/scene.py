"""Offers shaped like the providers', and a visit that asks them until nothing new can be learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from connectors.models import (
    Answer,
    AskedBy,
    Company,
    Email,
    Grade,
    Identity,
    Offer,
    Outcome,
    Person,
    Phone,
    PhoneKind,
    Property,
    Question,
    Record,
    Role,
)
from worker.decide.plan import Decision, decide
from worker.decide.policy import FieldRule, Policy
from worker.decide.record import View, look
from worker.decide.waterfall import Supply

DETAIL = frozenset(
    {"person", "first_name", "last_name", "job_title", "linkedin_url", "city", "country", "company_name"}
    | {"company_domain"}
)
PROFILE = frozenset({"person", "work_email", "phone", "mobile_phone", "job_title", "first_name", "last_name"})
FORAGER_FIRST, KASPR_FIRST = ("forager", "kaspr"), ("kaspr", "forager")


def by_slug(identity: Identity) -> Mapping[str, str] | None:
    return {"slug": identity.slug} if identity.slug else None


def by_email(identity: Identity) -> Mapping[str, str] | None:
    return {"email": identity.email} if identity.email else None


def by_phone(identity: Identity) -> Mapping[str, str] | None:
    return {"phone": identity.phone} if identity.phone else None


def by_name(identity: Identity) -> Mapping[str, str] | None:
    if identity.first_name and identity.last_name and identity.domain:
        return {"name": identity.full_name, "domain": identity.domain}
    return None


def by_slug_and_name(identity: Identity) -> Mapping[str, str] | None:
    return {"id": identity.slug} if identity.slug and identity.full_name else None


def _forager(
    operation: str,
    gives: AbstractSet[str],
    price: int,
    by: AskedBy,
    arguments: Callable[[Identity], Mapping[str, str] | None],
    *,
    searches: bool = False,
) -> Offer:
    names, given = "person" in gives, frozenset(gives)
    return Offer("forager", "42", operation, given, price, "forager", by, arguments, names, searches=searches)


OFFERS = (
    _forager("detail", DETAIL, 1, AskedBy.SLUG, by_slug),
    _forager("search", DETAIL | {"slug"}, 1, AskedBy.NAME, by_name, searches=True),
    _forager("work_emails", {"work_email"}, 5, AskedBy.SLUG, by_slug),
    _forager("personal_emails", {"personal_email"}, 5, AskedBy.SLUG, by_slug),
    _forager("by_email", DETAIL | {"slug"}, 5, AskedBy.EMAIL, by_email),
    _forager("phones", {"phone", "mobile_phone"}, 15, AskedBy.SLUG, by_slug),
    _forager("by_phone", DETAIL | {"slug"}, 15, AskedBy.PHONE, by_phone),
    Offer("kaspr", "main", "profile", PROFILE, 1, "kaspr", AskedBy.SLUG, by_slug_and_name, names_person=True),
)

ACME = Company(id="55", name="Acme GmbH", domain="acme.com")
ELSEWHERE = Company(id="56", name="Elsewhere Ltd", domain="elsewhere.com")
ADA = Person(
    id="1",
    slug="ada-example",
    full_name="Ada Example",
    first_name="Ada",
    last_name="Example",
    title="VP Sales",
    city="Berlin",
    country="Germany",
    roles=(Role("VP Sales", ACME, current=True),),
)
BOB = Person(id="2", slug="bob-other", full_name="Bob Other", first_name="Bob", last_name="Other")
MISS = Answer(Outcome.MISS)

RULES = (
    FieldRule("work_email", "email", FORAGER_FIRST),
    FieldRule("phone", "phone", KASPR_FIRST),
    FieldRule("mobile_phone", "mobilephone", KASPR_FIRST),
    FieldRule("job_title", "jobtitle", FORAGER_FIRST),
)
IDENTITY = {
    "linkedin_url": "hs_linkedin_url", "first_name": "firstname", "last_name": "lastname", "company_website": "website",
    "country": "country", "email": "email", "phone": "phone", "mobile_phone": "mobilephone",
}  # fmt: skip
FULL_NAME = {"firstname": "Ada", "lastname": "Example"}


def rule(name: str, providers: tuple[str, ...] = FORAGER_FIRST, **settings: Any) -> FieldRule:
    properties = {one.field: one.property for one in RULES} | {"linkedin_url": "hs_linkedin_url"}
    return FieldRule(name, properties.get(name, name), providers, **settings)


def policy(*rules: FieldRule, **settings: Any) -> Policy:
    return Policy("acme_hubspot", "contact", rules=rules or RULES, identity=IDENTITY, **settings)


def record(values: Mapping[str, str | None] | None = None, **settings: Any) -> Record:
    return Record("contact", "101", {**FULL_NAME, **(values or {})}, **settings)


def with_slug(slug: str = "ada-example", **values: str) -> Record:
    return record({"hs_linkedin_url": f"https://www.linkedin.com/in/{slug}", **values})


def text(name: str, length: int = 0, **settings: Any) -> Property:
    return Property(name, settings.pop("kind", "text"), settings.pop("writable", True), length, **settings)


def hit(*people: Person, credits: int | None = None) -> Answer:
    return Answer(Outcome.HIT, people, credits)


def emails(*addresses: str | Email, grade: Grade = Grade.VALID, kind: Any = "work") -> Answer:
    return hit(Person(emails=tuple(_email(one, grade, kind) for one in addresses)))


def _email(one: str | Email, grade: Grade, kind: Any) -> Email:
    return one if isinstance(one, Email) else Email(one, grade, kind)


def phones(*numbers: str, kind: PhoneKind = PhoneKind.ANY) -> Answer:
    return hit(Person(phones=tuple(Phone(number, kind) for number in numbers)))


@dataclass
class Visit:
    """Holds what a visit asked, in order, and where it ended. ``credits`` are the worst prices of what it bought."""

    view: View
    policy: Policy
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    decision: Decision = field(default_factory=Decision)

    @property
    def operations(self) -> list[str]:
        return [question.operation for question in self.asked]

    @property
    def values(self) -> dict[str, str]:
        return {change.field: change.value for change in self.decision.changes}

    @property
    def credits(self) -> int:
        return sum(question.price for question in self.asked)


def visit(
    row: Record,
    rules: Policy,
    book: Mapping[str, Answer] | Callable[[Question], Answer],
    *,
    kept: Mapping[str, Answer] | None = None,
    own: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Visit:
    """Ask until nothing is left. ``book`` answers by operation; what it does not know is a miss."""
    seen = Visit(look(row, rules, own), rules, dict(kept or {}))
    also = {name: settings.pop(name) for name in ("missed", "schema") if name in settings}
    while True:
        seen.decision = decide(seen.view, rules, Supply(OFFERS, **settings), seen.answers, **also)
        if not seen.decision.questions:
            return seen
        for step in seen.decision.questions:
            assert step.question.key not in seen.answers, "asked twice"
            seen.asked.append(step.question)
            answered = book(step.question) if callable(book) else book.get(step.question.operation, MISS)
            seen.answers[step.question.key] = answered


EMAIL, PHONES = rule("work_email"), rule("mobile_phone")
MOBILE, BERLIN, US = "+4915123456789", "+493023123456", "+14155552671"
WORK = Email("ada@acme.com", Grade.VALID, "work")
ROSE = Person(slug="ada-example", full_name="Rose Other", first_name="Rose", last_name="Other")


def kaspr(*people: Person, **values: Any) -> Answer:
    """A profile that names its person."""
    return hit(*(people or (Person(slug="ada-example", full_name="Ada Example", **values),)))


AT_ACME = {"website": "https://acme.com"}


def at(person: Person, *roles: Role) -> Person:
    return Person(person.id, person.slug, person.full_name, person.first_name, person.last_name, roles=roles)


def proved(book: dict[str, Answer]) -> dict[str, Answer]:
    return {"detail": hit(ADA), **book}
