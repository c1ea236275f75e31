"""Gathers single calls into batches: each asker gets an answer, an error of its own, or leaves."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from connectors.batching import Batcher
from connectors.errors import AccessError, ContractError, RateLimitedError, RejectedError, UnavailableError


class Vendor:
    """Answers ``item`` with ``item * 2`` and keeps the batches it got."""

    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.error = error

    async def send(self, items: Sequence[int]) -> Mapping[str, int]:
        self.batches.append(list(items))
        self.asked.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return {str(item): item * 2 for item in items}

    def batcher(self, size: int = 100, linger_s: float = 0.01, longest_s: float = 1.0) -> Batcher[int, int]:
        return Batcher("hubspot", "contacts.read", self.send, str, size, linger_s=linger_s, longest_s=longest_s)


async def test_a_full_batch_leaves_without_waiting() -> None:
    vendor = Vendor()
    batcher = vendor.batcher(size=2, linger_s=60, longest_s=60)
    assert await asyncio.gather(*(batcher.ask(n) for n in range(4))) == [0, 2, 4, 6]
    assert vendor.batches == [[0, 1], [2, 3]]


async def test_a_steady_trickle_cannot_hold_a_batch_back_forever() -> None:
    vendor = Vendor()
    batcher = vendor.batcher(linger_s=0.05, longest_s=0.06)
    asked: list[asyncio.Task[int]] = []
    while not vendor.batches:
        asked.append(asyncio.ensure_future(batcher.ask(len(asked))))
        await asyncio.sleep(0.005)
        assert len(asked) < 200
    await asyncio.gather(*asked)


async def test_askers_of_one_key_share_one_place() -> None:
    vendor = Vendor()
    batcher = vendor.batcher()
    assert [*await asyncio.gather(batcher.ask(7), batcher.ask(7), batcher.ask(8))] == [14, 14, 16]
    assert vendor.batches == [[7, 8]]


async def test_a_different_item_with_a_taken_key_goes_into_the_next_batch() -> None:
    batches: list[list[tuple[str, str]]] = []

    async def send(items: Sequence[tuple[str, str]]) -> Mapping[str, str]:
        batches.append(list(items))
        return dict(items)

    batcher = Batcher("hubspot", "contacts.write", send, lambda item: item[0], 10, linger_s=0.01)
    assert [*await asyncio.gather(batcher.ask(("1", "a")), batcher.ask(("1", "b")))] == ["a", "b"]
    assert batches == [[("1", "a")], [("1", "b")]]


def test_a_batch_that_everybody_gave_up_leaves_nothing_to_the_end_of_the_loop() -> None:
    vendor, loop = Vendor(), asyncio.new_event_loop()
    batcher = vendor.batcher(linger_s=0.001)

    async def give_up() -> None:
        asker = asyncio.ensure_future(batcher.ask(1))
        await asyncio.sleep(0)
        asker.cancel()
        await asyncio.gather(asker, return_exceptions=True)

    loop.run_until_complete(give_up())
    until = loop.time() + 0.01
    while loop.time() < until:
        pass  # a timer that is left is due now, and its batch begins as the loop stops
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert not asyncio.all_tasks(loop)
    loop.close()
    assert vendor.batches == []


async def test_a_cancelled_asker_is_left_out_of_a_batch_not_yet_sent() -> None:
    vendor = Vendor()
    batcher = vendor.batcher(linger_s=0.02)
    gone, stays = asyncio.ensure_future(batcher.ask(1)), asyncio.ensure_future(batcher.ask(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 4
    assert vendor.batches == [[2]]


async def test_a_batch_nobody_waits_for_is_not_sent() -> None:
    vendor = Vendor()
    batcher = vendor.batcher()
    gone = asyncio.ensure_future(batcher.ask(1))
    await asyncio.sleep(0)
    gone.cancel()
    await batcher.aclose()
    assert vendor.batches == []


async def test_an_asker_that_gives_up_leaves_a_batch_under_way_to_the_others() -> None:
    vendor = Vendor()
    vendor.gate.clear()
    batcher = vendor.batcher(size=2)
    gone, stays = asyncio.ensure_future(batcher.ask(1)), asyncio.ensure_future(batcher.ask(2))
    await vendor.asked.wait()
    gone.cancel()
    vendor.gate.set()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_failing_batch_gives_every_asker_an_error_of_its_own() -> None:
    error = RateLimitedError("hubspot", "contacts.read", 429, "r1", retry_after_s=10.0, bucket="burst")
    batcher = Vendor(error).batcher()
    first, second = await asyncio.gather(batcher.ask(1), batcher.ask(2), return_exceptions=True)
    assert isinstance(first, RateLimitedError)
    assert isinstance(second, RateLimitedError)
    assert first is not second
    assert first is not error
    assert (first.bucket, first.retry_after_s, first.status, str(first)) == ("burst", 10.0, 429, str(error))


async def test_a_refused_batch_is_halved_until_only_the_item_at_fault_is_refused() -> None:
    calls: list[list[int]] = []

    async def send(items: Sequence[int]) -> Mapping[str, int]:
        calls.append(list(items))
        if 5 in items:
            raise RejectedError("hubspot", "contacts.link", 400)
        return {str(item): item for item in items}

    batcher = Batcher("hubspot", "contacts.link", send, str, 8, linger_s=0.01)
    told = await asyncio.gather(*(batcher.ask(n) for n in range(8)), return_exceptions=True)
    assert isinstance(told[5], RejectedError)
    assert [one for one in told if not isinstance(one, Exception)] == [0, 1, 2, 3, 4, 6, 7]
    assert calls == [[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7]]


async def test_an_outage_is_everybodys_and_is_not_tried_in_halves() -> None:
    vendor = Vendor(UnavailableError("hubspot", "contacts.read", 503))
    batcher = vendor.batcher()
    told = await asyncio.gather(*(batcher.ask(n) for n in range(4)), return_exceptions=True)
    assert {type(one) for one in told} == {UnavailableError}
    assert len(vendor.batches) == 1


async def test_a_cancelled_batch_ends_for_its_askers_as_unavailable() -> None:
    vendor = Vendor(asyncio.CancelledError())  # type: ignore[arg-type]  # what a cancelled send raises
    with pytest.raises(UnavailableError):
        await vendor.batcher().ask(1)


async def test_an_item_the_vendor_says_nothing_about_is_a_contract_error_for_its_asker_alone() -> None:
    async def send(items: Sequence[int]) -> Mapping[str, int]:
        return {str(item): item for item in items if item != 2}

    batcher = Batcher("salesforce", "contact.read", send, str, 10, linger_s=0.01)
    first, second = await asyncio.gather(batcher.ask(1), batcher.ask(2), return_exceptions=True)
    assert first == 1
    assert isinstance(second, ContractError)


async def test_the_batcher_goes_on_after_a_failure() -> None:
    vendor = Vendor(AccessError("hubspot", "contacts.read", 401))
    batcher = vendor.batcher()
    with pytest.raises(AccessError):
        await batcher.ask(1)
    vendor.error = None
    assert await batcher.ask(2) == 4


async def test_closing_sends_what_is_gathered() -> None:
    vendor = Vendor()
    batcher = vendor.batcher(linger_s=60, longest_s=60)
    asked = asyncio.ensure_future(batcher.ask(3))
    await asyncio.sleep(0)
    await batcher.aclose()
    assert await asked == 6


async def test_a_batch_logs_no_record_and_no_run_of_its_first_asker() -> None:
    bound: list[dict[str, str]] = []

    async def send(items: Sequence[int]) -> Mapping[str, int]:
        bound.append(get_contextvars())
        return {str(item): item for item in items}

    batcher: Batcher[int, int] = Batcher("hubspot", "contacts.read", send, str, 100, linger_s=0.01)

    async def asker(number: int) -> dict[str, str]:
        with bound_contextvars(crm="acme", record_id=str(number), run=f"run-{number}"):
            await batcher.ask(number)
            return get_contextvars()

    own = await asyncio.gather(*(asker(number) for number in range(10)))
    assert bound == [{"crm": "acme"}]
    assert [one["record_id"] for one in own] == [str(number) for number in range(10)]


async def test_a_batch_grows_while_the_one_before_is_under_way() -> None:
    vendor = Vendor()
    vendor.gate.clear()
    batcher = vendor.batcher(linger_s=0.001, longest_s=60)
    first = asyncio.ensure_future(batcher.ask(1))
    await vendor.asked.wait()
    later = [asyncio.ensure_future(batcher.ask(2))]
    await asyncio.sleep(0.01)  # longer than it lingers
    later.append(asyncio.ensure_future(batcher.ask(3)))
    await asyncio.sleep(0.01)
    assert vendor.batches == [[1]]
    vendor.gate.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6]
    assert vendor.batches == [[1], [2, 3]]


async def test_a_batch_waits_no_longer_than_it_may_for_the_one_before() -> None:
    vendor = Vendor()
    vendor.gate.clear()
    batcher = vendor.batcher(linger_s=0.001, longest_s=0.02)
    asked = [asyncio.ensure_future(batcher.ask(1))]
    await vendor.asked.wait()
    vendor.asked.clear()
    asked.append(asyncio.ensure_future(batcher.ask(2)))
    async with asyncio.timeout(5):
        await vendor.asked.wait()  # though the first is still under way
    assert vendor.batches == [[1], [2]]
    vendor.gate.set()
    await asyncio.gather(*asked)
