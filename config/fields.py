"""Lists the canonical fields, and their usual places in a CRM.

Sources: the vendors' standard objects as described in their object references (HubSpot contacts and companies,
Salesforce Contact, Lead and Account), read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

PersonField = Literal[
    "work_email", "personal_email", "phone", "mobile_phone", "job_title", "linkedin_url", "first_name", "last_name",
    "city", "country", "company_name", "company_domain",
]  # fmt: skip
CompanyField = Literal[
    "name",  # never a gap, since no CRM takes a company without one, but written when a delivery creates it
    "domain", "website", "phone", "industry", "employee_count", "linkedin_url", "city", "country", "description",
    "technologies", "founded_year",
]  # fmt: skip
PERSON_FIELDS: tuple[str, ...] = get_args(PersonField)
COMPANY_FIELDS: tuple[str, ...] = get_args(CompanyField)
EMAIL_FIELDS = frozenset({"work_email", "personal_email"})
PHONE_FIELDS = frozenset({"phone", "mobile_phone"})

PEOPLE = ("contact", "lead")  # the objects that hold people
WATCHED = ("work_email", "phone", "mobile_phone", "job_title")  # filled by a watch without ``fields``

_HUBSPOT_CONTACT = {
    "work_email": "email",
    "phone": "phone",
    "mobile_phone": "mobilephone",
    "job_title": "jobtitle",
    "linkedin_url": "hs_linkedin_url",
    "first_name": "firstname",
    "last_name": "lastname",
    "city": "city",
    "country": "country",
    "company_name": "company",
}
_HUBSPOT_COMPANY = {
    "name": "name",
    "domain": "domain",
    "website": "website",
    "phone": "phone",
    "industry": "industry",
    "employee_count": "numberofemployees",
    "linkedin_url": "linkedin_company_page",
    "city": "city",
    "country": "country",
    "description": "description",
    "founded_year": "founded_year",
}
_SALESFORCE_CONTACT = {
    "work_email": "Email",
    "phone": "Phone",
    "mobile_phone": "MobilePhone",
    "job_title": "Title",
    "first_name": "FirstName",
    "last_name": "LastName",
    "city": "MailingCity",
    "country": "MailingCountry",
}
_SALESFORCE_LEAD = {
    "work_email": "Email",
    "phone": "Phone",
    "mobile_phone": "MobilePhone",
    "job_title": "Title",
    "first_name": "FirstName",
    "last_name": "LastName",
    "city": "City",
    "country": "Country",
    "company_name": "Company",
    "company_domain": "Website",
}
_SALESFORCE_COMPANY = {  # Account
    "name": "Name",
    "domain": "Website",
    "phone": "Phone",
    "industry": "Industry",
    "employee_count": "NumberOfEmployees",
    "city": "BillingCity",
    "country": "BillingCountry",
    "description": "Description",
}

# (crm kind, object) -> canonical field -> property. A field that is not in here needs its property named.
PROPERTIES: Mapping[tuple[str, str], Mapping[str, str]] = MappingProxyType(
    {
        ("hubspot", "contact"): MappingProxyType(_HUBSPOT_CONTACT),
        ("hubspot", "company"): MappingProxyType(_HUBSPOT_COMPANY),
        ("salesforce", "contact"): MappingProxyType(_SALESFORCE_CONTACT),
        ("salesforce", "lead"): MappingProxyType(_SALESFORCE_LEAD),
        ("salesforce", "company"): MappingProxyType(_SALESFORCE_COMPANY),
    }
)

# Read by a visit and never written: a contact's own site shows the employer, as a lead's does.
READ_ONLY: Mapping[tuple[str, str], Mapping[str, str]] = MappingProxyType(
    {("hubspot", "contact"): MappingProxyType({"company_website": "website"})}
)

# Identifies a person. Read from the record; written only if a field maps the same property.
IDENTITY = (
    "linkedin_url", "work_email", "personal_email", "phone", "mobile_phone", "first_name", "last_name",
    "company_name", "company_domain",
)  # fmt: skip


def default_accept(field: str) -> tuple[str, ...]:
    """Returns the grades of ``field`` that may be written: valid e-mails only; nothing else has grades."""
    return ("valid",) if field in EMAIL_FIELDS else ()


def with_defaults(kind: str, object: str, watch: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a watch table of the configuration with every property and grade filled in that it leaves out.

    Values that should be tables and are not stay as they are: the schema reports them.
    """
    properties = PROPERTIES.get((kind, object), {})
    names = () if object == "company" else WATCHED
    fields = watch.get("fields", {name: {} for name in names})
    if not isinstance(fields, Mapping):
        return dict(watch)
    filled = {
        name: _rule(object, name, rule, properties.get(name)) if isinstance(rule, Mapping) else rule
        for name, rule in fields.items()
    }
    mapped = {name: rule["property"] for name, rule in filled.items() if isinstance(rule, dict) and "property" in rule}
    slots = {name: place for name, place in {**properties, **mapped}.items() if _is_slot(object, name)}
    identity = watch.get("identity", {})
    if isinstance(identity, Mapping):
        identity = {**slots, **identity}
    return {**watch, "fields": filled, "identity": identity}


def _rule(object: str, name: str, rule: Mapping[str, Any], property: str | None) -> dict[str, Any]:
    known = {} if property is None else {"property": property}
    return {**known, **({} if object == "company" else {"accept": default_accept(name)}), **rule}


def _is_slot(object: str, name: str) -> bool:
    return name in ({"name", "domain", "website"} if object == "company" else IDENTITY)
