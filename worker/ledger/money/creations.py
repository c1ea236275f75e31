"""Keeps creations apart: a row is made once per external id and natural key. A creation is a ticket too.

``reserved -> sent -> created | unknown | released``, and ``unknown -> created | absent`` by a direct read of the unique
property. Keys are texts such as ``domain:acme.com``, ``email:...``, ``slug:...``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog
from msgspec import Struct

from connectors.limits import SlotFirst, TicketSpentError
from connectors.models import Reply
from worker.ledger.money.tickets import new_token, surely
from worker.ledger.scripts import LedgerUnavailableError, Scripts

_PAGE = 500
_log = structlog.get_logger(__name__)


class Claimed(Struct, frozen=True):
    """Grants the one-shot right to create a row; every key is held."""

    creation_id: str
    token: str


class Created(Struct, frozen=True):
    """Says that the row exists: it was created under one of the keys."""

    id: str


class BusyCreation(Struct, frozen=True):
    """Says that somebody is creating a row under one of the keys, at the latest until then: defer and match again."""

    until_ms: int


class UnwantedCreation(Struct, frozen=True):
    """Says that the person or company is on the suppression list: no row is created."""


class UnknownCreation(Struct, frozen=True):
    """Says that a row may exist: read it by its unique property, then say ``found`` or ``absent``.

    ``keys`` are those it holds.
    """

    creation_id: str
    since_ms: int
    keys: tuple[str, ...]


class ReapedCreations(Struct, frozen=True):
    """Counts reservations given back, and sent creations that became unknown."""

    released: int
    unknown: int


def key_of(*parts: object) -> str:
    """Returns a key over parts that may be personal: 32 hex digits."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:32]


def external_key(external_id: str) -> str:
    return f"ext:{external_id}"


class Creations:
    """Claims on rows to be created. Every step is one script and may be repeated."""

    def __init__(self, scripts: Scripts, *, token: Callable[[], str] = new_token) -> None:
        self._scripts = scripts
        self._token = token

    async def claim(
        self,
        crm: str,
        object: str,
        external_id: str,
        natural_keys: Sequence[str],
        owner: str,
        deadline_ms: int,
        subjects: Collection[str] = (),
    ) -> Claimed | Created | BusyCreation | UnknownCreation | UnwantedCreation:
        """Claims all keys or none. The create call must be over ``deadline_ms`` from now.

        ``subjects`` are the hashes of the row's handles for the suppression list.
        """
        claim = Claimed(self._token(), self._token())
        answer = await surely(
            self._scripts,
            "creation_claim",
            creation=claim.creation_id,
            token=claim.token,
            crm=crm,
            object=object,
            owner=owner,
            deadline=deadline_ms,
            subjects=",".join(subjects),
            keys=_keys(external_id, natural_keys),
        )
        match answer:
            case [b"created", row]:
                return Created(row.decode())
            case [b"suppressed"]:
                return UnwantedCreation()
            case [b"busy", until]:
                return BusyCreation(int(until))
            case [b"unknown", creation, since, held]:
                return UnknownCreation(creation.decode(), int(since), tuple(held.decode().split("\n")))
            case _:
                return claim

    async def sent(self, claim: Claimed) -> bool:
        """Moves ``reserved -> sent``: true once, ever, and never after the deadline."""
        return bool(await self._scripts.run("creation_sent", id=claim.creation_id, token=claim.token))

    async def created(self, claim: Claimed, id: str) -> str:
        """Notes that the row exists as ``id``; every key leads to it from now on. Gives the state after the step."""
        return await self._end(claim.creation_id, claim.token, "created", id)

    async def unknown(self, claim: Claimed, cause: str) -> str:
        """Notes that it was sent and no clear answer came back."""
        return await self._end(claim.creation_id, claim.token, "unknown", cause)

    async def released(self, claim: Claimed, cause: str) -> str:
        """Notes that it was surely not created."""
        return await self._end(claim.creation_id, claim.token, "released", cause)

    async def found(self, creation_id: str, id: str) -> str:
        """Notes that a read found the row of an unknown creation."""
        return await self._end(creation_id, "", "created", id)

    async def absent(self, creation_id: str) -> str:
        """Notes that an unknown creation made no row, by a read's word: its keys are free."""
        return await self._end(creation_id, "", "absent", "absent")

    async def join(self, crm: str, object: str, id: str, external_id: str, natural_keys: Sequence[str]) -> int:
        """Adds keys to a created row, as far as nobody holds them."""
        keys = _keys(external_id, natural_keys)
        return int(await self._scripts.run("creation_join", crm=crm, object=object, row=id, keys=keys))

    async def void(self, crm: str, object: str, id: str, external_id: str, natural_keys: Sequence[str]) -> int:
        """Notes that the created row is gone, as a read has shown: these of its keys are free again."""
        keys = _keys(external_id, natural_keys)
        return int(await self._scripts.run("creation_void", crm=crm, object=object, row=id, keys=keys))

    async def archiving(self, crm: str, object: str, id: str, *, undone: bool = True) -> None:
        """Note that a row of ours is archived because a person wants it gone; ``undone`` false takes that back."""
        await self._scripts.call("SADD" if undone else "SREM", self._scripts.keys("archived_rows", crm, object), id)

    async def was_sent(self, crm: str, object: str, external_id: str) -> bool:
        """Tells whether a row was made for an external id, or may have been."""
        claim = await self._scripts.call("HGET", self._scripts.keys("claims", crm, object), external_key(external_id))
        held = (claim or b"").decode()
        if not held.startswith("?"):
            return bool(held)
        state = await self._scripts.call("HGET", self._scripts.keys("creation", held[1:]), "state")
        return state in {b"sent", b"unknown", b"created"}

    async def is_archived(self, crm: str, object: str, id: str) -> bool:
        """Tells whether a person had us archive a row that we made: its like is not made again."""
        return bool(await self._scripts.call("SISMEMBER", self._scripts.keys("archived_rows", crm, object), id))

    async def claims(self, crm: str, object: str) -> dict[str, str]:
        """Returns every key under which a row was created or is being created, with its target."""
        key, cursor, found = self._scripts.keys("claims", crm, object), 0, dict[str, str]()
        while True:
            cursor, rows = await self._scripts.call("HSCAN", key, cursor, "COUNT", _PAGE)
            found |= {name.decode(): value.decode() for name, value in rows.items()}
            if not cursor:
                return found

    async def unclaim(self, crm: str, object: str, held: Mapping[str, str]) -> int:
        """Forget keys, and that creations hold or held them; gives how many there were."""
        cursor = 0
        while True:
            cursor, names = await self._scripts.call(
                "SCAN", cursor, "MATCH", self._scripts.keys("creation", "*"), "COUNT", _PAGE
            )
            texts = await self._scripts.calls([("HGET", name, "keys") for name in names])
            for name, text in zip(names, texts, strict=True):
                keys = (text or b"").decode().split("\n")
                if any(key in held for key in keys):
                    await self._scripts.call("HSET", name, "keys", "\n".join(key for key in keys if key not in held))
            if not int(cursor):
                break
        return int(await self._scripts.call("HDEL", self._scripts.keys("claims", crm, object), *held)) if held else 0

    async def reap(self, owners_alive: Collection[str]) -> ReapedCreations:
        """Release reservations of dead owners; a sent one past its deadline is unknown."""
        released, unknown = await self._scripts.run("creation_reap", owners=owners_alive)
        return ReapedCreations(int(released), int(unknown))

    async def _end(self, creation_id: str, token: str, event: str, word: str) -> str:
        state: bytes = await self._scripts.run("creation_end", id=creation_id, token=token, event=event, word=word)
        return state.decode()


def _keys(external_id: str, natural_keys: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*([external_key(external_id)] if external_id else []), *natural_keys]))


class CreationTicket(SlotFirst):
    """Implements ``connectors.limits.Ticket`` for a creation.

    ``id_of`` reads the new row's id out of the reply, ``""`` when it cannot; the caller of ``Crm.create`` says
    ``created`` with what that returned anyway, so a repeat is expected.
    """

    is_sheltered = False

    def __init__(self, creations: Creations, claim: Claimed, id_of: Callable[[Reply], str] | None = None) -> None:
        self._creations, self._claim, self._id_of = creations, claim, id_of
        self._asked = self._over = False

    async def sent(self) -> None:
        """Notes on the disk that bytes go on the wire now.

        Raises:
            TicketSpentError: it was sent, released or taken over before, or its deadline has passed; send nothing.
            LedgerUnavailableError: Redis did not say so; send nothing.
        """
        if self._asked:
            raise TicketSpentError(self._claim.creation_id)
        self._asked = True
        try:
            granted = await self._creations.sent(self._claim)
        except LedgerUnavailableError:
            await self.released("ledger unavailable")
            raise
        if not granted:
            raise TicketSpentError(self._claim.creation_id)

    async def stored(self, reply: Reply) -> None:
        """Note the created row if the reply names it. If Redis cannot take it, it is unknown at its deadline."""
        row = self._id_of(reply) if self._id_of else ""
        if row:
            await self._try(self._creations.created, row)

    async def released(self, cause: str) -> None:
        """Notes that it was surely not created: the keys are free."""
        await self._try(self._creations.released, cause)

    async def uncertain(self, cause: str) -> None:
        """Notes that it may exist: a read by its unique property decides."""
        await self._try(self._creations.unknown, cause)

    async def _try(self, step: Callable[[Claimed, str], Awaitable[str]], word: str) -> None:
        if self._over:  # its first ending counts
            return
        self._over = True
        try:
            await step(self._claim, word)
        except LedgerUnavailableError:
            _log.warning("creation.left", creation=self._claim.creation_id)
