"""Nobody else's value is bought, and what is bought costs little more than it must."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.mistakes import FRIENDLY, Mistakes
from sandbox.options import Options
from sandbox.seeding import build_world
from tests.money.market import Market, market
from tests.money.measure import STRATEGIES, measure

RECORDS = 120


@pytest.fixture(params=[0.0, 0.15], ids=["no mistaken link", "15 % mistaken links"])
async def found(request: pytest.FixtureRequest) -> AsyncIterator[Market]:
    mistakes = Mistakes(links=request.param, namesakes=0.5) if request.param else FRIENDLY
    options = Options(vendors=("forager", "kaspr", "hubspot"), seed=1, records=RECORDS, companies=32, mistakes=mistakes)
    async with market(options, build_world(options)) as opened:
        yield opened


async def test_what_is_bought_is_right_and_costs_little_more_than_it_must(found: Market) -> None:
    default, _, forager_first, *_ = [change(found.policy()) for change in STRATEGIES.values()]
    bill = await measure(found, default)
    assert bill.wrong == 0
    assert bill.right > RECORDS
    assert bill.times_bound <= 1.15
    dearer = await measure(found, forager_first, bound=False)
    assert dearer.wrong == 0
    assert dearer.per_fill > 1.3 * bill.per_fill
