"""Remembers how far each audit file goes, so that lines taken from its end are missed."""

from __future__ import annotations

from msgspec import Struct

from worker.ledger.scripts import Scripts


class AuditHead(Struct, frozen=True):
    """Holds the last line of a chain: its number and hash. ``chain`` is the hash of the first line."""

    chain: str
    seq: int
    hash: str


class AuditHeads:
    """Keeps the ends of every chain that was written for this Redis; each machine's folder has its own."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts, self._key = scripts, scripts.keys("audit")

    async def put(self, head: AuditHead) -> None:
        """Note that a chain goes on to this line."""
        await self._scripts.call("HSET", self._key, head.chain, f"{head.seq} {head.hash}")

    async def all(self) -> dict[str, AuditHead]:
        """Returns every chain by the hash of its first line."""
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._key)
        heads = {}
        for chain, text in found.items():
            seq, hash = text.decode().split(" ")
            heads[chain.decode()] = AuditHead(chain.decode(), int(seq), hash)
        return heads
