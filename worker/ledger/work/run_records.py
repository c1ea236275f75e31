"""Follows the records of a run that a person started, and hands them from one run to the next."""

from __future__ import annotations

from worker.ledger.run import Run
from worker.ledger.work.part import CHUNK, WorkPart
from worker.ledger.work.work_values import Lane, Left


class RunRecords(WorkPart):
    """Tells which records of a run are still in the work of one (crm, object)."""

    async def pending(self, run: str, until_ms: int) -> int:
        """Returns records of a person's run that are leased, or due by ``until_ms``. Waiting ones are not counted."""
        if not Run.named(run).by_person:
            raise ValueError("only runs a person started are followed record by record")
        return int(await self._scripts.call("ZCOUNT", self._key("open", run), "-inf", until_ms))

    async def left(self, run: str) -> list[Left]:
        """Returns the records of a person's run that are still in the work, in groups of the same state."""
        groups: dict[tuple[str, ...], Left] = {}
        for first in range(0, await self.open(run), CHUNK):
            for *words, soonest, records in await self._scripts.run(
                "work_left", crm=self.crm, object=self.object, run=run, first=first, most=CHUNK
            ):
                state, note, lane, providers, needs = name = tuple(word.decode() for word in words)
                one = Left(
                    state,
                    note,
                    Lane(lane),
                    tuple(providers.split(",")) if providers else (),
                    tuple(int(need) for need in needs.split(",")) if needs else (),
                    int(soonest),
                    int(records),
                )
                groups[name] = groups[name].with_more(one) if name in groups else one
        return list(groups.values())

    async def open(self, run: str) -> int:
        """Tells how many records of a person's run are still in the work."""
        return int(await self._scripts.call("ZCARD", self._key("open", run)))

    async def own_all(self, run: str, *, only_cut: bool = False) -> int:
        """Lets ``run`` take over all that is in the work and not dead; gives how many records.

        Records that the cap of an earlier run has cut are due again; with ``only_cut`` nothing else is taken.
        """
        places = [(place, lane) for place in ("due", "leased", "waiting") for lane in Lane] + [("due", "alone")]
        found = await self._scripts.calls([("ZRANGE", self._key(place, lane), 0, -1) for place, lane in places])
        ids = [name for page in found for name in page]
        taken = 0
        for start in range(0, len(ids), CHUNK):
            taken += await self._scripts.run(
                "work_own_all",
                crm=self.crm,
                object=self.object,
                run=run,
                only_cut=int(only_cut),
                ids=ids[start : start + CHUNK],
            )
        return taken
