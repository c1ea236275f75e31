import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Cursor
from connectors.salesforce import keyset, soql
from connectors.salesforce.records import milliseconds
from tests.harness.examples import examples

OVERLAP_MS = 5000


class Org:
    """Answers the poll's own WHERE over rows in memory: id -> stamp in whole seconds."""

    def __init__(self, rows: dict[str, int], page: int) -> None:
        self.rows, self.page = rows, page

    def answer(self, where: str, end: int) -> tuple[list[tuple[int, str]], bool]:
        at = milliseconds(re.findall(r"SystemModstamp >=? ([^ )]+)", where)[0])
        after = re.search(r"Id > '(\w+)'", where)
        hits = sorted((stamp, row_id) for row_id, stamp in self.rows.items() if stamp <= end)
        hits = [hit for hit in hits if (hit > (at, after[1]) if after else hit[0] >= at)]
        return hits[: self.page], len(hits) > self.page


IDS = st.integers(1, 40).map(lambda n: f"003{n:012d}AAA")
SECONDS = st.integers(100, 110).map(lambda s: s * 1000)


@examples(300)
@given(
    rows=st.dictionaries(IDS, SECONDS, max_size=40),
    edits=st.lists(st.tuples(IDS, st.integers(0, 3)), max_size=15),
    late=st.lists(st.tuples(IDS, st.integers(0, OVERLAP_MS // 1000 - 1)), max_size=5),
    page=st.integers(1, 4),
)
def test_passes_see_every_row_however_stamps_tie_rows_change_and_commits_come_late(
    rows: dict[str, int], edits: list[tuple[str, int]], late: list[tuple[str, int]], page: int
) -> None:
    org, now, cursor = Org(dict(rows), page), 110_000, Cursor(start=100_000)
    seen: set[tuple[int, str]] = set()
    events = [*((row_id, ahead * 1000) for row_id, ahead in edits), *((row_id, -back * 1000) for row_id, back in late)]
    idle = 0
    while idle < 3:
        cursor = keyset.opened(cursor, now)
        hits, full = org.answer(soql.beyond(cursor.stamp, cursor.id), cursor.end)
        seen |= set(hits)
        cursor = keyset.stepped(cursor, hits[-1] if hits else None, full, OVERLAP_MS)
        if events:
            row_id, shift = events.pop(0)
            now += max(shift, 0)
            org.rows[row_id] = max(now + min(shift, 0), org.rows.get(row_id, 0))
        elif not cursor.end:
            idle += 1
    assert {(stamp, row_id) for row_id, stamp in org.rows.items()} <= seen


@given(st.dictionaries(IDS, st.just(105_000), max_size=40), st.integers(1, 5))
def test_one_pass_over_equal_stamps_repeats_nothing(rows: dict[str, int], page: int) -> None:
    org, cursor = Org(rows, page), keyset.opened(Cursor(start=100_000), 110_000)
    seen: list[str] = []
    while cursor.end:
        hits, full = org.answer(soql.beyond(cursor.stamp, cursor.id), cursor.end)
        seen += [row_id for _, row_id in hits]
        cursor = keyset.stepped(cursor, hits[-1] if hits else None, full, OVERLAP_MS)
    assert seen == sorted(rows)


def test_a_full_page_that_leads_nowhere_is_refused() -> None:
    at = Cursor(1000, 9000, 5000, "b")
    for last in (None, (0, "c"), (5000, "b"), (5000, "a"), (4000, "z")):
        with pytest.raises(ValueError, match="way on"):
            keyset.stepped(at, last, True, OVERLAP_MS)


def test_the_next_pass_overlaps_and_never_starts_earlier_than_this_one() -> None:
    assert keyset.stepped(Cursor(1000, 9000, 5000, "b"), None, False, OVERLAP_MS) == Cursor(start=4000)
    assert keyset.stepped(Cursor(8000, 9000, 5000, "b"), None, False, OVERLAP_MS) == Cursor(start=8000)


def test_a_pass_never_ends_before_it_starts_though_the_orgs_clock_was_set_back() -> None:
    assert keyset.opened(Cursor(start=9000), 8000) == Cursor(start=9000, end=9000, stamp=9000)
