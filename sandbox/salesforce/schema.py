"""Defines the existing fields, their visibility, and their values."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sandbox.salesforce.errors import ApiError, not_found
from sandbox.salesforce.fields import AT_ACCOUNTS, SETUP, STANDARD, TEXT_TYPES, Field
from sandbox.salesforce.ids import HISTORIES, has_id_shape, long_form
from sandbox.salesforce.soql import read_literal

Value = str | int | float | bool | None
_EMAIL: Final = re.compile(r"[^@\s,;<>()\[\]\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_MAX_INT: Final = 99_999_999


class Schema:
    def __init__(self) -> None:
        whole = {**STANDARD, **AT_ACCOUNTS, **SETUP}
        self._fields = {name: {item.name.lower(): item for item in items} for name, items in whole.items()}
        self._objects = {name.lower(): name for name in whole}
        self.hidden: set[tuple[str, str]] = set()
        self.hidden_objects = {f"{name}History" for name in HISTORIES}  # until somebody has a field tracked
        self.read_only: set[tuple[str, str]] = set()
        self.encrypted: set[tuple[str, str]] = set()
        self.forbidden: set[tuple[str, str]] = set()
        """(object, "createable" or "updateable"): rights that the user lacks."""

    def object_name(self, name: str) -> str:
        """Returns the object's name as described. Raises: ApiError 404."""
        found = self._objects.get(name.lower())
        if found is None or found in self.hidden_objects:
            raise not_found()
        return found

    def field(self, object_name: str, name: str) -> Field | None:
        found = self._fields[object_name].get(name.lower())
        return None if found is None or (object_name, found.name) in self.hidden else self._seen(object_name, found)

    def _seen(self, object_name: str, item: Field) -> Field:
        """Returns a field as field-level security and encryption let the user have it."""
        if (object_name, item.name) in self.encrypted:
            item = replace(item, encrypted=True)
        if (object_name, item.name) not in self.read_only:
            return item
        return replace(item, createable=False, updateable=False)

    def visible(self, object_name: str) -> list[Field]:
        shown = [item for item in self._fields[object_name].values() if (object_name, item.name) not in self.hidden]
        return [self._seen(object_name, item) for item in shown]

    def all(self, object_name: str) -> list[Field]:
        return list(self._fields[object_name].values())

    def add(self, object_name: str, item: Field) -> None:
        self._fields[object_name][item.name.lower()] = item

    def remove(self, object_name: str, name: str) -> None:
        self._fields[object_name].pop(name.lower(), None)

    def readable(self, object_name: str, name: str) -> Field:
        """Returns a field that can be read. Raises: ApiError INVALID_FIELD."""
        found = self.field(object_name, name)
        if found is None:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on entity '{object_name}'")
        return found

    def path(self, object_name: str, path: str) -> tuple[tuple[Field, ...], Field]:
        """Returns the lookups walked and the field at the end. Raises: ApiError INVALID_FIELD."""
        *steps, last = path.split(".")
        walked: list[Field] = []
        for step in steps:
            lookup = next(
                (item for item in self.visible(object_name) if (item.relationship or "").lower() == step.lower()), None
            )
            if lookup is None or lookup.target is None or lookup.target in self.hidden_objects:
                raise ApiError(
                    400, "INVALID_FIELD", f"Didn't understand relationship '{step}' in field path on '{object_name}'"
                )
            walked.append(lookup)
            object_name = lookup.target
        return tuple(walked), self.readable(object_name, last)

    def checked(self, object_name: str, raw: Mapping[str, Any], *, creating: bool) -> dict[str, Value]:
        """Returns the values as they will be stored.

        Raises: ApiError 400 for the first field or value that an org would refuse.
        """
        if (object_name, "createable" if creating else "updateable") in self.forbidden:
            raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id")
        values: dict[str, Value] = {}
        for name, value in raw.items():
            if name == "attributes":
                continue
            item = self.readable(object_name, name)
            if not (item.createable if creating else item.updateable):
                verb = "create" if creating else "update"
                raise ApiError(
                    400,
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to {verb} fields: {item.name}. Please check the security settings of this field and "
                    "verify that it is read/write for your profile or permission set.",
                    [item.name],
                )
            values[item.name] = _value(item, value)
            if values[item.name] in item.refused:
                text = f"There's a problem with this value: {item.name}"
                raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", text, [item.name])
        if creating:
            for item in self.all(object_name):
                if item.default is not None:
                    values.setdefault(item.name, item.default)
        self._require(object_name, values, creating=creating)
        return values

    def _require(self, object_name: str, values: Mapping[str, Value], *, creating: bool) -> None:
        missing = [
            item.name
            for item in self.all(object_name)
            if item.required and (creating or item.name in values) and values.get(item.name) is None
        ]
        if missing:
            text = f"Required fields are missing: [{', '.join(missing)}]"
            raise ApiError(400, "REQUIRED_FIELD_MISSING", text, missing)


def _value(item: Field, value: Any) -> Value:
    if value is None:
        return False if item.type == "boolean" else None
    if item.type in TEXT_TYPES:
        return _text(item, value)
    if item.type == "boolean":
        return _boolean(item, value)
    if item.type in {"int", "double", "currency"}:
        return _number(item, value)
    if not isinstance(value, str):
        raise _unparsable(item, value)
    if item.type == "reference":
        if not value:
            return None
        if not has_id_shape(value):
            raise ApiError(400, "MALFORMED_ID", f"{item.name}: id value of incorrect type: {value}", [item.name])
        return long_form(value)
    if item.type == "datetime":
        return _moment(item, value)
    return value or None


def _text(item: Field, value: Any) -> Value:
    if not isinstance(value, str):
        raise _unparsable(item, value)
    text = value.strip()
    if not text:
        return None
    if len(text) > item.length:
        raise ApiError(
            400,
            "STRING_TOO_LONG",
            f"{item.name}: data value too large: {text} (max length={item.length})",
            [item.name],
        )
    if item.type == "email" and not _EMAIL.fullmatch(text):
        raise ApiError(400, "INVALID_EMAIL_ADDRESS", f"{item.name}: invalid email address: {text}", [item.name])
    if item.restricted and text not in item.options:
        raise ApiError(
            400,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{item.name}: bad value for restricted picklist field: {text}",
            [item.name],
        )
    return text


def _boolean(item: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise _unparsable(item, value)


def _number(item: Field, value: Any) -> float | None:
    if isinstance(value, bool):
        raise _unparsable(item, value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _unparsable(item, value) from None
    if item.type != "int":
        return number
    if number != int(number):
        raise _unparsable(item, value)
    if abs(number) > _MAX_INT:
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"{item.name}: value outside of valid range", [item.name])
    return int(number)


def _moment(item: Field, value: str) -> str | None:
    if not value:
        return None
    try:
        literal = read_literal(value)
    except ApiError:
        raise _unparsable(item, value) from None
    if literal.kind != "datetime":
        raise _unparsable(item, value)
    return str(literal.value)


def _unparsable(item: Field, value: Any) -> ApiError:
    return ApiError(
        400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {item.type} from {type(value).__name__}", [item.name]
    )
