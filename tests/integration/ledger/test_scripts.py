"""Scripts survive a Redis that forgot them, and say plainly when Redis cannot be relied on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import ConnectionPool, Redis, UnixDomainSocketConnection
from redis.exceptions import DataError, ResponseError

from connectors.batching import JOINER, Joiners
from tests.harness.clock import Clock
from worker.ledger.keys import Keys
from worker.ledger.scripts import LedgerUnavailableError, Scripts
from worker.redis.together import Together


async def test_pipelined_script_runs_after_redis_forgot_it(scripts: Scripts, redis: Redis, clock: Clock) -> None:
    await redis.script_flush()
    async with redis.pipeline(transaction=False) as pipe:
        await scripts.queue(pipe, "time_now")
        clock.pass_ms(5)
        await scripts.queue(pipe, "time_now")
        assert await pipe.execute() == [b"1800000000000", b"1800000000005"]


async def test_without_a_clock_time_is_that_of_redis(redis: Redis) -> None:
    scripts = Scripts(redis)
    before = await scripts.now()
    during = int(await scripts.run("time_now"))
    assert before <= during <= await scripts.now()


async def test_redis_that_is_away_is_unavailable(tmp_path: Path) -> None:
    away = Redis(unix_socket_path=str(tmp_path / "none.sock"))
    with pytest.raises(LedgerUnavailableError):
        await Scripts(away).run("time_now")
    await away.aclose()


async def test_full_redis_is_unavailable(scripts: Scripts, redis: Redis) -> None:
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(LedgerUnavailableError):
            await scripts.call("SET", "any", "value")
        with pytest.raises(LedgerUnavailableError):
            await scripts.calls([("SET", "any", "value")])
        with pytest.raises(LedgerUnavailableError):
            await scripts.run("timetable_due", tasks=[("poll", 1, 1)])
    finally:
        await redis.config_set("maxmemory", "0")


async def test_read_only_redis_is_unavailable(scripts: Scripts, redis: Redis) -> None:
    await redis.config_set("replica-read-only", "yes")
    await redis.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(LedgerUnavailableError):
            await scripts.run("timetable_due", tasks=[("poll", 1, 1)])
    finally:
        await redis.replicaof("NO", "ONE")


async def test_refused_command_does_not_show_its_values(scripts: Scripts, redis: Redis) -> None:
    await redis.set("refill:text", "x")
    with pytest.raises(ResponseError) as raised:
        await scripts.calls([("HSET", "refill:text", "field", "a person's value")])
    assert "person" not in str(raised.value)


async def test_value_that_is_no_argument_is_our_mistake(scripts: Scripts) -> None:
    with pytest.raises(DataError):
        await scripts.call("SET", "any", None)  # type: ignore[arg-type]  # the mistake


def test_key_with_wrong_number_of_parts_is_refused() -> None:
    with pytest.raises(TypeError):
        Keys()("due", "acme")


async def test_steps_of_visits_wait_for_each_other_while_another_visit_is_at_work(
    redis: Redis, redis_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.ledger.scripts.LONGEST_S", 99_999.0)
    monkeypatch.setattr("worker.ledger.scripts.EACH_S", 99_999.0)
    together = Together(connection_pool=ConnectionPool(UnixDomainSocketConnection, path=str(redis_socket)))
    scripts, joiners, ends = Scripts(together), Joiners(nobody_awake=together.hasten), asyncio.Event()

    async def visit(*, waits: bool = False) -> int:
        JOINER.set(joiner := joiners.enter())
        if waits:
            await ends.wait()
        told = int(await scripts.run("time_now"))
        joiner.leave()
        return told

    async def count() -> int:
        return int((await redis.info("commandstats"))["cmdstat_evalsha"]["calls"])

    await asyncio.gather(*(scripts.run("time_now") for _ in range(2)))  # Redis has it now, for one and for many
    assert await asyncio.create_task(visit()) > 0  # alone, it waits for nobody
    before, last = await count(), asyncio.create_task(visit(waits=True))
    others = []
    for _ in range(3):
        others.append(asyncio.create_task(visit()))
        await redis.ping()
    assert not any(one.done() for one in others)
    ends.set()
    assert len({await one for one in (*others, last)}) == 1
    assert await count() - before == 1
    await together.aclose()
    await together.connection_pool.disconnect()
