"""Reads HubSpot's rows into our values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

from connectors.bodies import ManyListed, count
from connectors.hubspot.ids import is_id
from connectors.hubspot.options import PROVENANCE
from connectors.hubspot.paths import MODIFIED
from connectors.models import Company, Edit, Fate, Found, Need, Property, Record, Writer

ALWAYS = {
    "contact": (
        "hs_object_id",
        "lastmodifieddate",
        "hs_email_optout",
        "associatedcompanyid",
        "hs_merged_object_ids",
    ),
    "company": ("hs_object_id", "hs_lastmodifieddate", "hs_merged_object_ids"),
}
NEEDS = {
    "contact": (
        Need("contact", "hs_email_optout", "consent"),
        Need("contact", "associatedcompanyid", "company"),
        Need("company", "name", "company"),
        Need("company", "domain", "company"),
    ),
}
MOST_PROPERTIES = 10_000  # several times the possible number in a portal
COMPANY = (
    "name", "domain", "website", "phone", "industry", "numberofemployees", "city", "country", "linkedin_company_page",
    "hs_merged_object_ids",
)  # fmt: skip
INTEGRATIONS = frozenset({"INTEGRATION", "API"})
_SYSTEM = frozenset({"CALCULATED", "AUTOMATION_PLATFORM", "WORKFLOWS", "ANALYTICS", "SYNC_ENGINE"})
_KINDS = {"enumeration": "options", "number": "number", "bool": "bool", "date": "date", "datetime": "datetime"}


class _HubSpotModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)


def _texts(value: Any) -> Any:
    """Reads property values as texts; anything else beside them in a later version is ignored."""
    if not isinstance(value, dict) or len(value) > MOST_PROPERTIES:
        return None if isinstance(value, dict) else value
    return {name: _text(one) for name, one in value.items() if one is None or isinstance(one, str | int | float)}


# HubSpot gives texts, or nothing, which needs no function of ours.
_Texts = Annotated[dict[str, Annotated[str, Strict()] | None], Field(max_length=MOST_PROPERTIES)]
_Others = Annotated[dict[str, str | None], BeforeValidator(_texts)]


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else str(value)


def _lists(value: Any) -> Any:
    """Returns the members of an error's context that are lists, which is all the documents know."""
    if not isinstance(value, dict):
        return value
    return {name: [str(one) for one in listed] for name, listed in value.items() if isinstance(listed, list)}


class Stamped(_HubSpotModel):
    """Holds one value a property once had."""

    value: str | None = None
    timestamp: str = ""
    sourceType: str | None = None  # noqa: N815 - HubSpot's name
    sourceId: str | None = None  # noqa: N815 - HubSpot's name


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: listed for name, listed in value.items() if isinstance(listed, list)}


class RecordRow(_HubSpotModel):
    id: str
    properties: Annotated[_Texts | _Others, Field(union_mode="left_to_right")] = Field(default_factory=dict)
    updatedAt: str = ""  # noqa: N815 - HubSpot's name
    propertiesWithHistory: Annotated[dict[str, ManyListed[Stamped]] | None, BeforeValidator(_listed)] = None  # noqa: N815 - HubSpot's name


class NextPage(_HubSpotModel):
    after: str


class Paging(_HubSpotModel):
    next: NextPage | None = None


class ErrorGroup(_HubSpotModel):
    """Holds one group of errors inside a reply, with its details."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, defer_build=True)
    category: str = ""
    context: Annotated[dict[str, list[str]], BeforeValidator(_lists)] = Field(default_factory=dict)


class RecordRows(_HubSpotModel):
    """Holds a page, or a batch's answer. ``errors`` may come with any 2xx."""

    results: ManyListed[RecordRow]
    paging: Paging | None = None
    total: int | None = None
    errors: ManyListed[ErrorGroup] = Field(default_factory=list)


class _LinkedFrom(_HubSpotModel):
    id: Annotated[str, BeforeValidator(str)]


class _LinkedEnd(_HubSpotModel):
    toObjectId: Annotated[str, BeforeValidator(str)]  # noqa: N815 - HubSpot's name; a number or a text, by version


class _LinkedRow(_HubSpotModel):
    from_: _LinkedFrom = Field(alias="from")
    to: ManyListed[_LinkedEnd]
    paging: Paging | None = None

    @property
    def ends(self) -> frozenset[str]:
        """Returns the ids of the other ends, with ``""`` for those behind this page."""
        return frozenset(end.toObjectId for end in self.to) | (
            {""} if self.paging and self.paging.next else frozenset()
        )


class LinkedRows(_HubSpotModel):
    """Lists the associations of a batch of rows; a row without any is left out."""

    results: ManyListed[_LinkedRow]


class _Option(_HubSpotModel):
    value: str
    label: str = ""


class _Meta(_HubSpotModel):
    readOnlyValue: bool = False  # noqa: N815 - HubSpot's name


class RawProperty(_HubSpotModel):
    name: str
    label: str = ""
    type: str = "string"
    fieldType: str = ""  # noqa: N815 - HubSpot's name
    options: ManyListed[_Option] = Field(default_factory=list)
    hasUniqueValue: bool | None = None  # noqa: N815 - HubSpot's name
    calculated: bool | None = None
    modificationMetadata: _Meta | None = None  # noqa: N815 - HubSpot's name


class RawProperties(_HubSpotModel):
    results: ManyListed[RawProperty]


def to_record(object: str, row: RecordRow, read_at: int) -> Record:
    """Returns a row as our record; its stamp is the property that orders the poll's windows."""
    values = row.properties
    return Record(
        object=object,
        id=row.id,
        values=values,
        modified=milliseconds(values.get(MODIFIED[object]) or row.updatedAt),
        read_at=read_at,
        company_id=values.get("associatedcompanyid") or "",
        opted_out=(values.get("hs_email_optout") or "").lower() == "true",
    )


def milliseconds(text: str) -> int:
    """Returns ISO 8601 or epoch milliseconds as text; 0 for anything else."""
    if text.isascii() and text.isdigit():
        return count(text) or 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


COUNTED = ("num_associated_deals", "hs_num_child_companies")


def counted(row: RecordRow) -> frozenset[str]:
    """Names HubSpot's counts at a company; a blank is none."""
    return frozenset(name for name in COUNTED if (row.properties.get(name) or "0") != "0")


def survivors(asked: Sequence[str], rows: RecordRows) -> Mapping[str, RecordRow]:
    """Returns the row that answers each id asked for: its own, or the one it was merged into.

    A merged id is answered with a row of another id, which lists it; where the list is short and a single id and a
    single row are left over, they belong together.
    """
    own = {row.id: row for row in rows.results}
    answers = {one: own[one] for one in asked if one in own}
    for row in rows.results:
        for old in (row.properties.get("hs_merged_object_ids") or "").split(";"):
            if old.strip() in asked and old.strip() not in answers:
                answers[old.strip()] = row
    lost = missing_ids(rows)
    left = [one for one in dict.fromkeys(asked) if one not in answers and one not in lost]
    extra = [row for row in rows.results if row.id not in asked and row not in answers.values()]
    if len(left) == 1 and len(extra) == 1:
        answers[left[0]] = extra[0]
    return answers


def missing_ids(rows: RecordRows) -> frozenset[str]:
    return frozenset(
        lost
        for fault in rows.errors
        if fault.category == "OBJECT_NOT_FOUND"
        for key in ("ids", "id")
        for lost in fault.context.get(key, ())
    )


def fates(object: str, asked: Sequence[str], rows: RecordRows, read_at: int) -> Mapping[str, Found]:
    """Tells what became of every id asked for."""
    answers, lost = survivors(asked, rows), missing_ids(rows)
    found: dict[str, Found] = {}
    for one in asked:
        row = answers.get(one)
        if row is None:
            found[one] = Found(Fate.GONE if one in lost else Fate.UNKNOWN)
        elif row.id == one:
            found[one] = Found(Fate.FOUND, to_record(object, row, read_at))
        else:
            found[one] = Found(Fate.MOVED, to_record(object, row, read_at), row.id, object)
    return found


def to_company(row: RecordRow) -> Company:
    """Returns a company row as the linked company of a contact."""
    get = {name: value or "" for name, value in row.properties.items()}.get
    staff = get("numberofemployees", "")
    return Company(
        id=row.id,
        name=get("name", ""),
        domain=get("domain", "") or get("website", ""),
        website=get("website", ""),
        phone=get("phone", ""),
        linkedin_url=get("linkedin_company_page", ""),
        industry=get("industry", ""),
        employee_count=count(staff) or 0,
        city=get("city", ""),
        country=get("country", ""),
    )


def to_property(raw: RawProperty) -> Property:
    """Returns a definition as our schema speaks. HubSpot states no length; 65,536 characters is its text limit."""
    read_only = (raw.modificationMetadata is not None and raw.modificationMetadata.readOnlyValue) or raw.calculated
    options = raw.options if raw.type == "enumeration" else []
    return Property(
        name=raw.name,
        kind=_kind(raw),
        writable=not read_only,
        creatable=not read_only,
        length=65_536 if raw.type == "string" else 0,
        options=frozenset(option.value for option in options),
        labels={option.value: option.label for option in options},
        unique=bool(raw.hasUniqueValue),
        label=raw.label,
    )


def _kind(raw: RawProperty) -> str:
    if raw.type == "phone_number" or raw.fieldType == "phonenumber":
        return "phone"
    if raw.type == "string" and raw.name == "email":
        return "email"
    return _KINDS.get(raw.type, "text")


def history_of(row: RecordRow, properties: Sequence[str]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Returns newest first (value, writer); a writer is ``sourceType:sourceId``."""
    kept = row.propertiesWithHistory or {}
    return {
        name: tuple(
            (entry.value or "", f"{entry.sourceType or ''}:{entry.sourceId or ''}")
            for entry in sorted(kept.get(name, ()), key=lambda entry: milliseconds(entry.timestamp), reverse=True)
        )
        for name in properties
    }


def edits_of(row: RecordRow, properties: Sequence[str]) -> dict[str, Edit]:
    """Reads the newest line of each property's history; an unknown writer may be a person."""
    kept = row.propertiesWithHistory or {}
    histories = {name: kept[name] for name in properties if kept.get(name)}
    newest = {name: max(lines, key=lambda one: milliseconds(one.timestamp)) for name, lines in histories.items()}
    return {
        name: Edit(_writer(one.sourceType or ""), milliseconds(one.timestamp), cleared=not one.value)
        for name, one in newest.items()
    }


def _writer(source: str) -> Writer:
    if source in INTEGRATIONS:
        return Writer.INTEGRATION
    return Writer.SYSTEM if source in _SYSTEM else Writer.PERSON


def definition(name: str, external_id: str, group: str) -> Mapping[str, Any]:
    """Returns one of our own properties as it is created. HubSpot never lets anybody change its uniqueness later."""
    label, description, kind, field = {
        external_id: ("OpenProspect id", "which OpenProspect row this record came from", "string", "text"),
        PROVENANCE.source: ("Refill source", "which value is from whom, and since when", "string", "text"),
        PROVENANCE.checked_at: ("Refill checked at", "when values were last filled in", "datetime", "date"),
    }[name]
    return {
        "name": name,
        "label": label,
        "description": f"Kept by Refill: {description}.",
        "type": kind,
        "fieldType": field,
        "groupName": group,
        "hasUniqueValue": name == external_id,
        "formField": False,
    }


def more(rows: RecordRows) -> bool:
    return (rows.paging is not None and rows.paging.next is not None) or (rows.total or 0) > len(rows.results)


def last_id(rows: RecordRows, before: str) -> str | None:
    """Returns the highest id of a page.

    ``None`` when it lies not beyond ``before``, so that no walk goes in circles.
    """
    ids = [int(row.id) for row in rows.results if is_id(row.id)]
    last = max(ids, default=0)
    return str(last) if last > int(before or 0) else None
