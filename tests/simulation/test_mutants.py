"""The auditor's own test: bugs planted as variants of the product's functions, each caught by its listed seed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, named
from tests.simulation.playing import ROOT, simulate

FURTHER = 10  # seeds tried when the listed one has stopped catching it
SHORT = {  # one of money, of leases, of what a person typed, and of deliveries; make slow plants them all
    "a person is made without looking for them",
    "a paid call is repeated after a time-out",
    "a step of a visit does not ask whose lease it is",
    "blank is what was blank when the visit began",
}


def test_every_bug_can_be_planted() -> None:
    plant = "from tests.simulation.mutants import MUTANTS\nfor mutant in MUTANTS:\n    mutant.plant()"
    planted = subprocess.run([sys.executable, "-c", plant], cwd=ROOT, capture_output=True, text=True, check=False)

    assert not planted.returncode, planted.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name", [pytest.param(one.name, marks=() if one.name in SHORT else (pytest.mark.slow,)) for one in MUTANTS]
)
def test_a_planted_bug_is_caught(name: str) -> None:
    mutant = named(name)
    words = ("--mutant", mutant.name, "--only", mutant.only, "--failures", "1", *_worlds(mutant))

    caught = simulate(*words, "--first", str(mutant.seed))
    if not caught.failed:
        caught = simulate(*words, "--first", str(mutant.seed + 1), "--seeds", str(FURTHER))

    assert caught.failed, f"nobody noticed: {mutant.name}"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("only", "salesforce"), sorted({(mutant.only, mutant.salesforce) for mutant in MUTANTS if mutant.only})
)
def test_without_a_bug_the_same_seeds_pass(only: str, salesforce: bool) -> None:
    planted = [one for one in MUTANTS if (one.only, one.salesforce) == (only, salesforce)]
    seeds = sorted({mutant.seed for mutant in planted})
    played = simulate("--only", only, "--first", *map(str, seeds), *_worlds(planted[0]))

    assert not played.failed, played.text


def _worlds(mutant: Mutant) -> tuple[str, ...]:
    return ("--salesforce",) if mutant.salesforce else ()
