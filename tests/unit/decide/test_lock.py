"""Leaves a field alone that a person edited lately, whatever the rule says: writer x age x rule."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Edit, Writer
from tests.unit.decide.scene import record
from worker.decide.decision import Change
from worker.decide.kept import OurValue
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.pushing import push
from worker.decide.reasons import Reason
from worker.decide.record import locked_blanks, locks, look
from worker.decide.values.fields import value_hash

NOW, MONTH = 1_800_000_000_000, 30 * 86_400_000
LOCK = 9 * MONTH
PROPERTY, FIELD = "jobtitle", "job_title"
OURS = OurValue(value_hash(FIELD, "Boss"))


def rules(write: WriteRule = WriteRule.ALWAYS, lock_ms: int = LOCK) -> Policy:
    return Policy("acme", "contact", rules=(FieldRule(FIELD, PROPERTY, ("forager",), write, lock_ms=lock_ms),))


def is_locked(
    value: str, edit: Edit | None, policy: Policy, ours: OurValue | None = None, *, told: bool = True, modified: int = 0
) -> bool:
    row = record({PROPERTY: value}, modified=modified, read_at=NOW)
    own = {FIELD: ours} if ours else {}
    view = look(row, policy, own)
    found = locks(row, view, policy, own, {PROPERTY: edit} if edit else {}, NOW, complete=told)
    after = found.on(view)
    if FIELD in found.until:
        assert after.closed[FIELD] is Reason.LOCKED
        assert found.first > NOW
    assert (FIELD in after.gaps) is (FIELD in view.gaps and FIELD not in found.until)
    return FIELD in found.until


WRITERS = (*Writer, None)
AGES = {"now": 0, "8 months": 8 * MONTH, "9 months": LOCK, "3 years": 36 * MONTH}
TABLE = [
    (write, writer, age, value)
    for write, writer, age, value in product(WriteRule, WRITERS, AGES, ("", "Boss"))
    if write is not WriteRule.NEVER
]


@pytest.mark.parametrize(("write", "writer", "age", "value"), TABLE)
def test_a_persons_edit_locks_under_every_rule(write: WriteRule, writer: Writer | None, age: str, value: str) -> None:
    edit = Edit(writer, NOW - AGES[age]) if writer else None
    ours = OURS if value and write is WriteRule.IF_OURS else None
    is_gap = not value or write in {WriteRule.ALWAYS, WriteRule.IF_OURS}
    by_a_person = writer is Writer.PERSON and AGES[age] < LOCK
    of_unknown = writer is None and bool(value)  # nobody ever wrote a blank without a history
    assert is_locked(value, edit, rules(write), ours) is (is_gap and (by_a_person or of_unknown))
    assert not is_locked(value, edit, rules(write, 0), ours)


@pytest.mark.parametrize(
    ("value", "ours", "modified", "expected"),
    [
        ("Boss", None, NOW - MONTH, True),
        ("Boss", None, NOW - LOCK, False),
        ("Boss", OURS, NOW - MONTH, False),  # the row was edited, the value is ours
        ("Chief", OURS, NOW - MONTH, True),
        ("", None, NOW - MONTH, False),  # nobody can tell a cleared blank
    ],
)
def test_without_a_history_the_rows_last_edit_counts_unless_the_value_is_ours(
    value: str, ours: OurValue | None, modified: int, expected: bool
) -> None:
    assert is_locked(value, None, rules(), ours, told=False, modified=modified) is expected


@pytest.mark.parametrize(("write", "writer", "age", "value"), [one for one in TABLE if one[1] is not None])
def test_a_line_counts_as_where_every_field_has_one(write: WriteRule, writer: Writer, age: str, value: str) -> None:
    edit = Edit(writer, NOW - AGES[age])
    ours = OURS if value and write is WriteRule.IF_OURS else None
    told = [is_locked(value, edit, rules(write), ours, told=complete, modified=NOW) for complete in (True, False)]
    assert told[0] is told[1]


@given(st.integers(0, 2 * LOCK), st.integers(0, LOCK), st.sampled_from(Writer))
def test_a_lock_opens_exactly_when_its_time_is_over(age: int, lock_ms: int, writer: Writer) -> None:
    expected = writer is Writer.PERSON and age < lock_ms
    assert is_locked("Boss", Edit(writer, NOW - age), rules(lock_ms=lock_ms)) is expected
    cleared = {PROPERTY: Edit(writer, NOW - age, cleared=True)}
    assert (PROPERTY in locked_blanks(cleared, {PROPERTY: lock_ms}, NOW)) is expected
    assert not locked_blanks({PROPERTY: Edit(writer, NOW - age)}, {PROPERTY: lock_ms}, NOW)


def test_an_edit_between_decision_and_write_keeps_the_value_even_under_always() -> None:
    wanted = Change(FIELD, PROPERTY, "Chief", "forager", None, "k1")
    for lock_ms, writes in ((LOCK, 0), (0, 1)):
        policy = rules(lock_ms=lock_ms)
        seen, now = record({PROPERTY: "Boss"}), record({PROPERTY: "Head"})
        pushed = push([wanted], look(seen, policy), now, look(now, policy), policy)
        assert len(pushed.writes) == writes
