"""Keeps the work: the records due, per (crm, object).

Each record is in it once: due, leased, waiting or dead, or it is settled.

Every step is one script (``work_*.lua``), refused to all but the lease's owner, and gives the same answer when it
is repeated with the same lease.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from secrets import token_hex
from typing import Any, Concatenate, ParamSpec

from connectors.telemetry import step
from worker.ledger.compact_json import packed
from worker.ledger.scripts import Arg, Scripts, Value
from worker.ledger.work import counts
from worker.ledger.work.all_work import AllWork, ReapedLeases
from worker.ledger.work.dead_letters import BuriedRecords
from worker.ledger.work.due_links import DueLinks
from worker.ledger.work.kept_texts import KeptTexts
from worker.ledger.work.memory import (
    BUCKETS,
    Memory,
    bucket,
    pack_fingerprint,
    pack_left,
    pack_own,
    unpack,
    unpack_own,
)
from worker.ledger.work.part import CHUNK, WorkPart
from worker.ledger.work.run_records import RunRecords
from worker.ledger.work.work_values import (
    BACKFILL_ROOM,
    LEASE_MS,
    NO_PROGRESS,
    UNREAD,
    Added,
    Counts,
    CursorMove,
    DeadLetter,
    Due,
    Known,
    Lane,
    LastRead,
    Lease,
    Left,
    Settlement,
    StepEnd,
    VisitProgress,
    ref,
)

__all__ = [
    "BACKFILL_ROOM", "LEASE_MS", "Added", "AllWork", "Counts", "CursorMove", "DeadLetter", "Due", "Known", "Lane",
    "LastRead", "Lease", "Left", "Memory", "ReapedLeases", "Settlement", "StepEnd", "VisitProgress", "Work", "ref",
]  # fmt: skip


P = ParamSpec("P")


def _ending_step(
    end: Callable[Concatenate[Work, P], Coroutine[Any, Any, StepEnd]],
) -> Callable[Concatenate[Work, P], Coroutine[Any, Any, StepEnd]]:
    """Wraps a way to end a visit in a trace span."""

    @wraps(end)
    async def shown(work: Work, /, *args: P.args, **named: P.kwargs) -> StepEnd:
        with step("settle", by=end.__name__) as settling:
            ending = await end(work, *args, **named)
            settling.note(ending=str(ending))
            return ending

    return shown


def _flat(values: Mapping[str, str]) -> list[str]:
    return [part for pair in values.items() for part in pair]


def _sums(counts: Mapping[str, int]) -> list[Arg]:
    return [part for pair in counts.items() for part in pair]


def _lines(texts: Sequence[str]) -> str:
    if any("\n" in text or not text for text in texts):
        raise ValueError("an intent is one line of JSON")
    return "\n".join(texts)


class Work(WorkPart):
    """Takes records of one (crm, object) from due to settled, waiting or dead."""

    def __init__(
        self, scripts: Scripts, crm: str, object: str, *, tokens: Callable[[], str] = lambda: token_hex(8)
    ) -> None:
        super().__init__(scripts, crm, object)
        self._tokens = tokens
        self.links = DueLinks(scripts)
        self.letters = BuriedRecords(scripts, crm, object)
        self.of_run = RunRecords(scripts, crm, object)
        self.texts = KeptTexts(scripts, crm, object)

    async def add(
        self, rows: Sequence[Due], *, lane: Lane, run: str, move: CursorMove | None = None, forced: bool = False
    ) -> Added:
        """Ask for a look at records, a whole page in one step together with the cursor behind it (1,000 without one).

        One in the work already coalesces; a settled record stays so when the row tells nothing new; ``forced``
        overrules that. A dead letter stays dead.
        """
        step = len(rows) if move else CHUNK
        added = Added(0, 0, 0, moved=False)
        for start in range(0, len(rows) or 1, step or 1):
            new, coalesced, ignored, moved = await self._scripts.run(
                "work_add",
                crm=self.crm,
                object=self.object,
                lane=lane,
                run=run,
                forced=int(forced),
                cursor=move.name if move else "",
                old=move.old if move else "",
                new=move.new if move else "",
                rows=[row.columns() for row in rows[start : start + step]],
            )
            added = Added(added.added + new, added.coalesced + coalesced, added.ignored + ignored, bool(moved))
        return added

    async def claim(self, owner: str, count: int, *, holding: int = 0, run: str = "", claim: str = "") -> list[Lease]:
        """Leases up to ``count`` records that are due now; none while the crm is paused. With ``run`` only its records.

        A record that crashed its process three times is given only alone: to an owner that is ``holding`` no other
        lease, and until that visit ends the owner gets nothing else. ``claim`` names this call, so that a repeat of
        it gives the same leases.
        """
        claim = claim or self._tokens()
        rows = await self._scripts.run(
            "work_claim",
            crm=self.crm,
            object=self.object,
            owner=owner,
            claim=claim,
            wanted=count,
            holding=holding,
            lease_ms=LEASE_MS,
            run=run,
        )
        return [self._lease(owner, claim, row) for row in rows]

    def _lease(self, owner: str, claim: str, row: Sequence[Any]) -> Lease:
        record, lane, run, attempts, crashes, until, forced, intents, note, places, memory, own, reopen, undo = row
        name = record.decode()
        return Lease(
            crm=self.crm,
            object=self.object,
            id=name,
            token=f"{claim}:{ref(self.crm, self.object, name)}",
            owner=owner,
            lane=Lane(lane.decode()),
            run=run.decode(),
            attempts=int(attempts),
            crashes=int(crashes),
            until_ms=int(until),
            forced=bool(forced),
            memory=unpack(memory, own),
            intents=tuple(intents.decode().split("\n")) if intents else (),
            note=note.decode(),
            places={
                provider: int(since)
                for provider, _, since in (place.partition("=") for place in places.decode().split(",") if place)
            },
            reopened=bool(reopen),
            undo=tuple(undo.decode().split(",")) if undo else (),
        )

    @_ending_step
    async def settle(self, lease: Lease, settlement: Settlement) -> StepEnd:
        """Finishes the visit: its results are remembered, journalled and counted, its intents are closed."""
        answer = await self._scripts.run(
            "work_settle",
            **_leaving(lease, settlement),
            left=pack_left(settlement.left),
            look_at=settlement.look_at,
            outcome=settlement.outcome,
            day=settlement.day,
            yields=_sums(settlement.yields),
        )
        return _ending(answer)

    @_ending_step
    async def defer(self, lease: Lease, until_ms: int, reason: str, progress: VisitProgress = NO_PROGRESS) -> StepEnd:
        """Makes the record due again at a time, by no fault of it: no attempt is counted."""
        released = _release(lease, reason, progress)
        return _ending(await self._scripts.run("work_defer", **released, until_ms=until_ms))

    @_ending_step
    async def wait(
        self,
        lease: Lease,
        providers: Sequence[str],
        at_latest_ms: int | None,
        reason: str,
        progress: VisitProgress = NO_PROGRESS,
        *,
        seen: LastRead = UNREAD,
        needs: Mapping[str, int] | None = None,
    ) -> StepEnd:
        """Wait under every one of ``providers``, until one admits the record or ``at_latest_ms`` has passed.

        ``needs`` are the credits its next question costs there: it is not admitted to less. The echo of what this
        visit wrote, the state last ``seen``, does not end the wait.
        """
        if not providers:
            raise ValueError("a record waits for at least one provider")
        answer = await self._scripts.run(
            "work_wait",
            **_release(lease, reason, progress),
            at_latest=at_latest_ms or 0,
            fingerprint=pack_fingerprint(seen.fingerprint),
            stamp=seen.stamp,
            read_at=seen.read_at,
            providers=providers,
            needs=[(needs or {}).get(provider, 0) for provider in providers],
        )
        return _ending(answer)

    @_ending_step
    async def cut(self, lease: Lease, settlement: Settlement, *, day: str, day_at_ms: int, why: str = "cap") -> StepEnd:
        """Ends the visit at the cap of the lease's run: its results are kept, and the record waits for another run.

        Another ``why`` is counted by itself, and not as cut: nothing of the visit is remembered, so that whoever looks
        next finds what it did not do, and the day's work that wants the record goes on at once.

        The next one that a person starts takes it over. A record that the day's work wants too goes on at
        ``day_at_ms`` as part of the run ``day``, where no person has started one.
        """
        answer = await self._scripts.run("work_cut", **_leaving(lease, settlement), why=why, day=day, till=day_at_ms)
        return _ending(answer)

    @_ending_step
    async def again(self, lease: Lease, reason: str, after_ms: int, progress: VisitProgress = NO_PROGRESS) -> StepEnd:
        """Notes that the visit failed: due again after a while, and ``BURIED`` at the 8th failure."""
        released = _release(lease, reason, progress)
        return _ending(await self._scripts.run("work_again", **released, after=after_ms))

    @_ending_step
    async def bury(
        self,
        lease: Lease,
        reason: str,
        progress: VisitProgress = NO_PROGRESS,
        *,
        tally: Mapping[str, int] | None = None,
    ) -> StepEnd:
        """Make the record a dead letter; its open intents stay with it unless they are closed."""
        released = _release(lease, reason, progress)
        return _ending(await self._scripts.run("work_bury", **released, tally=_sums(tally or {})))

    @_ending_step
    async def gone(self, lease: Lease, *, entries: Sequence[str] = (), outcome: str = "gone") -> StepEnd:
        """Settles a record that is deleted or unreadable, and forgets all we remember of it."""
        return _ending(
            await self._scripts.run(
                "work_gone", owner=lease.owner, token=lease.token, outcome=outcome, entries=_packed(entries)
            )
        )

    @_ending_step
    async def move(self, lease: Lease, new_id: str, new_object: str, *, entries: Sequence[str] = ()) -> StepEnd:
        """Moves a record to what it was merged or converted to, which takes over its work, intents and values of ours.

        If both remember a value of ours in one field, the survivor's counts.
        """
        if (new_id, new_object) == (lease.id, lease.object):
            raise ValueError("a record cannot move to itself")
        memory = (await self.memory([lease.id])).get(lease.id)
        mine = memory.own if memory else {}
        while True:
            raw = await self._scripts.call(
                "HGET", self._scripts.keys("own", self.crm, new_object, bucket(new_id)), new_id
            )
            theirs = raw.decode() if raw else ""
            both = pack_own({**mine, **unpack_own(theirs)})
            answer = await self._scripts.run(
                "work_move",
                owner=lease.owner,
                token=lease.token,
                object=new_object,
                id=new_id,
                theirs=theirs,
                both=both,
                entries=_packed(entries),
            )
            if answer != b"retry":
                return _ending(answer)

    async def intend(self, lease: Lease, intents: Sequence[str]) -> bool:
        """Keep changes about to be sent with the record, until a later step of a visit closes them.

        Gives ``False`` when the lease is lost: then nothing may be sent.
        """
        return (await self.intend_all([(lease, intents)]))[0]

    async def intend_all(self, rows: Sequence[tuple[Lease, Sequence[str]]]) -> list[bool]:
        """Keep the changes of several visits, as ``intend`` does, in one round trip."""
        lines = [_lines(texts) for _, texts in rows]
        begun = [
            self._scripts.begun("work_intend", owner=lease.owner, token=lease.token, intents=intents)
            for (lease, _), intents in zip(rows, lines, strict=True)
        ]
        return [bool(held) for held in await self._scripts.all_of(begun)]

    async def replay(self, id: str, run: str, *, reopen: bool = False, undo: Sequence[str] = ()) -> None:
        """Visit the record in any state: a dead letter, settled, waiting; past the fingerprint, with all attempts.

        ``reopen`` asks the visit to forget which values of ours were refused, ``undo`` to take back the changes with
        these journal keys instead of looking for others.
        """
        await self._scripts.run(
            "work_replay",
            crm=self.crm,
            object=self.object,
            id=id,
            run=run,
            reopen=int(reopen),
            undo=",".join(undo),
        )

    async def forget(self, id: str) -> bool:
        """Keep nothing of a record; says whether its visit let that be done: one under way ends first."""
        return bool(await self._scripts.run("work_forget", crm=self.crm, object=self.object, id=id))

    async def room(self) -> int:
        """Tells how many backfill ids may still be added."""
        held: list[int] = await self._scripts.calls(
            [("ZCARD", self._key(place, Lane.BACKFILL)) for place in ("due", "leased", "waiting")]
        )
        return max(0, BACKFILL_ROOM - sum(held))

    async def counts(self) -> Counts:
        """Tells how many records are where; one round trip, not one instant."""
        replies = await self._scripts.calls(counts.commands(self._scripts.keys, self.crm, self.object))
        return counts.read(replies, await self._scripts.now())

    async def ready(self) -> int:
        now = await self._scripts.now()
        places = (*Lane, "alone")
        return sum(await self._scripts.calls([("ZCOUNT", self._key("due", lane), "-inf", now) for lane in places]))

    async def now(self) -> int:
        return await self._scripts.now()

    async def memory(self, ids: Sequence[str]) -> dict[str, Memory]:
        """Returns the memory of records; those without any are left out."""
        return {name: one.memory for name, one in (await self.known(ids)).items() if one.memory is not None}

    async def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Returns the ledger's knowledge of records; unknown ones are left out."""
        found: dict[str, Known] = {}
        for start in range(0, len(ids), CHUNK):
            block = ids[start : start + CHUNK]
            row = await self._scripts.run("work_known", crm=self.crm, object=self.object, ids=block)
            for name, memory, own, state in zip(block, row[::3], row[1::3], row[2::3], strict=True):
                if memory or own or state:
                    found[name] = Known(unpack(memory, own), state.decode())
        return found

    async def recheck(self, run: str, *, first: int = 0, buckets: int = 256, opened: Sequence[str] = ()) -> int:
        """Make settled records due whose recheck has come, from bucket ``first`` on; returns their number.

        And those whose last visit left one of ``opened`` (``letters_of_closed``) among what stays blank. A round over
        all 4,096 buckets is the caller's: ``first`` wraps around.
        """
        room = await self.room()
        part = [BUCKETS[(first + at) % len(BUCKETS)] for at in range(buckets)]
        return int(
            await self._scripts.run(
                "work_recheck", crm=self.crm, object=self.object, run=run, most=room, opened=list(opened), buckets=part
            )
        )


def _release(lease: Lease, reason: str, progress: VisitProgress) -> dict[str, Value]:
    """Returns the arguments of every unfinished end of a visit."""
    return {
        "owner": lease.owner,
        "token": lease.token,
        "reason": reason,
        "intents": "keep" if progress.open_intents is None else _lines(progress.open_intents),
        "own": _own_text(progress.own),
        "entries": _packed(progress.entries),
        "filled": _flat(progress.filled),
    }


def _leaving(lease: Lease, settlement: Settlement) -> dict[str, Value]:
    """Returns the arguments of every finished end of a visit."""
    return {
        "owner": lease.owner,
        "token": lease.token,
        "fingerprint": pack_fingerprint(settlement.fingerprint),
        "stamp": settlement.stamp,
        "read_at": settlement.read_at,
        "own": _own_text(settlement.own),
        "entries": _packed(settlement.entries),
        "filled": _flat(settlement.filled),
        "unfilled": _flat(settlement.unfilled),
        "tally": _sums(settlement.tally),
    }


def _packed(entries: Sequence[str]) -> list[str]:
    return [packed(entry) for entry in entries]


def _own_text(own: Mapping[str, str] | None) -> str:
    return "keep" if own is None else pack_own(own)


def _ending(answer: bytes) -> StepEnd:
    return StepEnd(answer.decode())
