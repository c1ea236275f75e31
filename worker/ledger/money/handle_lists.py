"""Holds two lists of handles, as hashes that name nobody: suppressed people, and bad values.

Without the key that the suppression list was made with, nobody can tell who is on it: then everybody counts as
suppressed, and nothing is bought or written.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias, TypeVar

from msgspec import Struct, structs

from worker.ledger.compact_json import compact
from worker.ledger.scripts import Scripts

Handle: TypeAlias = tuple[str, str]  # kind and value
Handles: TypeAlias = Collection[Handle] | Callable[[], Collection[Handle]]  # read only where somebody is on the list
_KEPT = 2_048  # digests: a visit asks about the same handles several times
FORGOTTEN = "forgotten"  # why something is on the suppression list
ANOTHER_KEY = (
    "the suppression list was made with another REFILL_SECRET_KEY, so nobody can be looked up: set that key again"
)


class AnotherKeyError(Exception):
    """Tells that the list was made with another key."""

    def __init__(self) -> None:
        super().__init__(ANOTHER_KEY)


class Suppressed(Struct, frozen=True):
    """Holds one entry of the list. ``hash`` is the hash of the handle; ``at`` is in ms."""

    hash: str
    kind: str
    at: int
    why: str = ""


class Suppressions:
    """Keeps the people who are never looked up, created or written.

    Without a ``secret`` nothing can be added, and nobody passes once something is on the list.
    """

    def __init__(self, scripts: Scripts, secret: str | None) -> None:
        self._scripts = scripts
        self._key = hashlib.sha256(f"suppressions\n{secret}".encode()).digest() if secret else b""
        self._digest = lru_cache(maxsize=_KEPT)(self._made)
        self.check = self._digest("check") if secret else ""
        self._is_empty = False  # as far as the last look showed

    def _made(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256")[:16].hex()

    def hashes(self, handles: Iterable[Handle]) -> tuple[str, ...]:
        """Returns the hashes of handles in the list, in the same order; nothing without a key."""
        return tuple(sorted(self._digest(f"{kind}:{value}") for kind, value in handles)) if self._key else ()

    async def among(self, rows: Sequence[Handles]) -> list[bool]:
        """Tells of each row of handles whether one of them is on the list, in one step.

        While the list is empty, as for most installations, only that is checked, and no handle is read.
        """
        if not rows:
            return []
        if self._is_empty:
            word = await self._nobody()
            if word != b"list":
                return [word == b"another"] * len(rows)
        sets = [frozenset(self.hashes(_read(one))) for one in rows]
        names = sorted(frozenset[str]().union(*sets))
        word, hits = await self._find(names)
        if word != b"list":
            return [word == b"another"] * len(rows)
        on_it = {name for name, hit in zip(names, hits, strict=True) if hit}
        return [not on_it.isdisjoint(one) for one in sets]

    async def _nobody(self) -> bytes:
        """Returns the list's word on no names, which all who ask in one turn of the loop share."""
        word: bytes = (await self._scripts.shared("suppression_find", check=self.check, hashes=()))[0]
        self._is_empty = word == b"nobody"
        return word

    async def _find(self, names: Sequence[str]) -> tuple[bytes, Sequence[int]]:
        word, *hits = await self._scripts.run("suppression_find", check=self.check, hashes=names)
        self._is_empty = word == b"nobody"
        return word, hits

    async def has_forgotten(self, handles: Handles) -> bool:
        """Tells whether one of the handles is on the list because its person was forgotten.

        Nobody is while the list is empty, as far as the last look showed, and no handle is read then.
        """
        names = () if self._is_empty else self.hashes(_read(handles))
        texts = await self._scripts.call("HMGET", self._scripts.keys("suppressed"), *names) if names else []
        return any(text and json.loads(text).get("why") == FORGOTTEN for text in texts)

    async def add(self, entries: Sequence[Suppressed]) -> int:
        """Put entries on the list; gives how many were not on it.

        Raises:
            AnotherKeyError: it was made with another key.
        """
        rows = [(one.hash, _text(one)) for one in entries]
        new = int(await self._scripts.run("suppression_add", check=self.check, entries=rows))
        if new < 0:
            raise AnotherKeyError
        return new

    async def remove(self, hashes: Sequence[str]) -> int:
        """Take entries off the list; gives how many were on it."""
        return int(await self._scripts.call("HDEL", self._scripts.keys("suppressed"), *hashes)) if hashes else 0

    async def all(self) -> list[Suppressed]:
        """Returns every entry, oldest first."""
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._scripts.keys("suppressed"))
        entries = [Suppressed(name.decode(), **json.loads(text)) for name, text in found.items()]
        return sorted(entries, key=lambda one: (one.at, one.hash))

    async def length(self) -> int:
        return int(await self._scripts.call("HLEN", self._scripts.keys("suppressed")))

    async def refuse_another_key(self) -> None:
        """Return when the list can be read.

        Raises:
            AnotherKeyError: it was made with another key.
        """
        word, _ = await self._find(())
        if word == b"another":
            raise AnotherKeyError


def _read(handles: Handles) -> Collection[Handle]:
    return handles() if callable(handles) else handles


def _text(one: Suppressed) -> str:
    fields = structs.asdict(one)
    del fields["hash"]
    return compact(fields)


H = TypeVar("H", bound=Handle)
DIGEST = 16  # base-16 digits


class BadList:
    """Keeps the addresses and numbers that have bounced or are wrong by the word of a CRM, and since when.

    They are never written anywhere again. Nothing is dropped by age.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def add(self, handles: Collection[Handle], at_ms: int) -> None:
        """Note values as bad; a repeat changes nothing."""
        for one in handles:
            await self._scripts.call("HSETNX", self._scripts.keys("bad"), _hash(one), at_ms)

    async def among(self, handles: Collection[H]) -> frozenset[H]:
        """Returns those of the values that are bad, in one round trip.

        Raises:
            LedgerUnavailableError: Redis is away.
        """
        asked = sorted(set(handles))
        if not asked:
            return frozenset()
        hits = await self._scripts.run("bad_find", hashes=[_hash(one) for one in asked])
        return frozenset(one for one, hit in zip(asked, hits, strict=True) if hit)

    async def drop(self, handles: Collection[Handle]) -> int:
        """Forget values; gives how many of them were bad."""
        names = [_hash(one) for one in handles]
        return int(await self._scripts.call("HDEL", self._scripts.keys("bad"), *names)) if names else 0


def _hash(handle: Handle) -> str:
    kind, value = handle
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()[:DIGEST]
