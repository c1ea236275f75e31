"""Search requests: their limits, their filters, and the page they ask for."""

import re
from collections.abc import Callable, Mapping
from functools import reduce
from operator import ge, gt, le, lt
from typing import Any, Final

from sandbox.clock import iso
from sandbox.hubspot.errors import ApiError, invalid_input
from sandbox.hubspot.index import Index
from sandbox.hubspot.properties import Property, read_time
from sandbox.hubspot.table import Table

MAX_GROUPS: Final = 5
MAX_FILTERS: Final = 6
MAX_FILTERS_IN_ALL: Final = 18
MAX_BODY: Final = 3_000  # characters
MAX_PAGE: Final = 200
CEILING: Final = 10_000

Values = Mapping[str, str]
Test = Callable[[Values], bool]
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"LT": lt, "LTE": le, "GT": gt, "GTE": ge}
_FROM: Final = frozenset({"GT", "GTE", "BETWEEN", "EQ"})
_PAST: Final = frozenset({"GT"})
_TOKENS: Final = re.compile(r"[^\W_]+")
_ASKED_BY_QUERY: Final = (
    "email", "firstname", "lastname", "phone", "mobilephone", "company", "name", "domain", "website",
)  # fmt: skip


def found_page(table: Table, index: Index, body: Mapping[str, Any]) -> tuple[int, list[int], int | None]:
    """Returns the number of matches, the ids of the page and the next page's offset. Raises: ApiError 400."""
    groups = _groups(body)
    limit = _number(body.get("limit", 10), "limit")
    if not 0 < limit <= MAX_PAGE:
        raise invalid_input(f"limit must be between 1 and {MAX_PAGE}")
    after = _number(body.get("after") or 0, "after")
    if after >= CEILING or after + limit > CEILING:
        raise ApiError(400, "VALIDATION_ERROR", f"Paging past {CEILING} results is not supported")
    test = _test(table, groups)
    low = _lowest(groups, table.modified_name, _FROM, read_time)
    past = _lowest(groups, "hs_object_id", _PAST, _whole)
    matches = [match for match in index.since(low, past or 0) if test(match[1])]
    if text := str(body.get("query") or "").lower():
        matches = [match for match in matches if _mentions(match[1], text)]
    _sort(table, matches, body.get("sorts") or [])
    page = [number for number, _ in matches[after : after + limit]]
    end = after + limit
    return len(matches), page, end if end < len(matches) else None


def _groups(body: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    raw = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    try:
        groups = [list(group.get("filters") or []) for group in raw]
    except (AttributeError, TypeError):
        raise invalid_input("Invalid input JSON: filterGroups") from None
    if len(groups) > MAX_GROUPS:
        raise invalid_input(f"no more than {MAX_GROUPS} filter groups are supported")
    if any(len(group) > MAX_FILTERS for group in groups) or sum(map(len, groups)) > MAX_FILTERS_IN_ALL:
        raise invalid_input(
            f"no more than {MAX_FILTERS} filters per group and {MAX_FILTERS_IN_ALL} in all are supported"
        )
    return groups


def _number(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise invalid_input(f"{name} must be an integer") from None


def _lowest(
    groups: list[list[Mapping[str, Any]]], name: str, operators: frozenset[str], read: Callable[[str], int | None]
) -> int | None:
    """Returns the least value that the filters leave to a property, if every group bounds it."""
    lows: list[int] = []
    for group in groups:
        found = [
            low
            for item in group
            if item.get("propertyName") == name
            and item.get("operator") in operators
            and (low := read(str(item.get("value")))) is not None
        ]
        if not found:
            return None
        lows.append(max(found))
    return min(lows, default=None)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _test(table: Table, groups: list[list[Mapping[str, Any]]]) -> Test:
    if not groups:
        return _always
    always: Test = _always
    compiled = [reduce(_both, [_filter(table, item) for item in group], always) for group in groups]
    return reduce(_either, compiled)


def _always(values: Values) -> bool:
    del values
    return True


def _both(first: Test, second: Test) -> Test:
    return second if first is _always else lambda values: first(values) and second(values)


def _either(first: Test, second: Test) -> Test:
    return lambda values: first(values) or second(values)


def _filter(table: Table, item: Mapping[str, Any]) -> Test:
    name, operator = str(item.get("propertyName")), str(item.get("operator"))
    prop = table.properties.get(name)
    if prop is None:
        raise invalid_input(f"Property '{name}' does not exist on {table.name}")
    match operator:
        case "HAS_PROPERTY":
            return lambda values: bool(values.get(name))
        case "NOT_HAS_PROPERTY":
            return lambda values: not values.get(name)
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            return _token_test(name, str(_required(item, "value")), wanted=operator == "CONTAINS_TOKEN")
        case "IN" | "NOT_IN":
            return _among_test(prop, item, wanted=operator == "IN")
        case "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "BETWEEN":
            return _compare_test(prop, item, operator)
        case _:
            raise invalid_input(f"Unknown operator {operator}")


def _required(item: Mapping[str, Any], key: str) -> Any:
    if item.get(key) is None:
        raise invalid_input(f"operator {item.get('operator')} requires {key}")
    return item[key]


def _reading(prop: Property) -> Callable[[str], Any]:
    """Tells how a stored or given value of the property is compared."""
    if prop.type == "number":
        return _float
    if prop.type in {"enumeration", "date", "datetime"}:
        return str  # a stored date's text order is its time order
    return str.lower


def _given(prop: Property, value: Any) -> Any:
    """Returns a filter's value in the form in which stored ones are compared. Raises: ApiError 400."""
    operand: Any = _reading(prop)(str(value))
    if prop.type in {"date", "datetime"}:
        moment = read_time(str(value))
        operand = moment if moment is None else iso(moment / 1000)[: 10 if prop.type == "date" else None]
    if operand is None:
        raise invalid_input(f"{prop.name}: the filter value is not of type {prop.type}")
    return operand


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compare_test(prop: Property, item: Mapping[str, Any], operator: str) -> Test:
    name, read = prop.name, _reading(prop)
    operand = _given(prop, _required(item, "value"))
    if operator in {"EQ", "NEQ"}:
        wanted = operator == "EQ"
        return lambda values: (held := values.get(name)) is not None and (read(held) == operand) is wanted
    if operator == "BETWEEN":
        high = _given(prop, _required(item, "highValue"))
        return lambda values: (held := values.get(name)) is not None and operand <= read(held) <= high
    compare = _COMPARE[operator]
    if read is str:
        return lambda values: (held := values.get(name)) is not None and compare(held, operand)
    return lambda values: (held := values.get(name)) is not None and compare(read(held), operand)


def _among_test(prop: Property, item: Mapping[str, Any], *, wanted: bool) -> Test:
    given, name, read = _required(item, "values"), prop.name, _reading(prop)
    if not isinstance(given, list):
        raise invalid_input("values must be a list")
    # a string is stored in lower case in the index and the list is taken as it comes: documented
    texts = prop.type not in {"date", "datetime", "number", "enumeration"}
    operands = frozenset(str(one) if texts else _given(prop, one) for one in given)
    return lambda values: (held := values.get(name)) is not None and (read(held) in operands) is wanted


def _token_test(name: str, text: str, *, wanted: bool) -> Test:
    lowered = text.lower()
    if "*" in lowered:
        pattern = re.compile(".*".join(re.escape(part) for part in lowered.split("*")), re.DOTALL)
        return lambda values: _any_match(pattern, values.get(name, "")) is wanted
    tokens = _TOKENS.findall(lowered)

    def test(values: Values) -> bool:
        held = _TOKENS.findall(values.get(name, "").lower())
        spans = range(len(held) - len(tokens) + 1)
        return any(held[at : at + len(tokens)] == tokens for at in spans) is wanted

    return test


def _any_match(pattern: re.Pattern[str], held: str) -> bool:
    lowered = held.lower()
    return any(pattern.fullmatch(part) for part in (lowered, *_TOKENS.findall(lowered)))


def _mentions(values: Values, text: str) -> bool:
    return any(text in values.get(name, "").lower() for name in _ASKED_BY_QUERY)


def _sort(table: Table, matches: list[tuple[int, dict[str, str]]], sorts: Any) -> None:
    """Sorts in place. The default is creation, oldest first, which is the order of ids."""
    matches.sort(key=lambda match: match[0])
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid_input("no more than one sort is supported")
    if not sorts:
        return
    name, descending = _sort_key(sorts[0])
    prop = table.properties.get(name)
    if prop is None:
        raise invalid_input(f"Property '{name}' does not exist on {table.name}")
    if name == "hs_object_id":
        matches.sort(key=lambda match: match[0], reverse=descending)
        return
    read = _reading(prop)

    def key(match: tuple[int, dict[str, str]]) -> tuple[bool, Any]:
        held = match[1].get(name)
        return ((not held) is not descending, read(held) if held else "")

    matches.sort(key=key, reverse=descending)


def _sort_key(sort: Any) -> tuple[str, bool]:
    if isinstance(sort, str):
        return sort.removeprefix("-"), sort.startswith("-")
    if isinstance(sort, dict):
        return str(sort.get("propertyName")), sort.get("direction") == "DESCENDING"
    raise invalid_input("a sort is an object or a string")
