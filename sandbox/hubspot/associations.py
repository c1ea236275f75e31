"""Serves the associations API."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.calls import BadBodyError, Reply
from sandbox.hubspot.errors import ApiError, invalid_input
from sandbox.hubspot.links import LABELS, UNLABELLED, End
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.properties import OBJECTS, TYPE_IDS
from sandbox.hubspot.routing import Ask, Endpoint, batch_reply
from sandbox.hubspot.settings import Settings
from sandbox.hubspot.table import INTEGRATION

MAX_READ: Final = 1_000
MAX_CREATE: Final = 2_000
MAX_PAGE: Final = 500


class Associations:
    def __init__(self, portal: Portal, settings: Settings) -> None:
        self._portal = portal
        self._settings = settings

    def endpoints(self) -> list[Endpoint]:
        batch = "/{from}/{to}/batch"
        labelled = "/{from}/{id}/associations/{to}/{to_id}"
        return [
            Endpoint("pairs", "PUT", "/{from}/{id}/associations/default/{to}/{to_id}", self.default_one, "write"),
            Endpoint("associations", "POST", f"{batch}/associate/default", self.default_batch, "write"),
            Endpoint("pairs", "PUT", labelled, self.labelled_one, "write"),
            Endpoint("associations", "POST", f"{batch}/create", self.labelled_batch, "write"),
            Endpoint("pairs", "GET", "/{from}/{id}/associations/{to}", self.read_one, numbered_only=True),
            Endpoint("associations", "POST", f"{batch}/read", self.read_batch),
            Endpoint("pairs", "DELETE", labelled, self.remove_one, "write"),
            Endpoint("associations", "POST", f"{batch}/archive", self.remove_batch, "write"),
            Endpoint("associations", "POST", f"{batch}/labels/archive", self.remove_labels, "write"),
            Endpoint("associations", "GET", "/{from}/{to}/labels", self.labels),
            Endpoint("labels", "GET", "/{from}/{to}/labels", self.labels),
        ]

    def default_one(self, ask: Ask) -> Reply:
        source, target = self._ends(ask)
        self._portal.link(source, target, None, INTEGRATION)
        return batch_reply(ask, self._portal.now(), [_default(source, target)], [])

    def default_batch(self, ask: Ask) -> Reply:
        def one(source: End, target: End, _: Mapping[str, Any]) -> dict[str, Any]:
            self._portal.link(source, target, None, INTEGRATION)
            return _default(source, target)

        return batch_reply(ask, self._portal.now(), *self._each(ask, one), partial=200)

    def labelled_one(self, ask: Ask) -> Reply:
        source, target = self._ends(ask)
        if not isinstance(ask.call.json, list):
            raise BadBodyError
        types = self._portal.link(source, target, _types(ask.call.json), INTEGRATION)
        return Reply(201, self._pair(source, target, types))

    def labelled_batch(self, ask: Ask) -> Reply:
        def one(source: End, target: End, item: Mapping[str, Any]) -> dict[str, Any]:
            return self._pair(source, target, self._portal.link(source, target, _types(item.get("types")), INTEGRATION))

        return batch_reply(ask, self._portal.now(), *self._each(ask, one), status=200 if ask.dated else 201)

    def _each(
        self, ask: Ask, link: Callable[[End, End, Mapping[str, Any]], dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Links the inputs one by one; returns what was linked, and what was refused."""
        names = self._names(ask)
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for item in ask.inputs(MAX_CREATE):
            try:
                results.append(link((names[0], _id(item, "from")), (names[1], _id(item, "to")), item))
            except ApiError as error:
                errors.append(error.group())
        return results, errors

    def read_one(self, ask: Ask) -> Reply:
        names, query = self._names(ask), ask.call.query
        limit = int(query.get("limit") or MAX_PAGE)
        if not 0 < limit <= MAX_PAGE:
            raise invalid_input(f"limit must be between 1 and {MAX_PAGE}")
        linked, after = self._linked((names[0], ask.params["id"]), names[1], query.get("after"), limit)
        body: dict[str, Any] = {"results": linked}
        if after:
            body["paging"] = {"next": {"after": after}}
        return Reply(200, body)

    def read_batch(self, ask: Ask) -> Reply:
        """Inputs without any association have no result."""
        names = self._names(ask)
        results: list[dict[str, Any]] = []
        for item in ask.inputs(MAX_READ):
            record_id = str(item.get("id"))
            linked, after = self._linked((names[0], record_id), names[1], item.get("after"), MAX_PAGE)
            if linked:
                result: dict[str, Any] = {"from": {"id": record_id}, "to": linked}
                if after:
                    result["paging"] = {"next": {"after": after}}
                results.append(result)
        return batch_reply(ask, self._portal.now(), results, [])

    def remove_one(self, ask: Ask) -> Reply:
        source, target = self._ends(ask)
        self._portal.unlink(source, target, INTEGRATION)
        return Reply(204)

    def remove_batch(self, ask: Ask) -> Reply:
        names = self._names(ask)
        for item in ask.inputs(MAX_CREATE):
            for target in item.get("to") or []:
                source_end = (names[0], _id(item, "from"))
                self._portal.unlink(source_end, (names[1], str(target.get("id"))), INTEGRATION)
        return batch_reply(ask, self._portal.now(), [], []) if ask.dated else Reply(204)

    def remove_labels(self, ask: Ask) -> Reply:
        names = self._names(ask)
        for item in ask.inputs(MAX_CREATE):
            source, target = (names[0], _id(item, "from")), (names[1], _id(item, "to"))
            types = _types(item.get("types"))
            if UNLABELLED[names] in types:
                self._portal.unlink(source, target, INTEGRATION)
                continue
            self._portal.links.remove_types(source, target, types)
            for name, record_id in (source, target):
                if name == "contacts":
                    self._portal.follow_primary(record_id)
        return batch_reply(ask, self._portal.now(), [], []) if ask.dated else Reply(204)

    def labels(self, ask: Ask) -> Reply:
        names = self._names(ask)
        plain = UNLABELLED[names]
        known = {
            ("contacts", "companies"): (1, plain),
            ("companies", "contacts"): (2, plain),
            ("companies", "companies"): (13, 14, plain),
        }.get(names, (plain,))
        return Reply(200, {"results": [_spec(one) for one in known]})

    def _linked(self, source: End, name: str, after: Any, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        linked = self._portal.links.of(source, name)
        start = int(after or 0)
        ids = sorted((one for one in linked if int(one) >= start), key=int)
        results = [
            {
                "toObjectId": int(one) if self._settings.numeric_link_ids else one,
                "associationTypes": [_spec(type_id) for type_id in sorted(linked[one])],
            }
            for one in ids[:limit]
        ]
        return results, ids[limit] if len(ids) > limit else None

    def _names(self, ask: Ask) -> tuple[str, str]:
        names = tuple(OBJECTS.get(ask.params[key], "") for key in ("from", "to"))
        if not all(names):
            raise invalid_input("Unable to infer object type")
        return names[0], names[1]

    def _ends(self, ask: Ask) -> tuple[End, End]:
        names = self._names(ask)
        return (names[0], ask.params["id"]), (names[1], ask.params["to_id"])

    def _pair(self, source: End, target: End, types: set[int]) -> dict[str, Any]:
        return {
            "fromObjectTypeId": TYPE_IDS[source[0]],
            "fromObjectId": source[1],
            "toObjectTypeId": TYPE_IDS[target[0]],
            "toObjectId": target[1],
            "labels": [LABELS[one] for one in sorted(types) if one in LABELS],
        }


def _default(source: End, target: End) -> dict[str, Any]:
    return {
        "from": {"id": source[1]},
        "to": {"id": target[1]},
        "associationSpec": {
            "associationCategory": "HUBSPOT_DEFINED",
            "associationTypeId": UNLABELLED[source[0], target[0]],
        },
    }


def _spec(type_id: int) -> dict[str, Any]:
    spec: dict[str, Any] = {"category": "HUBSPOT_DEFINED", "typeId": type_id}
    return spec | ({"label": LABELS[type_id]} if type_id in LABELS else {})


def _types(raw: Any) -> set[int]:
    try:
        types = {int(one["associationTypeId"]) for one in raw}
    except (KeyError, TypeError, ValueError):
        raise invalid_input("types need associationCategory and associationTypeId") from None
    if not types:
        raise invalid_input("types must not be empty")
    return types


def _id(item: Mapping[str, Any], key: str) -> str:
    end = item.get(key)
    return str(end.get("id")) if isinstance(end, dict) else ""
