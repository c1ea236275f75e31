"""Changes that wait for a person, in a crm whose mode is ``review``: kept by record until approved or rejected.

A visit proposes, a person decides, and the next visit carries the decision out by the ordinary rules. Each step is
one command; a crash between a decision and its visit leaves the decision to be said again.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from worker.ledger.scripts import Scripts


class Stand(StrEnum):
    """Holds what a person said of proposed changes so far."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Proposed:
    """Proposes one value for one field. ``before`` is what the record held when it was proposed.

    Of a delivery ``object`` and ``row`` say whose it is, a ``row`` of ``""`` is one to be made, and ``external_id`` is
    OpenProspect's.
    """

    field: str
    property: str
    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)
    provider: str
    grade: str
    object: str = ""
    row: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Holds the changes proposed for one record, by which run and when (ms). ``company`` is where the person works."""

    id: str
    changes: tuple[Proposed, ...]
    run: str
    at: int
    stand: Stand = Stand.PROPOSED
    company: str = ""


class ProposalHead(msgspec.Struct, frozen=True, gc=False):
    """Holds a proposal as it was read: its changes stay text until they are asked for, as ten thousand are at once."""

    id: str
    changes: msgspec.Raw
    run: str
    at: int
    stand: Stand = Stand.PROPOSED
    company: str = ""

    def __repr__(self) -> str:
        """Names the record alone: the text of the changes is somebody's data."""
        return f"ProposalHead({self.id!r})"

    def proposal(self) -> Proposal:
        """Returns all of it."""
        return Proposal(self.id, _CHANGES.decode(self.changes), self.run, self.at, self.stand, self.company)


class Reviews:
    """Represents the proposals of one (crm, object)."""

    def __init__(self, scripts: Scripts, crm: str, object: str) -> None:
        self._scripts, self._key = scripts, scripts.keys("reviews", crm, object)
        self._changes = scripts.keys("reviews_changes", crm, object)

    async def get(self, id: str) -> Proposal | None:
        """Returns what is proposed for a record, or was and is decided but not carried out."""
        found = await self._scripts.call("HGET", self._key, id)
        return _HEAD.decode(found).proposal() if found else None

    async def all(self) -> list[Proposal]:
        """Returns every proposal not carried out yet, oldest first."""
        return [head.proposal() for head in await self.heads()]

    async def heads(self) -> list[ProposalHead]:
        """Returns the same without a look at the changes."""
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._key)
        return sorted(map(_HEAD.decode, found.values()), key=lambda one: (one.at, one.id))

    async def waiting(self) -> int:
        """Tells how many records have proposals that wait for a word, or for the visit that carries one out."""
        return int(await self._scripts.call("HLEN", self._key))

    async def changes(self) -> int:
        """Counts the times that something here has changed: while it stays, whatever was read stands."""
        return int(await self._scripts.call("GET", self._changes) or 0)

    async def put(self, proposal: Proposal) -> None:
        """Keep a proposal, or what a person decided of it, in place of what was there."""
        text = msgspec.json.encode(proposal)
        await self._scripts.calls([("HSET", self._key, proposal.id, text), ("INCR", self._changes)])

    async def remove(self, id: str) -> None:
        """Removes the proposal: the decision is carried out, or the record is away."""
        if await self._scripts.call("HDEL", self._key, id):
            await self._scripts.call("INCR", self._changes)


NOTHING = msgspec.Raw(b"[]")  # how no changes are written
_HEAD = msgspec.json.Decoder(ProposalHead)
_CHANGES = msgspec.json.Decoder(tuple[Proposed, ...])
