"""Reads OpenProspect's replies, and its rows as neutral values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from connectors import models, replies
from connectors.bodies import Body, count
from connectors.errors import AccessError, ConnectorError, ContractError
from connectors.limits import Notice
from connectors.models import Email, Grade, Person, Phone, PhoneKind, Reply
from connectors.openprospect.models import CompanyBody, Prospect
from connectors.operations import Operation
from connectors.replies import ReplyReading, capped, retry_after, server_time

NAME = "openprospect"
PAUSE_S = 60.0
B = TypeVar("B", bound=Body)
_SCOPE = re.compile(r"[a-z_]{1,40}:[a-z]{1,20}")
_GRADES: Mapping[str, Grade] = {
    "valid": Grade.VALID,
    "verified": Grade.VALID,
    "invalid": Grade.INVALID,
    "risky": Grade.RISKY,
    "catch_all": Grade.RISKY,
    "accept_all": Grade.RISKY,
}


# ---- errors and rates --------------------------------------------------------------------------------------------


def code(reply: Reply) -> str:
    """Returns the vendor's code for a failure, from any of its error bodies; ``HTTP_<status>`` if it gives none."""
    body = _object(reply)
    inner = body.get("error")
    for found in (body.get("code"), inner.get("code") if isinstance(inner, dict) else inner):
        if isinstance(found, str) and found:
            return found
    return f"HTTP_{reply.status}"


def scopes(reply: Reply) -> frozenset[str]:
    """Returns the rights of a key, empty if the vendor does not tell them."""
    scopes = _object(reply).get("scopes") if 200 <= reply.status < 300 else None
    return frozenset(one for one in scopes if isinstance(one, str)) if isinstance(scopes, list) else frozenset()


def missing_scopes(reply: Reply) -> tuple[str, ...]:
    """Returns the rights a 403 says the key lacks."""
    body = _object(reply)
    inner = body.get("error")
    details = body.get("details") or (inner.get("details") if isinstance(inner, dict) else None)
    if not isinstance(details, dict):
        return ()
    have = details.get("user_scopes")
    wanted = details.get("required_scopes")
    names = [name for name in wanted if isinstance(name, str)] if isinstance(wanted, list) else []
    return tuple(name for name in names if _SCOPE.fullmatch(name) and name not in (have or ()))


def pause(reply: Reply) -> float | None:
    """Tells how long a 429 asks to wait: header, body, reset, else a minute. Other failures: the header only."""
    asked = retry_after(reply)
    if asked is not None or reply.status != 429:
        return asked
    seconds = _object(reply).get("retry_after")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return capped(float(seconds))
    wait = reset_s(reply)
    return PAUSE_S if wait is None else wait


def reset_s(reply: Reply) -> float | None:
    """Returns seconds until the rate's reset; the header is in epoch seconds and counted from the reply's own date."""
    try:
        instant = float(reply.headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return None
    now = server_time(reply) / 1000
    return capped(instant - now) if now and instant > 10**9 else None


def notices(_operation: Operation, reply: Reply) -> Mapping[str, Notice]:
    """Reads the hourly limit off the headers."""
    wait = reset_s(reply)
    remaining = count(reply.headers.get("x-ratelimit-remaining", ""))
    if wait is None or remaining is None:
        return {}
    return {"": Notice(remaining, wait, 3600)}


def refusal(operation: Operation, reply: Reply) -> ConnectorError | None:
    """Returns the error of a 403, which names the scope it wants."""
    if reply.status != 403:
        return None
    scopes = missing_scopes(reply)
    hint = f"the key lacks {', '.join(scopes)}" if scopes else ""
    return AccessError(NAME, operation.name, 403, replies.request_id(reply), code=_plain(code(reply)), hint=hint)


READING = ReplyReading(refusal=refusal, code=code, pause=pause, notices=notices)


def _plain(text: str) -> str:
    return text if re.fullmatch(r"\w{1,60}", text, re.ASCII) else ""


def _object(reply: Reply) -> Mapping[str, Any]:
    try:
        body = replies.json_of(reply.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


# ---- lists -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListPage(Generic[B]):
    """Holds one page of a list. ``next_offset`` is the beginning of the next one, ``None`` after the last.

    ``broken`` counts rows that could not be read, ``server_time`` is the vendor's clock (ms) or 0.
    """

    items: tuple[B, ...] = field(repr=False)
    next_offset: int | None
    total: int | None = None
    broken: int = 0
    server_time: int = 0


def page(
    adapter: TypeAdapter[B], reply: Reply, endpoint: str, names: tuple[str, ...], offset: int, limit: int
) -> ListPage[B]:
    """Returns a page out of ``items``, else one of the collection's ``names``, else a bare array.

    Raises:
        ContractError: there is no list, or none of its rows can be read.
    """
    try:
        body = replies.json_of(reply.body)
    except ValueError:
        raise ContractError(NAME, endpoint, "", reply.status) from None
    envelope = body if isinstance(body, dict) else {}
    rows = (
        body
        if isinstance(body, list)
        else next((envelope[name] for name in ("items", *names) if isinstance(envelope.get(name), list)), None)
    )
    if rows is None:
        raise ContractError(NAME, endpoint, "items", reply.status)
    items = tuple(item for row in rows if (item := _item(adapter, row)) is not None)
    if rows and not items:
        raise ContractError(NAME, endpoint, "items.id", reply.status)
    total = envelope.get("total")
    total = total if isinstance(total, int) and not isinstance(total, bool) else None
    end = offset + len(rows)
    more = envelope.get("has_more")
    if not isinstance(more, bool):
        more = end < total if total is not None else len(rows) >= limit
    return ListPage(items, end if more and rows else None, total, len(rows) - len(items), server_time(reply))


def _item(adapter: TypeAdapter[B], row: object) -> B | None:
    try:
        return adapter.validate_python(row)
    except ValidationError:
        return None


# ---- to neutral values -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeliveredCompany:
    """Describes a company that OpenProspect delivered, with its people.

    ``source_id`` is the record id we ordered it by, ``""`` for a discovered one; ``delivered_at`` is in ms, 0 when
    unknown. ``company.id`` and each person's ``id`` are the vendor's.
    """

    company: models.Company
    people: tuple[Person, ...] = field(repr=False)
    search_id: str = ""
    delivered_at: int = 0
    source_id: str = ""


def delivered(raw: CompanyBody, search_id: str = "") -> DeliveredCompany:
    """Returns a row of a delivery or of an order's results."""
    return DeliveredCompany(
        company=to_company(raw),
        people=tuple(to_person(row, raw) for row in raw.prospects),
        search_id=raw.prospect_search_id or search_id,
        delivered_at=moment_ms(raw.delivered_at),
        source_id=raw.source_id,
    )


def to_company(raw: CompanyBody) -> models.Company:
    """Returns the company itself.

    The domain is what was delivered as one, else the website: their reader takes either.
    """
    return models.Company(
        id=raw.id,
        name=raw.name,
        domain=raw.domain or raw.website,
        website=raw.website,
        phone=raw.phone,
        linkedin_url=raw.linkedin_url,
        industry=raw.business_type,
        employee_count=raw.employee_count,
        city=raw.city,
        country=raw.country,
        description=raw.description,
        technologies=tuple(row.name for row in raw.technologies if row.name),
        founded_year=raw.founded_year,
    )


def to_person(raw: Prospect, employer: CompanyBody | None = None) -> Person:
    """Returns a prospect, with the company it was delivered with as its employer."""
    phones = (Phone(raw.mobile_phone, PhoneKind.MOBILE), Phone(raw.phone))
    roles = (models.Role(raw.job_title, to_company(employer), current=True),) if employer else ()
    return Person(
        id=raw.id,
        slug=raw.linkedin_url,
        full_name=raw.full_name or f"{raw.first_name} {raw.last_name}".strip(),
        first_name=raw.first_name,
        last_name=raw.last_name,
        title=raw.job_title,
        city=raw.city,
        country=raw.country,
        roles=roles,
        emails=(Email(raw.email, grade(raw.email_status), "work"),) if raw.email and "*" not in raw.email else (),
        phones=tuple(row for row in phones if row.number and "*" not in row.number),
    )


def grade(status: str) -> Grade:
    """Returns an e-mail status as a grade; words we do not know are unverified."""
    return _GRADES.get(status.lower().replace("-", "_").replace(" ", "_"), Grade.UNVERIFIED)


def moment_ms(text: str) -> int:
    """Returns an ISO 8601 date-time in ms (UTC if it names no zone), 0 if it is not one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
