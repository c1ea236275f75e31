"""Defines a portal's properties and checks values against them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.clock import iso
from sandbox.hubspot.errors import Fault

_EMAIL: Final = re.compile(r"[^@\s,;<>()\[\]\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
TYPES: Final = frozenset({"bool", "date", "datetime", "enumeration", "number", "phone_number", "string"})
FIELD_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "bool": frozenset({"booleancheckbox", "calculation_equation", "checkbox", "radio", "select"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"date"}),
    "enumeration": frozenset({"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"}),
    "number": frozenset({"number", "calculation_equation"}),
    "phone_number": frozenset({"phonenumber"}),
    "string": frozenset({"text", "textarea", "phonenumber", "html", "file", "calculation_equation"}),
}
MODIFIED: Final = {"contacts": "lastmodifieddate", "companies": "hs_lastmodifieddate"}
TYPE_IDS: Final = {"contacts": "0-1", "companies": "0-2"}
OBJECTS: Final = {"contacts": "contacts", "0-1": "contacts", "companies": "companies", "0-2": "companies"}
DEFAULTS: Final = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
}
ALWAYS: Final = {name: ("hs_object_id", "createdate", modified) for name, modified in MODIFIED.items()}


@dataclass(frozen=True, slots=True)
class Option:
    label: str
    value: str
    display_order: int = 0
    hidden: bool = False
    description: str = ""

    def written(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "value": self.value,
            "displayOrder": self.display_order,
            "hidden": self.hidden,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    type: str = "string"
    field_type: str = "text"
    group: str = ""
    label: str = ""
    description: str = ""
    options: tuple[Option, ...] = ()
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    defined_by_hubspot: bool = True
    hidden: bool = False
    form_field: bool = True
    display_order: int = -1
    created: float = 0.0
    archived: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def multiple(self) -> bool:
        return self.type == "enumeration" and self.field_type == "checkbox"

    def written(self) -> dict[str, Any]:
        """Returns the definition as the properties API shows it."""
        body: dict[str, Any] = {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [option.written() for option in self.options],
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": False,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.defined_by_hubspot,
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
            "archived": self.archived,
            "modificationMetadata": {
                "archivable": not self.defined_by_hubspot,
                "readOnlyDefinition": self.defined_by_hubspot,
                "readOnlyOptions": self.defined_by_hubspot,
                "readOnlyValue": self.read_only,
            },
        }
        if self.created:
            body |= {"createdAt": iso(self.created), "updatedAt": iso(self.created)}
        return {**body, **self.more}

    def accepted(self, value: Any) -> str:
        """Returns the value as it will be stored; "" clears. Raises: Fault."""
        text = _text(value)
        if not text:
            return ""
        match self.type:
            case "enumeration":
                self._choose(text)
            case "bool":
                if text not in {"true", "false"}:
                    raise Fault(
                        "INVALID_OPTION", self.name, f"{text} was not one of the allowed options: [true, false]"
                    )
            case "number":
                if not _is_number(text):
                    raise Fault("INVALID_INTEGER", self.name, f"{text} was not a valid number.")
            case "date" | "datetime":
                if (moment := read_time(text)) is None:
                    raise Fault("INVALID_DATE", self.name, f"{text} was not a valid date.")
                return iso(moment / 1000) if self.type == "datetime" else iso(moment / 1000)[:10]
            case _:
                if self.name == "email":
                    if not _EMAIL.fullmatch(text):
                        raise Fault("INVALID_EMAIL", self.name, f"Email address {text} is invalid")
                    return text.lower()
        return text

    def _choose(self, text: str) -> None:
        allowed = {option.value for option in self.options}
        wanted = [part for part in text.split(";") if part] if self.multiple else [text]
        for part in wanted:
            if part not in allowed:
                listed = ", ".join(sorted(allowed))
                raise Fault("INVALID_OPTION", self.name, f"{part} was not one of the allowed options: [{listed}]")


def read_time(text: str) -> int | None:
    """Returns epoch milliseconds of an epoch-ms text or an ISO 8601 one."""
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _options(values: Iterable[str]) -> tuple[Option, ...]:
    """Makes options: people read the labels; capitals and underscores are for machines."""
    return tuple(
        Option(_LABELS.get(value) or (value.replace("_", " ").title() if value.isupper() else value), value, order)
        for order, value in enumerate(values)
    )


_LABELS: Final = {
    "COMPUTER_SOFTWARE": "Software Development",
    "marketingqualifiedlead": "Marketing Qualified Lead",
    "salesqualifiedlead": "Sales Qualified Lead",
    "opportunity": "Opportunity",
    "evangelist": "Evangelist",
}


LIFECYCLE: Final = (
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
    "other",
)  # fmt: skip
_LEAD_STATUS: Final = ("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED")
_SIZES: Final = ("1-5", "5-25", "25-50", "50-100", "100-500", "500-1000", "1000+")
_INDUSTRIES: Final = (
    "ACCOUNTING", "AUTOMOTIVE", "BANKING", "BIOTECHNOLOGY", "CHEMICALS", "COMPUTER_SOFTWARE", "CONSTRUCTION",
    "CONSUMER_GOODS", "EDUCATION_MANAGEMENT", "FINANCIAL_SERVICES", "FOOD_PRODUCTION", "HOSPITAL_HEALTH_CARE",
    "INFORMATION_TECHNOLOGY_AND_SERVICES", "INSURANCE", "INTERNET", "LOGISTICS_AND_SUPPLY_CHAIN", "MACHINERY",
    "MANAGEMENT_CONSULTING", "MARKETING_AND_ADVERTISING", "MECHANICAL_OR_INDUSTRIAL_ENGINEERING",
    "RENEWABLES_ENVIRONMENT",
    "RETAIL", "TELECOMMUNICATIONS", "UTILITIES",
)  # fmt: skip


def _text_properties(group: str, names: str, field_type: str = "text") -> list[Property]:
    return [Property(name, "string", field_type, group) for name in names.split()]


def _fixed(
    group: str, name: str, kind: str = "string", field_type: str = "text", *, calculated: bool = False
) -> Property:
    return Property(name, kind, field_type, group, read_only=True, calculated=calculated, form_field=False)


def _contacts() -> list[Property]:
    group = "contactinformation"
    return [
        Property("email", "string", "text", group, "Email", unique=True),
        *_text_properties(
            group,
            "firstname lastname jobtitle company website address city state zip country industry hs_linkedin_url "
            "linkedinbio hs_linkedinid twitterhandle seniority job_function",
        ),
        *_text_properties(group, "phone mobilephone fax", "phonenumber"),
        Property("lifecyclestage", "enumeration", "radio", group, options=_options(LIFECYCLE)),
        Property("hs_lead_status", "enumeration", "radio", group, options=_options(_LEAD_STATUS)),
        Property("hs_persona", "enumeration", "select", group, options=_options(("persona_1", "persona_2"))),
        Property("numemployees", "enumeration", "select", group, options=_options(_SIZES)),
        Property("hubspot_owner_id", "enumeration", "select", group, options=_options(("1001", "1002"))),
        Property("associatedcompanyid", "number", "number", group),
        _fixed(group, "hs_object_id", "number", "number"),
        _fixed(group, "createdate", "datetime", "date"),
        _fixed(group, "lastmodifieddate", "datetime", "date"),
        _fixed(group, "hs_additional_emails", "enumeration", "checkbox", calculated=True),
        _fixed(group, "hs_email_domain"),
        _fixed(group, "hs_email_optout", "bool", "booleancheckbox"),
        _fixed(group, "hs_email_bounce", "number", "number"),
        _fixed(group, "hs_email_hard_bounce_reason"),
        _fixed(group, "hs_email_hard_bounce_reason_enum", "enumeration", "select"),
        _fixed(group, "hs_email_bad_address", "bool", "booleancheckbox"),
        _fixed(group, "hs_email_quarantined", "bool", "booleancheckbox"),
        _fixed(group, "hs_merged_object_ids", "enumeration", "checkbox"),
        _fixed(group, "hs_calculated_merged_vids", calculated=True),
        _fixed(group, "hs_searchable_calculated_phone_number", calculated=True),
        _fixed(group, "hs_calculated_phone_number_country_code", calculated=True),
        _fixed(group, "hs_marketable_status", "enumeration", "select"),
        EXTERNAL_ID,
    ]


def _companies() -> list[Property]:
    group = "companyinformation"
    return [
        *_text_properties(
            group,
            "name domain website address city state zip country description linkedin_company_page hs_linkedin_handle "
            "linkedinbio hs_additional_domains",
        ),
        *_text_properties(group, "phone", "phonenumber"),
        Property("industry", "enumeration", "select", group, options=_options(_INDUSTRIES)),
        *[Property(name, "number", "number", group) for name in ("numberofemployees", "annualrevenue", "founded_year")],
        Property("lifecyclestage", "enumeration", "radio", group, options=_options(LIFECYCLE)),
        Property("hubspot_owner_id", "enumeration", "select", group, options=_options(("1001", "1002"))),
        _fixed(group, "hs_object_id", "number", "number"),
        _fixed(group, "createdate", "datetime", "date"),
        _fixed(group, "hs_lastmodifieddate", "datetime", "date"),
        _fixed(group, "hs_merged_object_ids", "enumeration", "checkbox"),
        _fixed(group, "num_associated_deals", "number", "number", calculated=True),
        _fixed(group, "hs_num_child_companies", "number", "number", calculated=True),
        replace(EXTERNAL_ID, group=group),
    ]


EXTERNAL_ID: Final = Property(
    "openprospect_id", "string", "text", "contactinformation", "OpenProspect id", unique=True, defined_by_hubspot=False
)
SALESFORCE_ID: Final = Property("salesforcecontactid", "string", "text", "contactinformation", "Salesforce Contact ID")
GROUPS: Final = {"contacts": "contactinformation", "companies": "companyinformation"}
STANDARD: Final = {"contacts": tuple(_contacts()), "companies": tuple(_companies())}
