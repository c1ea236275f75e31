"""Serves the batch calls of the objects API: up to 100 inputs, and how each kind treats a bad one."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sandbox.calls import BadBodyError, Reply
from sandbox.hubspot.errors import ApiError, Fault, invalid_input
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.properties import ALWAYS, TYPE_IDS
from sandbox.hubspot.records import Records
from sandbox.hubspot.routing import Ask, Endpoint, batch_reply
from sandbox.hubspot.table import INTEGRATION, Record, Table

MAX_INPUTS: Final = 100
_SINGULAR: Final = {"contacts": "CONTACT", "companies": "COMPANY"}


class Batches:
    def __init__(self, portal: Portal, records: Records) -> None:
        self._portal = portal
        self._records = records

    def endpoints(self) -> list[Endpoint]:
        base = "/{object}/batch"
        return [
            Endpoint("objects", "POST", f"{base}/read", self.read),
            Endpoint("objects", "POST", f"{base}/create", self.create, "write"),
            Endpoint("objects", "POST", f"{base}/update", self.update, "write"),
            Endpoint("objects", "POST", f"{base}/upsert", self.upsert, "write"),
            Endpoint("objects", "POST", f"{base}/archive", self.archive, "write"),
        ]

    def read(self, ask: Ask) -> Reply:
        """Reads records; the id of a merged record returns the survivor under the survivor's id."""
        table, body = self._portal.table(ask.params["object"]), ask.body
        names, with_history = body.get("properties") or None, body.get("propertiesWithHistory") or None
        id_property, archived = body.get("idProperty"), ask.flag("archived")
        results: dict[str, dict[str, Any]] = {}
        missing: list[str] = []
        for item in _inputs(ask):
            key = str(item.get("id"))
            record = self._records.find(table, key, id_property, archived=archived)
            if record is None:
                missing.append(key)
            else:
                results[record.id] = self._records.written(table, record, names, with_history)
        return self._answer(ask, list(results.values()), _missing(table, missing))

    def create(self, ask: Ask) -> Reply:
        """Creates all inputs or none, unless every input has its own trace id."""
        table, inputs = self._portal.table(ask.params["object"]), _inputs(ask)
        traces = [item.get("objectWriteTraceId") for item in inputs]
        if inputs and all(traces) and len(set(traces)) == len(traces):
            return self._create_each(ask, table, inputs)
        self._rehearse(ask, table, inputs)
        results = [self._records.written(table, self._records.created(ask, table, item), None) for item in inputs]
        return self._answer(ask, results, [], status=201)

    def update(self, ask: Ask) -> Reply:
        table, inputs = self._portal.table(ask.params["object"]), _inputs(ask)
        _refuse_repeats([str(item.get("id")) for item in inputs])
        found: list[tuple[Mapping[str, Any], Record]] = []
        missing: list[str] = []
        for item in inputs:
            key, id_property = str(item.get("id")), item.get("idProperty")
            if id_property and id_property != "hs_object_id":
                record = self._by_key(table, key, str(id_property), email_too=False)
            elif not key.isdigit():
                continue  # reported to succeed and change nothing
            else:
                record = table.live(key, follow=False)
            if record is None:
                missing.append(key)
            else:
                found.append((item, record))
        self._check_all(ask, table, found)
        results: list[dict[str, Any]] = []
        for item, record in found:
            self._portal.update(table, record, item["properties"], INTEGRATION)
            results.append(self._result(table, record, item))
        return self._answer(ask, results, _missing(table, missing))

    def upsert(self, ask: Ask) -> Reply:
        table, inputs = self._portal.table(ask.params["object"]), _inputs(ask)
        _refuse_repeats([str(item.get("id")) for item in inputs])
        pairs: list[tuple[Mapping[str, Any], Record | None]] = []
        for item in inputs:
            key, id_property = str(item.get("id")), str(item.get("idProperty") or "hs_object_id")
            if id_property == "hs_object_id":
                record = table.live(key, follow=False)
                if record is None:
                    raise invalid_input(f"No record with id {key}; an upsert creates by a unique property only")
            else:
                record = self._by_key(table, key, id_property, email_too=True)
            pairs.append((item, record))
        self._check_all(ask, table, [(item, record) for item, record in pairs if record])
        self._rehearse(ask, table, [_as_new(item) for item, record in pairs if record is None])
        results: list[dict[str, Any]] = []
        for item, held in pairs:
            if held is None:
                record = self._records.created(ask, table, _as_new(item))
            else:
                record = held
                self._portal.update(table, record, item["properties"], INTEGRATION)
            results.append(self._result(table, record, item) | {"new": held is None})
        return self._answer(ask, results, [])

    def archive(self, ask: Ask) -> Reply:
        table = self._portal.table(ask.params["object"])
        for item in _inputs(ask):
            record = table.live(str(item.get("id")))
            if record is not None:
                self._portal.archive(table, record, INTEGRATION)
        return Reply(204)

    def _create_each(self, ask: Ask, table: Table, inputs: list[Mapping[str, Any]]) -> Reply:
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for item in inputs:
            trace = str(item["objectWriteTraceId"])
            try:
                record = self._records.created(ask, table, item)
            except ApiError as error:
                errors.append(error.group({"objectWriteTraceId": [trace]}))
            else:
                results.append(self._records.written(table, record, None) | {"objectWriteTraceId": trace})
        return self._answer(ask, results, errors, status=201)

    def _check_all(self, ask: Ask, table: Table, pairs: list[tuple[Mapping[str, Any], Record]]) -> None:
        """Refuses the batch for one bad input, before anything is written. Raises: ApiError 400, 409."""
        for item, record in pairs:
            self._records.refuse_incomplete(ask, table, record, _properties(item))
            values = self._portal.checked(table, _properties(item), INTEGRATION)
            self._portal.refuse_conflicts(table, record, values)
        self._refuse_twins(table, [item for item, _ in pairs])

    def _rehearse(self, ask: Ask, table: Table, inputs: list[Mapping[str, Any]]) -> None:
        for item in inputs:
            self._records.rehearse(ask, table, {**item, "properties": _properties(item)})
        self._refuse_twins(table, inputs)

    def _refuse_twins(self, table: Table, inputs: list[Mapping[str, Any]]) -> None:
        """Refuses two inputs of one batch with the same value of a unique property."""
        for name, item in table.properties.items():
            if not item.unique:
                continue
            values = Counter(str(one["properties"][name]).lower() for one in inputs if one["properties"].get(name))
            for value, number in values.items():
                if number > 1 and name == "email":
                    raise ApiError(409, "CONFLICT", "Contact already exists.")
                if number > 1:
                    from_here = Fault("CONFLICTING_UNIQUE_VALUE", name, f"{name} must be unique: {value}")
                    raise invalid_input(from_here.message, errors=[_detail(from_here)])

    def _by_key(self, table: Table, key: str, id_property: str, *, email_too: bool) -> Record | None:
        item = table.properties.get(id_property)
        if item is None or not item.unique or (id_property == "email" and not email_too):
            kind = TYPE_IDS[table.name]
            raise invalid_input(f"Unable to perform update/upsert by non-unique {kind} property {id_property}")
        return table.by_unique(id_property, key)

    def _result(self, table: Table, record: Record, item: Mapping[str, Any]) -> dict[str, Any]:
        result = self._records.written(table, record, [*ALWAYS[table.name], *item["properties"]])
        if trace := item.get("objectWriteTraceId"):
            result["objectWriteTraceId"] = trace
        return result

    def _answer(
        self, ask: Ask, results: list[dict[str, Any]], errors: list[dict[str, Any]], *, status: int = 200
    ) -> Reply:
        return batch_reply(ask, self._portal.now(), results, errors, status=status)


def _inputs(ask: Ask) -> list[Mapping[str, Any]]:
    inputs = ask.inputs(MAX_INPUTS)
    ask.call.entry.key = ",".join(str(item.get("id", "")) for item in inputs)
    return inputs


def _properties(item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item.get("properties")
    if not isinstance(properties, dict):
        raise BadBodyError
    return properties


def _as_new(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": {**_properties(item), str(item["idProperty"]): str(item.get("id"))}}


def _refuse_repeats(ids: list[str]) -> None:
    repeated = [one for one, number in Counter(ids).items() if number > 1]
    if repeated:
        text = f"Duplicate IDs found in batch input: [{', '.join(repeated)}]. IDs must be unique"
        raise invalid_input(text, context={"ids": repeated})


def _missing(table: Table, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    text = (
        f"Could not get some {_SINGULAR[table.name]} objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )
    return [ApiError(404, "OBJECT_NOT_FOUND", text, context={"ids": ids}).group()]


def _detail(fault: Fault) -> dict[str, Any]:
    return {"message": fault.message, "code": fault.code, "context": {"propertyName": [fault.name]}}
