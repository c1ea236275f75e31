"""Builds search bodies within HubSpot's limits, and the poll's steps through a window. Pure.

A search has one sort, an offset that ends at 10,000 and an index that lags. So a window of modified dates is walked
in id order, each page asking for ids beyond the last, and never by offset: no ceiling, no loop at equal stamps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connectors.hubspot.paths import MODIFIED
from connectors.hubspot.records import RecordRow
from connectors.models import Cursor
from connectors.ports import Reader, Watched

PAGE = 200
MOST_GROUPS, MOST_IN_GROUP, MOST_FILTERS, MOST_CHARACTERS = 5, 6, 18, 3000  # the stricter of two documents
Body = dict[str, Any]


def opened(cursor: Cursor, now: int) -> Cursor:
    """Returns ``cursor`` with its window's end.

    The one it walks already, else ``now``, or its start when that is later.
    """
    return cursor if cursor.end else Cursor(start=cursor.start, end=max(now, cursor.start))


def stepped(cursor: Cursor, last_id: str, more: bool, overlap_ms: int) -> Cursor:
    """Returns the cursor after a page: behind its last id, or at a next window that overlaps the finished one."""
    if more:
        return Cursor(start=cursor.start, end=cursor.end, id=last_id)
    return Cursor(start=max(cursor.start, cursor.end - overlap_ms))


def changed_body(watched: Watched, cursor: Cursor, properties: Sequence[str], options: frozenset[str]) -> Body:
    """Returns the search for the page of the window after ``cursor.id``.

    ``options`` names the enumerations, whose values are compared unchanged; text is searched in lower case.
    ``where`` and then the gaps are asked for only while everything fits HubSpot's limits.
    """
    base: list[Body] = [
        {
            "propertyName": MODIFIED[watched.object],
            "operator": "BETWEEN",
            "value": str(cursor.start),
            "highValue": str(cursor.end),
        }
    ]
    if cursor.id:
        base.append({"propertyName": "hs_object_id", "operator": "GT", "value": cursor.id})
    kept = [_one_of(name, values, name in options) for name, values in watched.where.items()]
    blank = [{"propertyName": name, "operator": "NOT_HAS_PROPERTY"} for name in watched.gaps]
    for groups in (
        [[*base, *kept, gap] for gap in blank],
        [[*base, *kept]],
    ):
        body = body_of(groups, properties)
        if groups and fits(body):
            return body
    return body_of([base], properties)


def body_of(groups: Sequence[Sequence[Body]], properties: Sequence[str]) -> Body:
    """Returns a search of ``groups`` (any of them) of filters (all of them), in id order."""
    return {
        "filterGroups": [{"filters": list(filters)} for filters in groups],
        "properties": list(properties),
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "limit": PAGE,
        "after": "0",
    }


def fits(body: Body) -> bool:
    sizes = [len(group["filters"]) for group in body["filterGroups"]]
    return (
        len(sizes) <= MOST_GROUPS
        and max(sizes, default=0) <= MOST_IN_GROUP
        and sum(sizes) <= MOST_FILTERS
        and len(json.dumps(body)) <= MOST_CHARACTERS
    )


def value_bodies(property: str, values: Sequence[str], properties: Sequence[str]) -> Iterable[Body]:
    """Searches for records that hold one of ``values`` in ``property``, as few as the limits allow."""
    for chunk in _chunks(values, lambda part: fits(body_of([[_one_of(property, part, False)]], properties))):
        yield body_of([[_one_of(property, chunk, False)]], properties)


def part_bodies(property: str, exact: Sequence[str], parts: Sequence[str], properties: Sequence[str]) -> Iterable[Body]:
    """Searches for records whose ``property`` is one of ``exact`` or contains one of ``parts``."""

    def body(chunk: Sequence[str]) -> Body:
        return body_of(
            [[{"propertyName": property, "operator": "CONTAINS_TOKEN", "value": f"*{part}*"}] for part in chunk],
            properties,
        )

    whole = list(_chunks(exact, lambda some: fits(body_of([[_one_of(property, some, False)]], properties))))
    chunks = list(_chunks(parts, lambda some: len(some) < MOST_GROUPS and fits(body(some))))
    for at in range(max(len(whole), len(chunks))):
        both = body(chunks[at]) if at < len(chunks) else body_of([], properties)
        if at < len(whole):
            one = body_of([[_one_of(property, whole[at], False)]], properties)
            joined = {**both, "filterGroups": [*one["filterGroups"], *both["filterGroups"]]}
            if fits(joined):
                both = joined
            else:
                yield one
        if both["filterGroups"]:
            yield both


def staff_bodies(people: Sequence[tuple[str, str]], properties: Sequence[str]) -> Iterable[Body]:
    """Searches for contacts by primary company and last name."""

    def body(part: Sequence[tuple[str, str]]) -> Body:
        groups = [
            [
                {"propertyName": "associatedcompanyid", "operator": "EQ", "value": company},
                {"propertyName": "lastname", "operator": "EQ", "value": last.lower()},
            ]
            for company, last in part
        ]
        return body_of(groups, properties)

    for start in range(0, len(people), MOST_GROUPS):
        part = people[start : start + MOST_GROUPS]
        yield from (body(part),) if fits(body(part)) else (body([one]) for one in part)


def domain_bodies(values: Sequence[str], properties: Sequence[str]) -> Iterable[Body]:
    """Searches for companies by first or additional domain. ``hs_additional_domains`` is one text with ``;``."""

    def body(part: Sequence[str]) -> Body:
        more = [[{"propertyName": "hs_additional_domains", "operator": "CONTAINS_TOKEN", "value": v}] for v in part]
        return body_of([[_one_of("domain", part, False)], *more], properties)

    for chunk in _chunks(values, lambda part: fits(body(part))):
        yield body(chunk)


def beyond(body: Body, last_id: str) -> Body:
    """Returns ``body`` for the rows after ``last_id``."""
    after = {"propertyName": "hs_object_id", "operator": "GT", "value": last_id}
    groups = [
        {"filters": [*(f for f in group["filters"] if f["propertyName"] != "hs_object_id"), after]}
        for group in body["filterGroups"]
    ]
    return {**body, "filterGroups": groups}


def _one_of(property: str, values: Sequence[str], exact: bool) -> Body:
    texts = values if exact else [value.lower() for value in values]
    return {"propertyName": property, "operator": "IN", "values": list(dict.fromkeys(texts))}


def _chunks(values: Sequence[str], good: Callable[[list[str]], bool]) -> Iterable[list[str]]:
    chunk: list[str] = []
    for value in values:
        if chunk and not good([*chunk, value]):
            yield chunk
            chunk = []
        chunk.append(value)
    if chunk:
        yield chunk


def holds(row: RecordRow, property: str, value: str, read: Reader) -> bool:
    """Tells whether a row really is the one asked for: a search matches more than we mean."""
    return bool(value) and value in texts_of(row, property, read)


def texts_of(row: RecordRow, property: str, read: Reader) -> frozenset[str]:
    """Returns a row's value of a property, and of the one that HubSpot has for further values of it."""
    spare = {"email": "hs_additional_emails", "domain": "hs_additional_domains"}.get(property, "")
    held = (row.properties.get(property) or "", *(row.properties.get(spare) or "").split(";"))
    return frozenset(read(text.strip()) for text in held)
