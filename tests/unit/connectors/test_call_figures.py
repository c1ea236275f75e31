from __future__ import annotations

import pytest

from connectors.operations import Operation, Repeat
from connectors.telemetry import BOUNDS_S, LAST, CallEnd, CallFigures, end_of

PERSON = Operation("person", "GET", "/people/{id}", Repeat.SAFE)


@pytest.mark.parametrize(
    ("status", "end"),
    [(200, "ok"), (204, "ok"), (307, "ok"), (404, "refused"), (429, "429"), (500, "failed"), (None, "lost")],
)
def test_every_status_is_one_end(status: int | None, end: str) -> None:
    assert end_of(status) is CallEnd(end)


def test_counts_are_taken_once_and_come_back_when_they_could_not_be_kept() -> None:
    calls = CallFigures()
    for seconds in (0.05, 0.1, 0.3, BOUNDS_S[-1] + 1):
        calls.note("forager", PERSON, 200, seconds)
    calls.note("forager", PERSON, 429, 0.05)
    taken = calls.take()
    assert taken == {
        ("forager", "person", "ok"): 4,
        ("forager", "person", "429"): 1,
        ("forager", "person", "le0"): 3,
        ("forager", "person", "le2"): 1,
        ("forager", "person", f"le{len(BOUNDS_S)}"): 1,
        ("forager", "person", "ms"): 31_500,
    }
    assert calls.take() == {}
    calls.give_back(taken)
    assert calls.take() == taken


def test_last_calls_are_bounded_and_asked_for_once() -> None:
    calls = CallFigures()
    for status in range(200, 200 + LAST + 5):
        calls.note("forager", PERSON, status, 0.1)
    (vendor, made), *others = calls.last().items()
    assert (vendor, others) == ("forager", [])
    assert [status for _, _, status, _ in made] == list(range(205, 205 + LAST))
    assert calls.last() == {}
