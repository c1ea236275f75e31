"""Draws worlds with namesakes, families, shared phones and mistaken links: no stranger's answer is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Answer, Company, Email, Grade, Person, Phone, Question, Record, Role
from tests.unit.decide.scene import KASPR_FIRST, MISS, Visit, hit, policy, rule, visit

ACME, ELSEWHERE = Company(name="Acme GmbH", domain="acme.com"), Company(name="Elsewhere Ltd", domain="elsewhere.com")
RULES = tuple(
    rule(name, KASPR_FIRST, ordered=False)
    for name in ("work_email", "personal_email", "phone", "mobile_phone", "job_title", "city")
)
HOME, SWITCHBOARD = "+493023999999", "+493023000000"


@dataclass(frozen=True)
class Whole:
    """Somebody, with everything that is theirs alone, and the company they work for."""

    person: Person
    company: Company
    shared: tuple[str, ...] = ()

    @property
    def own(self) -> frozenset[str]:
        return frozenset(
            {self.person.title, self.person.city}
            | {email.address for email in self.person.emails}
            | {phone.number for phone in self.person.phones if phone.number not in self.shared}
        )


def somebody(number: int, first: str, last: str, company: Company, *shared: str) -> Whole:
    mobile, work = f"+4915123456{number:03d}", f"{first}.{last}@{company.domain}".lower()
    phones = tuple(Phone(one) for one in (mobile, *shared))
    title = f"Title {number}"
    person = Person(
        id=str(number),
        slug=f"{first}-{last}-{number}".lower(),
        full_name=f"{first} {last}",
        first_name=first,
        last_name=last,
        title=title,
        city=f"City {number}",
        country="Germany",
        roles=(Role(title, company, current=True),),
        emails=(Email(work, Grade.VALID, "work"), Email(f"{first}{number}@gmail.com".lower(), Grade.VALID, "personal")),
        phones=phones,
    )
    return Whole(person, company, shared)


ADA = somebody(1, "Ada", "Example", ACME, HOME, SWITCHBOARD)
OTHERS: Mapping[str, Whole] = {
    "spouse": somebody(2, "Otto", "Example", ELSEWHERE, HOME),
    "father": somebody(3, "Hans", "Example", ACME, HOME, SWITCHBOARD),
    "namesake": somebody(4, "Bao", "Example", ELSEWHERE),
    "colleague": somebody(5, "Carla", "Sample", ACME, SWITCHBOARD),
    "stranger": somebody(6, "Dora", "Sample", ELSEWHERE),
}


@dataclass(frozen=True)
class Drawn:
    """A record about Ada, and what the providers say."""

    record: Record
    other: Whole
    answers: Mapping[str, bool]  # operation -> whether the provider knows its people

    def ask(self, question: Question) -> Answer:
        told, people = question.arguments, [ADA, self.other]
        if not self.answers[question.operation]:
            return MISS
        if question.operation == "search":
            here = [one.person for one in people if one.company.domain == told["domain"]]
            return hit(*map(named, here)) if here else MISS
        if question.operation == "by_email":
            owners = [one for one in people if told["email"] in {email.address.lower() for email in one.person.emails}]
            owners = owners or [self.other]  # an address of a role, answered by somebody
        elif question.operation == "by_phone":
            owners = [one for one in reversed(people) if told["phone"] in {phone.number for phone in one.person.phones}]
        else:
            slug = told.get("slug") or told.get("id")
            owners = [one for one in people if one.person.slug == slug]
        return self._said(question.operation, owners[0].person) if owners else MISS

    @staticmethod
    def _said(operation: str, person: Person) -> Answer:
        match operation:
            case "profile":
                return hit(replace(person, city="", roles=()))
            case "work_emails":
                return hit(Person(emails=person.emails[:1]))
            case "personal_emails":
                return hit(Person(emails=person.emails[1:]))
            case "phones":
                return hit(Person(phones=person.phones))
            case _:
                return hit(named(person))


def named(person: Person) -> Person:
    return replace(person, emails=(), phones=())


@st.composite
def worlds(draw: st.DrawFn) -> Drawn:
    kind = draw(st.sampled_from(sorted(OTHERS)))
    other = OTHERS[kind]
    first, last = draw(st.sampled_from([("Ada", "Example"), ("Ada", ""), ("", "Example"), ("", "")]))
    mistake = draw(st.sampled_from(["", "slug", "email", "phone"]))
    # A nameless row with the profile of somebody at the same company, or at the same number, tells nobody apart.
    if not (first or last) and mistake and other.company is ACME:
        mistake = ""
    links = [ADA.person.slug, ""] if mistake != "slug" else [other.person.slug]
    addresses = {"email": ["info@acme.com", "office@acme.com"]}.get(
        mistake, ["", "ada.example@acme.com", "ada1@gmail.com"]
    )
    numbers = {"phone": [HOME, SWITCHBOARD]}.get(mistake, ["", ADA.person.phones[0].number])
    values = {
        "firstname": first,
        "lastname": last,
        "hs_linkedin_url": draw(st.sampled_from(links)),
        "email": draw(st.sampled_from(addresses)),
        "phone": draw(st.sampled_from(numbers)),
        "website": draw(st.sampled_from(["", "https://acme.com"])),
    }
    known = st.fixed_dictionaries(dict.fromkeys(OPERATIONS, st.booleans()))
    return Drawn(Record("contact", "1", values), other, draw(known))


OPERATIONS = ("detail", "search", "work_emails", "personal_emails", "by_email", "phones", "by_phone", "profile")


@given(worlds())
def test_no_value_of_anybody_else_is_written(drawn: Drawn) -> None:
    rules = policy(*RULES)
    seen = visit(drawn.record, rules, drawn.ask)
    others = drawn.other.own - ADA.own
    assert not {change.value for change in seen.decision.changes} & others, seen.operations


@given(worlds())
def test_nothing_dear_is_asked_before_somebody_is_proved(drawn: Drawn) -> None:
    seen = visit(drawn.record, policy(*RULES), drawn.ask)
    for place, question in enumerate(seen.asked):
        if question.operation in {"work_emails", "personal_emails", "phones"}:
            before = {one.operation for one in seen.asked[:place]}
            assert before & {"detail", "profile", "search", "by_email", "by_phone"}


@given(worlds())
def test_whoever_is_named_in_full_and_known_is_filled(drawn: Drawn) -> None:
    known = dataclasses.replace(drawn, answers=dict.fromkeys(OPERATIONS, True))
    row = drawn.record.values
    if row["hs_linkedin_url"] == ADA.person.slug and row["firstname"] and row["lastname"]:
        seen: Visit = visit(known.record, policy(*RULES), known.ask)
        assert set(seen.values) == set(seen.view.gaps)
