"""``replay`` with ``reopen``: the next visit forgets what was refused, and only that one."""

from __future__ import annotations

import pytest

from tests.harness.clock import Clock
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import AllWork, Due, Lane, Lease, Settlement, StepEnd, Work

UNDO, SYNC = "undo-20261129T101112-0a0b", "sync-20261129T101113-0a0b"
SETTLEMENT = Settlement("ab12", stamp=1, read_at=5_000, own={"phone": "{}"})


@pytest.fixture
def work(scripts: Scripts) -> Work:
    return Work(scripts, "one", "contact")


async def claimed(work: Work) -> Lease:
    (lease,) = await work.claim("me", 1)
    return lease


async def settled(work: Work, id: str) -> None:
    await work.add([Due(id)], lane=Lane.LIVE, run="day-x")
    assert await work.settle(await claimed(work), SETTLEMENT) is StepEnd.DONE


async def test_a_settled_record_is_reopened_once(work: Work) -> None:
    await settled(work, "1")
    await work.replay("1", "replay-1", reopen=True)
    lease = await claimed(work)
    assert (lease.reopened, lease.forced) == (True, True)
    assert await work.settle(lease, SETTLEMENT) is StepEnd.DONE
    await work.replay("1", "replay-2")
    assert (await claimed(work)).reopened is False


async def test_a_reopened_record_stays_so_until_it_settles(work: Work, clock: Clock) -> None:
    await settled(work, "1")
    await work.replay("1", "replay-1", reopen=True)
    await work.defer(await claimed(work), clock() + 10, "rate")
    clock.pass_ms(20)
    await work.again(await claimed(work), "UnavailableError", 10)
    clock.pass_ms(100_000)
    lease = await claimed(work)
    assert lease.reopened
    await work.wait(lease, ["kaspr"], None, "budget")
    await work.add([Due("1")], lane=Lane.LIVE, run="day-x")
    assert (await claimed(work)).reopened


async def test_reopened_during_a_visit_it_is_the_next_one_that_forgets(work: Work) -> None:
    await work.add([Due("1")], lane=Lane.LIVE, run="day-x")
    lease = await claimed(work)
    assert not lease.reopened
    await work.replay("1", "replay-1", reopen=True)
    assert await work.settle(lease, SETTLEMENT) is StepEnd.AGAIN
    lease = await claimed(work)
    assert lease.reopened
    assert await work.settle(lease, SETTLEMENT) is StepEnd.DONE


async def test_reopened_again_during_the_visit_that_forgets_it_is_visited_once_more(work: Work) -> None:
    await settled(work, "1")
    await work.replay("1", "replay-1", reopen=True)
    lease = await claimed(work)
    await work.replay("1", "replay-2", reopen=True)
    assert await work.settle(lease, SETTLEMENT) is StepEnd.AGAIN
    lease = await claimed(work)
    assert lease.reopened
    await work.add([Due("1")], lane=Lane.LIVE, run="day-x")
    assert await work.settle(lease, SETTLEMENT) is StepEnd.AGAIN
    assert not (await claimed(work)).reopened  # that visit has forgotten


async def test_a_lost_lease_does_not_lose_the_wish(work: Work, clock: Clock) -> None:
    await settled(work, "1")
    await work.replay("1", "replay-1", reopen=True)
    await claimed(work)
    await work.replay("1", "replay-2", reopen=False)  # a forced visit of another kind changes nothing
    clock.pass_ms(100_000)
    await AllWork(work._scripts).reap()
    assert (await claimed(work)).reopened


async def test_what_waits_to_be_taken_back_stays_with_the_undo_that_asked_for_it(work: Work) -> None:
    await settled(work, "1")
    await work.replay("1", UNDO, undo=["1-0"])
    await work.add([Due("1", 9_000)], lane=Lane.LIVE, run=SYNC, forced=True)
    assert await work.of_run.own_all(SYNC) == 0
    lease = await claimed(work)
    assert (lease.run, list(lease.undo)) == (UNDO, ["1-0"])
    assert await work.settle(lease, SETTLEMENT) is StepEnd.DONE
    await work.add([Due("1", 9_000)], lane=Lane.LIVE, run=SYNC, forced=True)
    assert (await claimed(work)).run == SYNC
