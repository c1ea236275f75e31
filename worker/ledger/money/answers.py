"""Keeps answers: paid replies as they came over the wire, compressed, and the records they serve.

What all of them have cost and brought is counted here, too (``Yields``).
A kept answer is one line of facts and the packed reply (``parts/answers.lua``). Times are the ledger's, in ms.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict

from msgspec import Struct

from connectors.models import Reply
from worker.ledger.compact_json import compact
from worker.ledger.scripts import Scripts

Ref: TypeAlias = tuple[str, str, str]  # crm, object, record id

_BUCKETS = 4096
_PAGE = 500
_FORMAT = b"\x01"
# What JSON answers over HTTP have in common, most frequent last: short replies have no room to repeat themselves.
# Packed replies depend on every byte of it: another list is another format.
_WORDS = (
    b'["strict-transport-security","max-age=31536000","vary","accept-encoding","x-content-type-options","nosniff",'
    b'"cache-control","no-store","server","nginx","connection","keep-alive","transfer-encoding","chunked","x-request-id"'
    b',"x-ratelimit-limit","x-ratelimit-remaining","x-ratelimit-reset","retry-after":"Mon, 01 Jan 2026 00:00:00 GMT",'
    b'"content-encoding":"gzip","date":"content-type":"application/json; charset=utf-8","content-length":"status":"err'
    b'"message":"data":{"results":[{"id":"person":{"organization":{"company":{"name":"domain":"website":"https://www.'
    b'"country":"city":"location":"role_title":"title":"is_current":true,"linkedin":"linkedin_url":"https://www.linkedin'
    b'.com/in/"public_identifier":"full_name":"first_name":"last_name":"phone_numbers":[{"phone_number":"phone":"+1"type'
    b'":"mobile","emails":[{"email":"email_type":"validation_status":"valid"}],"created_at":null,"updated_at":false,[200,{'
)
_SMALL = (-12, 5)  # window and memory: with zlib's own, each answer has the system map 256 KB of it and clear them


def pack(reply: Reply) -> bytes:
    """Returns status, headers and body in as few bytes as a small JSON answer allows."""
    head = compact([reply.status, dict(reply.headers)]).encode()
    squeeze = zlib.compressobj(9, zlib.DEFLATED, *_SMALL, zdict=_WORDS)
    return _FORMAT + squeeze.compress(head + b"\n" + reply.body) + squeeze.flush()


def unpack(packed: bytes) -> Reply:
    """Returns the reply that was packed.

    Raises:
        ValueError: these are not bytes of ``pack``.
    """
    if packed[:1] != _FORMAT:
        raise ValueError("not a packed reply")
    unsqueeze = zlib.decompressobj(-15, zdict=_WORDS)
    try:
        head, _, body = (unsqueeze.decompress(packed[1:]) + unsqueeze.flush()).partition(b"\n")
    except zlib.error as error:
        raise ValueError("not a packed reply") from error
    if not unsqueeze.eof:
        raise ValueError("not a whole packed reply")
    status, headers = json.loads(head)
    return Reply(status, headers, body)


class KeptAnswer(Struct, frozen=True):
    """Holds an answer that was paid for.

    ``at_ms`` is when it came first; ``fields`` are those that the question asked for.
    """

    reply: Reply
    at_ms: int
    hit: bool
    fields: frozenset[str] = frozenset()
    provider: str = ""
    operation: str = ""
    expires_ms: int = 0
    ticket_id: str = ""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """Names a question that was asked for a record, and its answer while that is kept.

    ``state`` is of an open ticket.
    """

    key: str
    kept: KeptAnswer | None = field(default=None, repr=False)
    state: str = ""
    ticket_id: str = ""


def unfold(raw: bytes) -> KeptAnswer:
    """Returns a kept answer as Redis holds it."""
    line, _, packed = raw.partition(b"\n")
    at, expires, hit, ticket, provider, operation, fields = line.decode().split(" ")
    return KeptAnswer(
        unpack(packed), int(at), hit == "1", fields_of(fields), provider, operation, int(expires), ticket_id=ticket
    )


def field_text(fields: frozenset[str]) -> str:
    """Returns fields as the scripts compare them."""
    return ",".join(sorted(fields)) or "-"


def fields_of(text: str) -> frozenset[str]:
    """Returns fields from ``field_text``."""
    return frozenset() if text == "-" else frozenset(text.split(","))


class IndexPlace(TypedDict):
    """Names a record's place in the index from records to questions, as scripts take it; blanks for no record."""

    crm: str
    object: str
    bucket: str
    record: str


def index_of(ref: Ref | None) -> IndexPlace:
    """Returns the key under which the questions of a record are noted."""
    if ref is None:
        return IndexPlace(crm="", object="", bucket="", record="")
    crm, kind, row = ref
    return IndexPlace(crm=crm, object=kind, bucket=f"{zlib.crc32(row.encode()) % _BUCKETS:03x}", record=row)


def ref_of(raw: bytes) -> Ref:
    """Returns a ref from its text ``<crm>:<object>:<id>``."""
    crm, kind, row = raw.decode().split(":", 2)
    return crm, kind, row


def _unpacked(noted: bytes) -> list[str]:
    """Returns the keys of the questions that an index notes for a record, sixteen bytes each."""
    text = noted.hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


class Answers:
    """Reads kept answers; only a ticket writes one."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def find(self, keys: Sequence[str], ref: Ref | None = None) -> dict[str, KeptAnswer]:
        """Returns kept answers by question, the newest if a question has several; noted as asked for ``ref``."""
        if not keys:
            return {}
        found = await self._scripts.run("answer_find", **index_of(ref), questions=keys)
        return {key: unfold(raw) for key, raw in zip(keys, found, strict=True) if raw}

    async def questions_of(self, ref: Ref) -> list[AskedQuestion]:
        """Lists the questions ever asked for a record, as far as any part of them is kept or open, oldest first."""
        keys = await self.noted(ref)
        names = self._scripts.keys
        raws = await self._scripts.calls([("GET", names("answer", key)) for key in keys])
        tickets = await self._scripts.calls([("HGET", names("question", key), "ticket") for key in keys])
        held = [ticket.decode() if ticket else "" for ticket in tickets]
        states = await self._scripts.calls([("HGET", names("ticket", ticket), "state") for ticket in held])
        return [
            AskedQuestion(key, unfold(raw) if raw else None, state.decode() if state else "", ticket)
            for key, raw, ticket, state in zip(keys, raws, held, states, strict=True)
            if raw or state
        ]

    async def noted(self, ref: Ref) -> list[str]:
        """Lists the questions that were asked for a record, oldest first; of some nothing is kept any more."""
        place = index_of(ref)
        packed: bytes | None = await self._scripts.call("HGET", self._asked(place), place["record"])
        return _unpacked(packed or b"")

    async def texts(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Returns the bodies of the kept answers to questions, those to other fields of one too."""
        slots = [(key, name) for key in keys for name in self._slots(key)]
        raws = await self._scripts.calls([("GET", name) for _, name in slots])
        found: dict[str, list[str]] = {}
        for (key, _), raw in zip(slots, raws, strict=True):
            if raw:
                found.setdefault(key, []).append(unfold(raw).reply.body.decode("utf-8", "replace"))
        return found

    async def serving(self, keys: Collection[str], others_than: Collection[Ref]) -> set[str]:
        """Returns those of the questions that were asked for another record, too.

        The index has no way back from a question, so it is walked whole: rarely.
        """
        found, cursor, names = set[str](), 0, self._scripts.keys("asked", "*", "*", "*")
        while True:
            cursor, indexes = await self._scripts.call("SCAN", cursor, "MATCH", names, "COUNT", _PAGE)
            for index in indexes:
                crm, kind, _ = index.decode().removeprefix(names.partition("*")[0]).split(":")
                held: dict[bytes, bytes] = await self._scripts.call("HGETALL", index)
                for id, packed in held.items():
                    if (crm, kind, id.decode()) not in others_than:
                        found.update(key for key in _unpacked(packed) if key in keys)
            if not int(cursor):
                return found

    async def forget(self, ref: Ref, stay: Collection[str] = ()) -> int:
        """Delete the kept answers that were asked for a record but those that ``stay``, and its index.

        Gives how many.
        """
        deleted = await self.drop(key for key in await self.noted(ref) if key not in stay)
        place = index_of(ref)
        await self._scripts.call("HDEL", self._asked(place), place["record"])
        return deleted

    async def walk(self) -> AsyncIterator[tuple[str, KeptAnswer]]:
        """Yields every kept answer with its question's key, those to other fields of one too."""
        names, cursor = self._scripts.keys("answer", "*"), 0
        head = len(names) - 1
        while True:
            cursor, keys = await self._scripts.call("SCAN", cursor, "MATCH", names, "COUNT", _PAGE)
            raws = await self._scripts.calls([("GET", key) for key in keys])
            for key, raw in zip(keys, raws, strict=True):
                if raw:
                    yield key.decode()[head:].partition(":")[0], unfold(raw)
            if not int(cursor):
                return

    async def drop(self, keys: Iterable[str]) -> int:
        """Delete the kept answers to questions; gives how many."""
        return sum(await self._scripts.calls([("DEL", *self._slots(key)) for key in keys]))

    def _slots(self, key: str) -> list[str]:
        names = self._scripts.keys
        return [names("answer", key), *(names("other_answer", key, slot) for slot in "123")]

    def _asked(self, place: IndexPlace) -> str:
        return self._scripts.keys("asked", place["crm"], place["object"], place["bucket"])


class Yields:
    """Keeps what paid questions cost and brought, by name (``worker/decide/odds.py`` says which), over all workers.

    It is counted as visits settle and read back now and then. These are estimates: a crash may lose some.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._noted: Counter[str] = Counter()

    def note(self, counts: Mapping[str, int]) -> None:
        """Keep for the next visit of this process that settles."""
        self._noted.update(counts)

    def take(self) -> dict[str, int]:
        """Return the notes since the last time, to be counted with a settlement."""
        noted, self._noted = dict(self._noted), Counter()
        return noted

    async def counted(self) -> dict[str, int]:
        """Returns everything that all workers have counted."""
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._scripts.keys("yields"))
        return {name.decode(): int(by) for name, by in found.items()}
