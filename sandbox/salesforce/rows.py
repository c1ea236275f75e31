"""Serves sObject rows: describe, create, read, change, delete, upsert by a key, and changes in a period."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from sandbox.calls import Reply
from sandbox.salesforce.asks import Ask, Endpoint, answer
from sandbox.salesforce.errors import ApiError, not_found
from sandbox.salesforce.ids import PREFIXES, has_id_shape
from sandbox.salesforce.select import attributes
from sandbox.salesforce.soql import stamp
from sandbox.salesforce.store import Caller, Row, Store

_FILE_ENDINGS: Final = (".inc", ".xml", ".json", ".html", ".csv")
_LOOK_BACK: Final = {"updated": timedelta(days=30), "deleted": timedelta(days=15)}


class Rows:
    def __init__(self, store: Store) -> None:
        self._store = store

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("GET", "/sobjects", self.describe_global),
            Endpoint("GET", "/sobjects/{object}", self.about),
            Endpoint("GET", "/sobjects/{object}/describe", self.describe),
            Endpoint("GET", "/sobjects/{object}/updated", self.updated),
            Endpoint("GET", "/sobjects/{object}/deleted", self.deleted),
            Endpoint("POST", "/sobjects/{object}", self.create),
            Endpoint("GET", "/sobjects/{object}/{id}", self.read),
            Endpoint("PATCH", "/sobjects/{object}/{id}", self.update),
            Endpoint("DELETE", "/sobjects/{object}/{id}", self.delete),
            Endpoint("GET", "/sobjects/{object}/{field}/{value}", self.read_by_key),
            Endpoint("PATCH", "/sobjects/{object}/{field}/{value}", self.upsert),
        ]

    def describe_global(self, ask: Ask) -> Reply:
        del ask
        return answer(200, {"sobjects": [{"name": name, "keyPrefix": PREFIXES[name]} for name in self._store.rows]})

    def about(self, ask: Ask) -> Reply:
        name = self._object(ask)
        return answer(200, {"objectDescribe": {"name": name, "keyPrefix": PREFIXES[name]}, "recentItems": []})

    def describe(self, ask: Ask) -> Reply:
        name = self._object(ask)
        return answer(
            200,
            {
                "name": name,
                "label": name,
                "keyPrefix": PREFIXES[name],
                "custom": False,
                "createable": (name, "createable") not in self._store.schema.forbidden,
                "updateable": (name, "updateable") not in self._store.schema.forbidden,
                "deletable": True,
                "queryable": True,
                "fields": [item.described() for item in self._store.schema.visible(name)],
            },
        )

    def create(self, ask: Ask) -> Reply:
        name = self._object(ask)
        row = self._store.create(name, ask.object(), ask.caller)
        location = attributes(row, ask.version)["url"]
        return answer(201, {"id": row.id, "success": True, "errors": []}, {"Location": location})

    def read(self, ask: Ask) -> Reply:
        row = self._store.live(self._object(ask), ask.params["id"])
        return answer(200, self._written(row, ask))

    def update(self, ask: Ask) -> Reply:
        row = self._store.live(self._object(ask), ask.params["id"])
        since = ask.headers.get("if-unmodified-since")
        if since is not None and str(row.values["LastModifiedDate"]) > _http_date(since):
            raise ApiError(412, "PRECONDITION_FAILED", "The record was modified after the given date.")
        self._store.update(row, ask.object(), ask.caller)
        return answer(204)

    def delete(self, ask: Ask) -> Reply:
        row = self._store.live(self._object(ask), ask.params["id"])
        self._store.delete(row, ask.caller)
        return answer(204)

    def read_by_key(self, ask: Ask) -> Reply:
        name = self._object(ask)
        found = self._by_key(name, ask.params["field"], ask.params["value"])
        if len(found) > 1:
            return answer(300, [attributes(row, ask.version)["url"] for row in found])
        if not found:
            raise not_found()
        return answer(200, self._written(found[0], ask))

    def upsert(self, ask: Ask) -> Reply:
        name, body = self._object(ask), ask.object()
        field, value = ask.params["field"], ask.params["value"]
        found = self._by_key(name, field, value)
        if any(key.lower() in {"id", field.lower()} for key in body):
            raise ApiError(400, "INVALID_FIELD", "The Id and the key field must not be in the body of an upsert")
        if len(found) > 1:
            return answer(300, [attributes(row, ask.version)["url"] for row in found])
        row, created = upsert_row(self._store, found, name, field, value, body, ask.caller)
        return answer(201 if created else 200, {"id": row.id, "success": True, "errors": [], "created": created})

    def updated(self, ask: Ask) -> Reply:
        name, (start, end) = self._object(ask), self._range(ask, "updated")
        ids = [
            row.id
            for row in self._store.since(name, (start, ""))
            if str(row.values["SystemModstamp"]) < end and not row.deleted
        ]
        return answer(200, {"ids": ids, "latestDateCovered": end})

    def deleted(self, ask: Ask) -> Reply:
        name, (start, end) = self._object(ask), self._range(ask, "deleted")
        records = [
            {"id": row.id, "deletedDate": row.values["SystemModstamp"]}
            for row in self._store.since(name, (start, ""))
            if str(row.values["SystemModstamp"]) < end and row.deleted
        ]
        earliest = stamp(self._now() - _LOOK_BACK["deleted"])
        return answer(200, {"deletedRecords": records, "earliestDateAvailable": earliest, "latestDateCovered": end})

    def _object(self, ask: Ask) -> str:
        return self._store.schema.object_name(ask.params["object"])

    def _written(self, row: Row, ask: Ask) -> dict[str, Any]:
        schema = self._store.schema
        if "fields" in ask.query:
            items = [schema.readable(row.object, name.strip()) for name in ask.query["fields"].split(",")]
        else:
            items = schema.visible(row.object)
        record: dict[str, Any] = {"attributes": attributes(row, ask.version)}
        return record | {item.name: row.values.get(item.name) for item in items}

    def _by_key(self, name: str, field: str, value: str) -> list[Row]:
        if value.lower().endswith(_FILE_ENDINGS):
            raise not_found()  # such endings are taken for a format: documented
        return rows_by_key(self._store, name, field, value)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._store.now(), tz=UTC)

    def _range(self, ask: Ask, kind: str) -> tuple[str, str]:
        try:
            start, end = (_minute(ask.query[name]) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise ApiError(400, "INVALID_REPLICATION_DATE", "start and end must be dates with a zone") from None
        if start >= end or start < self._now() - _LOOK_BACK[kind]:
            raise ApiError(400, "INVALID_REPLICATION_DATE", "the range is empty or begins too early")
        return stamp(start), stamp(end)


def rows_by_key(store: Store, name: str, field: str, value: str) -> list[Row]:
    """Returns rows by a key field. Raises: ApiError 404 if the field is not a key."""
    item = store.schema.field(name, field)
    if item is None or not (item.external_id or item.id_lookup):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {field}")
    if item.name == "Id":
        row = store.any(name, value) if has_id_shape(value) else None
        return [row] if row and not row.deleted else []
    return store.matching(name, item.name, value)


def upsert_row(
    store: Store, found: list[Row], name: str, field: str, value: str, body: Mapping[str, Any], caller: Caller
) -> tuple[Row, bool]:
    """Upserts a row and tells whether it is new. Raises: ApiError 400."""
    if found:
        store.update(found[0], body, caller)
        return found[0], False
    return store.create(name, {**body, field: value}, caller), True


def _http_date(text: str) -> str:
    try:
        return stamp(parsedate_to_datetime(text))
    except ValueError:
        raise ApiError(400, "INVALID_HEADER", "If-Unmodified-Since is not a date") from None


def _minute(text: str) -> datetime:
    """Returns a time by the minute: seconds are ignored, as documented. Raises: ValueError."""
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.replace(second=0, microsecond=0)
