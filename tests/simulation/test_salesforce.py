"""The same promises in worlds whose CRM is Salesforce, with deaths on its own calls."""

from __future__ import annotations

import pytest

from tests.simulation.playing import ORGS, simulate


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seeds", [ORGS, pytest.param(4 * ORGS, marks=pytest.mark.slow)], ids=["short", "whole"])
def test_whatever_fails_an_org_gets_nothing_twice_and_loses_nothing(seeds: int) -> None:
    played = simulate("--salesforce", "--first", "1", "--seeds", str(seeds), "--counts")

    assert not played.failed, f"play again: python -m tests.simulation {played.figures['failed']}\n{played.text}"
    assert played.figures["runs"] == seeds
    died = {port for port, fault, _ in played.figures["matrix"] if "salesforce" in port and "crash" in fault}
    assert len(died) >= 4
