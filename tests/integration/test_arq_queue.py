from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
import pickle
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from arq.connections import ArqRedis
from arq.worker import Worker
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.load import load
from tests.harness import until as waiting
from worker.redis.connection import open_redis
from worker.service.arq_queue import Doorbell, Job, QueueProcess, _arq, _at, _guarded, _Ringing, work

ROOT = Path(__file__).parents[2]


@dataclass
class Heard:
    """The runtime of these tests: what jobs were run with."""

    payloads: list[Mapping[str, Any]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0


async def hear(heard: Heard, payload: Mapping[str, Any]) -> None:
    heard.payloads.append(payload)


async def fail(heard: Heard, payload: Mapping[str, Any]) -> None:
    heard.payloads.append(payload)
    raise ValueError("of jane.canary@acme.com")


async def hold(heard: Heard, payload: Mapping[str, Any]) -> None:
    heard.payloads.append(payload)
    heard.begun.set()
    try:
        await heard.go_on.wait()
    except asyncio.CancelledError:
        heard.cancelled += 1
        raise


async def lose(heard: Heard, payload: Mapping[str, Any]) -> None:
    """Awaits something that somebody else cancelled."""
    heard.payloads.append(payload)
    inner = asyncio.ensure_future(asyncio.sleep(10))
    inner.cancel()
    await inner


JOBS = [Job("hear", hear, 30), Job("fail", fail, 30), Job("hold", hold, 600), Job("lose", lose, 30)]


until = partial(waiting.until, within_s=15.0, look_s=0.01)


@contextlib.asynccontextmanager
async def working(
    redis: Redis, heard: Heard, jobs: list[Job[Heard]] | None = None, *, grace_s: float = 5, **options: Any
) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    ticks = options.pop("ticks", {})
    task = asyncio.create_task(work(heard, jobs or JOBS, ticks, redis, stop=stop, grace_s=grace_s, **options))
    yield stop
    stop.set()
    async with asyncio.timeout(grace_s + 5):
        await task


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def doorbell(redis: Redis) -> Doorbell:
    return Doorbell(redis)


async def keys(redis: Redis) -> set[bytes]:
    return {key for key in await redis.keys("arq:*") if b"health" not in key}


async def nothing_left(redis: Redis) -> bool:
    return not await keys(redis)


async def test_job_runs_with_its_payload_and_leaves_nothing(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard):
        assert await doorbell.ring("hear", "a", {"crm": "acme_hubspot", "n": 1})
        await until(lambda: heard.payloads == [{"crm": "acme_hubspot", "n": 1}])
        await until(lambda: nothing_left(redis))


async def test_equal_rings_are_one_until_the_job_ended(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    assert await doorbell.ring("hold", "a")
    assert not await doorbell.ring("hold", "a")
    assert await doorbell.ring("hold", "b")
    async with working(redis, heard):
        await until(lambda: len(heard.payloads) == 2)
        assert not await doorbell.ring("hold", "a")
        heard.go_on.set()
        await until(lambda: nothing_left(redis))
        assert await doorbell.ring("hold", "a")
        await until(lambda: len(heard.payloads) == 3)


async def test_delayed_ring_waits(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    began = time.monotonic()
    await doorbell.ring("hear", "late", {"late": True}, delay_s=0.4)
    await doorbell.ring("hear", "now", {"late": False})
    async with working(redis, heard):
        await until(lambda: len(heard.payloads) == 2)
    assert [payload["late"] for payload in heard.payloads] == [False, True]
    assert time.monotonic() - began > 0.4


async def test_job_that_raises_is_told_by_class_and_harms_none(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    with structlog.testing.capture_logs() as logs:
        async with working(redis, heard, process=QueueProcess(most_jobs=2)):
            for number in range(6):
                await doorbell.ring("fail", str(number), {"record_id": f"id-{number}"})
            await until(lambda: len(heard.payloads) == 6)
            await doorbell.ring("hear", "after")
            await until(lambda: len(heard.payloads) == 7)
            await until(lambda: nothing_left(redis))
    failures = [line for line in logs if line["event"] == "job.failed"]
    assert [line["error"] for line in failures] == ["ValueError"] * 6
    assert all("id-" not in repr(line) for line in logs)


async def test_cancellation_of_another_starts_no_job_again(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard):
        await doorbell.ring("lose", "a", {"n": 1})
        await until(lambda: len(heard.payloads) == 1)
        await until(lambda: nothing_left(redis))
    assert len(heard.payloads) == 1


async def test_job_that_takes_too_long_is_ended(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard, [Job("hold", hold, 0.2)]):
        await doorbell.ring("hold", "a")
        await until(lambda: heard.cancelled == 1)
        await until(lambda: nothing_left(redis))


async def test_job_that_nobody_knows_is_dropped_alone(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard):
        await doorbell.ring("removed_in_this_version", "a")
        await doorbell.ring("hear", "b")
        await until(lambda: len(heard.payloads) == 1)
        await until(lambda: nothing_left(redis))


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("refill-bomb",))


@pytest.mark.parametrize("payload", [pickle.dumps({"f": Bomb()}), b"[]", b"{}", b"\xff"])
async def test_payload_of_a_stranger_is_never_unpickled(
    redis: Redis, doorbell: Doorbell, heard: Heard, payload: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await redis.set("arq:job:stranger", payload, px=60_000)
    await redis.zadd("arq:queue", {"stranger": 1})
    async with working(redis, heard):
        await doorbell.ring("hear", "a")
        await until(lambda: len(heard.payloads) == 1)
        await until(lambda: nothing_left(redis))
    assert not list(tmp_path.iterdir())


async def test_deleting_all_keys_of_arq_only_needs_another_ring(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard, process=QueueProcess(most_jobs=3)):
        for number in range(3):
            await doorbell.ring("hold", str(number), {"n": number})
        await until(lambda: len(heard.payloads) == 3)
        await doorbell.ring("hear", "lost", {"n": 3})
        await redis.delete(*await redis.keys("arq:*"))
        heard.go_on.set()
        await doorbell.ring("hear", "again", {"n": 4})
        await until(lambda: {"n": 4} in heard.payloads)
        assert {"n": 3} not in heard.payloads
        await until(lambda: nothing_left(redis))


async def test_worker_that_cannot_begin_is_followed_by_another(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    await redis.acl_setuser("default", enabled=True, commands=["-info"])  # arq asks for it before anything else
    try:
        with structlog.testing.capture_logs() as logs:
            async with working(redis, heard):
                await until(lambda: any(line["event"] == "queue.lost" for line in logs))
                await redis.acl_setuser("default", enabled=True, commands=["+info"])
                await doorbell.ring("hear", "a")
                await until(lambda: len(heard.payloads) == 1)
    finally:
        await redis.acl_setuser("default", enabled=True, commands=["+info"])


async def test_connections_that_are_cut_leak_no_slot(redis: Redis, heard: Heard) -> None:
    worker = _Ringing(heard, JOBS, [], _arq(redis), QueueProcess(most_jobs=5))
    stop = asyncio.Event()
    running = asyncio.create_task(worker.until(stop, 5))
    doorbell = Doorbell(redis)
    await doorbell.ring("hear", "first", {"n": 150})
    await until(lambda: bool(heard.payloads))  # one that is cut while it begins ends, and work() begins another
    rung = {150}
    for number in range(150):
        while not await doorbell.ring("hear", str(number), {"n": number}) and number not in rung:
            if await redis.exists(f"arq:job:hear:{number}") or {"n": number} in heard.payloads:
                break
        rung.add(number)
        if number % 3 == 0:
            with contextlib.suppress(RedisError):
                await redis.client_kill_filter(_type="normal", skipme=True)
    await until(lambda: running.done() or {payload["n"] for payload in heard.payloads} == rung, within_s=60)
    assert not running.done()
    await until(lambda: not worker._running())
    assert worker.job_counter == 0
    assert worker.sem._value == worker.max_jobs + 1
    stop.set()
    await running


async def test_failed_claim_leaks_a_slot_in_arq_itself(redis: Redis, heard: Heard) -> None:
    """Why ``start_jobs`` is overridden. When this fails, arq has mended it."""
    broken = Redis(unix_socket_path="/nowhere/redis.sock")
    stock = Worker([_guarded(JOBS[0], heard)], redis_pool=_arq(broken), handle_signals=False)
    with pytest.raises(RedisError):
        await stock.start_jobs([b"any"])
    assert stock.job_counter == 1
    ours = _Ringing(heard, JOBS, [], _arq(broken), QueueProcess(most_jobs=5))
    with pytest.raises(RedisError):
        await ours.start_jobs([b"any"])
    assert ours.job_counter == 0
    await broken.aclose()


def test_what_is_overridden_was_read_in_this_version() -> None:
    assert importlib.metadata.version("arq") == "0.28.0"


async def test_restart_of_redis_is_waited_out(tmp_path: Path, heard: Heard) -> None:
    (tmp_path / "refill.toml").write_text('data_dir = "data"')
    async with open_redis(load(tmp_path / "refill.toml", {})) as redis:
        doorbell = Doorbell(redis)
        async with working(redis, heard, process=QueueProcess(most_jobs=3)):
            await doorbell.ring("hold", "through", {"n": 0})
            await heard.begun.wait()
            for number in (1, 2):
                os.kill((await redis.info("server"))["process_id"], signal.SIGKILL)
                heard.go_on.set()
                await until(lambda number=number: doorbell.ring("hear", f"{number}", {"n": number}), within_s=30)  # type: ignore[misc]  # mypy knows no defaults of lambdas
                await until(lambda number=number: {"n": number} in heard.payloads, within_s=30)  # type: ignore[misc]
            assert [payload for payload in heard.payloads if payload == {"n": 0}] == [{"n": 0}]


async def test_stop_lets_running_jobs_end_and_starts_no_other(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard, grace_s=10) as stop:
        await doorbell.ring("hold", "a", {"n": 1})
        await heard.begun.wait()
        stop.set()
        await asyncio.sleep(0)
        await doorbell.ring("hear", "b", {"n": 2})
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, heard.go_on.set)
    assert heard.payloads == [{"n": 1}]
    assert heard.cancelled == 0
    assert await redis.zrange("arq:queue", 0, -1) == [b"hear:b"]


async def test_worker_ends_though_its_cancellation_is_swallowed(redis: Redis, heard: Heard) -> None:
    """As asyncio.wait_for does on Python 3.11 when what it waits for ends in the same moment."""
    waits = asyncio.Event()

    class Deaf(ArqRedis):
        async def zrangebyscore(self, *_: object, **__: object) -> list[bytes]:
            with contextlib.suppress(asyncio.CancelledError):
                waits.set()
                await asyncio.Event().wait()
            return []

    worker = _Ringing(heard, JOBS, [], Deaf(redis.connection_pool), QueueProcess(most_jobs=5))
    stop = asyncio.Event()
    running = asyncio.create_task(worker.until(stop, 5))
    await waits.wait()
    stop.set()
    async with asyncio.timeout(5):
        await running


PROCESS = """
import asyncio, signal, sys
from redis.asyncio import Redis
from worker.service.arq_queue import Job, work

async def hold(redis, payload):
    await redis.set("refill:begun", 1)
    while not await redis.get("refill:go"):
        await asyncio.sleep(0.01)
    await redis.set("refill:ended", 1)

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Redis(unix_socket_path=sys.argv[1]) as redis:
        await work(redis, [Job("hold", hold, 30)], {}, redis, stop=stop, grace_s=20)

asyncio.run(main())
"""


async def test_sigterm_drains_a_process_which_ends_well(redis: Redis, redis_socket: Path, doorbell: Doorbell) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, str(redis_socket), cwd=ROOT)
    try:
        await doorbell.ring("hold", "a")
        await until(lambda: _is_set(redis, "refill:begun"))
        process.terminate()
        await doorbell.ring("hold", "b")
        await redis.set("refill:go", 1)
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert await _is_set(redis, "refill:ended")


async def _is_set(redis: Redis, key: str) -> bool:
    return bool(await redis.exists(key))


async def test_job_that_outlives_the_grace_is_free_for_others(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard, grace_s=0.2) as stop:
        await doorbell.ring("hold", "a", {"n": 1})
        await heard.begun.wait()
        stop.set()
    assert heard.cancelled == 1
    heard.go_on.set()
    async with working(redis, heard):
        await until(lambda: len(heard.payloads) == 2, within_s=2)


async def test_job_of_a_killed_worker_is_locked_for_seconds(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    async with working(redis, heard):
        await doorbell.ring("hold", "a")
        await heard.begun.wait()
        assert 0 < await redis.pttl("arq:in-progress:hold:a") <= 20_000
        heard.go_on.set()


async def test_lock_of_a_running_job_is_kept_up(redis: Redis, doorbell: Doorbell, heard: Heard) -> None:
    worker = _Ringing(heard, JOBS, [], _arq(redis), QueueProcess(most_jobs=5))
    stop = asyncio.Event()
    running = asyncio.create_task(worker.until(stop, 5))
    await doorbell.ring("hold", "a")
    await heard.begun.wait()
    await redis.pexpire("arq:in-progress:hold:a", 15_000)
    worker._extended = 0.0
    await until(lambda: _above(redis, 16_000))
    heard.go_on.set()
    stop.set()
    await running


async def _above(redis: Redis, ms: int) -> bool:
    return int(await redis.pttl("arq:in-progress:hold:a")) > ms


async def test_two_workers_tick_once_between_them(redis: Redis) -> None:
    heard, other = Heard(), Heard()
    async with working(redis, heard, ticks={"hear": 1}), working(redis, other, ticks={"hear": 1}):
        began = time.monotonic()
        await until(lambda: len(heard.payloads) + len(other.payloads) >= 4)
        passed = time.monotonic() - began
    assert passed > 1.5  # two at the start at most, then one a second
    assert len(heard.payloads) + len(other.payloads) <= 4 + passed


async def test_each_process_has_a_sign_of_life_of_its_own(redis: Redis, heard: Heard) -> None:
    async with working(redis, heard, process=QueueProcess("w1")), working(redis, heard, process=QueueProcess("w2")):
        await until(lambda: _alive(redis, "w1", "w2"))
    assert not await redis.keys("arq:health-check:*")


async def test_a_worker_says_that_it_lives_while_it_looks_into_the_queue(redis: Redis, heard: Heard) -> None:
    beats: list[int] = []
    async with working(redis, heard, process=QueueProcess(alive=lambda: beats.append(1))):
        await until(lambda: len(beats) > 5)


async def test_a_worker_that_waits_for_redis_lives(heard: Heard) -> None:
    beats: list[int] = []
    away = Redis(unix_socket_path="/nowhere/redis.sock")
    async with working(away, heard, process=QueueProcess(alive=lambda: beats.append(1))):
        await until(lambda: len(beats) > 1)
    await away.aclose()


async def _alive(redis: Redis, *processes: str) -> bool:
    return int(await redis.exists(*(f"arq:health-check:{process}" for process in processes))) == len(processes)


async def test_ring_that_redis_cannot_take_is_told_and_forgiven() -> None:
    broken = Redis(unix_socket_path="/nowhere/redis.sock")
    with structlog.testing.capture_logs() as logs:
        assert not await Doorbell(broken).ring("hear", "a", {"record_id": "1"})
    assert [line["event"] for line in logs] == ["doorbell.failed"]
    await broken.aclose()


@pytest.mark.parametrize("every", [0, -5, 7, 90, 50 * 60, 5 * 3600, 86_400])
async def test_tick_that_no_clock_shows_is_refused(redis: Redis, heard: Heard, every: int) -> None:
    with pytest.raises(ValueError, match="cannot be ticked"):
        await work(heard, JOBS, {"hear": every}, redis, stop=asyncio.Event(), grace_s=1)


async def test_tick_for_no_job_is_refused(redis: Redis, heard: Heard) -> None:
    with pytest.raises(ValueError, match="no job to ring for: sweep"):
        await work(heard, JOBS, {"sweep": 5}, redis, stop=asyncio.Event(), grace_s=1)


@pytest.mark.parametrize(
    ("every", "at"),
    [
        (1, {"second": set(range(60))}),
        (30, {"second": {0, 30}}),
        (60, {"minute": set(range(60)), "second": 0}),
        (1800, {"minute": {0, 30}, "second": 0}),
        (6 * 3600, {"hour": {0, 6, 12, 18}, "minute": 0, "second": 0}),
    ],
)
def test_tick_is_what_a_clock_shows(every: int, at: dict[str, Any]) -> None:
    assert _at(every) == at
