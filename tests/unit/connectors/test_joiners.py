"""Lets a batch leave when everybody at work waits for one, and no earlier."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

import pytest

from connectors.batching import JOINER, Batcher, Joiner, Joiners, resting

DAYS = 99_999.0  # a test that waits for the clock never ends


class Desk:
    def __init__(self) -> None:
        self.joiners, self.batches = Joiners(), list[list[int]]()

    def batcher(self) -> Batcher[int, int]:
        return Batcher("hubspot", "contacts.read", self.send, str, 100, linger_s=DAYS, longest_s=DAYS)

    async def send(self, items: Sequence[int]) -> Mapping[str, int]:
        self.batches.append(list(items))
        return {str(item): item for item in items}

    def begin(self, story: Awaitable[object], patience: int = 1) -> asyncio.Task[object]:
        """Start somebody's work, as a visit is started."""
        joiner = self.joiners.enter(patience)

        async def attended() -> object:
            JOINER.set(joiner)
            return await story

        task = asyncio.ensure_future(attended())
        task.add_done_callback(lambda _: joiner.leave())
        return task


async def all_have_asked() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_nobody_waits_for_company_who_is_alone_at_work(desk: Desk) -> None:
    batcher = desk.batcher()
    assert [await desk.begin(batcher.ask(number)) for number in (1, 2)] == [1, 2]
    assert desk.batches == [[1], [2]]


async def test_all_who_are_at_work_share_a_batch(desk: Desk) -> None:
    batcher, gate = desk.batcher(), asyncio.Event()

    async def late() -> int:
        await gate.wait()
        return await batcher.ask(9)

    asked = [desk.begin(batcher.ask(number)) for number in range(3)] + [desk.begin(late())]
    await all_have_asked()
    assert not desk.batches
    gate.set()
    await asyncio.gather(*asked)
    assert desk.batches == [[0, 1, 2, 9]]


async def test_a_batch_leaves_when_the_last_who_could_join_it_is_done(desk: Desk) -> None:
    batcher, gate = desk.batcher(), asyncio.Event()
    asked, other = desk.begin(batcher.ask(1)), desk.begin(gate.wait())
    await all_have_asked()
    assert not desk.batches
    gate.set()
    await asyncio.gather(asked, other)
    assert desk.batches == [[1]]


async def test_everything_one_asks_at_once_is_in_one_batch(desk: Desk) -> None:
    batcher = desk.batcher()

    async def story() -> None:
        await asyncio.gather(*(batcher.ask(number) for number in range(4)))

    await desk.begin(story())
    assert desk.batches == [[0, 1, 2, 3]]


async def test_the_oldest_batch_leaves_first_and_its_askers_join_the_next(desk: Desk) -> None:
    reads, writes = desk.batcher(), desk.batcher()

    async def story() -> None:
        await reads.ask(1)
        await writes.ask(1)

    await asyncio.gather(desk.begin(story()), desk.begin(writes.ask(2)))
    assert desk.batches == [[1], [2, 1]]


async def test_more_who_are_about_to_begin_are_waited_for(desk: Desk) -> None:
    batcher = desk.batcher()
    with desk.joiners.at_work():
        first = desk.begin(batcher.ask(1))
        await all_have_asked()
        assert not desk.batches
        second = desk.begin(batcher.ask(2))
    await asyncio.gather(first, second)
    assert desk.batches == [[1, 2]]


async def test_one_who_gives_up_is_counted_out_once(desk: Desk) -> None:
    batcher, gate = desk.batcher(), asyncio.Event()
    gone, busy = desk.begin(batcher.ask(1)), desk.begin(gate.wait())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    stays = desk.begin(batcher.ask(2))
    await all_have_asked()
    assert not desk.batches  # somebody is still busy
    gate.set()
    await asyncio.gather(stays, busy)
    assert desk.batches == [[2]]
    assert desk.joiners.busy == 0


async def test_an_asker_whom_nobody_counts_lingers(desk: Desk) -> None:
    batcher = desk.batcher()
    asked = asyncio.ensure_future(batcher.ask(1))
    await all_have_asked()
    assert not desk.batches
    await batcher.aclose()
    assert await asked == 1


async def test_a_pass_waits_longer_for_company_until_somebody_joins_who_does_not(desk: Desk) -> None:
    batcher = Batcher("hubspot", "contacts.read", desk.send, str, 100, linger_s=0.02, longest_s=DAYS)
    busy = desk.joiners.enter()  # who might join
    patient = desk.begin(batcher.ask(1), patience=1_000_000)
    await asyncio.sleep(0.1)
    assert not desk.batches
    hasty = desk.begin(batcher.ask(2))
    await asyncio.wait_for(asyncio.gather(patient, hasty), 10)
    assert desk.batches == [[1, 2]]
    busy.leave()


async def test_counting_comes_out_even(desk: Desk) -> None:
    joiner: Joiner = desk.joiners.enter()
    joiner.wait()
    joiner.wait()
    assert desk.joiners.busy == 0
    joiner.go_on()
    assert desk.joiners.busy == 0
    joiner.go_on()
    assert desk.joiners.busy == 1
    joiner.leave()
    joiner.leave()
    assert desk.joiners.busy == 0


async def test_steps_that_wait_for_company_hear_when_nobody_else_can_take_one() -> None:
    heard, replies = list[int](), [asyncio.get_running_loop().create_future() for _ in range(3)]
    joiners = Joiners(nobody_awake=lambda: heard.append(joiners.resting))

    async def visit(joiner: Joiner, reply: asyncio.Future[None]) -> None:
        JOINER.set(joiner)
        await resting(reply)
        joiner.leave()

    entered = [joiners.enter() for _ in replies]
    first, second, third = (
        asyncio.ensure_future(visit(joiner, reply)) for joiner, reply in zip(entered, replies, strict=True)
    )
    assert (joiners.awake, heard) == (3, [])
    await all_have_asked()
    assert (joiners.awake, heard) == (0, [3])
    replies[0].set_result(None)
    await first  # and is gone: the other two still rest
    assert (joiners.awake, heard) == (0, [3, 2])
    second.cancel()
    await asyncio.wait([second])
    entered[1].leave()
    replies[2].set_result(None)
    await third
    assert (joiners.awake, joiners.resting) == (0, 0)
