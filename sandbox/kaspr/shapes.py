"""Shapes Kaspr's JSON from the world's people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.clock import iso
from sandbox.people import Company, Person


@dataclass(frozen=True, slots=True)
class Values:
    """Holds Kaspr's values of the fields asked for."""

    work_email: str | None
    direct_email: str | None
    phone: str | None

    @property
    def names(self) -> frozenset[str]:
        """Lists the delivered fields by Kaspr's names."""
        found = (("workEmail", self.work_email), ("directEmail", self.direct_email), ("phone", self.phone))
        return frozenset(name for name, value in found if value)

    @property
    def count(self) -> int:
        return len(self.names)


def values_of(person: Person, wanted: Sequence[str]) -> Values:
    known = person.kaspr
    return Values(
        known.work_email if "workEmail" in wanted else None,
        known.direct_email if "directEmail" in wanted else None,
        known.phone if "phone" in wanted else None,
    )


def masked(value: str | None) -> str | None:
    """Masks a value as a teaser: `a***@example.com`, `+49 1** *** **`."""
    if value is None:
        return None
    if "@" in value:
        local, domain = value.split("@")
        return f"{local[0]}***@{domain}"
    return value[:5] + "".join("*" if mark.isdigit() else mark for mark in value[5:])


def profile_reference(person: Person, values: Values, now_s: float) -> dict[str, Any]:
    work, direct = _list(values.work_email), _list(values.direct_email)
    emails = [{"email": email, "valid": person.kaspr.work_email_valid} for email in work]
    return {
        "id": person.slug,
        "name": person.full_name,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "emails": emails + [{"email": email, "valid": None} for email in direct],
        "currentProEmails": work,
        "currentPersonalEmails": direct,
        "phones": _list(values.phone),
        "location": person.city,
        "title": person.kaspr.junk_title or person.title,
        "companyName": person.employer.name,
        "fetchedAt": int(now_s * 1000),
        "currentProEmail": values.work_email,
        "processingTime": 1.885,
        "currentEmail": values.work_email or values.direct_email,
    }


def profile_v2(person: Person, values: Values, now_s: float, *, objects: bool) -> dict[str, Any]:
    """Returns a v2 profile; `objects` wraps list items: `{"email": ...}`, `{"number": ...}`, as some accounts see."""
    employer, known = person.employer, person.kaspr
    work, direct, phones = (_list(one) for one in (values.work_email, values.direct_email, values.phone))
    # a teaser also shows values that were not paid for
    starry_work, starry_direct, starry_phone = (
        (masked(known.work_email), masked(known.direct_email), masked(known.phone))
        if known.masked
        else (values.work_email, values.direct_email, values.phone)
    )
    work_items = [{"email": email} for email in work] if objects else work
    direct_items = [{"email": email} for email in direct] if objects else direct
    return {
        "id": person.slug,
        "name": person.full_name,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "title": person.kaspr.junk_title or person.title,
        "location": person.city,
        "companyName": employer.name,
        "company": {
            "name": employer.name,
            "universalName": employer.slug,
            "industries": [employer.industry],
            "domains": [employer.domain],
            "companyPageUrl": employer.linkedin_url,
            "staffCount": employer.employees,
            "industryName": employer.industry,
            "mainAddress": {
                "country": employer.country_code,
                "city": employer.city,
                "postalCode": employer.postcode,
                "line1": employer.street,
            },
        },
        "workEmails": work_items,
        "starryWorkEmail": starry_work,
        "directEmails": direct_items,
        "starryDirectEmail": starry_direct,
        "professionalEmails": work_items,
        "starryProfessionalEmail": starry_work,
        "personalEmails": direct_items,
        "starryPersonalEmail": starry_direct,
        "emails": [{"email": email, "valid": known.work_email_valid} for email in work],
        "phones": [{"number": phone} for phone in phones] if objects else phones,
        "starryPhone": starry_phone,
        # callers see both forms
        "fetchedAt": iso(now_s) if person.number % 2 else int(now_s * 1000),
        "processingTime": 1.2,
    }


def patterns(company: Company) -> list[dict[str, Any]]:
    """Tells how the addresses of a company are built, not in the order of their scores."""
    tokens = (("{f}{last}", 0.1456), ("{first}.{last}", 0.7748), ("{first}{l}", 0.0496))
    return [{"pattern": f"{token}@{company.domain}", "score": score} for token, score in tokens]


def employee(person: Person) -> dict[str, Any]:
    known = person.kaspr
    return {
        "firstName": person.first_name,
        "lastName": person.last_name,
        "name": person.full_name,
        "company": person.employer.name,
        "job": person.kaspr.junk_title or person.title,
        "email": known.work_email,
        "emails": [{"email": email, "valid": known.work_email_valid} for email in _list(known.work_email)],
        "phones": _list(known.phone),
        "phone": known.phone,
        "location": person.city,
    }


def _list(value: str | None) -> list[str]:
    return [value] if value else []
