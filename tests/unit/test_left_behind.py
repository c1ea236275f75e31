"""What a run tells it has let go."""

from __future__ import annotations

from worker.ledger.journal.figures import RunFigures
from worker.manual.left import left_behind

CONTACT = ("acme_hubspot", "contact")


def told(**tally: int) -> dict[str, int]:
    return {one.why: one.records for one in left_behind({CONTACT: RunFigures(tally=tally)})}


def test_what_drifted_from_a_plan_is_not_told_as_cut_by_the_cap() -> None:
    assert told(cut=5, drifted=3) == {"cap": 2, "drifted": 3}
    assert told(cut=3, drifted=3) == {"drifted": 3}


def test_what_drifted_and_went_on_since_takes_nothing_off_what_the_cap_cut() -> None:
    assert told(cut=1, drifted=3) == {"drifted": 3}
