"""Two names are one person's, another's, or cannot be told."""

from __future__ import annotations

import pytest

from worker.decide.values.person import PersonName, Verdict, compare


@pytest.mark.parametrize(
    ("record", "found", "verdict"),
    [
        (PersonName("Ada", "Example"), PersonName("Ada", "Example", "Ada Example"), Verdict.SAME),
        (PersonName("Ada", "Example"), PersonName("Otto", "Example", "Otto Example"), Verdict.OTHER),
        (PersonName("Ada", "Example"), PersonName("Ada", "Sample", "Ada Sample"), Verdict.OTHER),
        (PersonName("Ada", ""), PersonName("Otto", "Sample", "Otto Sample"), Verdict.OTHER),
        (PersonName("Ada", ""), PersonName("Ada", "Sample", "Ada Sample"), Verdict.UNSAID),
        (PersonName("", ""), PersonName("Ada", "Sample", "Ada Sample"), Verdict.UNSAID),
        (PersonName("Ada", "Example"), PersonName(), Verdict.UNSAID),
    ],
)
def test_both_names_decide_where_both_are_known(record: PersonName, found: PersonName, verdict: Verdict) -> None:
    assert compare(record, found) is verdict
