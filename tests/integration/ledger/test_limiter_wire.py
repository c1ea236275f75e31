"""A rate holds where it counts: at the vendor, whatever time tickets and connections take on the way."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import ClassVar

from connectors.errors import RateLimitedError
from connectors.limits import Limiter, Window, take_slot
from connectors.operations import Operation, Repeat
from connectors.transport import NoAuth, Transport
from tests.contract.wire import Wire, answers, wire
from tests.integration.ledger.test_limiter import limiter_of, most_in_any
from worker.ledger.scripts import Scripts

LOOKUP = Operation("lookup", "POST", "/lookup", Repeat.PAID, credits=1, bucket="main")
RATE, CALLS, SLOW_S = 10, 25, 0.3


class SlowTicket:
    """A ticket whose step takes its time, as a disk does."""

    is_sheltered: ClassVar[bool] = True

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s

    async def slot(self, limiter: Limiter, bucket: str) -> None:
        await take_slot(limiter, bucket)

    async def sent(self) -> None:
        await asyncio.sleep(self._takes_s)

    async def stored(self, reply: object) -> None: ...

    async def released(self, cause: str) -> None: ...

    async def uncertain(self, cause: str) -> None: ...


async def test_no_second_holds_more_calls_than_its_rate_however_long_tickets_take(scripts: Scripts) -> None:
    takes_s, arrived = itertools.cycle([SLOW_S, *[0.0] * RATE]), list[float]()
    loop = asyncio.get_running_loop()
    answer = answers(200)

    async def noted(served: Wire, writer: asyncio.StreamWriter) -> None:
        arrived.append(loop.time())
        await answer(served, writer)

    limiter = limiter_of(scripts, Window(RATE, 1))

    async def asks(transport: Transport) -> None:
        while len(arrived) < CALLS:
            with suppress(RateLimitedError):
                await transport.send(LOOKUP, json={}, ticket=SlowTicket(next(takes_s)))

    async with wire(noted) as served:
        transport = Transport("forager", served.url, NoAuth(), limiter)
        await asyncio.gather(*(asks(transport) for _ in range(2 * RATE)))
        await transport.aclose()
    assert most_in_any(arrived, 1.0) <= RATE
