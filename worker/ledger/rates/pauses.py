"""Keeps pauses: a bucket (``forager:main``), a vendor or a crm does nothing while it has a reason.

Key ``pause:<target>``: hash of reason -> JSON ``until`` (ms, 0 = until lifted), ``since``, ``probe``, ``why``.
"""

from __future__ import annotations

import json

from msgspec import Struct

from worker.ledger.scripts import Scripts


class Pause(Struct, frozen=True):
    """Holds one reason for a pause. ``probe`` says that single calls may try whether it still applies."""

    target: str
    reason: str
    until_ms: int
    since_ms: int
    why: str
    probe: bool


class Pauses:
    """Keeps pauses for 429, outage, credentials, credits and operator; each lifts only its own reason."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def pause(
        self, target: str, reason: str, until_ms: int = 0, why: str = "", *, calls_pass: bool = False
    ) -> None:
        """Pause for ``reason`` until a time, or until it is lifted; ``why`` is a sentence for people.

        With ``calls_pass`` only work waits for it: an attempt to open the crm may call it meanwhile.
        """
        text = json.dumps(why, ensure_ascii=False)[1:-1]
        await self._scripts.run(
            "pause_set", target=target, reason=reason, until_ms=until_ms, why=text, calls_pass=int(calls_pass)
        )

    async def now(self) -> int:
        """Returns Redis' clock (ms), by which pauses end."""
        return await self._scripts.now()

    async def lift(self, target: str, reason: str) -> bool:
        """End one reason; says whether it was there."""
        return bool(await self._scripts.run("pause_lift", target=target, reason=reason))

    async def of(self, *targets: str) -> list[Pause]:
        """Returns the reasons for which any of ``targets`` is paused."""
        return await self._list(*targets) if targets else []

    async def all(self) -> list[Pause]:
        return await self._list()

    async def _list(self, *targets: str) -> list[Pause]:
        found = await self._scripts.run("pause_list", targets=targets)
        pauses = []
        for target, reason, entry in zip(found[::3], found[1::3], found[2::3], strict=True):
            value = json.loads(entry)
            pauses.append(
                Pause(target.decode(), reason.decode(), value["until"], value["since"], value["why"], value["probe"])
            )
        return sorted(pauses, key=lambda pause: (pause.target, pause.reason))
