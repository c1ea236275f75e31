"""Runs drawn from seeds: every promise holds, and a seed is the same run every time."""

from __future__ import annotations

import pytest

from tests.simulation.playing import WORLDS, simulate

# (parts, seeds of each): 36 runs in make test, 504 in make slow, 2,000 in make simulate. A part has one world.
SHORT, WHOLE = (WORLDS, 6), (2 * WORLDS, 42)
MENDED = ("395", "724", "1102", "1299")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("parts", "seeds", "part"),
    [
        *((*SHORT, part) for part in range(SHORT[0])),
        *(pytest.param(*WHOLE, part, marks=pytest.mark.slow) for part in range(WHOLE[0])),
    ],
)
def test_whatever_fails_nothing_is_lost_paid_twice_or_overwritten(parts: int, seeds: int, part: int) -> None:
    played = simulate("--first", str(1 + part), "--every", str(parts), "--seeds", str(seeds))

    assert not played.failed, f"play again: python -m tests.simulation {played.figures['failed']}\n{played.text}"
    assert played.figures["runs"] == seeds
    assert played.figures["deaths"] > 0


@pytest.mark.timeout(120)
def test_what_failed_once_does_not_again() -> None:
    played = simulate("--first", *MENDED)

    assert not played.failed, played.text
    assert played.figures["runs"] == len(MENDED)


@pytest.mark.timeout(120)
def test_a_seed_replays_identically_and_no_other_is_the_same() -> None:
    first, again = (simulate("--first", "7", "8", "--trace") for _ in range(2))

    calls = [line for line in first.text.splitlines() if not line.startswith("{")]
    assert len(calls) > 200
    assert calls == [line for line in again.text.splitlines() if not line.startswith("{")]
    assert int(first.figures["digest"], 16), "the digests of two equal runs cancel each other out"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("together", "deaths"), [(6, 105), pytest.param(3, 115, marks=pytest.mark.slow)], ids=["short", "whole"]
)
def test_a_death_on_the_first_call_of_any_port_breaks_no_promise(together: int, deaths: int) -> None:
    played = simulate("--each-port", "1", "--together", str(together))

    assert not played.failed, played.text
    assert played.figures["deaths"] >= deaths
