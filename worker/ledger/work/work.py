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

from connectors.steps import step
from worker.ledger.arguments import Arg, Value
from worker.ledger.journal.entry_codec import packed, unpacked
from worker.ledger.run import Run
from worker.ledger.scripts import Scripts
from worker.ledger.work import counts
from worker.ledger.work.all_work import AllWork, ReapedLeases
from worker.ledger.work.due_links import DueLinks
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
from worker.ledger.work.work_values import (
    BACKFILL_ROOM,
    LEASE_MS,
    Added,
    Counts,
    CursorMove,
    DeadLetter,
    Due,
    Known,
    Lane,
    Lease,
    Left,
    Settlement,
    StepEnd,
    ref,
)

__all__ = [
    "BACKFILL_ROOM",
    "LEASE_MS",
    "Added",
    "AllWork",
    "Counts",
    "CursorMove",
    "DeadLetter",
    "Due",
    "Known",
    "Lane",
    "Lease",
    "Left",
    "Memory",
    "ReapedLeases",
    "Settlement",
    "StepEnd",
    "Work",
    "ref",
]

_CHUNK = 1_000  # ids per script call, so that no call holds Redis for long


P = ParamSpec("P")


def _ending_step(
    end: Callable[Concatenate[Work, P], Coroutine[Any, Any, StepEnd]],
) -> Callable[Concatenate[Work, P], Coroutine[Any, Any, StepEnd]]:
    """Shows a way to end a visit to whoever traces."""

    @wraps(end)
    async def shown(work: Work, /, *args: P.args, **named: P.kwargs) -> StepEnd:
        with step("settle", by=end.__name__) as settling:
            ending = await end(work, *args, **named)
            settling.note(ending=str(ending))
            return ending

    return shown


def _since(rows: Sequence[bytes]) -> dict[str, int]:
    return {id.decode(): int(float(at)) for id, at in zip(rows[::2], rows[1::2], strict=True)}


def _flat(values: Mapping[str, str]) -> list[str]:
    return [part for pair in values.items() for part in pair]


def _sums(counts: Mapping[str, int]) -> list[Arg]:
    return [part for pair in counts.items() for part in pair]


def _lines(texts: Sequence[str]) -> str:
    if any("\n" in text or not text for text in texts):
        raise ValueError("an intent is one line of JSON")
    return "\n".join(texts)


class Work:
    """Takes records of one (crm, object) from due to settled, waiting or dead."""

    def __init__(
        self, scripts: Scripts, crm: str, object: str, *, tokens: Callable[[], str] = lambda: token_hex(8)
    ) -> None:
        self._scripts = scripts
        self._tokens = tokens
        self.links = DueLinks(scripts)
        self.crm = crm
        self.object = object

    async def add(
        self, rows: Sequence[Due], *, lane: Lane, run: str, move: CursorMove | None = None, forced: bool = False
    ) -> Added:
        """Ask for a look at records, a whole page in one step together with the cursor behind it (1,000 without one).

        What is in the work already coalesces; a settled record stays so when the row tells nothing new; ``forced``
        overrules that. A dead letter stays dead.
        """
        step = len(rows) if move else _CHUNK
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
        """Finishes the visit: what it leaves is remembered, journalled and counted, its intents are closed."""
        answer = await self._scripts.run(
            "work_settle",
            owner=lease.owner,
            token=lease.token,
            left=pack_left(settlement.left) + pack_fingerprint(settlement.fingerprint),
            stamp=settlement.stamp,
            read_at=settlement.read_at,
            look_at=settlement.look_at,
            own=_own_text(settlement.own),
            outcome=settlement.outcome,
            day=settlement.day,
            entries=_packed(settlement.entries),
            filled=_flat(settlement.filled),
            unfilled=_flat(settlement.unfilled),
            tally=_sums(settlement.tally),
            yields=_sums(settlement.yields),
        )
        return _ending(answer)

    @_ending_step
    async def defer(
        self,
        lease: Lease,
        until_ms: int,
        reason: str,
        *,
        entries: Sequence[str] = (),
        filled: Mapping[str, str] | None = None,
        close_intents: bool = False,
        own: Mapping[str, str] | None = None,
    ) -> StepEnd:
        """Makes the record due again at a time, by no fault of it: no attempt is counted."""
        released = _release(lease, reason, entries, filled, close_intents=close_intents, own=own)
        return _ending(await self._scripts.run("work_defer", **released, until_ms=until_ms))

    @_ending_step
    async def wait(
        self,
        lease: Lease,
        providers: Sequence[str],
        at_latest_ms: int | None,
        reason: str,
        *,
        entries: Sequence[str] = (),
        filled: Mapping[str, str] | None = None,
        close_intents: bool = False,
        own: Mapping[str, str] | None = None,
        fingerprint: str = "",
        stamp: int = 0,
        read_at: int = 0,
        needs: Mapping[str, int] | None = None,
    ) -> StepEnd:
        """Wait under every one of ``providers``, until one admits the record or ``at_latest_ms`` has passed.

        ``needs`` are the credits its next question costs there: it is not admitted to less. ``fingerprint``, ``stamp``
        and ``read_at`` are those of the last read, so that the echo of what this visit wrote does not end the wait.
        """
        if not providers:
            raise ValueError("a record waits for at least one provider")
        answer = await self._scripts.run(
            "work_wait",
            **_release(lease, reason, entries, filled, close_intents=close_intents, own=own),
            at_latest=at_latest_ms or 0,
            fingerprint=pack_fingerprint(fingerprint),
            stamp=stamp,
            read_at=read_at,
            providers=providers,
            needs=[(needs or {}).get(provider, 0) for provider in providers],
        )
        return _ending(answer)

    @_ending_step
    async def cut(self, lease: Lease, settlement: Settlement, *, day: str, day_at_ms: int, why: str = "cap") -> StepEnd:
        """Ends the visit by the cap of the lease's run: what is found is kept, and the record waits for another run.

        Another ``why`` is counted by itself, and not as cut: nothing of the visit is remembered, so that whoever looks
        next finds what it did not do, and the day's work that wants the record goes on at once.

        The next one that a person starts takes it over. A record that the day's work wants too goes on at
        ``day_at_ms`` as part of the run ``day``, where no person has started one.
        """
        answer = await self._scripts.run(
            "work_cut",
            owner=lease.owner,
            token=lease.token,
            why=why,
            own=_own_text(settlement.own),
            fingerprint=pack_fingerprint(settlement.fingerprint),
            stamp=settlement.stamp,
            read_at=settlement.read_at,
            day=day,
            till=day_at_ms,
            entries=_packed(settlement.entries),
            filled=_flat(settlement.filled),
            unfilled=_flat(settlement.unfilled),
            tally=_sums(settlement.tally),
        )
        return _ending(answer)

    @_ending_step
    async def again(
        self,
        lease: Lease,
        reason: str,
        after_ms: int,
        *,
        entries: Sequence[str] = (),
        filled: Mapping[str, str] | None = None,
        close_intents: bool = False,
    ) -> StepEnd:
        """Notes that the visit failed: due again after a while, and ``BURIED`` at the 8th failure."""
        released = _release(lease, reason, entries, filled, close_intents=close_intents)
        return _ending(await self._scripts.run("work_again", **released, after=after_ms))

    @_ending_step
    async def bury(
        self,
        lease: Lease,
        reason: str,
        *,
        entries: Sequence[str] = (),
        filled: Mapping[str, str] | None = None,
        close_intents: bool = False,
        tally: Mapping[str, int] | None = None,
        own: Mapping[str, str] | None = None,
    ) -> StepEnd:
        """Make the record a dead letter; its open intents stay with it unless they are closed."""
        released = _release(lease, reason, entries, filled, close_intents=close_intents, own=own)
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

        Where both remember a value of ours in one field, the survivor's stands.
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
        """Visit the record whatever it is: a dead letter, settled, waiting; past the fingerprint, with all attempts.

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

    async def journalled(self, keys: Sequence[str]) -> list[str]:
        """Returns the texts of journal entries, in the order of their keys; those that are gone are left out."""
        stream = self._scripts.keys("journal")
        found = await self._scripts.calls([("XRANGE", stream, key, key) for key in keys])
        kept = [rows[0][1] for rows in found if rows]
        return [unpacked(one[b"entry"].decode(), one[b"run"].decode()) for one in kept]

    async def drop(self, id: str) -> bool:
        """Take a dead letter out of the work; its open intents go to the journal. ``False`` when it is none."""
        return bool(await self._scripts.run("work_drop", crm=self.crm, object=self.object, id=id))

    async def forget(self, id: str) -> bool:
        """Keep nothing of a record; says whether its visit let that be done: one under way ends first."""
        return bool(await self._scripts.run("work_forget", crm=self.crm, object=self.object, id=id))

    async def intents(self) -> dict[str, str]:
        """Returns the open changes of every record in the work that has some, one line each."""
        names = [self._key("due", lane) for lane in ("live", "backfill", "alone")]
        names += [self._key(place, lane) for place in ("leased", "waiting") for lane in ("live", "backfill")]
        listed = await self._scripts.calls([("ZRANGE", name, 0, -1) for name in (*names, self._key("dead"))])
        ids = [one.decode() for row in listed for one in row]
        found: dict[str, str] = {}
        for start in range(0, len(ids), _CHUNK):
            block = ids[start : start + _CHUNK]
            texts = await self._scripts.calls([("HGET", self._key("record", one), "intents") for one in block])
            found |= {one: text.decode() for one, text in zip(block, texts, strict=True) if text}
        return found

    async def open_intents(self, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Returns the open changes of records, those without one left out."""
        found = await self._scripts.calls([("HGET", self._key("record", one), "intents") for one in ids])
        return {one: tuple(text.decode().split("\n")) for one, text in zip(ids, found, strict=True) if text}

    async def unintend(self, id: str, before: str, left: str) -> bool:
        """Replace a record's open changes by fewer; says whether they were as read and no visit was under way."""
        return bool(
            await self._scripts.run("work_unintend", crm=self.crm, object=self.object, id=id, before=before, left=left)
        )

    async def owned(self) -> dict[str, str]:
        """Returns texts about values of ours, by the record's id."""
        found: dict[str, str] = {}
        for start in range(0, len(BUCKETS), _CHUNK):
            buckets = BUCKETS[start : start + _CHUNK]
            for row in await self._scripts.calls([("HGETALL", self._key("own", one)) for one in buckets]):
                pairs = row.items() if isinstance(row, dict) else zip(row[::2], row[1::2], strict=True)
                found |= {id.decode(): text.decode() for id, text in pairs}
        return found

    async def dead(self, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """Returns dead letters, oldest first, the first ``after`` of them left out."""
        since = _since(await self._scripts.call("ZRANGE", self._key("dead"), after, after + limit - 1, "WITHSCORES"))
        return await self.dead_of(list(since), since)

    async def dead_since(self) -> dict[str, int]:
        """Returns the id of every dead letter with the time (ms) it was buried at, oldest first; no record is read."""
        return _since(await self._scripts.call("ZRANGE", self._key("dead"), 0, -1, "WITHSCORES"))

    async def dead_of(self, ids: Sequence[str], since: Mapping[str, int]) -> list[DeadLetter]:
        """Returns these dead letters, which were buried at the times of ``since``; those that are gone are left out."""
        found: list[DeadLetter] = []
        for start in range(0, len(ids), _CHUNK):
            block = ids[start : start + _CHUNK]
            told = await self._scripts.run("work_dead", crm=self.crm, object=self.object, ids=block)
            found += [
                DeadLetter(name, note.decode(), int(attempts or 0), since[name], (run or b"").decode())
                for name, note, attempts, run in zip(block, told[::3], told[1::3], told[2::3], strict=True)
                if note is not None
            ]
        return found

    async def dead_intents(self, id: str) -> tuple[str, ...]:
        """Returns the intents a dead letter was buried with."""
        intents = await self._scripts.call("HGET", self._key("record", id), "intents")
        return tuple(intents.decode().split("\n")) if intents else ()

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
        """Tells how many records are due now."""
        now = await self._scripts.now()
        places = (*Lane, "alone")
        return sum(await self._scripts.calls([("ZCOUNT", self._key("due", lane), "-inf", now) for lane in places]))

    async def now(self) -> int:
        """Returns the ledger's time in ms."""
        return await self._scripts.now()

    async def memory(self, ids: Sequence[str]) -> dict[str, Memory]:
        """Returns what is remembered of records; those of which nothing is are left out."""
        return {name: one.memory for name, one in (await self.known(ids)).items() if one.memory is not None}

    async def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Returns what the ledger knows of records; those of which it knows nothing are left out."""
        found: dict[str, Known] = {}
        for start in range(0, len(ids), _CHUNK):
            block = ids[start : start + _CHUNK]
            row = await self._scripts.run("work_known", crm=self.crm, object=self.object, ids=block)
            for name, memory, own, state in zip(block, row[::3], row[1::3], row[2::3], strict=True):
                if memory or own or state:
                    found[name] = Known(unpack(memory, own), state.decode())
        return found

    async def pending(self, run: str, until_ms: int) -> int:
        """Returns records of a person's run that are leased, or due by ``until_ms``. Waiting ones are not counted."""
        if not Run.named(run).by_person:
            raise ValueError("only runs a person started are followed record by record")
        return int(await self._scripts.call("ZCOUNT", self._key("open", run), "-inf", until_ms))

    async def left(self, run: str) -> list[Left]:
        """Returns the records of a person's run that are still in the work, in groups that stand alike."""
        groups: dict[tuple[str, ...], Left] = {}
        for first in range(0, await self.open(run), _CHUNK):
            for *words, soonest, records in await self._scripts.run(
                "work_left", crm=self.crm, object=self.object, run=run, first=first, most=_CHUNK
            ):
                state, note, lane, providers, needs = name = tuple(word.decode() for word in words)
                one = Left(
                    state,
                    note,
                    Lane(lane),
                    tuple(providers.split(",")) if providers else (),
                    tuple(int(need) for need in needs.split(",")) if needs else (),
                    int(soonest),
                    int(records),
                )
                groups[name] = groups[name].with_more(one) if name in groups else one
        return list(groups.values())

    async def open(self, run: str) -> int:
        """Tells how many records of a person's run are still in the work."""
        return int(await self._scripts.call("ZCARD", self._key("open", run)))

    async def own_all(self, run: str, *, only_cut: bool = False) -> int:
        """Lets ``run`` take over all that is in the work and not dead; gives how many records.

        What the cap of an earlier run has cut is due again; with ``only_cut`` nothing else is taken.
        """
        places = [(place, lane) for place in ("due", "leased", "waiting") for lane in Lane] + [("due", "alone")]
        found = await self._scripts.calls([("ZRANGE", self._key(place, lane), 0, -1) for place, lane in places])
        ids = [name for page in found for name in page]
        taken = 0
        for start in range(0, len(ids), _CHUNK):
            taken += await self._scripts.run(
                "work_own_all",
                crm=self.crm,
                object=self.object,
                run=run,
                only_cut=int(only_cut),
                ids=ids[start : start + _CHUNK],
            )
        return taken

    async def recheck(self, run: str, *, first: int = 0, buckets: int = 256, opened: Sequence[str] = ()) -> int:
        """Make settled records due whose time to look again has come, from bucket ``first`` on; gives how many.

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

    def _key(self, name: str, *parts: str) -> str:
        return self._scripts.keys(name, self.crm, self.object, *parts)


def _release(
    lease: Lease,
    reason: str,
    entries: Sequence[str],
    filled: Mapping[str, str] | None,
    *,
    close_intents: bool = False,
    own: Mapping[str, str] | None = None,
) -> dict[str, Value]:
    """Returns what every unfinished end of a visit tells its script."""
    return {
        "owner": lease.owner,
        "token": lease.token,
        "reason": reason,
        "close": int(close_intents),
        "own": _own_text(own),
        "entries": _packed(entries),
        "filled": _flat(filled or {}),
    }


def _packed(entries: Sequence[str]) -> list[str]:
    return [packed(entry) for entry in entries]


def _own_text(own: Mapping[str, str] | None) -> str:
    return "keep" if own is None else pack_own(own)


def _ending(answer: bytes) -> StepEnd:
    return StepEnd(answer.decode())
