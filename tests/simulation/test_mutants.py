"""The auditor's own test: bugs planted in the product as it is loaded, each caught by the seed listed with it."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.playing import simulate

FURTHER = 10  # seeds tried when the listed one has stopped catching it


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_planted_bug_is_caught(mutant: Mutant) -> None:
    words = ("--mutant", mutant.name, "--only", mutant.only, "--failures", "1")

    caught = simulate(*words, "--first", str(mutant.seed))
    if not caught.failed:
        caught = simulate(*words, "--first", str(mutant.seed + 1), "--seeds", str(FURTHER))

    assert caught.failed, f"nobody noticed: {mutant.name}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("only", sorted({mutant.only for mutant in MUTANTS} - {""}))
def test_without_a_bug_the_same_seeds_pass(only: str) -> None:
    for seed in sorted({mutant.seed for mutant in MUTANTS if mutant.only == only}):
        played = simulate("--only", only, "--first", str(seed))

        assert not played.failed, played.text
