"""Keeps the open alerts and the channels that have sent each, once for all processes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import asdict, replace

from worker.ledger.scripts import Scripts


class KeptAlert(Struct, frozen=True):
    """Holds an alert that is open since ``since_ms``; ``sent`` names the channels that have carried it.

    ``gone`` says that its cause was gone at the last look: only a second such look ends it.
    """

    key: str
    cause: str
    sentence: str
    since_ms: int
    sent: tuple[str, ...] = ()
    gone: bool = False

    def sent_by(self, way: str) -> KeptAlert:
        """Returns it with one more way that has carried it."""
        return replace(self, sent=(*self.sent, way))


class KeptAlerts:
    """Keeps the open alerts, by key. One process at a time changes them, by turn of the timetable."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("alerts")

    async def all(self) -> Mapping[str, KeptAlert]:
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._key)
        return {key.decode(): self._read(key.decode(), text) for key, text in sorted(found.items())}

    async def keep(self, alert: KeptAlert) -> None:
        """Notes that it is open, with its present content."""
        fields = asdict(alert)
        key = fields.pop("key")
        await self._scripts.call("HSET", self._key, key, json.dumps(fields, ensure_ascii=False))

    async def end(self, key: str) -> None:
        await self._scripts.call("HDEL", self._key, key)

    @staticmethod
    def _read(key: str, text: bytes) -> KeptAlert:
        fields = json.loads(text)
        return KeptAlert(**{**fields, "key": key, "sent": tuple(fields["sent"])})
