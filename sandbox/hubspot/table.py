"""Keeps one object's records: values, history, unique keys, and the targets of merged ids. No I/O."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.clock import iso
from sandbox.hubspot.properties import GROUPS, MODIFIED, STANDARD, Property


@dataclass(frozen=True, slots=True)
class Writer:
    """Names the writer, as the property history tells it."""

    by: str
    source_type: str
    source_id: str
    user_id: int | None = None
    privileged: bool = False
    """May write properties that are read-only to the API: a person opts somebody out."""


APP_ID: Final = "9393361"
USER_ID: Final = 882761034
INTEGRATION: Final = Writer("integration", "INTEGRATION", APP_ID)
PERSON: Final = Writer("person", "CRM_UI", f"userId:{USER_ID}", USER_ID, privileged=True)
SYSTEM: Final = Writer("system", "CALCULATED", "", privileged=True)


@dataclass(frozen=True, slots=True)
class Version:
    value: str
    at: int
    writer: Writer

    def written(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "value": self.value,
            "timestamp": iso(self.at / 1000),
            "sourceType": self.writer.source_type,
            "sourceId": self.writer.source_id,
        }
        if self.writer.user_id is not None:
            body["updatedByUserId"] = self.writer.user_id
        return body


class Record:
    """Holds a record. `values` has no blanks and is replaced, never changed, so that a reference is a snapshot."""

    __slots__ = ("archived", "created", "history", "id", "modified", "number", "values")

    def __init__(self, number: int, created: int) -> None:
        self.number = number
        self.id = str(number)
        self.created = created
        """Epoch milliseconds, as are `modified` and `archived`."""
        self.modified = created
        self.archived: int | None = None
        self.values: dict[str, str] = {}
        self.history: dict[str, list[Version]] = {}
        """Oldest first."""


class Table:
    def __init__(self, name: str) -> None:
        self.name = name
        self.modified_name = MODIFIED[name]
        self.properties: dict[str, Property] = {item.name: item for item in STANDARD[name]}
        self.archived_properties: dict[str, Property] = {}
        self.groups: dict[str, dict[str, Any]] = {
            GROUPS[name]: {"name": GROUPS[name], "label": GROUPS[name], "displayOrder": 0, "archived": False}
        }
        self.records: dict[int, Record] = {}
        self.forwards: dict[str, str] = {}
        """Merged-away id -> the id it went into, which may have gone on itself."""
        self._numbers: list[int] = []
        self._unique: dict[str, dict[str, int]] = {}

    def any(self, record_id: str) -> Record | None:
        return self.records.get(int(record_id)) if record_id.isascii() and record_id.isdigit() else None

    def live(self, record_id: str, *, follow: bool = True, archived: bool = False) -> Record | None:
        """Returns the record under an id or, if `follow`, the survivor of its merge."""
        while follow and record_id in self.forwards:
            record_id = self.forwards[record_id]
        record = self.any(record_id)
        return record if record and (record.archived is not None) is archived else None

    def by_unique(self, name: str, value: str) -> Record | None:
        number = self._unique.get(name, {}).get(value.lower())
        return None if number is None else self.records.get(number)

    def after(self, number: int, *, archived: bool = False) -> Iterator[Record]:
        """Yields records with a greater id, in id order."""
        for at in range(bisect_right(self._numbers, number), len(self._numbers)):
            record = self.records[self._numbers[at]]
            if (record.archived is not None) is archived:
                yield record

    def add(self, record: Record) -> None:
        self.records[record.number] = record
        self._numbers.append(record.number)

    def drop(self, record: Record) -> None:
        self.unindex(record)
        del self.records[record.number]
        self._numbers.pop(bisect_left(self._numbers, record.number))

    def replace(self, record: Record, values: dict[str, str], at: int) -> None:
        self.unindex(record)
        record.modified = at
        values[self.modified_name] = iso(at / 1000)
        record.values = values
        self.index(record)

    def index(self, record: Record) -> None:
        if record.archived is not None:
            return
        for name, value in self._keys(record):
            self._unique.setdefault(name, {})[value.lower()] = record.number

    def unindex(self, record: Record) -> None:
        for name, value in self._keys(record):
            held = self._unique.get(name, {})
            if held.get(value.lower()) == record.number:
                del held[value.lower()]

    def define(self, item: Property) -> None:
        self.properties[item.name] = item
        if item.unique:
            for record in self.records.values():
                self.index(record)

    def _keys(self, record: Record) -> Iterator[tuple[str, str]]:
        values = record.values
        for name, item in self.properties.items():
            if item.unique and (value := values.get(name)):
                yield name, value
        # other addresses of a contact are as unique as the first
        for address in values.get("hs_additional_emails", "").split(";"):
            if address:
                yield "email", address


def changed_values(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Name -> new value, "" if it was cleared."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: after.get(name, "") for name in names}
