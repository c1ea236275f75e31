"""Reads Forager's replies: pure, the same for live and kept answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeVar

from pydantic import TypeAdapter

from connectors import replies
from connectors.bodies import Body, Many
from connectors.errors import AccessError, ConnectorError, ContractError
from connectors.forager import operations as op
from connectors.forager.models import (
    ForagerEmail,
    ForagerLocation,
    ForagerOrganization,
    ForagerPerson,
    ForagerPhone,
    ForagerRole,
    FoundRole,
    JobPage,
    OrganizationPage,
    RolePage,
    Website,
)
from connectors.models import Answer, Company, Email, Grade, Outcome, Person, Phone, Question, Reply, Role
from connectors.operations import Operation
from connectors.replies import ReplyReading

NAME = "forager"
T = TypeVar("T")
_EMAILS = TypeAdapter(Many[ForagerEmail])
_PHONES = TypeAdapter(Many[ForagerPhone])
_PERSON = TypeAdapter(ForagerPerson)
_ROLES = TypeAdapter(RolePage)
_COMPANIES = TypeAdapter(OrganizationPage)
_JOBS = TypeAdapter(JobPage)
_WEBSITE = TypeAdapter(Website)
GRADES: Mapping[str, Grade] = {"valid": Grade.VALID, "risky": Grade.RISKY, "invalid": Grade.INVALID}


def refusal(operation: Operation, reply: Reply) -> ConnectorError | None:
    """Returns the edge's own 403: it dislikes the User-Agent, the key may be good."""
    if reply.status == 403 and b"1010" in reply.body[:2000]:
        hint = "blocked before the key was checked: ask Forager to let this address in"
        return AccessError(NAME, operation.name, 403, replies.request_id(reply), code="1010", hint=hint)
    return None


READING = ReplyReading(refusal=refusal)


# ---- one reader per operation ------------------------------------------------------------------------------------


def emails(operation: Operation, reply: Reply) -> tuple[ForagerEmail, ...]:
    """Returns a bare array; an empty body or 204 is an empty one.

    Raises:
        ContractError: not an array, or none of its rows has an address.
    """
    return _contacts(_EMAILS, operation, reply, "email")


def phones(operation: Operation, reply: Reply) -> tuple[ForagerPhone, ...]:
    """Reads a reply as ``emails`` does."""
    return _contacts(_PHONES, operation, reply, "phone_number")


def person(operation: Operation, reply: Reply) -> ForagerPerson | None:
    """Returns one person, ``None`` on 404.

    Raises:
        ContractError: the body names nobody.
    """
    if reply.status in operation.misses:
        return None
    found = replies.parsed(_PERSON, reply, NAME, operation.name)
    if not (found.id or found.full_name or found.last_name or found.linkedin_info.public_identifier):
        raise ContractError(NAME, operation.name, "id", reply.status)
    return found


def roles(reply: Reply) -> RolePage:
    """Returns a page of employments, each with its person."""
    return replies.parsed(_ROLES, reply, NAME, op.ROLE_SEARCH.name)


def organizations(reply: Reply) -> OrganizationPage:
    return replies.parsed(_COMPANIES, reply, NAME, op.ORGANIZATION_SEARCH.name)


def jobs(reply: Reply) -> JobPage:
    return replies.parsed(_JOBS, reply, NAME, op.JOB_SEARCH.name)


def website(reply: Reply) -> Website | None:
    """Returns a site's ranks and technologies, ``None`` on 404."""
    return None if reply.status == 404 else replies.parsed(_WEBSITE, reply, NAME, op.WEBSITE_DETAIL.name)


B = TypeVar("B", bound=Body)


def _contacts(adapter: TypeAdapter[tuple[B, ...]], operation: Operation, reply: Reply, needed: str) -> tuple[B, ...]:
    if not reply.body.strip():
        return ()
    rows = replies.parsed(adapter, reply, NAME, operation.name)
    if rows and not any(needed in row.model_fields_set for row in rows):
        raise ContractError(NAME, operation.name, needed, reply.status)
    return tuple(row for row in rows if getattr(row, needed))


# ---- to neutral values -------------------------------------------------------------------------------------------


def answer(question: Question, reply: Reply) -> Answer:
    """Reads a reply to a question; the credits are the price on a hit and 0 on a miss.

    A search page costs its price even when it is empty (contract: "1 per page").
    """
    try:
        return _answer(question, reply)
    except ContractError as broken:
        return Answer(Outcome.UNREADABLE, cause=broken.field or "body")


def _answer(question: Question, reply: Reply) -> Answer:
    operation = op.PAID.get(question.operation)
    if operation is None:
        return Answer(Outcome.UNREADABLE, cause="operation")
    refused = replies.failure(NAME, NAME, operation, reply, READING)
    if refused is not None:
        return Answer(Outcome.REFUSED, cause=type(refused).__name__.removesuffix("Error").lower())
    if operation in {op.ORGANIZATION_SEARCH, op.JOB_SEARCH, op.WEBSITE_DETAIL}:
        return _counted(operation, question, reply)
    people = _people(operation, reply)
    if people:
        return Answer(Outcome.HIT, people, question.price)
    return Answer(Outcome.MISS, credits=question.price if operation == op.ROLE_SEARCH else 0)


def _counted(operation: Operation, question: Question, reply: Reply) -> Answer:
    if operation == op.WEBSITE_DETAIL:
        found = website(reply) is not None
        return Answer(Outcome.HIT if found else Outcome.MISS, credits=question.price if found else 0)
    page = organizations(reply) if operation == op.ORGANIZATION_SEARCH else jobs(reply)
    return Answer(Outcome.HIT if page.search_results else Outcome.MISS, credits=question.price)


def _people(operation: Operation, reply: Reply) -> tuple[Person, ...]:
    if operation in {op.WORK_EMAILS, op.PERSONAL_EMAILS}:
        kind: Literal["work", "personal"] = "work" if operation == op.WORK_EMAILS else "personal"
        found = tuple(to_email(row, kind) for row in emails(operation, reply) if "*" not in row.email)
        return (Person(emails=found),) if found else ()
    if operation == op.PHONE_NUMBERS:
        numbers = tuple(Phone(row.phone_number) for row in phones(operation, reply) if "*" not in row.phone_number)
        return (Person(phones=numbers),) if numbers else ()
    if operation == op.ROLE_SEARCH:
        return to_people(roles(reply).search_results)
    somebody = person(operation, reply)
    return () if somebody is None else (to_person(somebody, somebody.roles),)


def to_email(row: ForagerEmail, kind: Literal["work", "personal"]) -> Email:
    """Returns an address; ``kind`` is the operation's, since the vendor's own ``email_type`` is an opaque text."""
    return Email(row.email, GRADES.get(row.validation_status.lower(), Grade.UNVERIFIED), kind)


def to_people(rows: Iterable[FoundRole]) -> tuple[Person, ...]:
    """Returns the persons of a role search, each once, with all their rows as roles."""
    people: dict[str, ForagerPerson] = {}
    held: dict[str, list[FoundRole]] = {}
    for row in rows:
        key = str(row.person.id or row.person.linkedin_info.public_identifier or row.person.full_name)
        people.setdefault(key, row.person)
        held.setdefault(key, []).append(row)
    return tuple(to_person(people[key], (*held[key], *people[key].roles)) for key in people if key)


def to_person(raw: ForagerPerson, raw_roles: Iterable[ForagerRole]) -> Person:
    """Returns a person with the given employments; the title is the first current one's."""
    held = tuple(to_role(role) for role in raw_roles)
    return Person(
        id=str(raw.id or ""),
        slug=raw.linkedin_info.public_identifier,
        full_name=raw.full_name,
        first_name=raw.first_name,
        last_name=raw.last_name,
        title=next((role.title for role in held if role.current), ""),
        city=place(raw.location, "city"),
        country=place(raw.location, "country"),
        roles=held,
    )


def to_role(raw: ForagerRole) -> Role:
    return Role(raw.role_title, to_company(raw.organization), raw.is_current)


def to_company(raw: ForagerOrganization) -> Company:
    """Returns a company; its domain comes with or without a scheme, and stays as it comes."""
    return Company(
        id=str(raw.id or ""),
        name=raw.name,
        domain=raw.domain,
        website=raw.website,
        linkedin_url=raw.linkedin_info.public_profile_url,
        industry=raw.linkedin_info.industry.name,
        employee_count=raw.employees_amount,
        city=place(raw.location, "city"),
        country=place(raw.location, "country"),
        description=raw.description,
        founded_year=int(raw.founded_date[:4]) if raw.founded_date[:4].isdecimal() else 0,
    )


def place(location: ForagerLocation, kind: str) -> str:
    """Returns the location's city or country, ``""`` when it is unknown; ``Berlin, Germany`` is the city Berlin."""
    names = (row.name for row in location.osm_locations if row.place_type == kind)
    return next((name.split(",")[0].strip() for name in names if name), "")
