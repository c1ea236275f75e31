"""Blanks that a record's last visit left are remembered with it, small, and stand in no fingerprint's way."""

from __future__ import annotations

from redis.asyncio import Redis

from tests.integration.ledger.work_steps import READ, add, settled
from worker.decide.leftovers import pack_leftovers
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Settlement, Work

LEFT = pack_leftovers(dict.fromkeys(("work_email", "phone", "mobile_phone", "job_title"), "not_found"))
BLANKS = Settlement("a1b2c3d4e5f6", stamp=10_000, read_at=20_000, left=LEFT)


async def test_what_stays_blank_is_remembered_until_a_visit_settles_otherwise(scripts: Scripts) -> None:
    work = Work(scripts, "one", "contact")
    await settled(work, "1", BLANKS)
    memory = (await work.memory(["1"]))["1"]
    assert (memory.left, memory.fingerprint, memory.stamp) == (LEFT, BLANKS.fingerprint, 10_000)
    again = await add(work, "1", stamp=30_000, fingerprint="a1b2c3d4e5f6", read_at=40_000)
    assert again.ignored == 1  # its fingerprint is still known, and the newer stamp is noted beside what is left
    memory = (await work.memory(["1"]))["1"]
    assert (memory.left, memory.fingerprint, memory.stamp) == (LEFT, BLANKS.fingerprint, 30_000)
    await add(work, "1", forced=True)
    (lease,) = await work.claim("me", 1)
    assert lease.memory == memory
    await work.settle(lease, READ)
    assert (await work.memory(["1"]))["1"].left == ""


async def test_a_settled_record_with_four_blanks_takes_at_most_60_bytes(scripts: Scripts, redis: Redis) -> None:
    work, records = Work(scripts, "one", "contact"), 100
    await settled(work, "1", BLANKS)
    (key,) = await redis.keys("refill:*memory*")
    (packed,) = await scripts.call("HVALS", key)
    for at in range(records):
        await scripts.call("HSET", key, f"00Q5g00000ZZ{at:03}EA5", packed)
    about = await redis.info("server")
    is_valkey = "valkey_version" in about
    version, first_exact = about["valkey_version" if is_valkey else "redis_version"], (9, 0) if is_valkey else (8, 2)
    # older servers round a value's place up
    most = 60 if tuple(int(part) for part in version.split(".")[:2]) >= first_exact else 64
    assert await redis.memory_usage(key) / records <= most
