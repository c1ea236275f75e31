"""Lists the dead letters of one (crm, object), and drops one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worker.ledger.work.part import CHUNK, WorkPart
from worker.ledger.work.work_values import DeadLetter


def _since(rows: Sequence[bytes]) -> dict[str, int]:
    return {id.decode(): int(float(at)) for id, at in zip(rows[::2], rows[1::2], strict=True)}


class BuriedRecords(WorkPart):
    """Keeps the records that wait for a person."""

    async def page(self, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """Returns dead letters, oldest first, the first ``after`` of them left out."""
        since = _since(await self._scripts.call("ZRANGE", self._key("dead"), after, after + limit - 1, "WITHSCORES"))
        return await self.of(list(since), since)

    async def since(self) -> dict[str, int]:
        """Returns the id of every dead letter with the time (ms) it was buried at, oldest first; no record is read."""
        return _since(await self._scripts.call("ZRANGE", self._key("dead"), 0, -1, "WITHSCORES"))

    async def of(self, ids: Sequence[str], since: Mapping[str, int]) -> list[DeadLetter]:
        """Returns these dead letters, which were buried at the times of ``since``; those that are gone are left out."""
        found: list[DeadLetter] = []
        for start in range(0, len(ids), CHUNK):
            block = ids[start : start + CHUNK]
            rows = await self._scripts.run("work_dead", crm=self.crm, object=self.object, ids=block)
            found += [
                DeadLetter(name, note.decode(), int(attempts or 0), since[name], (run or b"").decode())
                for name, note, attempts, run in zip(block, rows[::3], rows[1::3], rows[2::3], strict=True)
                if note is not None
            ]
        return found

    async def intents(self, id: str) -> tuple[str, ...]:
        intents = await self._scripts.call("HGET", self._key("record", id), "intents")
        return tuple(intents.decode().split("\n")) if intents else ()

    async def drop(self, id: str) -> bool:
        """Take a dead letter out of the work; its open intents are journalled. ``False`` if it is not one."""
        return bool(await self._scripts.run("work_drop", crm=self.crm, object=self.object, id=id))
