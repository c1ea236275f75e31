"""No budget is ever exceeded, with any number of workers."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.money import DAY_MS, day_line, grant, month_line, question, reply, send
from worker.ledger.money.budgets import Booked, BudgetLine, Budgets
from worker.ledger.money.ticket_values import Granted, TicketTerms
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import Scripts

ASKER = """
import asyncio, sys
from collections import Counter
from redis.asyncio import Redis
from tests.integration.ledger.money import question
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.scripts import Scripts
from worker.ledger.money.tickets import Desk, TicketTerms

async def main(socket, name, asks):
    client = Redis(unix_socket_path=socket)
    desk = Desk(Scripts(client))
    lines = [BudgetLine("forager:day:0", 1000), BudgetLine("forager:month:0", 5000)]
    outcomes = Counter()
    async def ask(first):
        for number in range(first, asks, 20):
            asked = question(f"{name}-{number}", price=1 + number % 3)
            answer = await desk.reserve(
                asked, TicketTerms(name, 60000, 1000), ref=None, lines=lines
            )
            if type(answer).__name__ == "Granted":
                outcomes["credits"] += asked.price
            outcomes[type(answer).__name__] += 1
    await asyncio.gather(*(ask(first) for first in range(20)))
    await client.aclose()
    print(*(outcomes[word] for word in ("credits", "Granted", "NoBudget")))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.mark.parametrize(
    "asks", [pytest.param(400, id="short"), pytest.param(2_500, id="long", marks=pytest.mark.slow)]
)
async def test_eight_processes_asking_at_once_use_exactly_the_cap(
    redis_socket: Path, redis: Redis, budgets: Budgets, asks: int
) -> None:
    racing = 8
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", ASKER, str(redis_socket), f"w{number}", str(asks), stdout=asyncio.subprocess.PIPE
        )
        for number in range(racing)
    ]
    sums = Counter[str]()
    for racer in racers:
        printed, _ = await racer.communicate()
        assert racer.returncode == 0
        for word, figure in zip(("credits", "granted", "refused"), printed.split(), strict=True):
            sums[word] += int(figure)
    assert sums["credits"] == 1_000
    assert sums["granted"] + sums["refused"] == racing * asks
    booked = await budgets.booked(["forager:day:0", "forager:month:0"])
    assert set(booked.values()) == {Booked(spent=0, reserved=1_000)}


async def test_askers_of_one_question_pay_once(redis_socket: Path, redis: Redis, budgets: Budgets) -> None:
    clients = [Redis(unix_socket_path=str(redis_socket)) for _ in range(4)]
    desks = [Desk(Scripts(client)) for client in clients]
    line = BudgetLine("forager:day:0", 1000)
    answers = await asyncio.gather(
        *(
            desks[number % 4].reserve(question(), TicketTerms("w", 60_000, 1000), ref=None, lines=[line])
            for number in range(200)
        )
    )
    assert sum(isinstance(answer, Granted) for answer in answers) == 1
    assert (await budgets.booked([line.name]))[line.name] == Booked(reserved=5)
    for client in clients:
        await client.aclose()


async def test_reservation_counts_in_the_day_it_was_taken(desk: Desk, budgets: Budgets, clock: Clock) -> None:
    ticket = await send(desk, lines=[day_line(day=0), month_line()], deadline_ms=2 * DAY_MS)
    clock.pass_ms(DAY_MS)
    await grant(desk, question("b"), lines=[day_line(day=1), month_line()])
    await desk.store(ticket, reply(), credits=4, hit=True, keep_ms=DAY_MS)
    booked = await budgets.booked([day_line(day=0).name, day_line(day=1).name, month_line().name])
    assert list(booked.values()) == [Booked(4, 0), Booked(0, 5), Booked(4, 5)]


@pytest.mark.parametrize(
    ("cap", "share", "left"), [(10, 0.3, 7), (100, 0.1, 90), (7, 0.5, 3), (5, 0.0, 5), (5, 1.0, 0)]
)
def test_closed_share_of_a_day_is_left_to_live(cap: int, share: float, left: int) -> None:
    assert day_line(cap).open(share) == left
    assert month_line(cap).open(share) == cap


async def test_line_outlives_its_day_longer_than_an_uncertain_lookup(desk: Desk, redis: Redis) -> None:
    await grant(desk)
    assert await redis.pttl(desk._scripts.keys("budget", day_line().name)) > 90 * DAY_MS


async def test_line_redis_dropped_stays_so_at_a_late_settlement(desk: Desk, redis: Redis, budgets: Budgets) -> None:
    ticket = await send(desk)
    key = desk._scripts.keys("budget", day_line().name)
    await redis.delete(key)
    await desk.store(ticket, reply(), credits=4, hit=True, keep_ms=DAY_MS)
    assert not await redis.exists(key)
    assert (await budgets.totals("forager")).spent == 4
