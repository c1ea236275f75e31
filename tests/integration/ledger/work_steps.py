"""Takes the steps that most tests of the work begin with."""

from __future__ import annotations

from redis.asyncio import Redis

from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Added, Due, Lane, Lease, Settlement, Work

RUN = "day-2026-11-20"
OWNER = "worker-1"
READ = Settlement(fingerprint="a1b2c3d4e5f60718", stamp=10_000, read_at=20_000)


async def add(
    work: Work,
    *ids: str,
    lane: Lane = Lane.LIVE,
    run: str = RUN,
    stamp: int = 0,
    fingerprint: str = "",
    read_at: int = 0,
    forced: bool = False,
) -> Added:
    return await work.add([Due(name, stamp, fingerprint, read_at) for name in ids], lane=lane, run=run, forced=forced)


async def lease(work: Work, id: str = "1", *, owner: str = OWNER, run: str = RUN) -> Lease:
    """``id`` added and leased, and nothing else due."""
    await add(work, id, run=run)
    (found,) = await work.claim(owner, 10)
    assert found.id == id
    return found


async def settled(work: Work, id: str = "1", settlement: Settlement = READ, *, run: str = RUN) -> None:
    await work.settle(await lease(work, id, run=run), settlement)


PLACES = [f"{place}:{lane}" for place in ("due", "leased", "waiting") for lane in Lane] + ["due:alone", "dead"]


async def places(redis: Redis, work: Work, id: str) -> list[str]:
    """Lists every place of the work that names a record."""
    async with redis.pipeline(transaction=False) as pipe:
        for place in PLACES:
            pipe.zscore(f"refill:work:{work.crm}:{work.object}:{place}", id)
        return [place for place, score in zip(PLACES, await pipe.execute(), strict=True) if score is not None]


async def queued(scripts: Scripts, provider: str) -> int:
    """Counts the records that wait for a provider."""
    crms = await scripts.call("SMEMBERS", scripts.keys("queuers", provider))
    keys = [scripts.keys("queue", provider, lane, crm.decode()) for crm in crms for lane in Lane]
    return sum(await scripts.calls([("ZCARD", key) for key in keys]))
