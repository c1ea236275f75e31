"""On data such as CRMs really hold, visits write nobody else's value and find what there is."""

from __future__ import annotations

import pytest

from sandbox.mistakes import HARD
from sandbox.options import Options
from sandbox.seeding import build_world
from sandbox.truth import clear_gaps, is_anothers, owners, plain
from tests.money.market import market
from tests.money.measure import visit
from worker.decide.record import look

RECALL = 0.985


@pytest.mark.parametrize(
    ("records", "seed"),
    [(500, 1), *(pytest.param(2_000, seed, marks=pytest.mark.slow) for seed in range(1, 6))],
)
async def test_visits_write_no_value_of_another_person_and_leave_few_clear_gaps(records: int, seed: int) -> None:
    options = Options(
        vendors=("forager", "kaspr", "hubspot"),
        seed=seed,
        records=records,
        companies=records * 27 // 100,
        mistakes=HARD,
    )
    world = build_world(options)
    whose, clear = owners(world), clear_gaps(world, "hubspot")
    strangers, looked_at, missed = [], 0, []
    async with market(options, world) as found:
        rules = found.policy()
        for row in found.rows:
            view = look(row.record, rules)
            decision, _ = await visit(found, view, rules)
            written = {change.field: change.value for change in decision.changes}
            strangers += [
                (row.row.number, name) for name, value in written.items() if is_anothers(value, row.person, whose)
            ]
            for name in view.gaps:
                right = clear.get((row.row.number, name))
                looked_at += right is not None
                if right and plain(written.get(name, "")) not in right:
                    missed.append((row.row.number, name))
    assert strangers == []
    assert looked_at == len(clear) > records / 3
    assert len(missed) <= (1 - RECALL) * len(clear), missed
