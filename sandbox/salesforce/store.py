"""Keeps the org's rows: writes them as an org would, and finds them again. No I/O."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sandbox.salesforce.errors import ApiError, not_found
from sandbox.salesforce.fields import AT_ACCOUNTS, Field
from sandbox.salesforce.ids import PREFIXES, IdSource, long_form
from sandbox.salesforce.rules import Rules
from sandbox.salesforce.schema import Schema, Value
from sandbox.salesforce.soql import stamp

INTEGRATION_USER: Final = long_form("0055g0000000INT")
PERSON_USER: Final = long_form("0055g0000000PER")

Book = Callable[[str, str, str, str, Value, Value, str], None]
"""Notes one changed field: action, object, id, field, before, after, by."""
Watcher = Callable[["Row", frozenset[str], str], None]
"""Told of a row after it changed: the row, the fields that changed, by."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Names the writer, and how strictly duplicate rules apply."""

    user_id: str = INTEGRATION_USER
    by: str = "integration"
    allow_duplicate_alerts: bool = False


INTEGRATION: Final = Caller()
PERSON: Final = Caller(PERSON_USER, "person", allow_duplicate_alerts=True)


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Compares rows of `object` with those of `against` by one field; a blocking rule applies to everybody."""

    object: str
    field: str
    blocking: bool
    against: str = ""
    """Empty: the object's own rows."""
    key: str = "duplicateResult"
    """The name of the answer's details: since v50.0 also `duplicateResut`."""


class Row:
    """Holds one row; `values` is replaced, never changed, so that a reference is a snapshot."""

    __slots__ = ("id", "object", "values")

    def __init__(self, object_name: str, record_id: str, values: dict[str, Value]) -> None:
        self.object = object_name
        self.id = record_id
        self.values = values

    @property
    def deleted(self) -> bool:
        return self.values["IsDeleted"] is True


class Store:
    def __init__(self, now: Callable[[], float], book: Book) -> None:
        self.now = now
        self.schema = Schema()
        self.duplicate_rules: list[DuplicateRule] = []
        self.rules = Rules()
        self.households = False
        """A trigger gives every contact without an account its own."""
        self.locked: dict[str, int] = {}
        self.tracked: set[tuple[str, str]] = set()
        """(object, field) of which every change leaves a line in the object's history."""
        self.watchers: list[Watcher] = []
        self._book = book
        self._undo: list[Callable[[], None]] = []
        self._notes: list[Callable[[], None]] = []
        self._depth = 0
        self._ids = IdSource()
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in PREFIXES}
        self._by_stamp: dict[str, list[tuple[str, str]]] = {name: [] for name in self.rows}
        self._lookups: dict[tuple[str, str], dict[str, set[str]]] = {}

    # reading

    def stamp(self) -> str:
        return stamp(datetime.fromtimestamp(int(self.now()), tz=UTC))

    def live(self, object_name: str, record_id: str) -> Row:
        """Returns a live row. Raises: ApiError 404 NOT_FOUND, 404 ENTITY_IS_DELETED."""
        row = self.any(object_name, record_id)
        if row is None:
            raise not_found()
        if row.deleted:
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
        return row

    def any(self, object_name: str, record_id: str) -> Row | None:
        return self.rows[object_name].get(long_form(record_id))

    def follow(self, row: Row, lookup: str, target: str) -> Row | None:
        record_id = row.values.get(lookup)
        found = self.rows[target].get(str(record_id)) if record_id else None
        return None if found is None or found.deleted else found

    def matching(self, object_name: str, field: str, value: str) -> list[Row]:
        """Returns live rows whose indexed field holds the value, regardless of case."""
        ids = self._index(object_name, field).get(value.lower(), ())
        return [row for key in sorted(ids) if not (row := self.rows[object_name][key]).deleted]

    def since(self, object_name: str, low: tuple[str, str]) -> Iterator[Row]:
        """Yields rows from (SystemModstamp, Id) >= low on, in that order."""
        order, rows = self._by_stamp[object_name], self.rows[object_name]
        for at in range(bisect_left(order, low), len(order)):
            yield rows[order[at][1]]

    # writing

    def create(self, object_name: str, raw: Mapping[str, Any], caller: Caller, at: str | None = None) -> Row:
        """Creates a row. Raises: ApiError 400."""
        values = self.schema.checked(object_name, raw, creating=True)
        self._refuse_by_rules(object_name, None, values, caller)
        self._refuse_conflicts(object_name, None, values, caller)
        now, record_id = at or self.stamp(), self._ids.next(PREFIXES[object_name])
        blank: dict[str, Value] = {
            item.name: False if item.type == "boolean" else None for item in self.schema.all(object_name)
        }
        full = blank | values
        full |= {"Id": record_id, "CreatedDate": now, "CreatedById": caller.user_id}
        full["OwnerId"] = full["OwnerId"] or PERSON_USER
        row = Row(object_name, record_id, {})
        self.rows[object_name][record_id] = row
        self._undo.append(lambda: self.purge(row))
        self._replace(row, full, now, caller)
        self._note("create", row, "", None, None, caller)
        for name, value in values.items():
            if value is not None and value is not False:
                self._note("create", row, name, None, value, caller)
        self._tell(row, frozenset(values), caller.by)
        if self.households and object_name == "Contact" and not full["AccountId"]:
            household = self.create("Account", {"Name": f"{full['LastName']} Household"}, caller)
            self.force(row, {"AccountId": household.id}, caller)
        return row

    def update(self, row: Row, raw: Mapping[str, Any], caller: Caller, at: str | None = None) -> None:
        """Updates a row. Raises: ApiError 400."""
        if row.values.get("IsConverted"):
            raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        if self.locked.get(row.id, 0) > 0:
            self.locked[row.id] -= 1
            raise ApiError(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        values = self.schema.checked(row.object, raw, creating=False)
        self._refuse_by_rules(row.object, row, values, caller)
        self._refuse_conflicts(row.object, row.id, values, caller)
        before = row.values
        if "Email" in values and values["Email"] != before.get("Email"):
            values |= {"EmailBouncedDate": None, "EmailBouncedReason": None}
        self._replace(row, before | values, at or self.stamp(), caller)
        changed = frozenset(name for name, value in values.items() if before.get(name) != value)
        for name in sorted(changed):
            if (row.object, name) in self.tracked:
                self._track(row, name, before.get(name), values[name], caller)
            self._note("update", row, name, before.get(name), values[name], caller)
        self._tell(row, changed, caller.by)

    def track(self, object_name: str, names: Iterable[str]) -> None:
        """Tracks fields from now on, as an administrator sets it; earlier changes leave no line."""
        self.tracked |= {(object_name, self.schema.readable(object_name, name).name) for name in names}
        self.schema.hidden_objects.discard(f"{object_name}History")

    def _track(self, row: Row, field: str, before: Value, after: Value, caller: Caller) -> None:
        table, now = f"{row.object}History", self.stamp()
        line = Row(table, self._ids.next(PREFIXES[table]), {})
        line.values = {
            "Id": line.id, "IsDeleted": False, f"{row.object}Id": row.id, "Field": field, "OldValue": before,
            "NewValue": after, "CreatedById": caller.user_id, "CreatedDate": now,
        }  # fmt: skip
        self.rows[table][line.id] = line
        self._undo.append(partial(self._untrack, table, line.id))

    def _untrack(self, table: str, line: str) -> None:
        self.rows[table].pop(line, None)

    def touch(self, row: Row, at: str) -> None:
        """Moves SystemModstamp alone, as the system's own changes do, to `at`, which may lie in the past."""
        self._restamp(row, row.values | {"SystemModstamp": at})
        self._flush()

    def force(self, row: Row, values: Mapping[str, Value], caller: Caller) -> None:
        """Sets fields that no caller may set: IsDeleted, MasterRecordId, the marks of a conversion."""
        self._replace(row, row.values | dict(values), self.stamp(), caller)
        self._tell(row, frozenset(values), caller.by)

    def delete(self, row: Row, caller: Caller) -> None:
        """Puts a row into the recycle bin; rows related to an account go with it."""
        for table in ("Contact", *AT_ACCOUNTS) if row.object == "Account" else ():
            for child in [one for one in self.rows[table].values() if one.values.get("AccountId") == row.id]:
                if not child.deleted:
                    self.delete(child, caller)
        self._note("delete", row, "", False, True, caller)
        self.force(row, {"IsDeleted": True}, caller)

    @contextmanager
    def transaction(self) -> Iterator[Callable[[], None]]:
        """Gives the function that takes back all writes made inside; books and watchers hear at the end."""
        undo_from, notes_from = len(self._undo), len(self._notes)

        def take_back() -> None:
            while len(self._undo) > undo_from:
                self._undo.pop()()
            del self._notes[notes_from:]

        self._depth += 1
        try:
            yield take_back
        finally:
            self._depth -= 1
            self._flush()

    def purge(self, row: Row) -> None:
        """Removes a row from the recycle bin: it is gone for every reader."""
        self._unindex(row)
        del self.rows[row.object][row.id]

    def define(self, object_name: str, item: Field) -> None:
        """Adds a field or changes one; rows that lack it hold its blank."""
        self.schema.add(object_name, item)
        for row in self.rows[object_name].values():
            if item.name not in row.values:
                row.values = row.values | {item.name: False if item.type == "boolean" else None}

    def keep(self, object_name: str, record_id: str, values: Mapping[str, Value]) -> None:
        """Keeps a row of the setup, such as a user, without announcing it."""
        blank: dict[str, Value] = {
            item.name: False if item.type == "boolean" else None for item in self.schema.all(object_name)
        }
        row = Row(object_name, record_id, {})
        self.rows[object_name][record_id] = row
        stamped = {"Id": record_id, "SystemModstamp": self.stamp(), "LastModifiedDate": self.stamp()}
        self._swap(row, blank | stamped | dict(values))

    def _refuse_by_rules(self, object_name: str, row: Row | None, written: Mapping[str, Value], caller: Caller) -> None:
        if caller.by == "person":
            return
        values = {**(row.values if row else {}), **written}
        owner = self.any("User", str(values.get("OwnerId") or PERSON_USER))
        self.rules.refuse_row(object_name, row.id if row else "", values, written, owner.values if owner else {})

    def _refuse_conflicts(
        self, object_name: str, record_id: str | None, values: Mapping[str, Value], caller: Caller
    ) -> None:
        for name, value in values.items():
            if not isinstance(value, str):
                continue
            item = self.schema.field(object_name, name)
            if item is None:
                continue
            if item.unique:
                for other in self.matching(object_name, name, value):
                    if other.id != record_id:
                        text = f"duplicate value found: {name} duplicates value on record with id: {other.id}"
                        raise ApiError(400, "DUPLICATE_VALUE", text, [name])
            if item.target and ((found := self.any(item.target, value)) is None or found.deleted):
                raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [name])
        for rule in self.duplicate_rules:
            self._apply(rule, object_name, record_id, values, caller)

    def _apply(
        self,
        rule: DuplicateRule,
        object_name: str,
        record_id: str | None,
        values: Mapping[str, Value],
        caller: Caller,
    ) -> None:
        value = values.get(rule.field)
        if rule.object != object_name or not isinstance(value, str):
            return
        if not rule.blocking and caller.allow_duplicate_alerts:
            return
        against = rule.against or object_name
        found = [other for other in self.matching(against, rule.field, value) if other.id != record_id]
        if found:
            rows = [
                {"record": {"attributes": {"type": against, "url": f"/{other.id}"}, "Id": other.id}} for other in found
            ]
            matches = {"entityType": against, "matchEngine": "ExactMatchEngine", "matchRecords": rows}
            raise ApiError(
                400,
                "DUPLICATES_DETECTED",
                "Use one of these records?",
                extra={
                    rule.key: {
                        "allowSave": not rule.blocking,
                        "duplicateRule": f"Sandbox_{rule.field}_Rule",
                        "duplicateRuleEntityType": object_name,
                        "matchResults": [matches],
                    }
                },
            )

    def _replace(self, row: Row, values: dict[str, Value], at: str, caller: Caller) -> None:
        values |= {"LastModifiedDate": at, "LastModifiedById": caller.user_id, "SystemModstamp": at}
        if "LastName" in values:
            values["Name"] = " ".join(str(part) for part in (values["FirstName"], values["LastName"]) if part)
        if "IsEmailBounced" in values:
            values["IsEmailBounced"] = values["EmailBouncedDate"] is not None
        self._restamp(row, values)

    def _restamp(self, row: Row, values: dict[str, Value]) -> None:
        before = row.values
        if before:
            self._undo.append(lambda: self._swap(row, before))
        self._swap(row, values)

    def _swap(self, row: Row, values: dict[str, Value]) -> None:
        self._unindex(row)
        row.values = values
        insort(self._by_stamp[row.object], (str(values["SystemModstamp"]), row.id))
        for (object_name, field), index in self._lookups.items():
            if object_name == row.object and (value := values.get(field)):
                index.setdefault(str(value).lower(), set()).add(row.id)

    def _unindex(self, row: Row) -> None:
        if not row.values:
            return
        order = self._by_stamp[row.object]
        order.pop(bisect_left(order, (str(row.values["SystemModstamp"]), row.id)))
        for (object_name, field), index in self._lookups.items():
            if object_name == row.object and (value := row.values.get(field)):
                index[str(value).lower()].discard(row.id)

    def _index(self, object_name: str, field: str) -> dict[str, set[str]]:
        index = self._lookups.get((object_name, field))
        if index is None:
            index = self._lookups[object_name, field] = {}
            for row in self.rows[object_name].values():
                if value := row.values.get(field):
                    index.setdefault(str(value).lower(), set()).add(row.id)
        return index

    def _note(self, action: str, row: Row, field: str, before: Value, after: Value, caller: Caller) -> None:
        self._notes.append(lambda: self._book(action, row.object, row.id, field, before, after, caller.by))

    def _tell(self, row: Row, changed: frozenset[str], by: str) -> None:
        for watcher in self.watchers:
            self._notes.append(partial(watcher, row, changed, by))
        self._flush()

    def _flush(self) -> None:
        """Returns the notes, unless a transaction may still take them back."""
        if self._depth:
            return
        notes, self._notes = self._notes, []
        self._undo.clear()
        for note in notes:
            note()
