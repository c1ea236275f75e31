"""The bytes a Redis holds, in memory and in its files, so that a test can search them for somebody who was erased."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from redis.asyncio import Redis

from tests.harness.until import until


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
