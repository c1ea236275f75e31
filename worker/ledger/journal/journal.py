"""Keeps the journal of changes and payments. Entries are JSON texts from the caller.

Most entries come with a step of a visit (``worker.ledger.work.work``); this file reads them, adds entries outside of
visits, and drops old ones.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.ledger.compact_json import packed, unpacked_keys, unpacked_values
from worker.ledger.scripts import Scripts
from worker.ledger.work.memory import bucket


@dataclass(frozen=True, slots=True)
class Entry:
    """Holds one line of the journal. ``key`` orders entries and never repeats; ``at_ms`` is of our clock."""

    key: str
    at_ms: int
    crm: str
    object: str
    id: str
    run: str
    entry: str = field(repr=False)


def _entry(key: bytes, values: Mapping[bytes, bytes]) -> Entry:
    return Entry(key.decode(), int(key.split(b"-")[0]), *unpacked_values(values))


def order(key: str) -> tuple[int, int]:
    ms, _, place = key.partition("-")
    return int(ms), int(place or 0)


class Journal:
    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def append(self, crm: str, object: str, id: str, run: str, entries: Sequence[str], *, token: str) -> None:
        """Add entries outside a visit; the same ``token`` adds them once."""
        kept = [packed(entry) for entry in entries]
        await self._scripts.run("journal_append", token=token, crm=crm, object=object, id=id, run=run, entries=kept)

    async def entries(self, crm: str, object: str, id: str) -> list[Entry]:
        """Returns all entries of one record, oldest first."""
        names, stream = self._scripts.keys, self._scripts.keys("journal")
        few, many = await self._scripts.calls(
            [
                ("HGET", names("journal_few", crm, object, bucket(id)), id),
                ("LRANGE", names("journal_many", crm, object, id), 0, -1),
            ]
        )
        keys = [*many, *unpacked_keys(few or b"")]
        found = await self._scripts.calls([("XRANGE", stream, key, key) for key in keys])
        return [_entry(*rows[0]) for rows in found if rows]

    async def since(self, at_ms: int = 0, *, after: str = "", limit: int = 1_000) -> list[Entry]:
        """Returns entries from ``at_ms`` on, or after the entry with key ``after``.

        Oldest first, a page of ``limit``.
        """
        first = f"({after}" if after else str(at_ms)
        return await self._range(first, "+", limit)

    async def walk(self, at_ms: int = 0) -> AsyncIterator[Entry]:
        """Yields every entry from ``at_ms`` on, oldest first."""
        after = ""
        while page := await self.since(at_ms, after=after):
            for entry in page:
                yield entry
            after = page[-1].key

    async def latest(self, limit: int = 100, *, before: str = "", after: str = "") -> list[Entry]:
        """Returns the newest entries, newest first; of those between the entries ``after`` and ``before``, if given."""
        stream = self._scripts.keys("journal")
        last, first = f"({before}" if before else "+", f"({after}" if after else "-"
        found: list[Any] = await self._scripts.call("XREVRANGE", stream, last, first, "COUNT", limit)
        return [_entry(*row) for row in found]

    async def before(self, at_ms: int, *, limit: int = 1_000) -> list[Entry]:
        """Returns entries older than ``at_ms``, oldest first: they may be archived and then dropped."""
        return await self._range("-", f"({at_ms}-0", limit)

    async def drop(self, entries: Sequence[Entry]) -> int:
        """Take entries out of the journal; gives how many were in it. Again for the same ones it gives 0."""
        rows = [(entry.key, entry.crm, entry.object, entry.id) for entry in entries]
        return int(await self._scripts.run("journal_drop", entries=rows)) if rows else 0

    async def length(self) -> int:
        return int(await self._scripts.call("XLEN", self._scripts.keys("journal")))

    async def _range(self, first: str, last: str, limit: int) -> list[Entry]:
        stream = self._scripts.keys("journal")
        found: list[Any] = await self._scripts.call("XRANGE", stream, first, last, "COUNT", limit)
        return [_entry(*row) for row in found]
