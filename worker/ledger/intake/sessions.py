"""Keeps the sessions of the page, and counts sign-in attempts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from worker.ledger.scripts import Scripts

LASTS_MS = 12 * 3_600_000
WINDOW_MS = 600_000
MOST_BY_ADDRESS, MOST_IN_ALL = 10, 100  # sign-ins tried within a window


class Sessions:
    """Keeps all sessions. Redis has only the hash of a browser's token, so its files sign nobody in."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def begin(self, secret: str, facts: Mapping[str, Any]) -> None:
        """Keep ``facts`` under ``secret`` for twelve hours; reading them does not make it longer."""
        await self._scripts.call("PSETEX", self._key(secret), LASTS_MS, json.dumps(dict(facts), ensure_ascii=False))

    async def of(self, secret: str) -> dict[str, Any] | None:
        found: bytes | None = await self._scripts.call("GET", self._key(secret))
        facts: dict[str, Any] | None = json.loads(found) if found else None
        return facts

    async def end(self, secret: str) -> None:
        await self._scripts.call("DEL", self._key(secret))

    async def may_try(self, address: str) -> bool:
        """Count a sign-in attempt; ``False`` if there were too many from the address, or in all."""
        let_in = await self._scripts.run(
            "sign_in_try",
            address=address,
            window_ms=WINDOW_MS,
            most_by_address=MOST_BY_ADDRESS,
            most_in_all=MOST_IN_ALL,
        )
        return bool(let_in)

    async def succeeded(self, address: str) -> None:
        """Forget how often somebody tried from an address that knew the token."""
        await self._scripts.call("DEL", self._scripts.keys("sign_in_tries", address))

    def _key(self, secret: str) -> str:
        return self._scripts.keys("session", hashlib.sha256(secret.encode()).hexdigest())
