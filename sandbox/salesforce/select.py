"""Runs a query over the store: which rows, in which order, and how they are written out."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import islice
from operator import ge, gt, le, lt
from typing import Any, Final

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.fields import TEXT_TYPES, Field
from sandbox.salesforce.ids import long_form
from sandbox.salesforce.schema import Value as Stored
from sandbox.salesforce.soql import Among, Both, Compare, Condition, Either, Negation, Order, Query, Value
from sandbox.salesforce.store import Row, Store

Test = Callable[[Row], bool]
Reader = Callable[[Row], Stored]

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {"<": lt, ">": gt, "<=": le, ">=": ge}
_PAST_EVERY_ID: Final = "~"
_KINDS: Final = {"boolean": "boolean", "int": "number", "double": "number", "currency": "number", "date": "date",
                 "datetime": "datetime"}  # fmt: skip


def selected_rows(store: Store, query: Query, *, deleted_too: bool) -> list[Row]:
    """Returns the rows of the answer, in order, cut to LIMIT and OFFSET. Raises: ApiError 400."""
    test = _test(store, query.object, query.where) if query.where else None
    readers = [(_sort_reader(store, query.object, order.path), order) for order in query.order]
    rows: Iterable[Row] = _candidates(store, query)
    if not deleted_too:
        rows = (row for row in rows if not row.values["IsDeleted"])
    if test is not None:
        rows = filter(test, rows)
    end = None if query.limit is None else query.offset + query.limit
    if readers and not _keyset_order(query):
        rows = _sorted(rows, readers)
    return list(islice(rows, query.offset, end))


def writer(store: Store, query: Query, version: str) -> Callable[[Row], dict[str, Any]]:
    """Writes one row as the SELECT list asks for it. Raises: ApiError INVALID_FIELD."""
    plain: list[str] = []
    parents: dict[str, tuple[Field, list[str]]] = {}
    for path in query.paths:
        steps, item = store.schema.path(query.object, path)
        if not steps:
            plain.append(item.name)
        elif len(steps) == 1:
            parents.setdefault(str(steps[0].relationship), (steps[0], []))[1].append(item.name)
        else:
            raise ApiError(400, "INVALID_FIELD", f"{path}: only one step to a parent is imitated")

    def write(row: Row) -> dict[str, Any]:
        values = row.values
        record: dict[str, Any] = {"attributes": attributes(row, version)}
        for name in plain:
            record[name] = values.get(name)
        for relationship, (lookup, names) in parents.items():
            parent = store.follow(row, lookup.name, str(lookup.target))
            record[relationship] = parent and {
                "attributes": attributes(parent, version),
                **{name: parent.values.get(name) for name in names},
            }
        return record

    return write


def attributes(row: Row, version: str) -> dict[str, str]:
    return {"type": row.object, "url": f"/services/data/v{version}/sobjects/{row.object}/{row.id}"}


def _candidates(store: Store, query: Query) -> Iterator[Row] | list[Row]:
    where = query.where
    low = _low_key(where) if where else None
    if _keyset_order(query) or low:
        return store.since(query.object, low or ("", ""))
    if where and (ids := _ids(where)) is not None:
        return [row for key in sorted(ids) if (row := store.any(query.object, key))]
    if where and (email := _equal(where, "email")) is not None:
        return store.matching(query.object, "Email", email)
    return list(store.rows[query.object].values())


def _keyset_order(query: Query) -> bool:
    return [(order.path.lower(), order.descending) for order in query.order] in (
        [("systemmodstamp", False)],
        [("systemmodstamp", False), ("id", False)],
    )


def _low_key(condition: Condition) -> tuple[str, str] | None:
    """Returns a (SystemModstamp, Id) before which no row can match, if the condition implies one."""
    match condition:
        case Compare(path, ">", Value("datetime", value)) if path.lower() == "systemmodstamp":
            return str(value), _PAST_EVERY_ID
        case Compare(path, ">=" | "=", Value("datetime", value)) if path.lower() == "systemmodstamp":
            return str(value), ""
        case Both(parts):
            low = max((low for part in parts if (low := _low_key(part))), default=None)
            past = max((past for part in parts if (past := _past_id(part))), default="")
            return (low[0], past) if low and not low[1] else low
        case Either(parts):
            lows = [low for part in parts if (low := _low_key(part))]
            return min(lows) if len(lows) == len(parts) else None
        case _:
            return None


def _past_id(condition: Condition) -> str:
    match condition:
        case Compare(path, ">", Value("string", value)) if path.lower() == "id":
            return long_form(str(value))
        case _:
            return ""


def _ids(condition: Condition) -> set[str] | None:
    match condition:
        case Compare(path, "=", Value("string", value)) if path.lower() == "id":
            return {long_form(str(value))}
        case Among(path, values, negated=False) if path.lower() == "id":
            return {long_form(str(item.value)) for item in values}
        case Both(parts):
            return next((ids for part in parts if (ids := _ids(part)) is not None), None)
        case _:
            return None


def _equal(condition: Condition, name: str) -> str | None:
    match condition:
        case Compare(path, "=", Value("string", value)) if path.lower() == name and value:
            return str(value)
        case Both(parts):
            return next((found for part in parts if (found := _equal(part, name)) is not None), None)
        case _:
            return None


def _test(store: Store, object_name: str, condition: Condition) -> Test:
    match condition:
        case Both(parts):
            return reduce(_both, (_test(store, object_name, part) for part in parts))
        case Either(parts):
            return reduce(_either, (_test(store, object_name, part) for part in parts))
        case Negation(part):
            inner = _test(store, object_name, part)
            return lambda row: not inner(row)
        case Among(path, values, negated):
            return _among(store, object_name, path, values, negated=negated)
        case Compare():
            return _compare(store, object_name, condition)


def _both(first: Test, second: Test) -> Test:
    return lambda row: first(row) and second(row)


def _either(first: Test, second: Test) -> Test:
    return lambda row: first(row) or second(row)


def _among(store: Store, object_name: str, path: str, values: tuple[Value, ...], *, negated: bool) -> Test:
    item, read = _field(store, object_name, path), _reader(store, object_name, path)
    wanted = frozenset(_operand(item, value) for value in values)
    if item.type in TEXT_TYPES:
        return lambda row: (_folded(read(row)) in wanted) is not negated
    return lambda row: (read(row) in wanted) is not negated


def _compare(store: Store, object_name: str, condition: Compare) -> Test:
    item, read = _field(store, object_name, condition.path), _reader(store, object_name, condition.path)
    operand, operator = _operand(item, condition.value), condition.operator
    folds = item.type in TEXT_TYPES
    if operator == "LIKE":
        pattern = _pattern(str(operand))
        return lambda row: pattern.fullmatch(str(read(row) or "")) is not None
    if operator in {"=", "!="}:
        wanted = operator == "="
        if folds:
            return lambda row: (_folded(read(row)) == operand) is wanted
        return lambda row: (read(row) == operand) is wanted
    if operand is None:
        if condition.value.kind == "null":
            raise ApiError(400, "MALFORMED_QUERY", f"null cannot be compared with {operator}")
        operand = ""
    compare = _COMPARE[operator]
    if folds:
        return lambda row: (value := _folded(read(row))) is not None and compare(value, operand)
    return lambda row: (value := read(row)) is not None and compare(value, operand)


def _operand(item: Field, value: Value) -> Stored:
    """Returns a literal for comparison. Raises: ApiError INVALID_FIELD if its kind is not the field's."""
    if value.kind == "null":
        return False if item.type == "boolean" else None
    expected = _KINDS.get(item.type, "string")
    if value.kind != expected:
        quotes = "should not be" if expected != "string" else "should be"
        raise ApiError(
            400,
            "INVALID_FIELD",
            f"value of filter criterion for field '{item.name}' must be of type {item.type} and {quotes} enclosed "
            "in quotes",
        )
    if item.type in {"id", "reference"}:
        return long_form(str(value.value)) or None
    if item.type in TEXT_TYPES:
        return _folded(value.value)
    return value.value


def _field(store: Store, object_name: str, path: str) -> Field:
    item = store.schema.path(object_name, path)[1]
    if not item.filterable:
        raise ApiError(400, "INVALID_FIELD", f"field '{item.name}' can not be filtered in a query call")
    return item


def _reader(store: Store, object_name: str, path: str) -> Reader:
    steps, item = store.schema.path(object_name, path)
    name = item.name
    if not steps:
        return lambda row: row.values.get(name)

    def read(row: Row) -> Stored:
        current: Row | None = row
        for step in steps:
            current = store.follow(current, step.name, str(step.target)) if current else None
        return current.values.get(name) if current else None

    return read


def _sort_reader(store: Store, object_name: str, path: str) -> Reader:
    item, read = _field(store, object_name, path), _reader(store, object_name, path)
    return (lambda row: _folded(read(row))) if item.type in TEXT_TYPES else read


def _sorted(rows: Iterable[Row], readers: list[tuple[Reader, Order]]) -> list[Row]:
    found = list(rows)
    for read, order in reversed(readers):
        last = order.nulls_last

        def key(row: Row, read: Reader = read, last: bool = last, order: Order = order) -> tuple[bool, Any]:
            value = read(row)
            blank = value is None
            return (blank is (last is not order.descending), "" if blank else value)

        # A blank's key is never compared with a value's: the first place of the tuple already differs.
        found.sort(key=key, reverse=order.descending)
    return found


def _folded(value: Stored) -> Stored:
    """Returns text without its case; everything else, blank text included, as it is."""
    return (value.lower() or None) if isinstance(value, str) else value


def _pattern(text: str) -> re.Pattern[str]:
    out, escaped = "", False
    for char in text:
        if escaped:
            out, escaped = out + re.escape(char), False
        elif char == "\\":
            escaped = True
        else:
            out += {"%": ".*", "_": "."}.get(char, re.escape(char))
    return re.compile(out, re.IGNORECASE | re.DOTALL)
