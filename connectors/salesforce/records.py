"""Reads Salesforce's rows and describe into our values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field

from connectors.bodies import ManyListed, count
from connectors.models import Company, Fate, Found, Need, Property, Record, Write
from connectors.ports import Watched
from connectors.salesforce.ids import known_id

CHAIN = 5  # merges followed from one lost row
TABLES = {"contact": "Contact", "lead": "Lead", "company": "Account"}
ALSO = {
    "contact": ("HasOptedOutOfEmail", "DoNotCall", "AccountId"),
    "lead": ("HasOptedOutOfEmail", "DoNotCall", "Company", "Website", "IsConverted", "ConvertedContactId"),
    "company": ("Name", "Website"),
}
NEEDS = {
    "contact": (
        Need("contact", "HasOptedOutOfEmail", "consent"),
        Need("contact", "DoNotCall", "consent"),
        Need("contact", "AccountId", "company"),
        Need("company", "Name", "company"),
        Need("company", "Website", "company"),
    ),
    "lead": (
        Need("lead", "HasOptedOutOfEmail", "consent"),
        Need("lead", "DoNotCall", "consent"),
        Need("lead", "Company", "company"),
        Need("lead", "Website", "company"),
        Need("lead", "ConvertedContactId", "converted"),
    ),
}
AT_COMPANY = (("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Case", "AccountId"), ("Account", "ParentId"))
"""Tables and fields that relate rows to an account; contacts, opportunities and cases are deleted with it."""
PARENT = ("Account.Name", "Account.Website")
COMPANY = ("Name", "Website", "Phone", "Industry", "NumberOfEmployees", "BillingCity", "BillingCountry", "Description")
_KINDS = {
    "email": "email",
    "phone": "phone",
    "url": "url",
    "boolean": "bool",
    "int": "number",
    "long": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "date": "date",
    "datetime": "datetime",
    "id": "id",
    "reference": "id",
}
Raw = Mapping[str, Any]


class _SalesforceModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)


class QueryPage(_SalesforceModel):
    records: ManyListed[dict[str, Any]]
    done: bool = True
    nextRecordsUrl: str | None = None  # noqa: N815 - Salesforce's name


class _Choice(_SalesforceModel):
    value: str
    label: str = ""
    active: bool = True


class RawField(_SalesforceModel):
    name: str
    label: str = ""
    type: str = "string"
    length: int = 0
    createable: bool = True
    updateable: bool = False
    filterable: bool = True
    unique: bool = False
    externalId: bool = False  # noqa: N815 - Salesforce's name
    restrictedPicklist: bool = False  # noqa: N815 - Salesforce's name
    relationshipName: str | None = None  # noqa: N815 - Salesforce's name
    referenceTo: ManyListed[str] | None = None  # noqa: N815 - Salesforce's name
    picklistValues: ManyListed[_Choice] | None = Field(default=None)  # noqa: N815 - Salesforce's name


class RecordTypeInfo(_SalesforceModel):
    """Describes a record type as this user sees it; every object also has a master type."""

    recordTypeId: str = ""  # noqa: N815 - Salesforce's name
    available: bool = True


class Describe(_SalesforceModel):
    fields: ManyListed[RawField]
    createable: bool = True
    updateable: bool = True
    recordTypeInfos: ManyListed[RecordTypeInfo] = Field(default_factory=list)  # noqa: N815 - Salesforce's name


class Version(_SalesforceModel):
    """Names an API version that an org answers."""

    version: str = Field(pattern=r"^\d+\.\d+$")


class CreateAnswer(_SalesforceModel):
    id: str


class Schema(Struct, frozen=True):
    """Describes an object as this credential sees it. ``filterable`` may be in a WHERE; long text may not.

    ``relations`` are the tables that a relation's name, such as ``Owner``, leads to, and ``references`` the same by the
    name of the field that holds the id. ``unavailable`` are record types that this user may not give.
    """

    properties: Mapping[str, Property] = {}
    filterable: frozenset[str] = frozenset()
    relations: Mapping[str, tuple[str, ...]] = {}
    references: Mapping[str, tuple[str, ...]] = {}
    unavailable: frozenset[str] = frozenset()
    createable: bool = True
    updateable: bool = True

    def extended(self, related: Mapping[str, Property]) -> Schema:
        """Returns the schema with fields of parents, by their dotted names."""
        if not related:
            return self
        properties = {**self.properties, **related}
        return replace(self, properties=properties, filterable=self.filterable | related.keys())


def to_schema(raw: Describe) -> Schema:
    return Schema(
        {item.name: _property(item) for item in raw.fields},
        frozenset(item.name for item in raw.fields if item.filterable),
        {item.relationshipName: tuple(item.referenceTo or ()) for item in raw.fields if item.relationshipName},
        {item.name: tuple(item.referenceTo) for item in raw.fields if item.referenceTo},
        frozenset(known_id(one.recordTypeId) for one in raw.recordTypeInfos if not one.available),
        raw.createable,
        raw.updateable,
    )


def _property(raw: RawField) -> Property:
    chosen = raw.type in {"picklist", "multipicklist"}
    kind = "options" if chosen and raw.restrictedPicklist else _KINDS.get(raw.type, "text")
    shown = [choice for choice in raw.picklistValues or () if choice.active] if chosen else []
    return Property(
        name=raw.name,
        kind=kind,
        writable=raw.updateable,
        searchable=raw.filterable,
        creatable=raw.createable,
        length=raw.length if kind not in {"options", "number", "bool", "date", "datetime"} else 0,
        options=frozenset(choice.value for choice in shown),
        labels={choice.value: choice.label for choice in shown},
        is_open=chosen and not raw.restrictedPicklist,
        unique=raw.unique or raw.externalId,
        label=raw.label,
    )


def asked_for(watched: Watched, schema: Schema) -> tuple[str, ...]:
    """Returns every field to select: the watched ones, and the others that we need and may see."""
    needed = [*watched.properties, *watched.gaps, *watched.where, *watched.skip_if]
    also = [name for name in ALSO[watched.object] if name in schema.properties]
    parent = PARENT if watched.object == "contact" and "AccountId" in schema.properties else ()
    return tuple(dict.fromkeys(("Id", "SystemModstamp", *needed, *also, *parent)))


def to_record(object: str, raw: Raw, asked: Sequence[str], read_at: int) -> Record:
    """Returns a row as our record. Its company is the account, or for a lead its own company fields."""
    values = {name: text(held(raw, name)) for name in asked}
    parent = {"contact": ("Account.Name", "Account.Website"), "lead": ("Company", "Website")}
    company, website = parent.get(object, ("", ""))
    return Record(
        object=object,
        id=str(raw.get("Id") or ""),
        values=values,
        modified=milliseconds(text(raw.get("SystemModstamp")) or ""),
        read_at=read_at,
        company_id=text(raw.get("AccountId")) or "",
        company_domain=(text(held(raw, website)) or "") if website else "",
        company_name=(text(held(raw, company)) or "") if company else "",
        opted_out=raw.get("HasOptedOutOfEmail") is True,
        do_not_call=raw.get("DoNotCall") is True,
    )


def held(raw: Raw, name: str) -> Any:
    """Returns a field's value; a dotted name looks into the parent."""
    value: Any = raw
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def text(value: Any) -> str | None:
    """Returns a JSON value as the text we compare: ``true``, ``12``, ``12.5``."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def typed(value: str, kind: str) -> Any:
    """Returns a text as the JSON value a field of ``kind`` takes; empty text clears."""
    if not value:
        return None
    if kind == "bool":
        return value.strip().lower() == "true"
    if kind == "number":
        try:
            return int(value)
        except ValueError:
            try:
                return float(value)
            except ValueError:
                return value
    return value


def body_of(write: Write, schema: Schema) -> dict[str, Any]:
    return {name: typed(value, _kind(schema, name)) for name, value in write.values.items()}


def _kind(schema: Schema, name: str) -> str:
    known = schema.properties.get(name)
    return known.kind if known else "text"


def milliseconds(stamp: str) -> int:
    """Returns ``2026-11-20T10:00:05.000+0000`` in ms; 0 if it is not a time."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def to_company(raw: Raw) -> Company:
    staff = raw.get("NumberOfEmployees")
    get = {name: text(value) or "" for name, value in raw.items() if not isinstance(value, Mapping)}.get
    return Company(
        id=get("Id", ""),
        name=get("Name", ""),
        domain=get("Website", ""),
        website=get("Website", ""),
        phone=get("Phone", ""),
        industry=get("Industry", ""),
        employee_count=count(staff) or 0,
        city=get("BillingCity", ""),
        country=get("BillingCountry", ""),
        description=get("Description", ""),
    )


def last_master(row_id: str, seen: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the end of a chain of merges, as far as its rows were seen."""
    for _ in range(CHAIN):
        master = seen.get(row_id, {}).get("MasterRecordId")
        if not isinstance(master, str) or not master:
            break
        row_id = known_id(master)
    return row_id


def fate_of(object: str, record: Record) -> Found:
    """Returns a row found, or a lead that has become a contact."""
    contact = record.values.get("ConvertedContactId")
    if object == "lead" and record.values.get("IsConverted") == "true":
        return Found(Fate.MOVED, None, contact, "contact") if contact else Found(Fate.GONE)
    return Found(Fate.FOUND, record)


def is_away(row: Any) -> bool:
    """Tells whether a row was deleted, by this call or before."""
    if not isinstance(row, Mapping):
        return False
    return row.get("success") is True or any(
        isinstance(one, Mapping) and one.get("statusCode") == "ENTITY_IS_DELETED" for one in row.get("errors") or ()
    )
