"""Keeps the portal or org that each crm name stands for: the one that it was first used for."""

from __future__ import annotations

from collections.abc import Mapping

from worker.ledger.scripts import LedgerUnavailableError, Scripts


class Accounts:
    """Pinned at the first start; what Redis keeps under a crm's name is of that portal or org."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("accounts")

    async def others(self, accounts: Mapping[str, str]) -> dict[str, str]:
        """Pins the crms that are not pinned yet; returns those that stand for another account, with that one."""
        names = list(accounts)
        if not names:
            return {}
        held: list[bytes | None] = await self._scripts.call("HMGET", self._key, *names)
        if not all(held):
            try:
                for name, account in zip(names, held, strict=True):
                    if account is None:
                        await self._scripts.call("HSETNX", self._key, name, accounts[name])
            except LedgerUnavailableError:
                pass  # it takes no writes now, so nothing of another account gets in either
            else:
                held = await self._scripts.call("HMGET", self._key, *names)
        told = {name: account.decode() for name, account in zip(names, held, strict=True) if account}
        return {name: account for name, account in told.items() if account != accounts[name]}
