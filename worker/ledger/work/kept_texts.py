"""Reads the texts that the work keeps of records: open changes, values of ours, journal entries."""

from __future__ import annotations

from collections.abc import Sequence

from worker.ledger.compact_json import unpacked_values
from worker.ledger.work.memory import BUCKETS
from worker.ledger.work.part import CHUNK, WorkPart


class KeptTexts(WorkPart):
    """Reads stored texts, for a search for a person's data."""

    async def intents(self) -> dict[str, str]:
        """Returns the open changes of every record in the work that has some, one line each."""
        names = [self._key("due", lane) for lane in ("live", "backfill", "alone")]
        names += [self._key(place, lane) for place in ("leased", "waiting") for lane in ("live", "backfill")]
        listed = await self._scripts.calls([("ZRANGE", name, 0, -1) for name in (*names, self._key("dead"))])
        ids = [one.decode() for row in listed for one in row]
        found: dict[str, str] = {}
        for start in range(0, len(ids), CHUNK):
            block = ids[start : start + CHUNK]
            texts = await self._scripts.calls([("HGET", self._key("record", one), "intents") for one in block])
            found |= {one: text.decode() for one, text in zip(block, texts, strict=True) if text}
        return found

    async def open_intents(self, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Returns the open changes of records, those without one left out."""
        found = await self._scripts.calls([("HGET", self._key("record", one), "intents") for one in ids])
        return {one: tuple(text.decode().split("\n")) for one, text in zip(ids, found, strict=True) if text}

    async def unintend(self, id: str, before: str, left: str) -> bool:
        """Replace a record's open changes by fewer; says whether they were as read and no visit was under way."""
        return bool(
            await self._scripts.run("work_unintend", crm=self.crm, object=self.object, id=id, before=before, left=left)
        )

    async def owned(self) -> dict[str, str]:
        """Returns texts about values of ours, by the record's id."""
        found: dict[str, str] = {}
        for start in range(0, len(BUCKETS), CHUNK):
            buckets = BUCKETS[start : start + CHUNK]
            for row in await self._scripts.calls([("HGETALL", self._key("own", one)) for one in buckets]):
                pairs = row.items() if isinstance(row, dict) else zip(row[::2], row[1::2], strict=True)
                found |= {id.decode(): text.decode() for id, text in pairs}
        return found

    async def journalled(self, keys: Sequence[str]) -> list[str]:
        """Returns the texts of journal entries, in the order of their keys; those that are gone are left out."""
        stream = self._scripts.keys("journal")
        found = await self._scripts.calls([("XRANGE", stream, key, key) for key in keys])
        return [unpacked_values(rows[0][1])[-1] for rows in found if rows]
