"""The same promises in worlds whose CRM is Salesforce, with deaths on its own calls."""

from __future__ import annotations

import pytest

from tests.simulation.playing import simulate

PARTS, SEEDS = 3, 4


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_fails_an_org_gets_nothing_twice_and_loses_nothing(part: int) -> None:
    words = ("--first", str(1 + part), "--every", str(PARTS), "--seeds", str(SEEDS), "--counts")
    played = simulate("--salesforce", *words)

    assert not played.failed, f"play again: python -m tests.simulation {played.figures['failed']}\n{played.text}"
    assert played.figures["runs"] == SEEDS
    died = {port for port, fault, _ in played.figures["matrix"] if "salesforce" in port and "crash" in fault}
    assert len(died) >= 4
