"""Holds who is never looked up, made or written: as keyed hashes, so that the list names nobody.

Whoever has not the key that the list was made with cannot tell who is on it: then everybody counts as suppressed, and
nothing is bought or written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from connectors.batching import Batcher
from worker.ledger.scripts import Scripts

Handle: TypeAlias = tuple[str, str]  # kind and value
TOGETHER = 500  # visits that ask at once share one question
LINGER_S, LONGEST_S = 0.005, 0.05
_KEPT = 8_192  # digests: a visit asks about the same handles several times
ANOTHER_KEY = (
    "the suppression list was made with another REFILL_SECRET_KEY, so nobody can be looked up: set that key again"
)


class AnotherKeyError(Exception):
    """Tells that the list was made with another key."""

    def __init__(self) -> None:
        super().__init__(ANOTHER_KEY)


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Represents one entry of the list. ``hash`` stands for the handle; ``at`` is in ms."""

    hash: str
    kind: str
    at: int
    why: str = ""


class Suppressions:
    """Represents the list. Without a ``secret`` nothing can be added, and nobody passes once something is on it."""

    def __init__(self, scripts: Scripts, secret: str | None) -> None:
        self._scripts = scripts
        self._key = hashlib.sha256(f"suppressions\n{secret}".encode()).digest() if secret else b""
        self._digest = lru_cache(maxsize=_KEPT)(self._made)
        self.check = self._digest("check") if secret else ""
        self._names: Batcher[frozenset[str], bool] = Batcher(
            "ledger", "suppressed", self._any, _name, TOGETHER, linger_s=LINGER_S, longest_s=LONGEST_S, brief=True
        )

    def _made(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256")[:16].hex()

    def hashes(self, handles: Iterable[Handle]) -> tuple[str, ...]:
        """Returns what stands for handles in the list, in one order; nothing where there is no key."""
        return tuple(sorted(self._digest(f"{kind}:{value}") for kind, value in handles)) if self._key else ()

    async def among(self, rows: Sequence[Collection[Handle]]) -> list[bool]:
        """Tells of each row of handles whether one of them is on the list, in one round trip.

        Visits that ask about one row each at the same time share theirs.
        """
        sets = [frozenset(self.hashes(handles)) for handles in rows]
        if len(sets) == 1:
            return [await self._names.ask(sets[0])]
        found = await self._any(sets) if sets else {}
        return [found[_name(one)] for one in sets]

    async def _any(self, rows: Sequence[frozenset[str]]) -> Mapping[str, bool]:
        names = sorted(frozenset[str]().union(*rows))
        word, *hits = await self._scripts.run("suppression_find", check=self.check, hashes=names)
        if word == b"another":
            return {_name(one): True for one in rows}
        on_it = {name for name, hit in zip(names, hits, strict=True) if hit}
        return {_name(one): not on_it.isdisjoint(one) for one in rows}

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
        """Tells how many entries there are."""
        return int(await self._scripts.call("HLEN", self._scripts.keys("suppressed")))

    async def refuse_another_key(self) -> None:
        """Return when the list can be read.

        Raises:
            AnotherKeyError: it was made with another key.
        """
        word, *_ = await self._scripts.run("suppression_find", check=self.check, hashes=())
        if word == b"another":
            raise AnotherKeyError

    async def aclose(self) -> None:
        """Send what is gathered."""
        await self._names.aclose()


def _name(hashes: frozenset[str]) -> str:
    return " ".join(sorted(hashes))


def _text(one: Suppressed) -> str:
    fields = dataclasses.asdict(one)
    del fields["hash"]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
