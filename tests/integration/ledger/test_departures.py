"""A sheltered paid call takes its slot in the step that notes it sent, once, and never leaves outside its rate."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from redis.asyncio import Redis

from connectors.errors import RateLimitedError
from connectors.limits import TicketSpentError, Window
from tests.harness.clock import Clock
from tests.integration.ledger.money import DAY_MS, grant, question
from tests.integration.ledger.test_limiter import limiter_of, most_in_any
from tests.integration.ledger.test_spool import settle
from worker.ledger.money.budgets import Booked, BudgetLine, Budgets
from worker.ledger.money.lookup_ticket import LookupTicket
from worker.ledger.money.spool import Spool
from worker.ledger.money.ticket_values import Granted, KeepingTimes
from worker.ledger.money.tickets import Desk
from worker.ledger.rates.limiter import RedisLimiter
from worker.ledger.rates.pauses import Pauses
from worker.ledger.scripts import Scripts, Value

LINE = BudgetLine("forager:day:0", 10_000, 0, 1 << 45)  # of Redis' clock and of the fixture's alike


async def departing(
    desk: Desk, limiter: RedisLimiter, folder: Path, slug: str = "ann-lee"
) -> tuple[LookupTicket, Granted]:
    """A ticket whose slot is left to its ``sent``."""
    granted = await grant(desk, question(slug), lines=[LINE])
    keep = KeepingTimes(DAY_MS, DAY_MS)
    ticket = LookupTicket(desk, granted, settle=settle, spool=Spool(folder), keep=keep, is_sheltered=True)
    await ticket.slot(limiter, "main")
    return ticket, granted


async def state(scripts: Scripts, granted: Granted) -> str:
    found: bytes = await scripts.call("HGET", scripts.keys("ticket", granted.ticket_id), "state")
    return found.decode()


async def slots_taken(scripts: Scripts) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = await scripts.call("HGETALL", scripts.keys("rate", "forager:main"))
    return found


class HeardScripts(Scripts):
    """Writes down which steps are taken, and how long the longest took."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.taken: list[str] = []
        self.longest_s = 0.0

    async def run(self, script: str, /, **named: Value) -> Any:
        self.taken.append(script)
        began = perf_counter()
        reply = await super().run(script, **named)
        self.longest_s = max(self.longest_s, perf_counter() - began)
        return reply


async def test_near_slot_and_sent_are_one_step(redis: Redis, tmp_path: Path) -> None:
    scripts = HeardScripts(redis)
    ticket, granted = await departing(Desk(scripts), limiter_of(scripts, Window(10, 1)), tmp_path)
    assert not await slots_taken(scripts)
    scripts.taken.clear()
    await ticket.sent()
    assert scripts.taken == ["ticket_sent"]
    assert await state(scripts, granted) == "sent"
    assert await slots_taken(scripts)


async def test_call_whose_slot_is_far_stays_reserved_until_it_has_come(redis: Redis, tmp_path: Path) -> None:
    scripts = Scripts(redis)
    desk, limiter = Desk(scripts), limiter_of(scripts, Window(2, 1))
    await limiter.slot("main")
    ticket, granted = await departing(desk, limiter, tmp_path)
    taken = await slots_taken(scripts)
    leaving = asyncio.create_task(ticket.sent())
    while await slots_taken(scripts) == taken:  # noqa: ASYNC110  # in Redis
        await asyncio.sleep(0)
    assert await state(scripts, granted) == "reserved"
    assert not ticket.is_leaving
    await leaving
    assert await state(scripts, granted) == "sent"
    assert ticket.is_leaving


async def test_call_that_meets_a_pause_is_given_back(scripts: Scripts, tmp_path: Path) -> None:
    ticket, granted = await departing(Desk(scripts), limiter_of(scripts, Window(10, 1)), tmp_path)
    await Pauses(scripts).pause("forager:main", "operator")
    with pytest.raises(RateLimitedError):
        await ticket.sent()
    assert await state(scripts, granted) == "released"
    assert (await Budgets(scripts).booked([LINE.name]))[LINE.name] == Booked()


async def test_pause_that_begins_while_a_call_waits_for_its_slot_gives_it_back(redis: Redis, tmp_path: Path) -> None:
    scripts = Scripts(redis)
    limiter = limiter_of(scripts, Window(1, 1))
    await limiter.slot("main")
    ticket, granted = await departing(Desk(scripts), limiter, tmp_path)
    taken = await slots_taken(scripts)
    leaving = asyncio.create_task(ticket.sent())
    while await slots_taken(scripts) == taken:  # noqa: ASYNC110  # in Redis
        await asyncio.sleep(0)
    await limiter_of(scripts, Window(1, 1)).limited("main", 7.0)
    with pytest.raises(RateLimitedError):
        await leaving
    assert await state(scripts, granted) == "released"


async def test_ticket_that_was_taken_over_takes_no_slot(scripts: Scripts, tmp_path: Path) -> None:
    desk = Desk(scripts)
    ticket, granted = await departing(desk, limiter_of(scripts, Window(10, 1)), tmp_path)
    await desk.release(granted, "by somebody else")
    with pytest.raises(TicketSpentError):
        await ticket.sent()
    assert not await slots_taken(scripts)


async def test_repeat_of_a_step_that_sent_takes_no_other_slot(scripts: Scripts, clock: Clock, tmp_path: Path) -> None:
    desk, limiter = Desk(scripts), limiter_of(scripts, Window(10, 1))
    ticket, granted = await departing(desk, limiter, tmp_path)
    await ticket.sent()
    taken = await slots_taken(scripts)
    assert not await limiter.within("main", lambda asked: desk.sent_within(granted, asked))
    assert await slots_taken(scripts) == taken


async def test_two_workers_calls_never_exceed_their_rate(redis_socket: Path, redis: Redis, tmp_path: Path) -> None:
    window, each = Window(60, 1), 60
    left: list[float] = []
    late_s: list[float] = []  # what a busy machine adds between a slot and its call
    loop = asyncio.get_running_loop()

    async def worker(name: str) -> None:
        client = Redis(unix_socket_path=str(redis_socket))
        scripts = HeardScripts(client)
        desk, limiter = Desk(scripts), limiter_of(scripts, window)

        async def call(number: int) -> None:
            ticket, _ = await departing(desk, limiter, tmp_path, f"{name}-{number}")
            await ticket.sent()
            left.append(loop.time())

        await asyncio.gather(*(call(number) for number in range(each)))
        late_s.append(scripts.longest_s)
        await client.aclose()

    await asyncio.gather(worker("one"), worker("other"))
    assert len(left) == 2 * each
    assert most_in_any(left, max(0.5, 1 - max(late_s))) <= 60
