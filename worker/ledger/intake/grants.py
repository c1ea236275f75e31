"""Decides who may renew a crm's OAuth grant and keeps the last: an opaque text, encrypted by the vault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct
from redis.exceptions import ResponseError

from worker.ledger.scripts import LedgerUnavailableError, Scripts, guarded

SYNC_MS = 2_000  # how long to wait for the disk; it does not hold the grant up for longer
EVERYSEC_S = 2.0  # within which a Redis that cannot tell has brought a write to the disk


class LeaseTry(Struct, frozen=True):
    """Tells how a try for the lease ended. ``fence`` 0: another process has it, for ``left_ms`` more."""

    fence: int
    left_ms: int = 0
    grant: str = ""


class Grants:
    """Renews OAuth grants step by step, one at a time over all processes."""

    def __init__(self, scripts: Scripts, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._scripts, self._rest = scripts, rest

    async def take(self, crm: str, owner: str, ms: int) -> LeaseTry:
        """Take the lease, or hold it for longer."""
        fence, left, grant = await self._scripts.run("grant_lease", crm=crm, owner=owner, lease_ms=ms)
        return LeaseTry(int(fence), int(left), grant.decode())

    async def keep(self, crm: str, fence: int, grant: str, *, sync: bool = True) -> bool:
        """Keep a grant; with ``sync`` return once it is on the disk, as far as this Redis can do that.

        ``False`` when a later holder has kept another.
        """
        if not sync:
            return bool(await self._scripts.run("grant_keep", crm=crm, fence=fence, grant=grant))
        with guarded():
            async with self._scripts.redis.pipeline(transaction=False) as pipe:
                await self._scripts.queue(pipe, "grant_keep", crm=crm, fence=fence, grant=grant)
                pipe.execute_command("WAITAOF", 1, 0, SYNC_MS)
                kept, synced = await pipe.execute(raise_on_error=False)
            if isinstance(kept, Exception):
                raise kept
        if isinstance(synced, Exception):  # before 7.2 the command does not exist
            await self._synced()
        return bool(kept)

    async def release(self, crm: str, owner: str) -> None:
        """Let the next process renew."""
        await self._scripts.run("grant_release", crm=crm, owner=owner)

    async def _synced(self) -> None:
        """Wait as long as the server's own setting takes to bring a write to the disk."""
        try:
            _, policy = await self._scripts.call("CONFIG", "GET", "appendfsync")
        except (ResponseError, ValueError, LedgerUnavailableError):  # many a user may not ask
            policy = b""
        if policy not in {b"always", b"no"}:
            await self._rest(EVERYSEC_S)
