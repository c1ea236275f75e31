"""Changes that wait for a person, in a crm whose mode is ``review``: kept by record until approved or rejected.

A visit proposes, a person decides, and the next visit carries the decision out by the ordinary rules. Each step is
one script; a crash between a decision and its visit leaves the decision to be made again.

Waiting proposals are in an index too, a short line for each record: its person or company, and the source of each
field, never a value. So a hundred thousand can be filtered and counted without reading the proposals.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from msgspec import Struct, structs

from worker.ledger.scripts import Scripts


class Stand(StrEnum):
    """Holds a person's decisions on proposed changes so far."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Proposed:
    """Proposes one value for one field. ``before`` is the record's value when it was proposed.

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


class Proposal(Struct, frozen=True):
    """Holds the changes proposed for one record, by which run and when (ms). ``company`` is where the person works."""

    id: str
    changes: tuple[Proposed, ...]
    run: str
    at: int
    stand: Stand = Stand.PROPOSED
    company: str = ""


class Reviews:
    """Keeps the proposals of one (crm, object)."""

    def __init__(self, scripts: Scripts, crm: str, object: str) -> None:
        self._scripts, self._where = scripts, {"crm": crm, "object": object}
        self._key, self._lines = scripts.keys("reviews", crm, object), scripts.keys("reviews_lines", crm, object)
        self._changes = scripts.keys("reviews_changes", crm, object)

    async def get(self, id: str) -> Proposal | None:
        """Returns the proposal of a record, also one that is decided but not carried out."""
        found = await self._scripts.call("HGET", self._key, id)
        return _PROPOSAL.decode(found) if found else None

    async def of(self, ids: Sequence[str]) -> list[Proposal]:
        """Returns the proposals of these records, without those that have none any more."""
        found = await self._scripts.call("HMGET", self._key, *ids) if ids else []
        return [_PROPOSAL.decode(text) for text in found if text]

    async def all(self) -> list[Proposal]:
        """Returns every proposal not carried out yet, oldest first."""
        found: list[bytes] = await self._scripts.call("HVALS", self._key)
        return sorted(map(_PROPOSAL.decode, found), key=lambda one: (one.at, one.id))

    async def lines(self) -> list[bytes]:
        """Returns the line of every proposal that waits for a word, oldest first."""
        kept, texts = await self._scripts.calls([("HVALS", self._lines), ("HLEN", self._key)])
        if len(kept) != texts:  # a version before, which keeps no lines, has changed something here
            kept = [line_of(one) for one in await self.all()]
        return sorted(line for line in kept if line)

    async def waiting(self) -> int:
        """Tells how many records have proposals that await approval, or for the visit that carries one out."""
        return int(await self._scripts.call("HLEN", self._key))

    async def changes(self) -> int:
        """Counts the changes here: while the count stays, everything read is still valid."""
        return int(await self._scripts.call("GET", self._changes) or 0)

    async def propose(self, proposal: Proposal, known: Proposal | None) -> None:
        """Keep a visit's proposal; a change that is ``known`` to have been proposed keeps its time."""
        if known is None or known != structs.replace(proposal, run=known.run, at=known.at):
            await self.put(proposal)

    async def put(self, proposal: Proposal) -> None:
        """Keep a proposal, or a person's decision on it, in place of the earlier one."""
        text = msgspec.json.encode(proposal)
        if not await self._scripts.run("review_put", **self._where, id=proposal.id, text=text, line=line_of(proposal)):
            await self._write_lines()

    async def remove(self, id: str) -> None:
        """Removes the proposal: the decision is carried out, or the record is away."""
        await self._scripts.run("review_remove", **self._where, id=id)

    async def _write_lines(self) -> None:
        """Writes every line anew: a version before has kept proposals without."""
        flat: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._key)
        await self._scripts.call("DEL", self._lines)
        texts = list(flat.items())
        for start in range(0, len(texts), AT_ONCE):
            rows = [(id, text, line_of(_PROPOSAL.decode(text))) for id, text in texts[start : start + AT_ONCE]]
            await self._scripts.run("review_lines", **self._where, rows=rows)


def line_of(proposal: Proposal) -> bytes:
    """Returns a proposal's line: when, whose, the company, its fields and sources, its fingerprint; ``b""`` of none.

    No proposal waits where a person has had a word, or where nothing would change.
    """
    if proposal.stand != Stand.PROPOSED or not proposal.changes:
        return b""
    sources = "".join(f" {one.field}={one.provider}" for one in proposal.changes)
    whose = map(plain_part, (proposal.id, proposal.company))
    return "\t".join((f"{proposal.at:0{TIME}d}", *whose, f"{sources} ", fingerprint_of(proposal))).encode()


def plain_part(text: str) -> str:
    """Returns the text as a part of a line, without what parts a line."""
    return text.replace("\t", " ").replace("\n", " ").strip()


def id_of(line: bytes) -> str:
    """Returns the record in a line."""
    return line.split(b"\t", 2)[1].decode()


def fingerprint_in(line: bytes) -> str:
    """Returns the fingerprint of the proposal that a line tells of."""
    return line[-FINGERPRINT:].decode()


def fingerprint_of(proposal: Proposal) -> str:
    """Returns the common mark of equal changes, whenever they are proposed."""
    return hashlib.sha256(msgspec.json.encode(proposal.changes)).hexdigest()[:FINGERPRINT]


AT_ONCE = 500  # lines written in one step
TIME, FINGERPRINT = 13, 16  # digits at the start and at the end of a line
_PROPOSAL = msgspec.json.Decoder(Proposal)
