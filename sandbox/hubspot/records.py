"""Serves the objects API: one record at a time, and lists."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.calls import BadBodyError, Reply
from sandbox.clock import iso
from sandbox.hubspot.errors import Fault, invalid_input, invalid_values, no_object
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.properties import ALWAYS, DEFAULTS, OBJECTS, TYPE_IDS
from sandbox.hubspot.routing import Ask, Endpoint
from sandbox.hubspot.search import MAX_BODY, found_page
from sandbox.hubspot.settings import Settings
from sandbox.hubspot.table import INTEGRATION, Record, Table

MAX_LIST: Final = 100
MAX_LIST_WITH_HISTORY: Final = 50
Targets = list[tuple[tuple[str, str], set[int]]]
"""((object, id), type ids) of the links a new record gets."""
_LINK_NAMES: Final = {
    ("contacts", "companies"): ("contact_to_company", "contact_to_company_unlabeled"),
    ("companies", "contacts"): ("company_to_contact", "company_to_contact_unlabeled"),
    ("contacts", "contacts"): ("contact_to_contact", "contact_to_contact"),
    ("companies", "companies"): ("company_to_company", "company_to_company"),
}


class Records:
    def __init__(self, portal: Portal, settings: Settings) -> None:
        self._portal = portal
        self._settings = settings

    def endpoints(self) -> list[Endpoint]:
        one = "/{object}/{id}"
        return [
            Endpoint("objects", "POST", "/{object}/search", self.search),
            Endpoint("objects", "POST", "/{object}/merge", self.merge, "write"),
            Endpoint("objects", "POST", "/{object}/gdpr-delete", self.gdpr_delete, "write"),
            Endpoint("objects", "GET", "/{object}", self.list),
            Endpoint("objects", "POST", "/{object}", self.create, "write"),
            Endpoint("objects", "GET", one, self.get),
            Endpoint("objects", "PATCH", one, self.update, "write"),
            Endpoint("objects", "DELETE", one, self.archive, "write"),
        ]

    def get(self, ask: Ask) -> Reply:
        table, archived = self._table(ask), ask.flag("archived")
        record = self.find(table, ask.params["id"], ask.call.query.get("idProperty"), archived=archived)
        if record is None:
            raise no_object(ask.params["id"])
        return Reply(200, self._with_links(ask, table, record))

    def list(self, ask: Ask) -> Reply:
        table, query = self._table(ask), ask.call.query
        limit = _whole(query.get("limit", "10"), "limit")
        most = MAX_LIST_WITH_HISTORY if ask.names("propertiesWithHistory") else MAX_LIST
        if not 0 < limit <= most:
            raise invalid_input(f"limit must be between 1 and {most}")
        # the cursor is the id the next page begins with
        start = _whole(query.get("after") or "0", "after")
        found: list[Record] = []
        for record in table.after(start - 1, archived=ask.flag("archived")):
            found.append(record)
            if len(found) > limit:
                break
        body: dict[str, Any] = {"results": [self._with_links(ask, table, record) for record in found[:limit]]}
        if len(found) > limit:
            cursor = found[limit].id
            link = f"{self._settings.public_url}{ask.call.path}?limit={limit}&after={cursor}"
            body["paging"] = {"next": {"after": cursor, "link": link}}
        return Reply(200, body)

    def create(self, ask: Ask) -> Reply:
        table = self._table(ask)
        record = self.created(ask, table, ask.body)
        ask.call.entry.key = record.id
        return Reply(201, self.written(table, record, None))

    def update(self, ask: Ask) -> Reply:
        """Takes the id of a merged-away record, unlike the batch."""
        table, properties = self._table(ask), _mapping(ask.body.get("properties"))
        record = self.find(table, ask.params["id"], ask.call.query.get("idProperty"))
        if record is None:
            raise no_object(ask.params["id"])
        if not properties:
            raise invalid_input("No properties found to update, please provide at least one.")
        self.refuse_incomplete(ask, table, record, properties)
        self._portal.update(table, record, properties, INTEGRATION)
        return Reply(200, self.written(table, record, [*ALWAYS[table.name], *properties]))

    def archive(self, ask: Ask) -> Reply:
        table = self._table(ask)
        record = self.find(table, ask.params["id"], None)
        if record is not None:
            self._portal.archive(table, record, INTEGRATION)
        return Reply(204)

    def search(self, ask: Ask) -> Reply:
        if len(ask.call.body.decode(errors="replace")) > MAX_BODY:
            raise invalid_input(f"The request body exceeds {MAX_BODY} characters")
        table, body = self._table(ask), ask.body
        total, page, after = found_page(table, self._portal.indexes[table.name], body)
        names = _names(body.get("properties"))
        index = self._portal.indexes[table.name]
        results = [
            written_record(table, record, index.values(number), names, self._settings.portal_id)
            for number in page
            if (record := table.records.get(number))
        ]
        answer: dict[str, Any] = {"total": total, "results": results}
        if after is not None:
            answer["paging"] = {"next": {"after": str(after)}}
        return Reply(200, answer)

    def merge(self, ask: Ask) -> Reply:
        table, body = self._table(ask), ask.body
        found: list[Record] = []
        for key in ("primaryObjectId", "objectIdToMerge"):
            record = table.live(str(body.get(key)))
            if record is None:
                raise no_object(str(body.get(key)))
            found.append(record)
        survivor = self._portal.merge(table, found[0], found[1], INTEGRATION)
        return Reply(200, self.written(table, survivor, None))

    def gdpr_delete(self, ask: Ask) -> Reply:
        table, body = self._table(ask), ask.body
        record = self.find(table, str(body.get("objectId")), body.get("idProperty"))
        if record is None:
            raise no_object(str(body.get("objectId")))
        self._portal.erase(table, record, INTEGRATION)
        return Reply(204)

    # shared with the batches

    def find(self, table: Table, key: str, id_property: str | None, *, archived: bool = False) -> Record | None:
        """Finds a record by its id or a unique property. Raises: ApiError 400 for a property that is not unique."""
        if not id_property or id_property == "hs_object_id":
            return table.live(key, archived=archived)
        item = table.properties.get(id_property)
        if item is None or not item.unique:
            raise invalid_input(f"Unable to perform read by non-unique {TYPE_IDS[table.name]} property {id_property}")
        return table.by_unique(id_property, key)

    def created(self, ask: Ask, table: Table, body: Mapping[str, Any]) -> Record:
        """Creates a record with its links. Raises: ApiError 400, 404, 409, before anything is written."""
        targets = self.rehearse(ask, table, body)
        record = self._portal.create(table, _mapping(body.get("properties")), INTEGRATION)
        for target, types in targets:
            self._portal.link((table.name, record.id), target, types, INTEGRATION)
        return record

    def rehearse(self, ask: Ask, table: Table, body: Mapping[str, Any]) -> Targets:
        """Returns the new record's links. Raises: ApiError 400, 404, 409 if it could not be created."""
        properties = _mapping(body.get("properties"))
        required = self._settings.required_on_create.get(table.name, ()) if ask.dated else ()
        missing = [name for name in required if not properties.get(name)]
        if missing:
            raise invalid_values([Fault("MISSING_REQUIRED_PROPERTY", name, f"{name} is required") for name in missing])
        self.refuse_incomplete(ask, table, None, properties)
        self._portal.checked_new(table, properties, INTEGRATION)
        return [self._target(table, item) for item in body.get("associations") or []]

    def refuse_incomplete(self, ask: Ask, table: Table, record: Record | None, properties: Mapping[str, Any]) -> None:
        """Refuses a property written without the one that it requires. Raises: ApiError 400."""
        beside = self._settings.required_beside.get(table.name, {}) if ask.dated else {}
        held = {**(record.values if record else {}), **properties}
        missing = [needed for name, needed in beside.items() if properties.get(name) and not held.get(needed)]
        if missing:
            raise invalid_values(
                [Fault("MISSING_CONDITIONAL_REQUIRED_PROPERTY", name, f"{name} is required") for name in missing]
            )

    def written(
        self, table: Table, record: Record, names: Sequence[str] | None, with_history: Sequence[str] | None = None
    ) -> dict[str, Any]:
        return written_record(table, record, record.values, names, self._settings.portal_id, with_history)

    def _target(self, table: Table, item: Mapping[str, Any]) -> tuple[tuple[str, str], set[int]]:
        """Returns the target of an inline association; the type names the object. Raises: ApiError 400, 404."""
        record_id = str(_mapping(item.get("to")).get("id"))
        types = {int(one["associationTypeId"]) for one in item.get("types") or []}
        to_other = bool(types & {279, 280, 1, 2, 930, 931})
        name = {"contacts": "companies", "companies": "contacts"}[table.name] if to_other else table.name
        self._portal.linkable(name, record_id)
        return (name, record_id), types

    def _table(self, ask: Ask) -> Table:
        return self._portal.table(ask.params["object"])

    def _with_links(self, ask: Ask, table: Table, record: Record) -> dict[str, Any]:
        body = self.written(table, record, ask.names("properties"), ask.names("propertiesWithHistory"))
        linked: dict[str, Any] = {}
        for name in ask.names("associations") or []:
            other = OBJECTS.get(name)
            if other is None:
                raise invalid_input(f"{name} is not an object type")
            pairs = self._portal.links.of((table.name, record.id), other)
            labelled, plain = _LINK_NAMES[table.name, other]
            results = [
                {"id": target, "type": kind}
                for target, types in pairs.items()
                for kind in ([labelled, plain] if types & {1, 2} else [plain])
            ]
            if results:
                linked[other] = {"results": results}
        if linked:
            body["associations"] = linked
        return body


def written_record(
    table: Table,
    record: Record,
    values: Mapping[str, str],
    names: Sequence[str] | None,
    portal_id: int,
    with_history: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Returns a record for an answer; a defined property without a value is null, an undefined one is left out."""
    wanted = [*ALWAYS[table.name], *(names or DEFAULTS[table.name]), *(with_history or ())]
    properties = {name: values.get(name) or None for name in wanted if name in table.properties}
    body: dict[str, Any] = {
        "id": record.id,
        "properties": properties,
        "createdAt": iso(record.created / 1000),
        "updatedAt": values.get(table.modified_name),
        "archived": record.archived is not None,
        "url": f"https://app.hubspot.com/contacts/{portal_id}/record/{TYPE_IDS[table.name]}/{record.id}",
    }
    if record.archived is not None:
        body["archivedAt"] = iso(record.archived / 1000)
    if with_history:
        body["propertiesWithHistory"] = {
            name: [version.written() for version in reversed(record.history.get(name, ()))]
            for name in with_history
            if name in table.properties
        }
    return body


def _mapping(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadBodyError
    return value


def _names(value: Any) -> list[str] | None:
    return [str(name) for name in value] if isinstance(value, list) else None


def _whole(text: str, name: str) -> int:
    if not text.isdigit():
        raise invalid_input(f"{name} must be a number")
    return int(text)
