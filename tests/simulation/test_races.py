"""A person's edit is overwritten by no write that had an old read behind it, whatever the write meets."""

from __future__ import annotations

import pytest

from tests.simulation.playing import simulate

CRMS = pytest.mark.parametrize("crm", [(), ("--salesforce",)], ids=["hubspot", "salesforce"])


def raced(count: int, *words: str, first: int = 1) -> None:
    played = simulate("--races", str(count), "--first", str(first), *words)

    assert not played.failed, played.text
    assert played.figures["races"] >= count
    assert played.figures["ended"]["pushed"] > count / 4  # and the writes were made all the same


@CRMS
@pytest.mark.timeout(300)
def test_no_write_lands_on_an_edit_it_could_have_seen(crm: tuple[str, ...]) -> None:
    raced(200, *crm)


@CRMS
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_write_lands_on_an_edit_it_could_have_seen_in_ten_thousand_races(crm: tuple[str, ...]) -> None:
    raced(10_000, *crm, first=1_000)


@CRMS
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "mutant", ["a write is repeated inside its call", "what was read is written on however old it is"]
)
def test_races_notice_writes_on_old_reads(mutant: str, crm: tuple[str, ...]) -> None:
    assert simulate("--races", "60", "--mutant", mutant, *crm).failed
