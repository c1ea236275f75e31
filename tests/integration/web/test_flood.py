"""Opens and leaves connections without number while paid calls are on the wire: no answer and no post is lost.

Worker, web process, spool and the embedded Redis share one limit of descriptors, as in the smallest installation.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.harness.installation import Refill
from tests.harness.until import until
from tests.integration.intake import senders
from tests.integration.intake.test_strangers import half_a_body

PUBLIC = "https://refill.acme.example"
PATH = "/webhooks/hubspot/acme_hubspot"
POSTS, HELD, TIMES = 10, 5, 10
MOST_AT_ONCE = 500  # touched in a turn: they are to be many, not to outrun the machine
COME_AGAIN = 50  # a part of all in each turn, once all were there: several times what keeps every place taken
SILENT, HALF_A_HEAD = b"", b"POST /webhooks/hubspot/acme_hubspot HTTP/1.1\r\nhost: x\r\nx-more: "


@dataclass
class Flood:
    """Keeps ``size`` connections open that never say a whole request; who is dropped comes again.

    It has a thread of its own, so that senders do not wait in its turns, as no true sender waits for a stranger.
    """

    host: str
    port: int
    size: int
    opened: int = 0
    _open: list[socket.socket] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def press(self) -> None:
        """Replace those that were dropped."""
        self._open = [one for one in self._open if not dropped(one)]
        at_once = MOST_AT_ONCE if self.opened <= self.size else self.size // COME_AGAIN
        for _ in range(min(at_once, self.size - len(self._open))):
            client = socket.socket()
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect((self.host, self.port))
            self._open.append(client)
            self.opened += 1
        for at, one in enumerate(random.sample(self._open, min(MOST_AT_ONCE, len(self._open)))):
            with contextlib.suppress(OSError):
                one.send((SILENT, HALF_A_HEAD, half_a_body(), b"x")[at % 4])

    def keep(self) -> None:
        while not self._over.wait(0.2):
            self.press()
        for one in self._open:
            one.close()

    def end(self) -> None:
        self._over.set()


def dropped(client: socket.socket) -> bool:
    try:
        ended = client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        ended = True
    if ended:
        client.close()
    return ended


@asynccontextmanager
async def flooded(url: str, size: int) -> AsyncIterator[Flood]:
    host, _, port = url.removeprefix("http://").partition(":")
    flood = Flood(host, int(port), size)
    pressing = asyncio.create_task(asyncio.to_thread(flood.keep))
    try:
        yield flood
    finally:
        flood.end()
        await pressing


@pytest.fixture
def descriptors() -> Iterator[None]:
    """As many of the test's own as the system gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def post(http: httpx.AsyncClient, url: str, id: int) -> int:
    """Posts as HubSpot does: what is not taken comes again, ten times at the most. Gives how often it came."""
    body = senders.posted(senders.event(id=id))
    for times in range(1, TIMES + 1):
        headers = {**senders.signed(PUBLIC + PATH, body), "connection": "close"}
        with contextlib.suppress(httpx.TransportError):
            told = (await http.post(url + PATH, content=body, headers=headers)).status_code
            if told == 204:
                return times
            assert told == 503, "a sender is told to come again, and nothing else"
        await asyncio.sleep(0.1 * times)
    raise AssertionError(f"the post of {id} was never taken")


@pytest.mark.parametrize(
    ("connections", "files"), [(600, 256), pytest.param(5_000, 1_024, marks=pytest.mark.slow)], ids=["short", "whole"]
)
async def test_a_flood_loses_no_paid_answer_and_no_signed_post(
    refill: Refill, descriptors: None, connections: int, files: int
) -> None:
    refill.set(REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET=senders.SECRET, REFILL_WEB__PUBLIC_URL=PUBLIC)
    kaspr = refill.vendors["kaspr"]
    kaspr.control("hold", {"route": "/profile/*", "count": HELD})
    with refill.daemon("up", files=files) as up:
        url, began = await up.url(), time.monotonic()
        await until(lambda: kaspr.control("held")["held"], "a paid call on the wire")
        async with flooded(url, connections) as flood, httpx.AsyncClient(timeout=10) as http:
            await until(lambda: flood.opened > connections and up.events("web.crowded"), "connections turned away")
            came = [await post(http, url, 500 + at) for at in range(POSTS)]
            assert sum(came) <= 2 * POSTS, "a machine that is very busy asks some to come again, and not everybody"
            assert kaspr.control("held")["held"], "a paid call is still on the wire"
            async with refill.ledger() as ledger:

                async def settled() -> bool:
                    kaspr.control("release", {})
                    totals = await ledger.budgets.totals("kaspr")
                    return 0 < totals.spent == sum(row["credits"] for row in kaspr.charges()) and not totals.reserved

                await until(settled, "every paid answer in the books, under the flood")
                assert (await ledger.budgets.totals("kaspr")).uncertain == 0
        lasted = time.monotonic() - began
        loud = Counter((one["event"], one.get("reason")) for one in up.events() if one["level"] in {"warning", "error"})
        by_event = Counter(event for event, _ in loud.elements())
        assert by_event["web.crowded"] > 0 < by_event["web.malformed"]
        of_the_flood = {kind for kind in loud if kind[0] in {"web.crowded", "web.malformed", "webhook.refused"}}
        assert all(loud[kind] <= lasted + 2 for kind in of_the_flood), f"more than a line a second of a kind: {loud}"
        assert "Traceback" not in up.log.read_text(encoding="utf-8")
        beside = {kind: count for kind, count in loud.items() if kind not in of_the_flood}
        assert sum(beside.values()) <= 30, beside
        await up.drained()
