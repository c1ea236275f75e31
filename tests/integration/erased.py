"""The bytes a Redis holds, in memory and in its files, so that a test can search them for somebody who was erased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from redis.asyncio import Redis

from tests.harness.until import until
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Answers


async def dumped(redis: Redis, pattern: str = "refill:*") -> bytes:
    """Returns the bytes of every key as Redis keeps it, deleted entries of streams included."""
    told = await redis.config_get("rdbcompression")
    assert told["rdbcompression"] == "no", "a compressed text is not found by its bytes"
    return b"\n".join([await redis.dump(key) or b"" for key in await redis.keys(pattern)])


async def on_disk(redis: Redis) -> bytes:
    """Returns the bytes of its files, once no rewrite of them is under way."""

    async def rewritten() -> bool:
        told = await redis.info("persistence")
        return not told["aof_rewrite_in_progress"] and not told["aof_rewrite_scheduled"]

    await until(rewritten, "the rewrite of the append-only file")
    folder = Path((await redis.config_get("dir"))["dir"])
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def found(texts: Iterable[str], kept: bytes) -> list[str]:
    """Returns those of the texts whose bytes are there."""
    return [text for text in texts if text.encode() in kept]


async def places(redis: Redis) -> Mapping[str, bytes]:
    """Returns what is kept by where that is: every key as ``dumped`` gives it, answers and rows unpacked."""
    ledger = Ledger.over(redis)
    names = sorted([key.decode() for key in await redis.keys("refill:*")])
    kept = {name: await dumped(redis, name) for name in names}
    kept |= {f"the answer {key}": one.reply.body async for key, one in Answers(ledger.scripts).walk()}
    return kept | {f"the delivered row {row.key}": row.json.encode() for row in await ledger.deliveries.all()}


def apart(texts: Iterable[str], kept: bytes, others: Iterable[str]) -> list[str]:
    """Returns what ``found`` does, but not what stands within a longer text of somebody else's only.

    The first of several people of one name has the name itself as their profile, and the others' begin with it.
    """
    told = [text.encode() for text in sorted(others, key=len, reverse=True)]
    left = list[str]()
    for text in found(texts, kept):
        rest = kept
        for other in told:
            if text.encode() in other and text.encode() != other:
                rest = rest.replace(other, b"")
        left += found([text], rest)
    return left
