"""Erases people at a vendor's request: keeps the requests, and deletes everything kept of a record.

A visit erases the data under the record itself. Texts elsewhere (under deliveries that created or filled it, and in the
archive's files) are erased by one walk for many records (``worker.upkeep.erase``); until then the record is in a list
of its own. Each step can be repeated: after a crash it is erased again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import structlog
from redis.exceptions import ResponseError

from worker.ledger.compact_json import packed
from worker.ledger.journal.journal import Entry, Journal
from worker.ledger.journal.signals import Signals
from worker.ledger.money.answers import Answers, Ref, ref_of
from worker.ledger.scripts import Arg, LedgerUnavailableError, Scripts
from worker.ledger.work.record_state import same_person
from worker.ledger.work.work_values import ref

log = structlog.get_logger(__name__)
_PAGE = 1_000
_COUNTS = ("erased", "erased_rebuilt")


class Erasures:
    """Holds what is to be forgotten of one record, and of which records it was asked."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self._key = scripts.keys("erasures")

    async def is_asked(self, record: Ref) -> bool:
        """Tells whether the vendor said that this person is to be forgotten."""
        return bool(await self.scripts.call("HEXISTS", self._key, ref(*record)))

    async def request(self, records: Sequence[Ref]) -> None:
        """Note that these people are to be forgotten: what dies before that is done is followed by a visit."""
        at, args = await self.scripts.now(), list[Arg]()
        for one in records:
            args += [ref(*one), at]
        if args:
            await self.scripts.call("HSET", self._key, *args)

    async def pending(self, before_ms: int) -> list[Ref]:
        """Returns records of which it was asked before a time and which no visit has found gone yet."""
        return await self._listed(self._key, before_ms)

    async def elsewhere(self, before_ms: int) -> list[Ref]:
        """Returns records erased before a time of which something may be kept elsewhere than under themselves."""
        return await self._listed(self.scripts.keys("erasures_elsewhere"), before_ms)

    async def _listed(self, key: str, before_ms: int) -> list[Ref]:
        found: dict[bytes, bytes] = await self.scripts.call("HGETALL", key)
        return [ref_of(name) for name in sorted(found) if int(found[name]) < before_ms]

    async def erase(self, record: Ref, scrubbed: Callable[[str], str], stay: Collection[str] = ()) -> None:
        """Forget the answers bought for the record, and what its journal says of the person.

        The same goes for records that were merged into it. ``scrubbed`` gives an entry without that, ``stay`` are
        questions whose answers are somebody else's. Memory and our own values are deleted when the record settles.
        """
        for crm, kind, id in await same_person(self.scripts, record):
            await Answers(self.scripts).forget((crm, kind, id), stay)
            entries = await Journal(self.scripts).entries(crm, kind, id)
            await self.replace([(one, scrubbed(one.entry)) for one in entries])
            await Signals(self.scripts).forget(crm, kind, id)
            await self._unclaim(crm, kind, id)

    async def replace(self, entries: Sequence[tuple[Entry, str]]) -> int:
        """Put other texts in the place of journal entries; gives how many were not so already."""
        rows = [
            (entry.key, entry.crm, entry.object, entry.id, entry.run, packed(left))
            for entry, left in entries
            if left != entry.entry
        ]
        return int(await self.scripts.run("erasure_journal", entries=rows)) if rows else 0

    async def _unclaim(self, crm: str, object: str, id: str) -> None:
        """Notes natural keys (addresses, profiles) under which a row of ours was created."""
        key, cursor, mine = self.scripts.keys("claims", crm, object), 0, f"={id}".encode()
        while True:
            cursor, rows = await self.scripts.call("HSCAN", key, cursor, "COUNT", _PAGE)
            found = [name for name, value in rows.items() if value == mine and not name.startswith(b"ext:")]
            if found:
                await self.scripts.call("HDEL", key, *found)
            if not cursor:
                return

    async def done(self, record: Ref) -> None:
        """Notes that the data under the record is erased; data kept elsewhere is next."""
        at, records = await self.scripts.now(), await same_person(self.scripts, record)
        args: list[Arg] = []
        for one in records:
            args += [ref(*one), at]
        await self.scripts.call("HSET", self.scripts.keys("erasures_elsewhere"), *args)
        await self.scripts.call("DEL", *(self.scripts.keys("merged", *one) for one in records))
        await self.scripts.call("HDEL", self._key, ref(*record))
        await self.scripts.call("INCR", self.scripts.keys("erased"))

    async def done_elsewhere(self, records: Sequence[Ref]) -> None:
        """Notes that nothing is kept of these any more; Redis holds their bytes until ``rewrite``."""
        if records:
            names = [ref(*one) for one in records]
            await self.scripts.call("HDEL", self.scripts.keys("erasures_elsewhere"), *names)
            await self.scripts.call("INCR", self.scripts.keys("erased"))

    async def again(self, records: Sequence[Ref]) -> None:
        """Look elsewhere once more, later: a delivery under way may still name these."""
        at, args = await self.scripts.now(), list[Arg]()
        for one in records:
            args += [ref(*one), at]
        if args:
            await self.scripts.call("HSET", self.scripts.keys("erasures_elsewhere"), *args)

    async def changed(self) -> None:
        """Note that a person's data was deleted, so that Redis loses its bytes at the next ``rewrite``."""
        await self.scripts.call("INCR", self.scripts.keys("erased"))

    async def is_rewritten(self) -> bool:
        """Tells whether Redis' memory and files are rid of everybody erased."""
        erased, rebuilt = [int(await self.scripts.call("GET", self.scripts.keys(name)) or 0) for name in _COUNTS]
        if erased != rebuilt:
            return False
        info = await self.scripts.call("INFO", "persistence")
        under_way = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
        return not any(int(info[name]) for name in under_way)

    async def rewrite(self) -> bool:
        """Rids Redis' memory and files of the erased, if anybody was erased since it last did; tells whether it did.

        The journal is rebuilt, then Redis is asked to write its file anew. Until both are done the erasures count as
        new: whoever dies here is followed by another, who goes on with the copy.

        Raises:
            LedgerUnavailableError: Redis is unavailable or full; the copy is dropped.
        """
        erased, rebuilt = [int(await self.scripts.call("GET", self.scripts.keys(name)) or 0) for name in _COUNTS]
        if erased == rebuilt:
            return False
        await self._rebuild()
        try:
            await self.scripts.call("BGREWRITEAOF")
        except ResponseError as error:
            if "in progress" in str(error):  # by a process that took its picture before
                return False
        await self._snapshot()
        await self.scripts.call("SET", self.scripts.keys("erased_rebuilt"), erased)
        return True

    async def _snapshot(self) -> None:
        """Have Redis write its snapshot again, if it has written one: backups may be made of it."""
        info = await self.scripts.call("INFO", "persistence")
        if int(info.get("rdb_last_bgsave_time_sec", -1)) < 0:
            return
        try:
            await self.scripts.call("BGSAVE", "SCHEDULE")
        except ResponseError as error:
            if "in progress" not in str(error):
                raise
        except LedgerUnavailableError as error:
            log.warning("erasure.snapshot_refused", error=str(error), hint="grant +bgsave, or write one yourself")

    async def _rebuild(self) -> None:
        try:
            while not await self.scripts.run("erasure_rebuild", most=_PAGE):
                pass
        except LedgerUnavailableError:
            with suppress(LedgerUnavailableError):  # a full Redis has room again
                await self.scripts.call("DEL", self.scripts.keys("journal_copy"))
            raise
