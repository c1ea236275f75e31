"""Keeps the owners of everything in this Redis: each crm's portal or org, each provider's account, the installation.

And our identity in each crm: the user that it names as the last writer of our values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from worker.ledger.scripts import LedgerUnavailableError, Scripts


class Accounts:
    """Holds accounts by name, pinned at the first start; everything under a name belongs to its account."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("accounts")

    async def pin(self, accounts: Mapping[str, str]) -> dict[str, str]:
        """Pins the names that are not pinned yet; returns those that are pinned to something else, with that.

        All of them in one step, or none if one is pinned to something else: of two simultaneous starts one is let in.
        """
        with contextlib.suppress(LedgerUnavailableError):  # takes no writes: nothing of another account gets in either
            await self._scripts.run("accounts_pin", accounts=list(accounts.items()))
        return await self.others(accounts)

    async def others(self, accounts: Mapping[str, str]) -> dict[str, str]:
        """Returns the names that are pinned to something else than in ``accounts``, with that."""
        held = await self._held(accounts)
        return {name: account for name, account in held.items() if account != accounts[name]}

    async def of(self, name: str) -> str:
        """Returns the account that a name was pinned to, ``""`` while it is not."""
        return (await self._scripts.call("HGET", self._key, name) or b"").decode()

    async def _held(self, accounts: Mapping[str, str]) -> dict[str, str]:
        if not accounts:
            return {}
        held: list[bytes | None] = await self._scripts.call("HMGET", self._key, *accounts)
        return {name: value.decode() for name, value in zip(accounts, held, strict=True) if value is not None}


class Users:
    """Keeps our users, noted by the process that opens a crm, read by the web process, which opens none."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("users")

    async def tell(self, crm: str, user_id: str) -> None:
        """Notes that we are this user in a crm."""
        await self._scripts.call("HSET", self._key, crm, user_id)

    async def of(self, crm: str) -> str:
        """Returns our user in a crm, ``""`` while it is unknown."""
        return (await self._scripts.call("HGET", self._key, crm) or b"").decode()
