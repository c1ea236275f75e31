"""Keeps the allowance of a run that carries out a plan: the fields of each record, and the record's mark."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from worker.ledger.scripts import Arg, Scripts
from worker.ledger.work.work_values import ref

KEPT_S = 7 * 86_400  # a record that is not visited by then is left alone
_CHUNK = 1_000


class PlannedFields(Struct, frozen=True):
    """Names the ``fields`` of one record that may be filled while its ``mark`` is that of the plan."""

    crm: str
    object: str
    id: str
    fields: tuple[str, ...]
    mark: str


class Planned:
    """Keeps the allowances of plans, by run, for every worker that visits a record of the run."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def keep(self, run: str, rows: Sequence[PlannedFields]) -> None:
        """Keep rows of a plan before their records join the work."""
        key = self._scripts.keys("planned", run)
        for start in range(0, len(rows), _CHUNK):
            pairs: list[Arg] = []
            for row in rows[start : start + _CHUNK]:
                pairs += [ref(row.crm, row.object, row.id), f"{row.mark} {','.join(row.fields)}"]
            await self._scripts.calls([("HSET", key, *pairs), ("EXPIRE", key, KEPT_S)])

    async def count(self, run: str) -> int:
        """Tells how many records a plan lets a run fill; 0 for a run without a plan."""
        return int(await self._scripts.call("HLEN", self._scripts.keys("planned", run)))

    async def of(self, run: str, crm: str, object: str, id: str) -> PlannedFields | None:
        """Returns the fields that a run may fill on a record; ``None`` if the plan lacks it, or its time is over."""
        found = await self._scripts.call("HGET", self._scripts.keys("planned", run), ref(crm, object, id))
        if not found:
            return None
        mark, _, fields = found.decode().partition(" ")
        return PlannedFields(crm, object, id, tuple(fields.split(",")), mark)
