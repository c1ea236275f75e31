"""A run tells apart what drifted from its plan and what its cap cut."""

from __future__ import annotations

from worker.ledger.journal.figures import RunFigures
from worker.manual.left import left_behind

CONTACT = ("acme_hubspot", "contact")


def told(**tally: int) -> dict[str, int]:
    return {one.why: one.records for one in left_behind({CONTACT: RunFigures(tally=tally)})}


def test_what_drifted_from_a_plan_and_what_its_cap_cut_are_told_apart() -> None:
    assert told(cut=5, drifted=3) == {"cap": 5, "drifted": 3}
    assert told(drifted=3) == {"drifted": 3}
