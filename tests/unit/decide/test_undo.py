"""A change goes back only where it stands as we wrote it, and by us."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.decide.undo import REDO, UNDO, Undoable, UndoVerdict, undoables, verdict

VALUES = st.sampled_from(["", "Founder", "CEO", "Head of Sales", "Engineer"])


@given(VALUES, VALUES, VALUES, st.booleans(), st.booleans())
def test_only_our_standing_value_goes_back(before: str, after: str, held: str, ours: bool, closed: bool) -> None:
    one = Undoable("job_title", "title", before, after)
    found = verdict(one, held, ours=ours, closed=closed)
    assert (found is UndoVerdict.BACK) == (held == after and held != before and ours)
    assert (found is UndoVerdict.ALREADY) == (held == before)


@given(VALUES, st.booleans())
def test_nothing_is_brought_back_on_a_closed_person(held: str, ours: bool) -> None:
    one = Undoable("job_title", "title", "CEO", "", REDO)
    assert verdict(one, held, ours=ours, closed=True) is not UndoVerdict.BACK


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_of_several_changes_the_ends_count(values: list[str]) -> None:
    pairs = zip(["", *values], values, strict=False)
    entries = [
        {"kind": "change", "state": "confirmed", "field": "job_title", "property": "title", "before": a, "after": b}
        for a, b in pairs
    ]
    found = undoables(entries)
    assert [(one.before, one.after, one.rule) for one in found] == ([("", values[-1], UNDO)] if values[-1] else [])


def test_what_was_not_written_is_nothing_to_undo() -> None:
    entry = {"kind": "change", "field": "job_title", "property": "title", "before": "", "after": "CEO"}
    assert undoables([entry | {"state": state} for state in ("unsent", "seen", "refused", "overtaken", "gone")]) == ()
    assert [one.rule for one in undoables([entry | {"state": "confirmed", "rule": UNDO}])] == [REDO]
