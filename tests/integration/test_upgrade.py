"""An earlier version's ledger is read: one pass over the sandbox, on a Redis of today."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from worker.ledger.journal.figures import WorkName
from worker.ledger.ledger import Ledger
from worker.reports.explain import explain
from worker.visits.journal_entries import line_of

WRITTEN = Path(__file__).parents[1] / "data" / "ledger-2026-11-28.json.gz"
LOOKUPS = 127  # kept answers at the end of that pass
CREDITS = {"forager": 287, "kaspr": 28}


@pytest.fixture
async def ledger(redis: Redis) -> Ledger:
    written = json.loads(gzip.decompress(WRITTEN.read_bytes()))
    async with redis.pipeline(transaction=False) as pipe:
        for name, (kind, value) in written["keys"].items():
            _put(pipe, b64decode(name), kind, value)
        await pipe.execute()
    return Ledger.over(redis)


def _put(pipe: Any, name: bytes, kind: str, value: Any) -> None:
    match kind:
        case "string":
            pipe.set(name, b64decode(value))
        case "hash":
            pipe.hset(name, mapping={b64decode(field): b64decode(one) for field, one in value.items()})
        case "zset":
            pipe.zadd(name, {b64decode(member): score for member, score in value})
        case "set":
            pipe.sadd(name, *map(b64decode, value))
        case "list":
            pipe.rpush(name, *map(b64decode, value))
        case "stream":
            for id_, fields in value:
                pipe.xadd(name, {b64decode(field): b64decode(one) for field, one in fields.items()}, id=id_)
        case _:
            raise AssertionError(kind)


async def settled_ids(redis: Redis, work: WorkName) -> list[str]:
    names = [name async for name in redis.scan_iter(f"refill:memory:{work[0]}:{work[1]}:*")]
    return [id_.decode() for name in names for id_ in await redis.hkeys(name)]  # type: ignore[misc]


async def test_an_earlier_version_s_ledger_is_read_whole(ledger: Ledger, redis: Redis) -> None:
    status = await ledger.figures.work_status(["forager", "kaspr"])
    assert sum(one.settled for one in status.work.values()) > 100
    assert sum(one.due + one.leased + one.waiting + one.dead for one in status.work.values()) == 0
    totals = {name: (await ledger.budgets.totals(name)).spent for name in CREDITS}
    assert totals == CREDITS

    told, remembered = 0, 0
    for work, counts in status.work.items():
        ids = await settled_ids(redis, work)
        assert len(ids) == counts.settled
        assert (await ledger.work(*work).memory(ids)).keys() == set(ids)
        remembered += len(ids)
        for id_ in ids:
            found = await explain(ledger, *work, id_)
            assert found.memory is not None
            assert all(one.text for one in found.story(None))
            told += len(found.questions)
    assert remembered
    assert told

    entries = await ledger.journal.since()
    assert len(entries) == status.journal
    assert all(line_of(entry).crm for entry in entries)


async def test_what_an_earlier_version_paid_for_is_not_paid_for_again(ledger: Ledger, redis: Redis) -> None:
    names = [name async for name in redis.scan_iter("refill:answer:*")]
    keys = [name.decode().rpartition(":")[2] for name in names]
    found = await ledger.desk.find(keys)
    assert len(found) == len(keys) == LOOKUPS
