"""Wraps arq; no other file knows it. It rings, and stores nothing that may not be lost.

A job says "look at this work". It does no harm if a job is dropped, repeated or doubled, because a record leaves the
work only when it is settled. Works around the faults of arq 0.28.0: it dies when Redis goes away, it leaks a slot for
each failed claim, a killed job stays locked for as long as it might have run, and it would load pickles.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Generic, TypeVar

import structlog
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix
from arq.cron import CronJob, cron
from arq.typing import WorkerCoroutine
from arq.worker import Function, Worker, func
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError
from structlog.contextvars import bound_contextvars

from worker.redis.connection import beside

R = TypeVar("R")

_LOCK_S = 20.0  # a killed worker's job is free for others after this; a living one keeps its lock up
_EXTEND_S = 5.0
_POLL_S = 0.1
_HEALTH_S = 10.0
_KEEP_MS = 30 * 86_400_000  # a doorbell that rings unheard for a month
_TRIES = 1000  # ours are counted with the record; a SIGTERM must not use one up
_LONGEST_PAUSE_S = 5.0
_CANCELLED_S = 10.0  # for a cancelled job to end; what swallows its cancellation is left behind
_TICK_KEY = "tick"
_LOST = (RedisError, OSError)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job(Generic[R]):
    """Describes something a worker can be rung for. ``run`` gets the runtime and the job's arguments."""

    name: str
    run: Callable[[R, Mapping[str, Any]], Awaitable[None]] = field(repr=False)
    timeout_s: float


class Doorbell:
    """Rings jobs for any worker that listens."""

    def __init__(self, redis: Redis) -> None:
        self._arq = _arq(redis)

    async def ring(self, job: str, key: str, payload: Mapping[str, Any] | None = None, *, delay_s: float = 0.0) -> bool:
        """Ring ``job``; ``False`` when the same ``key`` already rings or runs, or Redis cannot take it.

        ``payload`` is JSON and holds ids only. A lost ring delays work until the next one, nothing more.
        """
        try:
            rung = await self._arq.enqueue_job(
                job, dict(payload or {}), _job_id=f"{job}:{key}", _defer_by=delay_s or None
            )
        except _LOST as error:
            log.warning("doorbell.failed", job=job, error=type(error).__name__)
            return False
        return rung is not None


class QueueProcess(Struct, frozen=True):
    """Tells how one process takes from the queue: under which name, how many jobs at most, and whom it notifies.

    ``alive`` is called at each look into the queue, whether Redis answers or not.
    """

    name: str = ""
    most_jobs: int = 50
    alive: Callable[[], None] = lambda: None


async def work(
    runtime: R,
    jobs: Sequence[Job[R]],
    ticks: Mapping[str, int],
    redis: Redis,
    *,
    stop: asyncio.Event,
    grace_s: float,
    process: QueueProcess = QueueProcess(),  # noqa: B008 - frozen
) -> None:
    """Run jobs until ``stop`` is set, then let running ones end within ``grace_s``; later ones are cancelled.

    ``ticks`` rings jobs every so many seconds, once over all workers. Redis going away is waited out.

    Raises:
        ValueError: a tick that no clock can show, or an unknown job.
    """
    schedule = _schedule(jobs, ticks, redis)
    pause_s = _POLL_S
    while not stop.is_set():
        process.alive()
        connections = beside(redis, connections=process.most_jobs + 8)
        worker = _Ringing(runtime, jobs, schedule, _arq(connections), process)
        began = time.monotonic()
        try:
            await worker.until(stop, grace_s)
        except Exception as error:  # however arq ends, the worker goes on with a new one
            pause_s = _POLL_S if time.monotonic() - began > 60 else min(pause_s * 2, _LONGEST_PAUSE_S)
            log.warning("queue.lost", error=type(error).__name__, wait_s=pause_s, exc_info=error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)
        finally:
            await connections.aclose()


def _arq(redis: Redis) -> ArqRedis:
    return ArqRedis(
        redis.connection_pool, job_serializer=_to_json, job_deserializer=_from_json, expires_extra_ms=_KEEP_MS
    )


def _to_json(value: Mapping[str, Any]) -> bytes:
    """Returns a job or a result of arq's; of an exception only its class is kept."""
    return json.dumps(value, separators=(",", ":"), default=lambda other: type(other).__name__).encode()


def _from_json(text: bytes) -> dict[str, Any]:
    loaded = json.loads(text)
    if not isinstance(loaded, dict):
        raise TypeError("no job")
    return loaded


def _schedule(jobs: Sequence[Job[Any]], ticks: Mapping[str, int], redis: Redis) -> list[CronJob]:
    unknown = set(ticks) - {job.name for job in jobs}
    if unknown:
        raise ValueError(f"no job to ring for: {', '.join(sorted(unknown))}")
    doorbell = Doorbell(redis)

    def ticking(name: str) -> WorkerCoroutine:
        async def tick(ctx: Mapping[Any, Any], *_: object, **__: object) -> None:  # noqa: ARG001  # arq names it
            await doorbell.ring(name, _TICK_KEY)

        return tick

    return [
        # arq does not share the tick at start among workers; the doorbell does
        cron(
            ticking(name),
            name=f"cron:{name}",
            run_at_startup=True,
            timeout=10,
            keep_result=0,
            max_tries=3,
            **_at(every),
        )
        for name, every in ticks.items()
    ]


def _at(every_s: int) -> dict[str, Any]:
    """Tells when a clock shows a multiple of ``every_s`` since midnight."""
    for unit_s, name, below in (
        (1, "second", {}),
        (60, "minute", {"second": 0}),
        (3600, "hour", {"second": 0, "minute": 0}),
    ):
        whole = 24 if name == "hour" else 60
        count = every_s // unit_s
        if every_s > 0 and every_s % unit_s == 0 and count < whole and whole % count == 0:
            return {name: set(range(0, whole, count)), **below}
    raise ValueError(f"every {every_s} s cannot be ticked: it must divide a minute, an hour or a day")


def _guarded(job: Job[R], runtime: R) -> Function:
    """Returns ``job`` for arq: with its name in the logs, a time limit of ours, and no exception but a cancellation."""

    async def run(ctx: Mapping[str, Any], payload: object = None) -> None:
        with bound_contextvars(job=job.name):
            try:
                async with asyncio.timeout(job.timeout_s):
                    await job.run(runtime, payload if isinstance(payload, dict) else {})
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # arq ends us and puts the job back
                log.error("job.failed", error="CancelledError", attempt=ctx.get("job_try"))
            except Exception as error:  # the outermost guard: a failed job's records are due again anyway
                log.error("job.failed", error=type(error).__name__, attempt=ctx.get("job_try"), exc_info=error)

    return func(run, name=job.name, timeout=job.timeout_s + 5, keep_result=0, max_tries=_TRIES)


class _Ringing(Worker):
    """Makes arq's worker survive the loss of Redis and keep its jobs' locks short."""

    def __init__(
        self,
        runtime: Any,
        jobs: Sequence[Job[Any]],
        schedule: Sequence[CronJob],
        pool: ArqRedis,
        process: QueueProcess,
    ) -> None:
        super().__init__(
            [_guarded(job, runtime) for job in jobs],
            cron_jobs=schedule,
            redis_pool=pool,
            handle_signals=False,
            max_jobs=process.most_jobs,
            queue_read_limit=max(4 * process.most_jobs, 500),
            keep_result=0,
            max_tries=_TRIES,
            poll_delay=_POLL_S,
            health_check_interval=_HEALTH_S,
            health_check_key=f"arq:health-check:{process.name or id(self)}",
            job_serializer=_to_json,
            job_deserializer=_from_json,
            expires_extra_ms=_KEEP_MS,
            timezone=UTC,
            log_results=False,
        )
        self.in_progress_timeout_s = _LOCK_S
        self._alive = process.alive
        self._over = False
        self._extended = 0.0
        self._lost_for = 0  # polls in a row that Redis did not answer

    async def until(self, stop: asyncio.Event, grace_s: float) -> None:
        """Run until ``stop``, then drain. Nothing of it runs on when this returns or raises."""
        main = asyncio.create_task(self.main(), name="queue")
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({main, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if main.done():
                await main
            self.allow_pick_jobs = False
            if running := self._running():
                await asyncio.wait(running, timeout=grace_s)
        finally:
            self._over = True
            left = [main, stopped, *self._running()]
            for task in left:
                task.cancel()
            ended, _ = await asyncio.wait(left, timeout=_CANCELLED_S)
            for task in ended:
                task.cancelled() or task.exception()  # heard, so that no ring is missed
            with contextlib.suppress(*_LOST):
                await self.pool.delete(self.health_check_key)

    def _running(self) -> list[asyncio.Task[Any]]:
        return [task for task in self.tasks.values() if not task.done()]

    async def _poll_iteration(self) -> None:
        if self._over:
            # redis-py waits with asyncio.wait_for, which on Python 3.11 may swallow the cancellation meant for us.
            raise asyncio.CancelledError
        self._alive()
        try:
            await super()._poll_iteration()
            await self._extend_locks()
        except _LOST as error:
            self._lost_for += 1
            if self._lost_for == 1:
                log.warning("redis.lost", error=type(error).__name__)
            await asyncio.sleep(min(_POLL_S * 2**self._lost_for, _LONGEST_PAUSE_S))
        else:
            if self._lost_for:
                log.info("redis.found")
            self._lost_for = 0

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Claim one by one: the slot of a claim that fails is given back, which arq leaves taken for good."""
        for job_id in job_ids:
            running = self.tasks.get(job_id.decode())
            if running is not None and not running.done():
                continue  # its lock ran out while Redis was away; it is ours all the same
            if self.job_counter >= self.max_jobs:
                return
            try:
                await super().start_jobs([job_id])
            except _LOST:
                self._release_sem_dec_counter_on_complete()
                raise

    async def _extend_locks(self) -> None:
        now = time.monotonic()
        ids = [job_id for job_id, task in self.tasks.items() if not task.done()]
        if not ids or now - self._extended < _EXTEND_S:
            return
        self._extended = now
        async with self.pool.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.pexpire(in_progress_key_prefix + job_id, int(_LOCK_S * 1000))
            await pipe.execute()
