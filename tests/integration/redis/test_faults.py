"""Goes on by itself after a Redis that was full, read-only, refusing or restarted, and pays nothing meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from redis.asyncio import Redis

from config.load import load
from tests.harness.redis import Server
from tests.harness.until import until
from tests.integration.scene import Scene, Worker
from worker.ledger.money.budgets import Totals
from worker.web.app import web_app

Step = Callable[[Redis], Awaitable[Any]]


async def full(redis: Redis) -> None:
    await redis.config_set("maxmemory", 1)


async def read_only(redis: Redis) -> None:
    await redis.replicaof("127.0.0.1", "1")


async def without_its_replicas(redis: Redis) -> None:
    await redis.config_set("min-replicas-to-write", 1)


async def allowed(redis: Redis, *categories: str) -> None:
    named = list(categories)
    await redis.acl_setuser("default", enabled=True, nopass=True, keys=["*"], channels=["*"], categories=named)


async def forbidding_writes(redis: Redis) -> None:
    await allowed(redis, "+@all", "-@write")


async def well(redis: Redis) -> None:
    await allowed(redis, "+@all")
    await redis.replicaof("NO", "ONE")
    await redis.config_set("maxmemory", 0)
    await redis.config_set("min-replicas-to-write", 0)


FAULTS = pytest.mark.parametrize("fault", [full, read_only, without_its_replicas, forbidding_writes])


async def visited(scene: Scene, worker: Worker) -> None:
    """Visits again until the record has settled: the lease of an abandoned one has to end first."""

    async def settled() -> bool:
        await scene.time_passes()
        await worker.visit()
        return (await scene.counts()).settled == 1

    await until(settled, "a settled record")


@FAULTS
async def test_crash_point_24_no_paid_call_starts_while_redis_takes_no_writes(scene: Scene, fault: Step) -> None:
    worker, id_ = await scene.begin()
    await scene.due(id_)
    visiting = await worker.held_at("hubspot", "*batch/read")  # the visit has begun, its record is being read
    await fault(scene.redis)
    scene.release("hubspot")
    await until(lambda: not len(worker.runtime.visits), "the end of the visit")
    assert (scene.asked(), scene.bill()) == (0, 0)
    await well(scene.redis)
    await worker.stopped(visiting)
    await visited(scene, worker)
    assert (scene.asked(), scene.bill(), bool(scene.email(id_))) == (1, 5, True)
    assert await scene.totals() == Totals(spent=5)


async def is_settled_from_the_disk(scene: Scene, worker: Worker, visiting: asyncio.Task[Any], id: str) -> None:
    await worker.stopped(visiting)
    await scene.accounted()
    await worker.upkeep()
    assert (worker.runtime.spool.pending(), await scene.totals()) == (0, Totals(spent=5))
    await visited(scene, worker)
    assert (scene.asked(), scene.bill(), bool(scene.email(id))) == (1, 5, True)


@FAULTS
async def test_a_reply_that_redis_does_not_take_is_on_the_disk_until_it_does(scene: Scene, fault: Step) -> None:
    worker, id_ = await scene.begin()
    await scene.due(id_)
    visiting = await worker.held_at()
    await fault(scene.redis)
    scene.release()
    await until(worker.runtime.spool.pending, "a spooled reply")
    await until(lambda: not len(worker.runtime.visits), "the end of the visit")
    await well(scene.redis)
    await is_settled_from_the_disk(scene, worker, visiting, id_)


async def test_redis_killed_during_a_paid_call_costs_nothing_and_loses_nothing(scene: Scene, server: Server) -> None:
    worker, id_ = await scene.begin()
    await scene.due(id_)
    visiting = await worker.held_at()
    server.kill()
    scene.release()
    await until(worker.runtime.spool.pending, "a spooled reply")
    server.start()
    await is_settled_from_the_disk(scene, worker, visiting, id_)


async def test_crash_point_24_redis_that_comes_back_in_time_is_not_noticed_and_scripts_are_sent_again(
    scene: Scene, server: Server
) -> None:
    worker, id_ = await scene.begin()
    await scene.due(id_)
    visiting = await worker.held_at()
    server.kill()
    server.start()  # without the scripts it had loaded
    scene.release()
    await visiting
    assert (worker.runtime.spool.pending(), await scene.totals()) == (0, Totals(spent=5))
    assert (scene.asked(), bool(scene.email(id_))) == (1, True)


@FAULTS
async def test_readiness_sees_that_redis_takes_no_writes(scene: Scene, fault: Step) -> None:
    settings = load(scene.folder / "refill.toml", {})
    await scene.ledger.timetable.beat("w1", {"shut": []})
    app = web_app(scene.ledger, settings, asyncio.Event())
    client_of = AsyncClient(transport=ASGITransport(app), base_url="http://refill")
    async with app.lifespan_context(app), client_of as client:
        assert (await client.get("/readyz")).status_code == 200
        await fault(scene.redis)
        told = await client.get("/readyz")
        assert (told.status_code, told.json()["status"]) == (503, "redis does not answer, or takes no writes")
        assert (await client.get("/healthz")).status_code == 200
        await well(scene.redis)
        assert (await client.get("/readyz")).status_code == 200
