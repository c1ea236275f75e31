"""Asks a portal for changes in windows that fit its limits and lose no row."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.hubspot import search
from connectors.models import Cursor, Record
from connectors.ports import Watched
from connectors.wanted import wanted
from tests.harness.examples import examples

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=30)
VALUES = st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=8).map(tuple)
WATCHES = st.builds(
    Watched,
    object=st.sampled_from(["contact", "company"]),
    properties=st.lists(NAMES, max_size=20).map(tuple),
    gaps=st.lists(NAMES, max_size=8, unique=True).map(tuple),
    where=st.dictionaries(NAMES, VALUES, max_size=6),
)


@given(WATCHES, st.integers(0, 2**42), st.sampled_from(["", "123456789"]))
def test_every_search_body_fits_hubspots_limits(watched: Watched, start: int, last: str) -> None:
    body = search.changed_body(watched, Cursor(start, start + 1000, id=last), watched.properties, frozenset())
    sizes = [len(group["filters"]) for group in body["filterGroups"]]
    assert 1 <= len(sizes) <= 5
    assert max(sizes) <= 6
    assert sum(sizes) <= 18
    assert len(json.dumps(body)) <= 3000


@given(WATCHES, st.sampled_from(["", "77"]))
def test_every_group_asks_for_the_window_and_for_ids_beyond_the_last(watched: Watched, last: str) -> None:
    body = search.changed_body(watched, Cursor(5, 9, id=last), (), frozenset())
    modified = {"contact": "lastmodifieddate", "company": "hs_lastmodifieddate"}[watched.object]
    for group in body["filterGroups"]:
        window, *others = group["filters"]
        assert window == {"propertyName": modified, "operator": "BETWEEN", "value": "5", "highValue": "9"}
        beyond = [f["value"] for f in others if f["propertyName"] == "hs_object_id" and f["operator"] == "GT"]
        assert beyond == ([last] if last else [])


def test_gaps_are_asked_for_one_group_each_while_they_fit() -> None:
    body = search.changed_body(Watched("contact", (), gaps=("email", "phone")), Cursor(1, 2), (), frozenset())
    assert [group["filters"][-1] for group in body["filterGroups"]] == [
        {"propertyName": "email", "operator": "NOT_HAS_PROPERTY"},
        {"propertyName": "phone", "operator": "NOT_HAS_PROPERTY"},
    ]


def test_gaps_that_do_not_fit_are_left_to_us() -> None:
    gaps = ("a", "b", "c", "d", "e", "f")
    body = search.changed_body(Watched("contact", (), gaps=gaps), Cursor(1, 2), (), frozenset())
    assert len(body["filterGroups"]) == 1
    full = Record("contact", "1", dict.fromkeys(gaps, "x"))
    assert not wanted(Watched("contact", (), gaps=gaps), full)
    assert wanted(Watched("contact", (), gaps=gaps), Record("contact", "1", {**full.values, "c": ""}))


def test_text_is_searched_in_lower_case_and_options_as_they_stand() -> None:
    watched = Watched("contact", (), where={"country": ("DE",), "industry": ("SOFTWARE",)})
    body = search.changed_body(watched, Cursor(1, 2), (), frozenset({"industry"}))
    asked = {f["propertyName"]: f.get("values") for f in body["filterGroups"][0]["filters"]}
    assert (asked["country"], asked["industry"]) == (["de"], ["SOFTWARE"])


def test_where_and_skip_if_are_tested_on_our_side_too() -> None:
    watched = Watched("contact", (), where={"stage": ("lead",)}, skip_if={"optout": "true"})
    assert wanted(watched, Record("contact", "1", {"stage": "Lead", "optout": None}))
    assert not wanted(watched, Record("contact", "1", {"stage": "customer", "optout": None}))
    assert not wanted(watched, Record("contact", "1", {"stage": "lead", "optout": "true"}))
    assert not wanted(watched, Record("contact", "1", {"stage": None}))


@given(st.lists(st.from_regex(r"[a-z]{1,30}\.com", fullmatch=True), max_size=60, unique=True))
def test_every_domain_is_asked_for_within_the_limits(domains: list[str]) -> None:
    asked: list[str] = []
    for body in search.domain_bodies(domains, ("domain",)):
        assert search.fits(body)
        assert search.fits(search.beyond(body, "99999999999")) or len(body["filterGroups"]) > 4
        asked += body["filterGroups"][0]["filters"][0]["values"]
    assert asked == domains


class Portal:
    """A search over rows in memory, by the rules of the contract: sorted by id, 200 a page."""

    def __init__(self, rows: dict[int, int], page: int) -> None:
        self.rows, self.page = rows, page

    def answer(self, body: dict[str, Any]) -> tuple[list[int], bool]:
        filters = {f["operator"]: f for f in body["filterGroups"][0]["filters"]}
        low, high = int(filters["BETWEEN"]["value"]), int(filters["BETWEEN"]["highValue"])
        after = int(filters["GT"]["value"]) if "GT" in filters else 0
        hits = sorted(i for i, stamp in self.rows.items() if low <= stamp <= high and i > after)
        return hits[: self.page], len(hits) > self.page


@examples(200)
@given(
    rows=st.dictionaries(st.integers(1, 60), st.integers(100, 130), max_size=60),
    edits=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5)), max_size=20),
    page=st.integers(1, 4),
)
def test_windows_see_every_row_however_stamps_tie_and_rows_change_between_pages(
    rows: dict[int, int], edits: list[tuple[int, int]], page: int
) -> None:
    portal, now, lag = Portal(rows, page), 130, 10
    watched, cursor, todo = Watched("contact", ()), Cursor(start=100), [*edits]
    seen: dict[int, int] = {}
    steps = 0
    while todo or cursor.end or now - cursor.start > lag:
        steps += 1
        assert steps < 2000
        cursor = search.opened(cursor, now)
        hits, more = portal.answer(search.changed_body(watched, cursor, (), frozenset()))
        for hit in hits:
            seen[hit] = max(seen.get(hit, 0), portal.rows[hit])
        cursor = search.stepped(cursor, str(hits[-1]) if hits else cursor.id, more, lag)
        if todo:
            row, later = todo.pop(0)
            now += later
            portal.rows[row] = now
        elif not cursor.end:
            now += 1
        if not todo and not cursor.end and cursor.start >= now - lag - 1:
            break
    hits, _ = Portal(portal.rows, 10_000).answer(
        search.changed_body(watched, search.opened(Cursor(start=cursor.start), now), (), frozenset())
    )
    for hit in hits:
        seen[hit] = portal.rows[hit]
    assert seen == portal.rows


@pytest.mark.parametrize(
    ("cursor", "more", "then"),
    [
        (Cursor(1000, 9000, id="5"), False, Cursor(start=8700)),  # the next window overlaps it
        (Cursor(1000, 9000), True, Cursor(1000, 9000, id="7")),  # one under way keeps its bounds
        (Cursor(1000, 1100), False, Cursor(start=1000)),  # a start never goes back
    ],
)
def test_a_window_is_followed_by_the_next(cursor: Cursor, more: bool, then: Cursor) -> None:
    assert search.stepped(cursor, "7", more, 300) == then


@pytest.mark.parametrize(
    ("cursor", "now", "opened"),
    [
        (Cursor(start=8700), 9500, Cursor(start=8700, end=9500)),
        (Cursor(start=9000), 8000, Cursor(start=9000, end=9000)),  # the vendor's clock was set back
        (Cursor(1000, 9000, id="7"), 9999, Cursor(1000, 9000, id="7")),
    ],
)
def test_a_window_ends_now_and_never_before_it_starts(cursor: Cursor, now: int, opened: Cursor) -> None:
    assert search.opened(cursor, now) == opened
