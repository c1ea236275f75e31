"""Workers are restarted one after the other while they work: nothing is lost, nothing is bought or written twice."""

from __future__ import annotations

from functools import partial

from tests.e2e.conftest import RECORDS, Open, Undisturbed
from tests.e2e.stage import WITHOUT_DELIVERIES
from tests.harness.config import laid_over
from tests.harness.until import until

# Slow enough that lookups are left for the last restart, however long a worker takes to end.
PROVIDERS = ("forager", "kaspr")
FEW = {"worker": {"concurrency": 6}, "providers": {name: {"rate": ["3/2 seconds"]} for name in PROVIDERS}}
SOON = {"providers": {name: {"rate": ["50/second"]} for name in PROVIDERS}}
STEPS = 3  # lookups between two restarts, so that each meets records under way


async def test_a_rolling_restart_loses_nothing(opened: Open, undisturbed: Undisturbed) -> None:
    expected = await undisturbed()
    stage = opened(laid_over(WITHOUT_DELIVERIES, FEW), **RECORDS)
    workers = await stage.start(2)
    for place in (0, 1, 0, 1):
        charged = len(stage.vendors.charges())
        await until(partial(stage.vendors.charged, charged + STEPS), "lookups under way")
        workers[place].terminate()
        assert await workers[place].ended() == 0, "it drains and ends in good order"
        workers[place] = stage.spawn()
    stage.configure(SOON)
    await stage.start()  # no restart needs what is left: a third worker ends it at another rate
    await stage.finished()

    assert stage.vendors.charged_twice() == []
    assert stage.vendors.overwritten() == []
    assert await stage.uncertain() == []
    await stage.bill_is_accounted_for()
    assert stage.vendors.state() == expected
