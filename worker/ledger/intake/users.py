"""Keeps the user that each CRM names as the last writer of what we wrote."""

from __future__ import annotations

from worker.ledger.scripts import Scripts


class Users:
    """Keeps our users, noted by whoever opens a crm, read by the web process, which opens none."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("users")

    async def tell(self, crm: str, user_id: str) -> None:
        """Notes that we are this user in a crm."""
        await self._scripts.call("HSET", self._key, crm, user_id)

    async def of(self, crm: str) -> str:
        """Returns our user in a crm, ``""`` while it is unknown."""
        found: bytes | None = await self._scripts.call("HGET", self._key, crm)
        return (found or b"").decode()
