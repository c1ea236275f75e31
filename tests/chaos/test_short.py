"""The short form of ``make chaos``: one storm over real processes, small enough for every run of the tests."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import pytest

from tests.chaos.audit import carry_out
from tests.chaos.plan import Storm, draw
from tests.chaos.storm import undisturbed
from tests.chaos.table import table

WHOLE = Storm(
    seed=1, faults=20, records=160, kills=6, open_kills=2, restarts=1, cuts=1, stops=1, long_stops=0, fulls=1,
    readonlys=1, downs=1, expiries=1,
    repeats=1, arrivals=3, edits=40, locks=2, rules=2, hides=1, plans=1, undos=1, forgets=1, hang_s=2.0,
    pace="15/second",
)  # fmt: skip
SHORT = replace(WHOLE, records=80, kills=3, open_kills=1, arrivals=1, edits=10, plans=0, forgets=0)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("storm", [SHORT, pytest.param(WHOLE, marks=pytest.mark.slow)], ids=["short", "whole"])
async def test_a_storm_over_two_workers_loses_nothing_charges_nothing_twice_and_overwrites_nothing(
    storm: Storm,
) -> None:
    async with asyncio.TaskGroup() as group:
        expected = group.create_task(undisturbed(replace(storm, pace=""), within_s=150))
        verdict = await carry_out(draw(storm), expected, patience_s=3, within_s=150)

    sys.stdout.write(f"{verdict.plan.told()}\n{table([verdict])}\n")  # pytest shows it where the test failed
    assert verdict.faults == []
    assert verdict.told.done["kill"] == storm.kills
    assert verdict.settled + sum(verdict.dead.values()) == verdict.records > 0


def test_equal_arguments_draw_an_equal_plan() -> None:
    assert draw(SHORT) == draw(SHORT)
    assert draw(SHORT).digest == draw(replace(SHORT)).digest


def test_another_seed_and_another_rate_draw_another_plan() -> None:
    digests = {draw(replace(SHORT, seed=seed, faults=rate)).digest for seed in (1, 2, 3) for rate in (5, 20, 50)}

    assert len(digests) == 9


def test_a_plan_spoils_the_share_of_exchanges_it_says() -> None:
    plan = draw(replace(SHORT, faults=50))
    drawn = [plan.toxic("forager", slot, number) for slot in (0, 1) for number in range(2_000)]

    assert 0.23 < sum(toxic is not None for toxic in drawn) / len(drawn) < 0.27  # the other half is the sandbox's
