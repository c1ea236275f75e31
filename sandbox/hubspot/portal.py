"""Keeps the portal's state through every change: create, update, archive, merge, erase, link. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from sandbox.clock import iso
from sandbox.hubspot.errors import ApiError, Fault, email_in_use, invalid_input, invalid_values, no_object
from sandbox.hubspot.index import Index
from sandbox.hubspot.links import Links
from sandbox.hubspot.properties import LIFECYCLE, OBJECTS
from sandbox.hubspot.table import SYSTEM, Record, Table, Version, Writer, changed_values

Book = Callable[[str, str, str, str, Any, Any, str], None]
"""Notes one change: action, object, id, property, before, after, by."""
FIRST_ID: Final = 33_451
_NEEDED: Final = {"contacts": ("email", "firstname", "lastname"), "companies": ("name", "domain")}
MAX_IDENTITIES: Final = 250


@dataclass(frozen=True, slots=True)
class Event:
    """Describes an event that a webhook may report. `kind` is the last part of a subscription type."""

    kind: str
    object: str
    id: str
    at: int
    writer: Writer
    details: Mapping[str, Any]


class Portal:
    def __init__(self, now: Callable[[], float], book: Book, lag_s: float) -> None:
        self.now = now
        self.book = book
        self.tables = {name: Table(name) for name in _NEEDED}
        self.indexes = {name: Index(now, lag_s) for name in _NEEDED}
        self.links = Links()
        self.blocked_emails: set[str] = set()
        self.watchers: list[Callable[[Event], None]] = []
        self.email_conflict = 409
        """Status when an update takes an address in use: 409, or 400 CONFLICTING_UNIQUE_VALUE. Not verified."""
        self.conflict_style = "id"
        """`id`, `none` or `newer`: how much a 409 tells."""
        self.refused_values: dict[tuple[str, str, str], str] = {}
        """(object, property, value) -> code of values that the portal does not take from an integration."""
        self.full: set[tuple[str, str]] = set()
        """(object, id) of records that have as many associations as they may. The refusal's words are not verified."""
        self.keeps_primary_id = False
        """The beta in which a merge makes no new id."""
        self._ids = {name: count(FIRST_ID) for name in _NEEDED}

    def table(self, name: str) -> Table:
        """Returns the records of an object type. Raises: ApiError 400 for an unknown one."""
        try:
            return self.tables[OBJECTS[name]]
        except KeyError:
            text = f"Unable to infer object type from: {name}"
            raise ApiError(400, "VALIDATION_ERROR", text) from None

    def milliseconds(self) -> int:
        return int(self.now() * 1000)

    # writing

    def checked(self, table: Table, raw: Mapping[str, Any], writer: Writer) -> dict[str, str]:
        """Returns the values as they will be stored. Raises: ApiError 400 that names every bad one."""
        values: dict[str, str] = {}
        faults: list[Fault] = []
        for name, value in raw.items():
            item = table.properties.get(name)
            try:
                if item is None:
                    raise Fault("PROPERTY_DOESNT_EXIST", name, f'Property "{name}" does not exist')  # noqa: TRY301
                if item.read_only and not writer.privileged:
                    text = f'"{name}" is a read only property; its value cannot be set.'
                    raise Fault("READ_ONLY_VALUE", name, text)  # noqa: TRY301
                values[name] = item.accepted(value)
                code = self.refused_values.get((table.name, name, values[name]))
                if code and not writer.privileged:
                    raise Fault(code, name, f"{name} is not valid")  # noqa: TRY301
            except Fault as fault:
                faults.append(fault)
        if faults:
            raise invalid_values(faults)
        if values.get("email") in self.blocked_emails:
            raise invalid_input("The email address is on the block list of this portal")
        return values

    def checked_new(self, table: Table, raw: Mapping[str, Any], writer: Writer) -> dict[str, str]:
        """Returns the values of a record to be created. Raises: ApiError 400, 409."""
        values, needed = self.checked(table, raw, writer), _NEEDED[table.name]
        if not any(values.get(name) for name in needed):
            raise invalid_values([Fault("REQUIRED_PROPERTY", needed[0], f"One of {', '.join(needed)} is required")])
        self.refuse_conflicts(table, None, values)
        return values

    def create(self, table: Table, raw: Mapping[str, Any], writer: Writer, at: int | None = None) -> Record:
        """Creates a record. Raises: ApiError 400, 409."""
        values = self.checked_new(table, raw, writer)
        now = at or self.milliseconds()
        record = Record(next(self._ids[table.name]), now)
        table.add(record)
        self._set(table, record, values, writer, now, action="create")
        self.tell("creation", table, record.id, writer, {})
        return record

    def update(
        self, table: Table, record: Record, raw: Mapping[str, Any], writer: Writer, at: int | None = None
    ) -> None:
        """Updates a record. Raises: ApiError 400, 409."""
        values = self.checked(table, raw, writer)
        self.refuse_conflicts(table, record, values)
        if not _moves_forward(record.values.get("lifecyclestage"), values.get("lifecyclestage")):
            del values["lifecyclestage"]
        self._set(table, record, values, writer, at or self.milliseconds(), action="update")

    def bounce(self, table: Table, record: Record, reason: str) -> None:
        """Counts a mail that came back; ``reason`` is of a hard bounce, "" of a soft one."""
        values = {"hs_email_bounce": str(int(record.values.get("hs_email_bounce") or 0) + 1)}
        if reason:
            values["hs_email_hard_bounce_reason_enum"] = reason
        self._set(table, record, values, SYSTEM, self.milliseconds(), action="update")

    def count(self, table: Table, record: Record, name: str) -> None:
        """Counts one more row of another object at a company: a deal, a child."""
        values = {name: str(int(record.values.get(name) or 0) + 1)}
        self._set(table, record, values, SYSTEM, self.milliseconds(), action="update")

    def archive(self, table: Table, record: Record, writer: Writer) -> None:
        table.unindex(record)
        record.archived = self.milliseconds()
        contacts = self.links.of((table.name, record.id), "contacts")
        self.links.forget(table.name, record.id)
        for contact_id in contacts:
            self.follow_primary(contact_id)
        self.book("delete", table.name, record.id, "", False, True, writer.by)
        self._sync(table, record)
        self.tell("deletion", table, record.id, writer, {})

    def restore(self, table: Table, record: Record, writer: Writer) -> None:
        record.archived = None
        table.replace(record, dict(record.values), self.milliseconds())
        self._sync(table, record)
        self.tell("restore", table, record.id, writer, {})

    def erase(self, table: Table, record: Record, writer: Writer) -> None:
        """Erases a record by GDPR delete: it cannot be restored, and its address is blocked."""
        if email := record.values.get("email"):
            self.blocked_emails.add(email)
        self._drop(table, record)
        self.book("delete", table.name, record.id, "", False, True, writer.by)
        self.tell("privacyDeletion", table, record.id, writer, {})

    def merge(self, table: Table, primary: Record, other: Record, writer: Writer) -> Record:
        """Returns the survivor: a new record, or the primary if its id is kept. Raises: ApiError 400, 414."""
        if primary is other:
            raise invalid_input("A record cannot be merged with itself")
        merged = [primary.id, other.id]
        for loser in (primary, other):
            merged += [one for one in loser.values.get("hs_merged_object_ids", "").split(";") if one]
        if len(merged) > MAX_IDENTITIES:
            raise ApiError(414, "VALIDATION_ERROR", "Cannot have more than 250 identities on a profile")
        values, now = _merged_values(primary, other), self.milliseconds()
        values["hs_merged_object_ids"] = ";".join(dict.fromkeys(merged))
        if self.keeps_primary_id:
            survivor = primary
        else:
            survivor = Record(next(self._ids[table.name]), min(primary.created, other.created))
            table.add(survivor)
            survivor.history = {name: list(versions) for name, versions in primary.history.items()}
            survivor.values = dict(primary.values)
        losers = [record for record in (primary, other) if record is not survivor]
        for loser in losers:
            self.links.move(table.name, loser.id, survivor.id)
            self._drop(table, loser)
            table.forwards[loser.id] = survivor.id
            self.book("delete", table.name, loser.id, "", False, True, writer.by)
        moved = len(changed_values(primary.values, values))
        self._set(table, survivor, values, writer, now, action="merge", quiet=True)
        self.tell(
            "merge",
            table,
            survivor.id,
            writer,
            {
                "primaryObjectId": primary.number,
                "mergedObjectIds": [loser.number for loser in losers],
                "newObjectId": survivor.number,
                "numberOfPropertiesMoved": moved,
            },
        )
        for loser in losers:
            self.tell("deletion", table, loser.id, writer, {})
        return survivor

    def refuse_conflicts(self, table: Table, record: Record | None, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            if not value or not table.properties[name].unique:
                continue
            other = table.by_unique(name, value)
            if other is None or other is record:
                continue
            if name == "email" and (record is None or self.email_conflict == 409):
                raise email_in_use(other.id, self.conflict_style)
            text = f"{name} must be unique: {value} is already in use"
            raise invalid_values([Fault("CONFLICTING_UNIQUE_VALUE", name, text)])

    # links

    def link(
        self, source: tuple[str, str], target: tuple[str, str], types: set[int] | None, writer: Writer
    ) -> set[int]:
        """Returns the pair's type ids afterwards; None gives the unlabelled type. Raises: ApiError 400, 404."""
        for name, record_id in (source, target):
            self.linkable(name, record_id)
        before = set(self.links.types(source, target))
        after = self.links.put(source, target, types)
        if before != after:
            self.book("link", source[0], source[1], target[0], None, target[1], writer.by)
            self._tell_link(source, target, writer, removed=False)
        self._follow_primary(source, target)
        return after

    def linkable(self, name: str, record_id: str) -> None:
        """Checks that a record can be linked. Raises: ApiError 404 if there is none, 400 if no more links fit."""
        if self.tables[name].live(record_id) is None:
            raise no_object(record_id)
        if (name, record_id) in self.full:
            text = "The number of associations is over the limit"
            raise invalid_input(text, sub_category="crm.associations.LIMIT_EXCEEDED", context={"id": [record_id]})

    def unlink(self, source: tuple[str, str], target: tuple[str, str], writer: Writer) -> None:
        if self.links.remove(source, target):
            self.book("unlink", source[0], source[1], target[0], target[1], None, writer.by)
            self._tell_link(source, target, writer, removed=True)
        self._follow_primary(source, target)

    def follow_primary(self, contact_id: str) -> None:
        """Keeps `associatedcompanyid` equal to the primary link."""
        table = self.tables["contacts"]
        contact = table.live(contact_id)
        primary = self.links.primary(contact_id) or ""
        if contact and contact.values.get("associatedcompanyid", "") != primary:
            self._set(table, contact, {"associatedcompanyid": primary}, SYSTEM, self.milliseconds(), action="update")

    def _follow_primary(self, *ends: tuple[str, str]) -> None:
        for name, record_id in ends:
            if name == "contacts":
                self.follow_primary(record_id)

    def _tell_link(self, source: tuple[str, str], target: tuple[str, str], writer: Writer, *, removed: bool) -> None:
        kinds = {"contacts": "CONTACT", "companies": "COMPANY"}
        self.tell(
            "associationChange",
            self.tables[source[0]],
            source[1],
            writer,
            {
                "associationType": f"{kinds[source[0]]}_TO_{kinds[target[0]]}",
                "fromObjectId": int(source[1]),
                "toObjectId": int(target[1]),
                "associationRemoved": removed,
                "isPrimaryAssociation": 1 in self.links.types(source, target),
            },
        )

    # the common end of all writes

    def tell(self, kind: str, table: Table, record_id: str, writer: Writer, details: Mapping[str, Any]) -> None:
        event = Event(kind, table.name, record_id, self.milliseconds(), writer, details)
        for watcher in self.watchers:
            watcher(event)

    def _set(
        self,
        table: Table,
        record: Record,
        values: Mapping[str, str],
        writer: Writer,
        at: int,
        *,
        action: str,
        quiet: bool = False,
    ) -> None:
        """Sets values. Every write moves the modified date; only a value that differs makes history."""
        before = record.values
        after = {name: value for name, value in {**before, **values}.items() if value}
        after |= {"hs_object_id": record.id, "createdate": iso(record.created / 1000)}
        if email := after.get("email"):
            after["hs_email_domain"] = email.rpartition("@")[2]
        elif "hs_email_domain" in after:
            del after["hs_email_domain"]
        changes = changed_values(before, after)
        if action == "create":
            self.book("create", table.name, record.id, "", None, None, writer.by)
        for name, value in changes.items():
            record.history.setdefault(name, []).append(Version(value, at, writer))
        table.replace(record, after, at)
        self._sync(table, record)
        for name in changes.keys() & values.keys():
            self.book(
                "update" if action == "merge" else action,
                table.name,
                record.id,
                name,
                before.get(name),
                changes[name] or None,
                writer.by,
            )
            if not quiet:
                self.tell(
                    "propertyChange", table, record.id, writer, {"propertyName": name, "propertyValue": changes[name]}
                )
        if "associatedcompanyid" in changes and writer is not SYSTEM:
            self._link_by_value(record, changes["associatedcompanyid"], writer)

    def _link_by_value(self, contact: Record, company_id: str, writer: Writer) -> None:
        source = ("contacts", contact.id)
        if company_id and self.tables["companies"].live(company_id):
            self.link(source, ("companies", company_id), {1}, writer)
        else:
            self.follow_primary(contact.id)

    def _drop(self, table: Table, record: Record) -> None:
        table.drop(record)
        self.links.forget(table.name, record.id)
        self.indexes[table.name].note(record.number, None, 0)

    def _sync(self, table: Table, record: Record) -> None:
        values = None if record.archived is not None else record.values
        self.indexes[table.name].note(record.number, values, record.modified)


def _merged_values(primary: Record, other: Record) -> dict[str, str]:
    """Returns the primary's values, with the other's for its blanks; the other's address becomes an additional one."""
    values = {**other.values, **primary.values}
    addresses = [
        address
        for record in (primary, other)
        for address in (*record.values.get("hs_additional_emails", "").split(";"), record.values.get("email", ""))
        if address and address != values.get("email")
    ]
    if addresses:
        values["hs_additional_emails"] = ";".join(dict.fromkeys(addresses))
    return values


def _moves_forward(before: str | None, after: str | None) -> bool:
    if not before or not after:
        return True
    return LIFECYCLE.index(after) >= LIFECYCLE.index(before)
