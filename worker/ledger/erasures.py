"""People whom a vendor says to forget: what was asked, and how everything kept of a record goes.

Each step can be repeated: after a crash the record is visited, and erased, again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from redis.exceptions import ResponseError

from worker.ledger.answers import Answers, Ref
from worker.ledger.journal import Journal
from worker.ledger.scripts import Arg, Scripts
from worker.ledger.signals import Signals
from worker.ledger.work_values import ref

_PAGE = 1_000


class Erasures:
    """What is to be forgotten of one record, and of which records it was asked."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._key = scripts.keys("erasures")

    async def is_asked(self, record: Ref) -> bool:
        """Whether the vendor said that this person is to be forgotten."""
        return bool(await self._scripts.call("HEXISTS", self._key, ref(*record)))

    async def standing(self, before_ms: int) -> list[Ref]:
        """Records of which it was asked before a time and which no visit has found gone yet."""
        found: dict[bytes, bytes] = await self._scripts.call("HGETALL", self._key)
        names = sorted(name.decode() for name, at in found.items() if int(at) < before_ms)
        return [(crm, kind, id) for crm, kind, id in (name.split(":", 2) for name in names)]

    async def erase(self, record: Ref, scrubbed: Callable[[str], str]) -> None:
        """Forget the answers bought for the record, and what its journal says of the person.

        ``scrubbed`` gives an entry without that. Memory and our own values go with the record's own settling.
        """
        crm, kind, id = record
        await Answers(self._scripts).forget(record)
        entries = await Journal(self._scripts).entries(crm, kind, id)
        args: list[Arg] = []
        for entry in entries:
            if (left := scrubbed(entry.entry)) != entry.entry:
                args += [entry.key, entry.run, left]
        if args:
            await self._scripts.run("erasure_journal", crm, kind, id, *args)
        await Signals(self._scripts).forget(crm, kind, id)
        await self._unclaim(crm, kind, id)

    async def _unclaim(self, crm: str, object: str, id: str) -> None:
        """Natural keys (addresses, profiles) under which a row of ours was created."""
        key, cursor, mine = self._scripts.keys("claims", crm, object), 0, f"={id}".encode()
        while True:
            cursor, rows = await self._scripts.call("HSCAN", key, cursor, "COUNT", _PAGE)
            found = [name for name, value in rows.items() if value == mine and not name.startswith(b"ext:")]
            if found:
                await self._scripts.call("HDEL", key, *found)
            if not cursor:
                return

    async def done(self, record: Ref) -> None:
        """The person is forgotten; the file that Redis appends to still has them until it is rewritten."""
        await self._scripts.call("HDEL", self._key, ref(*record))
        await self._scripts.call("INCR", self._scripts.keys("erased"))

    async def rewrite(self) -> bool:
        """Let Redis rewrite its file when somebody was erased since it last did; whether it was asked to."""
        if not int(await self._scripts.call("GETDEL", self._scripts.keys("erased")) or 0):
            return False
        with suppress(ResponseError):  # under way already, or not allowed: it rewrites by itself as it grows
            await self._scripts.call("BGREWRITEAOF")
        return True
