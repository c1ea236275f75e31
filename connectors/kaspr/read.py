"""Reads Kaspr's replies and headers: pure, the same for live and kept answers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Literal

from pydantic import TypeAdapter

from connectors import replies
from connectors.bodies import finite
from connectors.errors import AccessError, ConnectorError, ContractError, CreditsError, RejectedError
from connectors.kaspr import operations as op
from connectors.kaspr.models import (
    CheckedEmail,
    Employee,
    EmployeeReply,
    Pattern,
    PatternReply,
    ProfileBody,
    ProfileReply,
)
from connectors.kaspr.options import Dialect
from connectors.limits import Notice
from connectors.models import Answer, Company, Email, Grade, Outcome, Person, Phone, Question, Reply, Role
from connectors.operations import Operation
from connectors.replies import ReplyReading, capped, retry_after

NAME = "kaspr"
_PROFILE = TypeAdapter(ProfileReply)
_PATTERNS = TypeAdapter(PatternReply)
_EMPLOYEES = TypeAdapter(EmployeeReply)
_NO_PATH = re.compile(rb"cannot (get|post|find)|\b(path|route|endpoint)\b")  # assumed: what servers say of one
_TOKENS = ("{first}", "{last}", "{f}", "{l}")
_GRADES: Mapping[bool | None, Grade] = {True: Grade.VALID, False: Grade.INVALID, None: Grade.UNVERIFIED}
_POOLS = {
    "work_email": "remaining-work-email-credits",
    "personal_email": "remaining-direct-email-credits",
    "phone": "remaining-phone-credits",
}


# ---- headers and refusals ----------------------------------------------------------------------------------------


def reset_s(text: str) -> float | None:
    """Returns seconds until the rate's reset, out of a header in milliseconds; an hour at most.

    Numbers too large for a duration are taken for an instant and looked at again in an hour.
    """
    number = finite(text)
    if number is None:
        return None
    return capped(number / 1000 if number <= 10**9 else replies.WAIT_CAP_S)


_OUR_MISTAKE = "the vendor cannot read our request: a mistake of Refill's own, please report it"


def notices(_operation: Operation, reply: Reply) -> Mapping[str, Notice]:
    """Returns the hourly window as the headers tell it, nothing when they do not."""
    remaining = finite(reply.headers.get("x-ratelimit-remaining", ""))
    wait = reset_s(reply.headers.get("x-ratelimit-reset", ""))
    if remaining is None or wait is None:
        return {}
    return {"": Notice(max(int(remaining), 0), wait, 3600)}


def pause(reply: Reply) -> float | None:
    """Tells how long a 429 blocks: ``Retry-After`` if it ever comes, else the reset."""
    asked = retry_after(reply)
    return reset_s(reply.headers.get("x-ratelimit-reset", "")) if asked is None else asked


def refusal(scheme: str, operation: Operation, reply: Reply) -> ConnectorError | None:
    """Returns refusals the status alone does not tell.

    No credits in a 200, which pool is empty, how the key was sent.
    """
    request = replies.request_id(reply)
    if reply.status == 402 or _no_credits(reply):
        return CreditsError(NAME, operation.name, reply.status, request, bucket=_empty_pool(reply))
    if reply.status == 401:
        other = "raw" if scheme == "bearer" else "bearer"
        hint = f'the vendor\'s reference shows the key in two forms, if it is right try auth_scheme = "{other}"'
        return AccessError(NAME, operation.name, 401, request, hint=hint)
    if reply.status == 500 and b"TypeError" in reply.body[:2000]:
        return RejectedError(NAME, operation.name, 500, request, code="TypeError", hint=_OUR_MISTAKE)
    if reply.status == 404 and _NO_PATH.search(reply.body[:500].lower()):
        hint = 'the host does not know this path, if base_url is right try the other dialect ("reference" or "v2")'
        return AccessError(NAME, operation.name, 404, request, hint=hint)
    return None


def reading(scheme: str) -> ReplyReading:
    """Returns how replies are read: a 500 is often a malformed id here, so it is not a sign of an outage."""
    return ReplyReading(refusal=partial(refusal, scheme), pause=pause, notices=notices, calm=frozenset({500}))


def _no_credits(reply: Reply) -> bool:
    if not 200 <= reply.status < 300 or b"credit" not in reply.body[:4096].lower():
        return False
    try:
        body = replies.json_of(reply.body)
    except ValueError:
        return False
    if not isinstance(body, dict) or any(body.get(name) for name in ("profile", "patterns", "employees")):
        return False
    return any("credit" in str(body.get(name, "")).lower() for name in ("message", "error"))


def _empty_pool(reply: Reply) -> str:
    empty = [pool for pool, name in _POOLS.items() if finite(reply.headers.get(name, "")) == 0]
    return empty[0] if len(empty) == 1 else ""


def credits_of(reply: Reply, unknown: int) -> int:
    """Returns the provider's own figure; ``unknown`` when the header is absent or no number."""
    number = finite(reply.headers.get("decreased-credits", ""))
    return unknown if number is None or number < 0 else math.ceil(number)


def remaining(reply: Reply) -> int | None:
    """Returns credits left by the header, ``None`` when it does not say."""
    number = finite(reply.headers.get("remaining-credits", ""))
    return None if number is None else int(number)


def pooled(pools: Iterable[float | None]) -> int | None:
    """Returns all pools together; ``None`` if one is unknown, or is unlimited and never falls."""
    known = [pool for pool in pools if pool is not None and pool >= 0]
    return int(sum(known)) if len(known) == len(_POOLS) + 1 else None


def pools_left(reply: Reply) -> int | None:
    """Returns credits left in v2's pools by the headers of a paid reply, all together."""
    names = (*_POOLS.values(), "remaining-export-credits")
    return pooled(finite(reply.headers.get(name, "")) for name in names)


# ---- one reader per operation ------------------------------------------------------------------------------------


def profile(reply: Reply) -> ProfileBody | None:
    """Returns the profile; ``None`` for each of the three shapes of a miss: 404, no profile, an empty one."""
    if reply.status == 404 or not reply.body.strip():
        return None
    found = replies.parsed(_PROFILE, reply, NAME, op.PROFILE.name).profile
    if found is None:
        return None
    empty = not (found.fetched_at or found.company_name or found.company.name or emails(found) or numbers(found))
    return None if empty else found


def patterns(reply: Reply) -> tuple[Pattern, ...]:
    """Returns best score first; patterns with tokens we do not know are left out."""
    if reply.status == 404:
        return ()
    rows = replies.parsed(_PATTERNS, reply, NAME, op.DOMAIN_PATTERN.name).patterns
    return tuple(sorted(filter(_known, rows), key=lambda row: -(row.score or 0)))


def employees(reply: Reply) -> tuple[Employee, ...]:
    """Returns people at a domain, without LinkedIn ids."""
    if reply.status == 404:
        return ()
    return replies.parsed(_EMPLOYEES, reply, NAME, op.DOMAIN_EMPLOYEES.name).employees


def _known(row: Pattern) -> bool:
    text = row.pattern
    for token in _TOKENS:
        text = text.replace(token, "")
    return "{" not in text and "}" not in text


# ---- to neutral values -------------------------------------------------------------------------------------------


def answer(dialect: Dialect, question: Question, reply: Reply) -> Answer:
    """Reads a reply to a question, with the credits of its header."""
    try:
        return _answer(dialect, question, reply)
    except ContractError as broken:
        return Answer(Outcome.UNREADABLE, credits=_charged_by(reply), cause=broken.field or "body")


def _answer(dialect: Dialect, question: Question, reply: Reply) -> Answer:
    operation = next((row for row in op.OPERATIONS if row.name == question.operation), None)
    if operation is None:
        return Answer(Outcome.UNREADABLE, cause="operation")
    refused = replies.failure(NAME, NAME, operation, reply, reading("bearer"))
    if refused is not None:
        return Answer(Outcome.REFUSED, credits=0, cause=type(refused).__name__.removesuffix("Error").lower())
    if question.operation == op.DOMAIN_PATTERN.name:
        found = patterns(reply)
        return Answer(Outcome.HIT if found else Outcome.MISS, credits=credits_of(reply, 1 if found else 0))
    if question.operation == op.DOMAIN_EMPLOYEES.name:
        staff = tuple(to_colleague(row) for row in employees(reply))
        return Answer(Outcome.HIT if staff else Outcome.MISS, staff, credits_of(reply, len(staff)))
    somebody = profile(reply)
    if somebody is None:
        return Answer(Outcome.MISS, credits=credits_of(reply, 0))
    newer = dialect == "v2" or somebody.newer
    person = to_person(somebody, graded=not newer)
    unsaid = _delivered(person) + 1 if newer else 1
    return Answer(Outcome.HIT, (person,), credits_of(reply, unsaid))


def _charged_by(reply: Reply) -> int | None:
    return credits_of(reply, -1) if finite(reply.headers.get("decreased-credits", "")) is not None else None


def _delivered(person: Person) -> int:
    kinds = {row.kind or "work" for row in person.emails}
    return len(kinds) + bool(person.phones)


def to_person(raw: ProfileBody, *, graded: bool) -> Person:
    """Returns a profile; ``graded`` if ``valid`` is a grade (in v2 it is not).

    The kind of its location is unknown.
    """
    company = Company(
        name=raw.company_name or raw.company.name,
        domain=next(iter(raw.company.domains), ""),
        linkedin_url=raw.company.company_page_url,
        industry=raw.company.industry_name,
        employee_count=raw.company.staff_count,
    )
    held = (Role(raw.title, company, current=True),) if raw.title or company.name else ()
    return Person(
        slug=raw.id,
        full_name=raw.name,
        first_name=raw.first_name,
        last_name=raw.last_name,
        title=raw.title,
        roles=held,
        emails=_graded(emails(raw), raw.emails, graded=graded),
        phones=tuple(Phone(number) for number in numbers(raw)),
    )


def to_colleague(raw: Employee) -> Person:
    """Returns an employee of a domain; the same values under other names."""
    addresses = dict.fromkeys(_clean((raw.email, *(row.email for row in raw.emails))))
    found = tuple((address, "work") for address in addresses)
    return Person(
        full_name=raw.name,
        first_name=raw.first_name,
        last_name=raw.last_name,
        title=raw.job,
        roles=(Role(raw.job, Company(name=raw.company), current=True),),
        emails=_graded(found, raw.emails, graded=True),
        phones=tuple(Phone(number) for number in _numbers((raw.phone, *raw.phones))),
    )


Found = tuple[str, str]  # address, kind


def emails(raw: ProfileBody) -> tuple[Found, ...]:
    """Returns every unmasked address with its kind, best family first, each once."""
    work = (
        raw.starry_work_email,
        *raw.work_emails,
        raw.starry_professional_email,
        *raw.professional_emails,
        raw.professional_email,
        raw.current_pro_email,
        *raw.current_pro_emails,
    )
    personal = (
        raw.starry_direct_email,
        *raw.direct_emails,
        raw.starry_personal_email,
        *raw.personal_emails,
        raw.personal_email,
        *raw.current_personal_emails,
    )
    rest = (*(row.email for row in raw.emails), raw.current_email)
    found: dict[str, Found] = {}
    for kind, family in (("work", work), ("personal", personal), ("", rest)):
        for address in _clean(family):
            found.setdefault(address.lower(), (address, kind))
    return tuple(found.values())


def numbers(raw: ProfileBody) -> tuple[str, ...]:
    """Returns every unmasked number without its blanks, each once."""
    return _numbers((raw.starry_phone, raw.phone, *raw.phones))


def _numbers(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys("".join(value.split()) for value in _clean(values)))


def _clean(values: Iterable[str]) -> Iterable[str]:
    return (value for value in values if value and "*" not in value)


def _graded(found: Iterable[Found], checked: Iterable[CheckedEmail], *, graded: bool) -> tuple[Email, ...]:
    verdicts = {row.email.lower(): row.valid for row in checked} if graded else {}
    kinds: Mapping[str, Literal["work", "personal", ""]] = {"work": "work", "personal": "personal"}
    return tuple(Email(address, _GRADES[verdicts.get(address.lower())], kinds.get(kind, "")) for address, kind in found)
