"""Keeps the positions of polls, backfills and other walks. A poll's cursor moves with its page (``Work.add``)."""

from __future__ import annotations

from worker.ledger.scripts import Scripts


def newest_change(crm: str, object: str) -> str:
    """Returns the name under which the vendor's stamp (ms) of the newest change is kept that a poll has seen."""
    return f"newest:{crm}:{object}"


class Cursors:
    """Keeps opaque texts by name; ``""`` is never set."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("cursors")

    async def get(self, name: str) -> str:
        found = await self._scripts.call("HGET", self._key, name)
        return found.decode() if found else ""

    async def set(self, name: str, value: str) -> None:
        """Put ``name`` somewhere, wherever it stood; ``""`` forgets it."""
        if value:
            await self._scripts.call("HSET", self._key, name, value)
        else:
            await self._scripts.call("HDEL", self._key, name)

    async def all(self) -> dict[str, str]:
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._key)
        return {name.decode(): value.decode() for name, value in sorted(found.items())}
