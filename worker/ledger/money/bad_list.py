"""Holds which addresses and numbers have bounced or are wrong by the word of a CRM: never written anywhere again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import TypeAlias, TypeVar

from worker.ledger.scripts import Scripts

Handle: TypeAlias = tuple[str, str]  # kind and value
H = TypeVar("H", bound=Handle)
DIGEST = 16  # base-16 digits


class BadList:
    """Keeps the list of all crms: hashes, and when a value came on it. Nothing is dropped by age."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def add(self, handles: Collection[Handle], at_ms: int) -> None:
        """Note values as bad; a repeat changes nothing."""
        for one in handles:
            await self._scripts.call("HSETNX", self._scripts.keys("bad"), _hash(one), at_ms)

    async def among(self, handles: Collection[H]) -> frozenset[H]:
        """Returns those of the values that are bad, in one round trip.

        Raises:
            LedgerUnavailableError: Redis is away.
        """
        asked = sorted(set(handles))
        if not asked:
            return frozenset()
        hits = await self._scripts.run("bad_find", hashes=[_hash(one) for one in asked])
        return frozenset(one for one, hit in zip(asked, hits, strict=True) if hit)

    async def drop(self, handles: Collection[Handle]) -> int:
        """Forget values; gives how many of them were bad."""
        names = [_hash(one) for one in handles]
        return int(await self._scripts.call("HDEL", self._scripts.keys("bad"), *names)) if names else 0


def _hash(handle: Handle) -> str:
    kind, value = handle
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()[:DIGEST]
