"""Dies in rows 1 to 4 of the failure model: the way of an event from its sender into the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from redis.asyncio import ConnectionPool, Redis

from tests.harness.redis import Server
from tests.integration.intake.conftest import Door, settings_in
from tests.integration.intake.senders import event, now_ms, posted
from tests.integration.scene import Life, Mortal
from worker.ledger.ledger import Ledger
from worker.ledger.work.work import Settlement
from worker.web.app import web_app
from worker.web.server import listen, serve

TAKEN = "intake_announce"


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    found.start()
    yield found
    found.close()


@asynccontextmanager
async def open_door(socket: Path, folder: Path, life: Life | None = None) -> AsyncIterator[Door]:
    """A web process whose connection to Redis lasts as long as ``life``."""
    pool = ConnectionPool(connection_class=Mortal, path=str(socket), life=life or Life())
    redis, plain, stop = Redis(connection_pool=pool), Redis(unix_socket_path=str(socket)), asyncio.Event()
    settings = settings_in(folder)
    bound = listen(settings.web)
    serving = asyncio.create_task(serve(web_app(Ledger.over(redis), settings, stop), bound, stop, grace_s=1))
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        host, port = bound.getsockname()[:2]
        yield Door(f"http://{host}:{port}", http, plain)
    stop.set()
    await serving
    await pool.disconnect()
    await plain.aclose()


async def test_crash_point_01_before_2xx_nothing_is_half_accepted_and_comes_again(
    server: Server, tmp_path: Path
) -> None:
    body = posted(event(id=101), event(id=102))
    async with open_door(server.socket, tmp_path, Life(before=TAKEN)) as door:
        assert (await door.hubspot(body)).status_code == 503
        assert await door.due() == []
    async with open_door(server.socket, tmp_path) as door:
        assert (await door.hubspot(body)).status_code // 100 == 2
        assert await door.due() == ["101", "102"]


async def test_crash_point_02_accepted_and_not_answered_is_one_visit_however_often(
    server: Server, tmp_path: Path
) -> None:
    body = posted(event(id=101))
    async with open_door(server.socket, tmp_path, Life(after=TAKEN)) as door:
        assert (await door.hubspot(body)).status_code == 503
        assert await door.due() == ["101"]
    async with open_door(server.socket, tmp_path) as door:
        for _ in range(3):
            assert (await door.hubspot(body)).status_code // 100 == 2
        assert [lease.id for lease in await door.leases()] == ["101"]
        assert await door.leases() == []


async def test_crash_point_03_what_was_answered_2xx_survives_a_power_cut(server: Server, tmp_path: Path) -> None:
    async with open_door(server.socket, tmp_path) as door:
        assert (await door.hubspot(posted(event(id=101)))).status_code // 100 == 2
        answered = server.length()
        await door.hubspot(posted(event(id=102)))
        server.kill()
        server.cut(answered)  # all that the disk had when the sender heard 2xx
        server.start()
    async with open_door(server.socket, tmp_path) as door:
        assert await door.due() == ["101"]
        assert (await door.hubspot(posted(event(id=102)))).status_code // 100 == 2
        assert await door.due() == ["101", "102"]


@pytest.mark.parametrize("left", [1, 9, 40])
async def test_crash_point_03_half_of_a_command_that_nobody_heard_of_harms_nothing(
    server: Server, tmp_path: Path, left: int
) -> None:
    async with open_door(server.socket, tmp_path) as door:
        assert (await door.hubspot(posted(event(id=101)))).status_code // 100 == 2
        answered = server.length()
        await door.hubspot(posted(event(id=102)))
        server.kill()
        server.cut(answered + left)
        server.start()
    async with open_door(server.socket, tmp_path) as door:
        assert await door.due() == ["101"]


async def test_crash_point_04_double_reordered_and_late_events_have_one_effect(server: Server, tmp_path: Path) -> None:
    now = now_ms()
    first, second = event(id=101, occurredAt=now - 60_000), event(id=101, occurredAt=now - 30_000)
    async with open_door(server.socket, tmp_path) as door:
        for raw in (second, first, second, first):
            assert (await door.hubspot(posted(raw))).status_code // 100 == 2
        (lease,) = await door.leases()
        work = door.ledger.work("acme_hubspot", "contact")
        read = Settlement(fingerprint="as it was read", stamp=now - 30_000, read_at=now)
        await work.settle(lease, read)
        for raw in (first, second, first):  # hours late, for all we know
            assert (await door.hubspot(posted(raw))).status_code // 100 == 2
        assert await door.due() == []
        assert (await door.hubspot(posted(event(id=101, occurredAt=now + 1)))).status_code // 100 == 2
        assert await door.due() == ["101"]
