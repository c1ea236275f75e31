"""Ends an obstacle to a delivery as its kind does: with a change of the row, with time, or with a person."""

from __future__ import annotations

import pytest

from connectors.models import RefusalKind, WriteResult, Written
from worker.decide.kept import FIRST_MS, LONGEST_MS, TRIES
from worker.decide.obstacles import Obstacle, is_kept_back, next_look_ms

ROW = (("contact", "7"),)
LOCKED = Obstacle("contact 7 could not be linked", RefusalKind.ROW, "record locked (ENTITY_IS_LOCKED)", ROW)
FULL = Obstacle("prospect p1 could not be made", RefusalKind.ORG, "org limit (STORAGE_LIMIT_EXCEEDED)")
RULE = Obstacle("contact 7 does not take what was delivered", RefusalKind.RULE, "portal rule", ROW)
NO_OWNER = Obstacle("prospect p1 could not be made", RefusalKind.ROW, "record locked (INACTIVE_OWNER_OR_USER)")


def test_an_org_is_waited_for_longer_and_longer_and_not_for_ever() -> None:
    waits = [next_look_ms([FULL], tries, 0, has_problems=False) for tries in range(TRIES + 1)]
    told = [wait for wait in waits if wait is not None]
    assert waits[-1] is None
    assert told == sorted(told)
    assert (told[0], told[-1]) == (FIRST_MS, LONGEST_MS)
    assert sum(told) > 3 * 86_400_000


@pytest.mark.parametrize(
    ("found", "tries", "age_ms", "has_problems", "wait"),
    [
        ([LOCKED], 0, 0, False, FIRST_MS),  # a row has no end
        ([RULE], 0, 0, False, FIRST_MS),
        ([LOCKED], 0, 10_000, False, LONGEST_MS),
        ([RULE], 0, 10_000, False, LONGEST_MS),
        ([LOCKED, FULL], 0, 0, True, FIRST_MS),  # what time may end comes first
        ([LOCKED, FULL], TRIES, 0, False, None),
        ([LOCKED], 0, 0, True, None),  # a person comes before a row alone
        ([NO_OWNER], 0, 0, False, FIRST_MS),  # a row that is not made yet has no change to wait for
        ([], 0, 0, False, None),
    ],
)
def test_a_delivery_is_looked_at_again(
    found: list[Obstacle], tries: int, age_ms: int, has_problems: bool, wait: int | None
) -> None:
    assert next_look_ms(found, tries, age_ms, has_problems=has_problems) == wait
    assert not NO_OWNER.waits_for_rows


@pytest.mark.parametrize("kind", RefusalKind)
@pytest.mark.parametrize("rows", [(), ROW])
def test_what_passes_by_itself(kind: RefusalKind, rows: tuple[tuple[str, str], ...]) -> None:
    passing = {RefusalKind.ROW, RefusalKind.ORG, RefusalKind.ACCESS, RefusalKind.UNKNOWN}
    expected = kind in passing or (kind is RefusalKind.RULE and bool(rows))
    assert Obstacle("it", kind, "why", rows).passes is expected


@pytest.mark.parametrize("kind", RefusalKind)
@pytest.mark.parametrize("named", [(), ("jobtitle",)])
def test_which_refused_values_a_delivery_waits_for(kind: RefusalKind, named: tuple[str, ...]) -> None:
    waits = {RefusalKind.ROW, RefusalKind.RULE, RefusalKind.ORG}
    if not named:
        waits |= {RefusalKind.ACCESS, RefusalKind.UNKNOWN}
    assert is_kept_back(WriteResult(Written.INVALID, named, "CODE", kind=kind)) is (kind in waits)


def test_sentence_says_what_and_why() -> None:
    assert LOCKED.sentence == "contact 7 could not be linked (record locked (ENTITY_IS_LOCKED))"
