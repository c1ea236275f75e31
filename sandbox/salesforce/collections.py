"""Serves sObject Collections: up to 200 rows in one call, each with its own outcome, in the order sent."""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, Final

from sandbox.calls import BadBodyError, Reply
from sandbox.salesforce.asks import Ask, Endpoint, answer
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import PREFIXES, has_id_shape, long_form
from sandbox.salesforce.rows import rows_by_key, upsert_row
from sandbox.salesforce.select import attributes
from sandbox.salesforce.store import Caller, Row, Store

MAX_ROWS: Final = 200
MAX_READ: Final = 2000
MAX_CHUNKS: Final = 10
Outcome = dict[str, Any]


class Collections:
    def __init__(self, store: Store) -> None:
        self._store = store

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("POST", "/composite/sobjects", self.create),
            Endpoint("PATCH", "/composite/sobjects", self.update),
            Endpoint("DELETE", "/composite/sobjects", self.delete),
            Endpoint("POST", "/composite/sobjects/{object}", self.read),
            Endpoint("PATCH", "/composite/sobjects/{object}/{field}", self.upsert),
        ]

    def create(self, ask: Ask) -> Reply:
        def one(record: Mapping[str, Any], caller: Caller) -> Outcome:
            name = self._type(record)
            if any(key.lower() == "id" for key in record):
                raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
            return {"id": self._store.create(name, record, caller).id, "success": True, "errors": []}

        return self._each(ask, one)

    def update(self, ask: Ask) -> Reply:
        seen: set[str] = set()

        def one(record: Mapping[str, Any], caller: Caller) -> Outcome:
            name = self._type(record)
            given = next((str(value) for key, value in record.items() if key.lower() == "id"), "")
            row = self._row(name, given)
            if row.id in seen:
                raise ApiError(400, "DUPLICATE_VALUE", f"Duplicate id in the request: {row.id}")
            seen.add(row.id)
            self._store.update(row, {key: value for key, value in record.items() if key.lower() != "id"}, caller)
            return {"id": row.id, "success": True, "errors": []}

        return self._each(ask, one)

    def upsert(self, ask: Ask) -> Reply:
        name = self._store.schema.object_name(ask.params["object"])
        item = self._store.schema.field(name, ask.params["field"])
        if item is None:
            rows_by_key(self._store, name, ask.params["field"], "")
        field = item.name if item else ""

        def one(record: Mapping[str, Any], caller: Caller) -> Outcome:
            if self._type(record) != name:
                raise ApiError(400, "INVALID_TYPE", "all records of an upsert must be of the type in the path")
            key = next((value for key, value in record.items() if key.lower() == field.lower()), None)
            if not isinstance(key, str) or not key:
                raise ApiError(400, "MISSING_ARGUMENT", f"{field} not specified", [field])
            found = rows_by_key(self._store, name, field, key)
            if len(found) > 1:
                raise ApiError(400, "DUPLICATE_EXTERNAL_ID", f"{field}: more than one record found", [field])
            rest = {key: value for key, value in record.items() if key.lower() != field.lower()}
            row, created = upsert_row(self._store, found, name, field, key, rest, caller)
            return {"id": row.id, "success": True, "errors": [], "created": created}

        return self._each(ask, one)

    def delete(self, ask: Ask) -> Reply:
        ids = [item for item in ask.query.get("ids", "").split(",") if item]
        if len(ids) > MAX_ROWS:
            raise _too_many(MAX_ROWS)
        names = {prefix: name for name, prefix in PREFIXES.items()}

        def one(record: Mapping[str, Any], caller: Caller) -> Outcome:
            given = str(record["id"])
            row = self._row(names.get(given[:3], "Contact"), given)
            self._store.delete(row, caller)
            return {"id": row.id, "success": True, "errors": []}

        return self._run([{"id": item} for item in ids], one, ask, ask.query.get("allOrNone", "").lower() == "true")

    def read(self, ask: Ask) -> Reply:
        """Reads rows; missing ones come back as null, in their place."""
        name, body = self._store.schema.object_name(ask.params["object"]), ask.object()
        ids, fields = body.get("ids"), body.get("fields")
        if not isinstance(ids, list) or not isinstance(fields, list):
            raise BadBodyError
        if len(ids) > MAX_READ:
            raise _too_many(MAX_READ)
        items = [self._store.schema.readable(name, str(field)) for field in fields]
        records: list[dict[str, Any] | None] = []
        for given in ids:
            row = self._store.any(name, str(given))
            if row is None or row.deleted:
                records.append(None)
                continue
            values: dict[str, Any] = {item.name: row.values.get(item.name) for item in items}
            records.append({"attributes": attributes(row, ask.version), **values})
        return answer(200, records)

    def _each(self, ask: Ask, one: Callable[[Mapping[str, Any], Caller], Outcome]) -> Reply:
        body = ask.object()
        records = body.get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise BadBodyError
        if len(records) > MAX_ROWS:
            raise _too_many(MAX_ROWS)
        types = [(record.get("attributes") or {}).get("type") for record in records]
        if len(list(groupby(types))) > MAX_CHUNKS:
            raise ApiError(400, "LIMIT_EXCEEDED", "more than 10 chunks of record types in one request")
        return self._run(records, one, ask, body.get("allOrNone") is True)

    def _run(
        self,
        records: list[dict[str, Any]],
        one: Callable[[Mapping[str, Any], Caller], Outcome],
        ask: Ask,
        all_or_none: bool,
    ) -> Reply:
        outcomes: list[Outcome] = []
        caller = ask.caller
        too_many = self._too_many_for_triggers(records)
        with self._store.transaction() as take_back:
            for record in records:
                try:
                    if too_many:
                        raise too_many
                    outcomes.append(one(record, caller))
                except ApiError as error:
                    outcomes.append({"success": False, "errors": [error.row()]})
            if all_or_none and not all(outcome["success"] for outcome in outcomes):
                take_back()
                outcomes = [_rolled_back(outcome) for outcome in outcomes]
        return answer(200, outcomes)

    def _too_many_for_triggers(self, records: list[dict[str, Any]]) -> ApiError | None:
        counts = Counter((record.get("attributes") or {}).get("type") for record in records)
        refused = [self._store.rules.refuse_call(str(name), count) for name, count in counts.items()]
        return next((error for error in refused if error), None)

    def _type(self, record: Mapping[str, Any]) -> str:
        kind = (record.get("attributes") or {}).get("type")
        if not isinstance(kind, str):
            raise ApiError(400, "INVALID_TYPE", "attributes.type is missing")
        try:
            return self._store.schema.object_name(kind)
        except ApiError:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{kind}' is not supported.") from None

    def _row(self, name: str, given: str) -> Row:
        if not has_id_shape(given):
            raise ApiError(400, "MALFORMED_ID", f"{name} ID: id value of incorrect type: {given}", ["Id"])
        row = self._store.any(name, long_form(given))
        if row is None:
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if row.deleted:
            raise ApiError(400, "ENTITY_IS_DELETED", "entity is deleted")
        return row


def _rolled_back(outcome: Outcome) -> Outcome:
    if not outcome["success"]:
        return outcome
    text = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    error = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": text, "fields": []}
    return {"success": False, "errors": [error]}


def _too_many(limit: int) -> ApiError:
    text = f"record limit reached. cannot submit more than {limit} records into this call"
    return ApiError(400, "EXCEEDED_ID_LIMIT", text)
