"""A run tells apart what drifted from its plan and what its cap cut."""

from __future__ import annotations

from worker.ledger.journal.figures import RunFigures
from worker.manual.left import Held, left_behind

CONTACT = ("acme_hubspot", "contact")


def told(**tally: int) -> dict[str, int]:
    return {one.why: one.records for one in left_behind({CONTACT: RunFigures(tally=tally)})}


def test_what_drifted_from_a_plan_and_what_its_cap_cut_are_told_apart() -> None:
    assert told(cut=5, drifted=3) == {"cap": 5, "drifted": 3}
    assert told(drifted=3) == {"drifted": 3}


def test_what_a_cap_has_cut_and_what_still_waits_for_it_are_told_as_one() -> None:
    waits = Held(*CONTACT, 3, "cap"), Held(*CONTACT, 1, "budget", "kaspr")
    told = left_behind({CONTACT: RunFigures(tally={"cut": 5})}, waits, "limit 9 credits, 9 spent")
    assert [(one.why, one.records, one.hint) for one in told] == [
        ("budget", 1, ""),
        ("cap", 8, "limit 9 credits, 9 spent"),
    ]
