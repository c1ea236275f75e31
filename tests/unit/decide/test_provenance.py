"""Marks each value with whom it is from and when, in what room there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Property, Provenance, Record
from worker.decide.decision import Change
from worker.decide.policy import FieldRule, Policy
from worker.decide.pushing import mark_without, marks_beside, source_mark, usable_marks
from worker.decide.record import fingerprint, look

NAMES = Provenance("refill_source", "refill_checked_at")
AT = 1_795_132_805_000  # 2026-11-20T00:00:05Z
SCHEMA = {
    "refill_source": Property("refill_source", "text", writable=True, length=255),
    "refill_checked_at": Property("refill_checked_at", "datetime", writable=True),
}


def change(field: str, provider: str = "forager") -> Change:
    return Change(field, f"p_{field}", "value", provider, None, "q")


def record(held: str = "", read_at: int = AT) -> Record:
    return Record("contact", "1", {"refill_source": held}, read_at=read_at)


OLDER = "phone kaspr 2025-01-02; city forager 2024-01-02"
TITLE, MAIL, PHONE = change("job_title"), change("work_email"), change("phone")


@pytest.mark.parametrize(
    ("held", "changes", "length", "mark"),
    [
        ("", [MAIL, change("phone", "kaspr")], 0, "work_email forager 2026-11-20; phone kaspr 2026-11-20"),
        (
            "phone kaspr 2025-01-02; work_email forager 2025-01-02",
            [change("work_email", "kaspr")],
            0,
            "work_email kaspr 2026-11-20; phone kaspr 2025-01-02",
        ),
        ("from the fair; phone", [PHONE], 0, "phone forager 2026-11-20; from the fair; phone"),
        (OLDER, [TITLE], 60, "job_title forager 2026-11-20; phone kaspr 2025-01-02"),
        (OLDER, [TITLE], 5, ""),
    ],
    ids=["whom and when", "the newest word first", "a person's text stays", "the oldest goes whole", "no room"],
)
def test_the_source_of_each_field_is_told(held: str, changes: list[Change], length: int, mark: str) -> None:
    assert source_mark(held, changes, AT, length) == mark


@given(st.text(max_size=60), st.integers(1, 80), st.lists(st.sampled_from(["phone", "city", "work_email"]), max_size=3))
def test_the_source_always_fits_and_says_nothing_twice(held: str, length: int, fields: list[str]) -> None:
    told = source_mark(held, [change(one) for one in fields], AT, length)
    assert len(told) <= length
    parts = told.split("; ") if told else []
    assert len(parts) == len(set(parts))
    again = source_mark(told, [change(one) for one in fields], AT, length)
    assert set(again.split("; ")) == set(told.split("; "))


def test_both_are_written_beside_a_change_and_neither_without_one() -> None:
    assert marks_beside(NAMES, SCHEMA, record(), [change("phone")]) == {
        "refill_source": "phone forager 2026-11-20",
        "refill_checked_at": "2026-11-20T00:00:05Z",
    }
    assert marks_beside(NAMES, SCHEMA, record(), []) == {}
    assert marks_beside(NAMES, SCHEMA, record(read_at=0), [change("phone")]) == {}


def test_what_is_given_back_is_no_longer_ours() -> None:
    held = record("phone kaspr 2025-01-02")
    assert mark_without(NAMES, SCHEMA, held, [change("city")]) == {
        "refill_source": "city forager 2026-11-20; phone kaspr 2025-01-02"
    }
    assert mark_without(NAMES, SCHEMA, record(), []) == {"refill_source": ""}
    assert mark_without(Provenance(), SCHEMA, held, []) == mark_without(NAMES, SCHEMA, None, []) == {}


@pytest.mark.parametrize(
    ("schema", "there"),
    [
        ({}, Provenance()),
        (SCHEMA, NAMES),
        ({"refill_source": SCHEMA["refill_source"]}, Provenance("refill_source", "")),
        ({"refill_source": Property("refill_source", "text", writable=False)}, Provenance()),
        ({"refill_checked_at": Property("refill_checked_at", "date", writable=True)}, Provenance()),
        ({"refill_source": Property("refill_source", "options", writable=True)}, Provenance()),
    ],
)
def test_only_a_property_that_can_hold_it_is_used(schema: dict[str, Property], there: Provenance) -> None:
    assert usable_marks(NAMES, schema) == there


def test_no_mark_changes_what_a_record_is_remembered_by() -> None:
    policy = Policy("acme", "contact", rules=(FieldRule("phone", "phone", ("kaspr",)),))
    plain = Record("contact", "1", {"email": "mara@quist.example"})
    marked = Record("contact", "1", {**plain.values, **marks_beside(NAMES, SCHEMA, record(), [change("phone")])})
    assert fingerprint(look(plain, policy), policy) == fingerprint(look(marked, policy), policy)
