"""Makes a row by hand at a vendor that knows no idempotency key.

Claimed first, looked for before it is sent again.

``made:<vendor>:<object>:<key>`` among the cursors holds the searches after a lost answer: the time of the first
look in vain (ms), and whether the call was sent a second time since.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from msgspec import Struct

from connectors.errors import ContractError, OutcomeUnknownError
from connectors.limits import Ticket, TicketSpentError
from worker.ledger.money.creations import (
    BusyCreation,
    Claimed,
    Created,
    Creations,
    CreationTicket,
    UnknownCreation,
    UnwantedCreation,
    key_of,
)
from worker.ledger.rates.cursors import Cursors
from worker.manual.buying import TRIES, NotNowError
from worker.visits.paid_call import CALL_MS

__all__ = ["CreatedRow", "Maker", "WantedRow", "key_of"]

SETTLED_MS = 60_000  # younger than this a lost call may still be under way at the vendor
BETWEEN_LOOKS_MS = 300_000

Find = Callable[[], Awaitable[str | None]]


class WantedRow(Struct, frozen=True):
    """Describes a row to be made.

    ``key`` is what makes it the same row; nothing of it can be read back out of the ledger.

    ``send`` makes the call and gives the new row's id. ``find`` looks for the row at the vendor: its id, ``""`` when it
    is not there, ``None`` when the vendor shows too little to tell; without it a lost call counts as made. With
    ``look_first`` a row found there is not made again even if somebody else made it, and one deleted there may be.
    """

    vendor: str
    object: str
    key: str
    send: Callable[[Ticket], Awaitable[str]]
    find: Find | None = None
    look_first: bool = False


class CreatedRow(Struct, frozen=True):
    """Names a row that exists. ``found``: its answer was lost and a look found it."""

    id: str
    how: Literal["created", "there", "found"]


class Maker(Struct, frozen=True):
    """Makes rows at most once. ``clock`` gives the ledger's time in ms."""

    creations: Creations
    cursors: Cursors
    owner: str
    clock: Callable[[], Awaitable[int]]

    async def make(self, wanted: WantedRow) -> CreatedRow:
        """Returns the row, made now or before.

        Raises:
            NotNowError: it is being made, or its answer was lost and it does not show up.
            ConnectorError: refused, and not made.
        """
        if wanted.look_first and wanted.find and (there := await wanted.find()):
            return CreatedRow(there, "there")
        for _ in range(TRIES):
            match await self.creations.claim(wanted.vendor, wanted.object, "", [wanted.key], self.owner, CALL_MS):
                case Created(row):
                    if not wanted.look_first:
                        return CreatedRow(row, "there")
                    await self.creations.void(wanted.vendor, wanted.object, row, "", [wanted.key])
                case BusyCreation():
                    raise NotNowError(f"the same {wanted.object} is being made: look again in two minutes")
                case UnknownCreation() as lost:
                    found = await self._found(wanted, lost)
                    if found is not None:
                        return found
                case UnwantedCreation():  # such rows belong to nobody
                    raise NotNowError(f"the person or company of this {wanted.object} is on the suppression list")
                case Claimed() as claim:
                    try:
                        return await self._sent(wanted, claim)
                    except TicketSpentError:
                        continue
        raise NotNowError(f"somebody else is creating the same {wanted.object}: nothing was sent, try again")

    async def _sent(self, wanted: WantedRow, claim: Claimed) -> CreatedRow:
        try:
            row = await wanted.send(CreationTicket(self.creations, claim))
        except (OutcomeUnknownError, ContractError) as error:
            await self.creations.unknown(claim, type(error).__name__)  # after a ContractError; else it is said already
            row = (await wanted.find() or "") if wanted.find else ""
            if not row:
                raise NotNowError(_lost(wanted)) from error
            await self._known(wanted, claim.creation_id, row)
            return CreatedRow(row, "found")
        await self.creations.created(claim, row)
        await self.cursors.set(_cursor(wanted), "")
        return CreatedRow(row, "created")

    async def _found(self, wanted: WantedRow, lost: UnknownCreation) -> CreatedRow | None:
        """Returns the row of a lost call; ``None`` once it may be sent a second time."""
        if wanted.find is None:
            raise NotNowError(_lost(wanted))
        row = await wanted.find()
        if row is None:
            raise NotNowError(
                f"the {wanted.object} was sent once and {wanted.vendor} does not show whether it arrived: "
                "look there yourself"
            )
        if row:
            await self._known(wanted, lost.creation_id, row)
            return CreatedRow(row, "found")
        await self._may_repeat(wanted, await self.clock() - lost.since_ms)
        await self.creations.absent(lost.creation_id)
        return None

    async def _may_repeat(self, wanted: WantedRow, age_ms: int) -> None:
        """Requires two looks in vain, far enough apart, and no repeat before; else says so."""
        now = await self.clock()
        looks: dict[str, Any] = json.loads(await self.cursors.get(_cursor(wanted)) or "{}")
        if looks.get("repeated"):
            raise NotNowError(
                f"the {wanted.object} was sent twice without a clear answer and does not show up: look at "
                f"{wanted.vendor} yourself, it is not sent again"
            )
        if age_ms < SETTLED_MS:
            raise NotNowError(f"the {wanted.object} does not show up yet: look again in {_s(SETTLED_MS - age_ms)} s")
        if "first" not in looks:
            await self.cursors.set(_cursor(wanted), json.dumps({"first": now}))
            looks["first"] = now
        waited = now - looks["first"]
        if waited < BETWEEN_LOOKS_MS:
            raise NotNowError(
                f"the {wanted.object} does not show up: run this again in {_s(BETWEEN_LOOKS_MS - waited)} s, then it "
                "is sent once more if it still does not"
            )
        await self.cursors.set(_cursor(wanted), json.dumps(looks | {"repeated": 1}))

    async def _known(self, wanted: WantedRow, creation_id: str, row: str) -> None:
        await self.creations.found(creation_id, row)
        await self.cursors.set(_cursor(wanted), "")


def _lost(wanted: WantedRow) -> str:
    if wanted.find is None:
        return f"the {wanted.object} was sent and no clear answer came back: it counts as made and is not sent again"
    return (
        f"the {wanted.object} was sent and no clear answer came back: run this again in a minute, "
        "it looks for it before it sends anything"
    )


def _cursor(wanted: WantedRow) -> str:
    return f"made:{wanted.vendor}:{wanted.object}:{wanted.key}"


def _s(ms: int) -> int:
    return -(-ms // 1000)
