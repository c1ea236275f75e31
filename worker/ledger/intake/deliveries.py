"""Keeps OpenProspect's deliveries that no crm has lost sight of: rows on their way into the crms.

A page of rows is stored and made ``delivery`` work of every crm in one step; the work's id is the row's key.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from worker.ledger.scripts import Scripts

OBJECT = "delivery"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class DeliveredRow:
    """Holds a delivered row.

    ``key`` never changes (of a search or of an order), ``digest`` changes with the content.
    """

    key: str
    digest: str
    json: str = field(repr=False)


class Stored(Struct, frozen=True):
    """Tells what became of a page: ``new`` rows are to be delivered, ``unchanged`` ones were stored before."""

    new: int
    unchanged: int


class Deliveries:
    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def store_page(
        self, source: str, rows: Sequence[DeliveredRow], crms: Sequence[str], *, run: str, watermark: str | None = None
    ) -> Stored:
        """Store rows of a search or order (``source``) and make them work of ``crms``, all or nothing.

        A row whose digest was stored before is dropped. The last page of a pass gives the ``watermark`` the next pass
        begins at. Repeated it changes nothing.
        """
        new, unchanged = await self._scripts.run(
            "deliveries_store",
            source=source,
            run=run,
            watermark=watermark or "",
            crms=crms,
            rows=[(row.key, row.digest, zlib.compress(row.json.encode(), 6)) for row in rows],
        )
        return Stored(new, unchanged)

    async def watermark(self, source: str) -> str:
        """Returns the beginning of the next pass over ``source``; ``""`` before the first has ended."""
        found = await self._scripts.call("HGET", self._scripts.keys("cursors"), f"delivered:{source}")
        return found.decode() if found else ""

    async def row(self, key: str) -> DeliveredRow | None:
        """Returns a row still on its way; ``None`` when every crm has settled it."""
        packed, digest = await self._scripts.calls(
            [("HGET", self._scripts.keys("rows"), key), ("HGET", self._scripts.keys("digests"), key)]
        )
        if packed is None:
            return None
        return DeliveredRow(key, (digest or b"").decode(), zlib.decompress(packed).decode())

    async def all(self) -> list[DeliveredRow]:
        found: list[DeliveredRow] = []
        cursor, digests = 0, await self._scripts.call("HGETALL", self._scripts.keys("digests"))
        while True:
            cursor, rows = await self._scripts.call("HSCAN", self._scripts.keys("rows"), cursor, "COUNT", _PAGE)
            for key, packed in rows.items():
                found.append(
                    DeliveredRow(key.decode(), (digests.get(key) or b"").decode(), zlib.decompress(packed).decode())
                )
            if not cursor:
                return found

    async def owed(self, crm: str) -> AsyncIterator[DeliveredRow]:
        """Yields the rows that a crm has not settled yet, a page after the other."""
        cursor, names = 0, self._scripts.keys
        while True:
            cursor, rows = await self._scripts.call("HSCAN", names("rows"), cursor, "COUNT", _PAGE)
            owing = await self._scripts.calls([("HGET", names("owing"), key) for key in rows])
            for (key, packed), crms in zip(rows.items(), owing, strict=True):
                if crm in (crms or b"").decode().split(","):
                    yield DeliveredRow(key.decode(), "", zlib.decompress(packed).decode())
            if not cursor:
                return

    async def new_of(self, source: str, rows: Sequence[DeliveredRow]) -> list[DeliveredRow]:
        """Returns those of a source's rows that were not stored before as they are now."""
        seen = self._scripts.keys("seen", source)
        found = await self._scripts.calls([("HGET", seen, row.key) for row in rows])
        return [row for row, digest in zip(rows, found, strict=True) if (digest or b"").decode() != row.digest]

    async def rewrite(self, row: DeliveredRow) -> bool:
        """Put another text in the place of a row's that has not been replaced meanwhile; its digest stays."""
        packed = zlib.compress(row.json.encode(), 6)
        return bool(await self._scripts.run("deliveries_rewrite", key=row.key, digest=row.digest, packed=packed))

    async def settled(self, crm: str, key: str, digest: str = "") -> bool:
        """Notes that ``crm`` has the row; the last crm's word drops it. Called before the visit is settled.

        ``digest`` is that of the row delivered: when another came meanwhile nothing happens, and the visit that its
        storing asked for will deliver it. Returns whether the row is no longer needed.
        """
        return bool(await self._scripts.run("deliveries_settled", crm=crm, id=key, digest=digest))

    async def wait_for(self, crm: str, key: str, rows: Sequence[tuple[str, str, int]]) -> None:
        """Note rows (object, id, stamp) of ``crm`` whose change brings the delivery back; an empty list clears."""
        name = self._scripts.keys("awaited", crm)
        if rows:
            await self._scripts.call("HSET", name, key, json.dumps(rows, separators=(",", ":")))
        else:
            await self._scripts.call("HDEL", name, key)

    async def awaited(self, crm: str) -> dict[str, list[tuple[str, str, int]]]:
        """Returns the rows that deliveries of ``crm`` wait for, by delivery."""
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._scripts.keys("awaited", crm))
        return {key.decode(): [tuple(row) for row in json.loads(rows)] for key, rows in sorted(found.items())}

    async def length(self) -> int:
        return int(await self._scripts.call("HLEN", self._scripts.keys("rows")))
