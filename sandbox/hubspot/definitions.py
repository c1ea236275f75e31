"""Serves the properties API: definitions and their groups."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sandbox.calls import Reply
from sandbox.hubspot.errors import ApiError, invalid_input
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.properties import FIELD_TYPES, Option, Property
from sandbox.hubspot.routing import Ask, Endpoint, batch_reply
from sandbox.hubspot.table import Table

MAX_UNIQUE: Final = 10
_NEEDED: Final = ("name", "label", "type", "fieldType", "groupName")


class Definitions:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def endpoints(self) -> list[Endpoint]:
        base, one = "/{object}", "/{object}/{name}"
        groups, group = "/{object}/groups", "/{object}/groups/{name}"
        return [
            Endpoint("properties", "GET", groups, self.groups),
            Endpoint("properties", "POST", groups, self.create_group, "schema"),
            Endpoint("properties", "GET", group, self.group),
            Endpoint("properties", "PATCH", group, self.change_group, "schema"),
            Endpoint("properties", "DELETE", group, self.drop_group, "schema"),
            Endpoint("properties", "POST", "/{object}/batch/read", self.batch_read),
            Endpoint("properties", "POST", "/{object}/batch/create", self.batch_create, "schema"),
            Endpoint("properties", "POST", "/{object}/batch/archive", self.batch_archive, "schema"),
            Endpoint("properties", "GET", base, self.list),
            Endpoint("properties", "POST", base, self.create, "schema"),
            Endpoint("properties", "GET", one, self.get),
            Endpoint("properties", "PATCH", one, self.change, "schema"),
            Endpoint("properties", "DELETE", one, self.drop, "schema"),
        ]

    def list(self, ask: Ask) -> Reply:
        table = self._table(ask)
        held = table.archived_properties if ask.flag("archived") else table.properties
        return Reply(200, {"results": [item.written() for item in held.values()]})

    def get(self, ask: Ask) -> Reply:
        table, name = self._table(ask), ask.params["name"]
        held = table.archived_properties if ask.flag("archived") else table.properties
        if name not in held:
            raise _no_property(name)
        return Reply(200, held[name].written())

    def create(self, ask: Ask) -> Reply:
        return Reply(201, self._created(self._table(ask), ask.body).written())

    def change(self, ask: Ask) -> Reply:
        table, name, body = self._table(ask), ask.params["name"], ask.body
        item = self._own(table, name)
        changed = replace(
            item,
            label=body.get("label", item.label),
            type=body.get("type", item.type),
            field_type=body.get("fieldType", item.field_type),
            group=body.get("groupName", item.group),
            description=body.get("description", item.description),
            hidden=body.get("hidden", item.hidden),
            form_field=body.get("formField", item.form_field),
            display_order=body.get("displayOrder", item.display_order),
            options=_options(body["options"]) if "options" in body else item.options,
        )
        _check(table, changed)
        table.define(changed)
        return Reply(200, changed.written())

    def drop(self, ask: Ask) -> Reply:
        self._archive(self._table(ask), ask.params["name"])
        return Reply(204)

    def batch_read(self, ask: Ask) -> Reply:
        table = self._table(ask)
        names = [str(item.get("name")) for item in ask.inputs()]
        results = [table.properties[name].written() for name in names if name in table.properties]
        missing = [name for name in names if name not in table.properties]
        errors = [_no_property(name).group({"name": [name]}) for name in missing]
        return batch_reply(ask, self._portal.now(), results, errors)

    def batch_create(self, ask: Ask) -> Reply:
        table = self._table(ask)
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for item in ask.inputs():
            try:
                results.append(self._created(table, item).written())
            except ApiError as error:
                errors.append(error.group({"name": [str(item.get("name"))]}))
        return batch_reply(ask, self._portal.now(), results, errors, status=200 if ask.dated else 201)

    def batch_archive(self, ask: Ask) -> Reply:
        table = self._table(ask)
        for item in ask.inputs():
            if str(item.get("name")) in table.properties:
                self._archive(table, str(item.get("name")))
        return Reply(204)

    def groups(self, ask: Ask) -> Reply:
        return Reply(200, {"results": list(self._table(ask).groups.values())})

    def group(self, ask: Ask) -> Reply:
        return Reply(200, self._group(ask))

    def create_group(self, ask: Ask) -> Reply:
        table, body = self._table(ask), ask.body
        name, label = body.get("name"), body.get("label")
        if not name or not label:
            raise invalid_input("name and label are required")
        if name in table.groups:
            text = f"Property group named '{name}' already exists."
            raise ApiError(409, "OBJECT_ALREADY_EXISTS", text, sub_category="Properties.GROUP_WITH_NAME_EXISTS")
        table.groups[name] = {
            "name": name, "label": label, "displayOrder": body.get("displayOrder", -1), "archived": False,
        }  # fmt: skip
        return Reply(201, table.groups[name])

    def change_group(self, ask: Ask) -> Reply:
        group, body = self._group(ask), ask.body
        group.update({key: body[key] for key in ("label", "displayOrder") if key in body})
        return Reply(200, group)

    def drop_group(self, ask: Ask) -> Reply:
        table, name = self._table(ask), self._group(ask)["name"]
        if any(item.group == name for item in table.properties.values()):
            raise invalid_input("A group with active properties cannot be archived")
        del table.groups[name]
        return Reply(204)

    def _table(self, ask: Ask) -> Table:
        return self._portal.table(ask.params["object"])

    def _group(self, ask: Ask) -> dict[str, Any]:
        try:
            return self._table(ask).groups[ask.params["name"]]
        except KeyError:
            raise ApiError(404, "OBJECT_NOT_FOUND", "resource not found") from None

    def _own(self, table: Table, name: str) -> Property:
        item = table.properties.get(name)
        if item is None:
            raise _no_property(name)
        if item.defined_by_hubspot:
            raise invalid_input(f"The definition of {name} is read-only")
        return item

    def _created(self, table: Table, body: Mapping[str, Any]) -> Property:
        missing = [key for key in _NEEDED if not body.get(key)]
        if missing:
            raise invalid_input(f"Some required fields were not set: [{', '.join(missing)}]")
        name = str(body["name"]).lower()
        if name in table.properties:
            raise ApiError(
                409,
                "OBJECT_ALREADY_EXISTS",
                f"Property named '{name}' already exists.",
                sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
            )
        item = Property(
            name,
            str(body["type"]),
            str(body["fieldType"]),
            str(body["groupName"]),
            str(body["label"]),
            str(body.get("description", "")),
            _options(body.get("options") or []),
            unique=body.get("hasUniqueValue") is True,
            defined_by_hubspot=False,
            hidden=body.get("hidden") is True,
            form_field=body.get("formField") is True,
            display_order=int(body.get("displayOrder", -1)),
            created=self._portal.now(),
        )
        item = table.archived_properties.pop(name, item)  # an archived name comes back as it was
        item = replace(item, archived=False)
        _check(table, item)
        table.define(item)
        return item

    def _archive(self, table: Table, name: str) -> None:
        item = self._own(table, name)
        table.archived_properties[name] = replace(item, archived=True)
        del table.properties[name]


def _check(table: Table, item: Property) -> None:
    """Refuses a definition that is not valid. Raises: ApiError 400."""
    if item.field_type not in FIELD_TYPES.get(item.type, frozenset()):
        raise invalid_input(f"Property type {item.type} does not go with field type {item.field_type}")
    if item.group not in table.groups:
        raise invalid_input(f"Property group {item.group} does not exist")
    if item.type == "enumeration" and not item.options:
        raise invalid_input("An enumeration needs options")
    own = [one for one in table.properties.values() if one.unique and not one.defined_by_hubspot]
    if item.unique and item.name not in table.properties and len(own) >= MAX_UNIQUE:
        raise invalid_input(f"No more than {MAX_UNIQUE} unique properties per object")


def _options(raw: Any) -> tuple[Option, ...]:
    try:
        return tuple(
            Option(
                str(one["label"]), str(one["value"]), int(one.get("displayOrder", -1)), bool(one.get("hidden")),
                str(one.get("description") or ""),
            )
            for one in raw
        )  # fmt: skip
    except (KeyError, TypeError):
        raise invalid_input("options need label, value and hidden") from None


def _no_property(name: str) -> ApiError:
    return ApiError(404, "OBJECT_NOT_FOUND", f"No property named {name} exists")
