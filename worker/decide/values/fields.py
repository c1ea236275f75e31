"""Defines canonical fields: their families, the one spelling of their values, and when two values are the same."""

from __future__ import annotations

import hashlib

from worker.decide.values import countries as countries_
from worker.decide.values import domains, emails, linkedin, phones, titles
from worker.decide.values.blanks import says_nothing
from worker.decide.values.names import is_placeholder
from worker.decide.values.text import clean, is_formula, plain

EMAIL_FIELDS = frozenset({"work_email", "personal_email"})
NAME_FIELDS = frozenset({"first_name", "last_name"})
PHONE_FIELDS = frozenset({"phone", "mobile_phone"})
DOMAIN_FIELDS = frozenset({"domain", "company_domain"})
EMPLOYER_FIELDS = frozenset({"job_title", "company_name", "company_domain"})
CUT_FIELDS = frozenset({"job_title", "description", "technologies"})  # free text that still says something when cut


def normal(field: str, value: str, countries: tuple[str, ...] = ()) -> str:
    """Returns the one spelling of a value; ``""`` if it is not valid for this field."""
    if field in EMAIL_FIELDS:
        return emails.normal(value)
    if field in PHONE_FIELDS:
        return phones.read(value, countries).reachable
    if field == "linkedin_url":
        return linkedin.url(linkedin.slug(value)) or _safe(value)
    if field in DOMAIN_FIELDS:
        return domains.host(value)
    if field == "job_title":
        return titles.read(value)
    if field in NAME_FIELDS:
        return "" if is_placeholder(value) else _safe(value, sure=True)
    return _safe(value, sure=field == "country" and bool(countries_.region(value)))


def _safe(value: str, *, sure: bool = False) -> str:
    """Returns free text that a person may see and a spreadsheet may open; ``""`` for a placeholder.

    ``sure``: it says something, although it may look like a placeholder: ``NA`` is Namibia, ``Nan`` a name.
    """
    shown = plain(value)
    return "" if is_formula(shown) or (not sure and says_nothing(shown)) else shown


def same_value(field: str, one: str, other: str, countries: tuple[str, ...] = ()) -> bool:
    """Tells whether a CRM that has been given ``one`` may show it as ``other``: case, formats of phones, blanks."""
    if one == other or clean(one) == clean(other):
        return True
    if field in EMAIL_FIELDS:
        return emails.same(one, other)
    if field in PHONE_FIELDS:
        return phones.same(one, other, countries)
    if field == "linkedin_url":
        return linkedin.same(one, other)
    if field in DOMAIN_FIELDS or field == "website":
        host = domains.host(one)
        return bool(host) and host == domains.host(other)
    return False


def value_hash(field: str, value: str, countries: tuple[str, ...] = ()) -> str:
    """Returns a hash of twelve hex digits by which a value of ours is recognised without being kept."""
    spelled = normal(field, value, countries) or clean(value)
    if field in EMAIL_FIELDS:
        spelled = spelled.lower()
    return hashlib.sha256(f"{field}\n{spelled}".encode()).hexdigest()[:12]
