"""Keeps whose everything in this Redis is: each crm's portal or org, each provider's account, the installation.

And who we are in each crm: the user that it names as the last writer of what we wrote.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from worker.ledger.scripts import LedgerUnavailableError, Scripts


class Accounts:
    """Holds accounts, pinned at the first start, by name; what Redis keeps under a name is of what it was pinned to."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("accounts")

    async def pin(self, accounts: Mapping[str, str]) -> dict[str, str]:
        """Pins the names that are not pinned yet; returns those that stand for something else, with that.

        All of them in one step, or none where one stands for something else: of two that start at once one is let in.
        """
        with contextlib.suppress(LedgerUnavailableError):  # takes no writes: nothing of another account gets in either
            await self._scripts.run("accounts_pin", accounts=list(accounts.items()))
        return await self.others(accounts)

    async def others(self, accounts: Mapping[str, str]) -> dict[str, str]:
        """Returns the names that stand for something else than ``accounts`` says, with that."""
        held = await self._held(accounts)
        return {name: account for name, account in held.items() if account != accounts[name]}

    async def of(self, name: str) -> str:
        """Returns what a name was pinned to, ``""`` while it is not."""
        return (await self._scripts.call("HGET", self._key, name) or b"").decode()

    async def _held(self, accounts: Mapping[str, str]) -> dict[str, str]:
        if not accounts:
            return {}
        held: list[bytes | None] = await self._scripts.call("HMGET", self._key, *accounts)
        return {name: value.decode() for name, value in zip(accounts, held, strict=True) if value is not None}


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
        return (await self._scripts.call("HGET", self._key, crm) or b"").decode()
