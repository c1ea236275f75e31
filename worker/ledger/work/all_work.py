"""Steps over the work of all crms and objects at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from worker.ledger.money.budgets import UNBOUND, Room
from worker.ledger.scripts import Scripts
from worker.ledger.work.work_values import LEASE_MS, ref

_BLOCK = 500  # records per script call, so that no call holds Redis for long


class ReapedLeases(Struct, frozen=True):
    """Counts expired leases.

    ``returned`` are due again with one more crash, ``crashed`` crashed alone and are buried.
    """

    returned: int
    crashed: int


class AllWork:
    """Handles the work of every crm and object at once: extends leases, reaps ended ones, admits waiting records."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def extend(self, owner: str, tokens: Sequence[str]) -> tuple[str, ...]:
        """Extends all leases of a process by another 90 s, in one step; gives the tokens of those that are lost."""
        if not tokens:
            return ()
        lost = await self._scripts.run("floor_extend", owner=owner, lease_ms=LEASE_MS, tokens=tokens)
        return tuple(token.decode() for token in lost)

    async def reap(self) -> ReapedLeases:
        """Return records whose lease has ended."""
        returned = crashed = 0
        while True:
            back, buried = await self._scripts.run("floor_reap", most=_BLOCK)
            returned, crashed = returned + back, crashed + buried
            if back + buried < _BLOCK:
                return ReapedLeases(returned, crashed)

    async def wake(self, refs: Sequence[tuple[str, str, str]]) -> int:
        """Makes deferred or waiting records ``(crm, object, id)`` due now; gives how many."""
        if not refs:
            return 0
        return int(await self._scripts.run("floor_wake", refs=[ref(*parts) for parts in refs]))

    async def admit(
        self,
        provider: str,
        count: int,
        *,
        credits: Room = UNBOUND,
        crms: Mapping[str, Room] | None = None,
        at_once: bool = False,
    ) -> int:
        """Let up to ``count`` records waiting for ``provider`` go on, and all whose patience is over; gives how many.

        Live first, one crm after the other, each in order of place, for as long as ``credits`` and those of its crm
        reach for what a record needs. At most once a second per provider, whoever calls; ``at_once`` goes past that.
        """
        rooms = [("", *credits), *((crm, *room) for crm, room in (crms or {}).items())]
        admitted, more = await self._scripts.run(
            "floor_admit", provider=provider, wanted=count, at_once=int(at_once), most=_BLOCK, credits=rooms
        )
        while more:
            further, more = await self._scripts.run(
                "floor_admit", provider=provider, wanted=0, at_once=1, most=_BLOCK, credits=[("", 0, 0)]
            )
            admitted += further
        return int(admitted)

    async def works(self) -> list[tuple[str, str]]:
        """Returns every (crm, object) that ever had work."""
        found = sorted(work.decode() for work in await self._scripts.call("SMEMBERS", self._scripts.keys("works")))
        return [(crm, kind) for crm, _, kind in (work.partition(":") for work in found)]
