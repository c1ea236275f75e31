"""Runs drawn from seeds: every promise holds, and a seed is the same run every time."""

from __future__ import annotations

import pytest

from tests.simulation.playing import WORLDS, simulate

PARTS, SEEDS = 2 * WORLDS, 42  # 504 in all; ``make simulate`` plays 2,000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_fails_nothing_is_lost_paid_twice_or_overwritten(part: int) -> None:
    played = simulate("--first", str(1 + part), "--every", str(PARTS), "--seeds", str(SEEDS))

    assert not played.failed, f"play again: python -m tests.simulation {played.figures['failed']}\n{played.text}"
    assert played.figures["runs"] == SEEDS
    assert played.figures["deaths"] > 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [395, 724, 1102, 1299])
def test_what_failed_once_does_not_again(seed: int) -> None:
    played = simulate("--first", str(seed))

    assert not played.failed, played.text


@pytest.mark.timeout(120)
def test_a_seed_replays_identically() -> None:
    first, again = simulate("--first", "7", "--trace"), simulate("--first", "7", "--trace")

    calls = [line for line in first.text.splitlines() if not line.startswith("{")]
    assert len(calls) > 100
    assert calls == [line for line in again.text.splitlines() if not line.startswith("{")]
    assert simulate("--first", "8").figures["digest"] != first.figures["digest"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", ["1/2", "2/2"])
def test_a_death_on_the_first_call_of_any_port_breaks_no_promise(part: str) -> None:
    played = simulate("--each-port", "1", "--together", "3", "--part", part)

    assert not played.failed, played.text
    assert played.figures["deaths"] >= 55
