"""Takes in announced records, requests for records, and records that only a sweep found.

One script per post: a sender hears of success only when everything it said is in the work.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from worker.ledger.journal.figures import WorkName
from worker.ledger.scripts import Scripts
from worker.ledger.work.due_links import DueLinks
from worker.ledger.work.memory import bucket
from worker.ledger.work.work_values import CursorMove, Due, ref

KEEP_MS = 7 * 86_400_000  # how long a request can be followed, and its key is remembered
REPLAY_MS = 11 * 60_000  # how long a signed post is known: five minutes either side of now its signature is taken
MOST_MARKS = 100_000  # of posts that are known, 12 MB; past that the oldest are forgotten first


class Announced(Struct, frozen=True, gc=False):
    """Names a record that a sender spoke of. ``stamp`` is of the vendor's clock (ms), 0 always counts.

    ``erase``: the vendor says that the person asked for erasure; their data is erased once a read agrees.
    """

    id: str
    stamp: int = 0
    erase: bool = False


class AnnouncedPost(Struct, frozen=True):
    """Holds the records that one post speaks of.

    ``mark``: the identity of a signed post; a post whose mark is known is a replay.
    """

    rows: Mapping[WorkName, Sequence[Announced]]
    mark: str = ""

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))


class TakenPost(Struct, frozen=True):
    added: int = 0
    coalesced: int = 0
    ignored: int = 0
    replayed: int = 0


class Request(Struct, frozen=True):
    """Names records somebody asked for. ``digest`` is of the content of the request."""

    id: str
    digest: str


class RequestState(Struct, frozen=True):
    """Holds the progress of a request. ``states`` maps ids to due, leased, waiting, dead or settled.

    ``left`` says of settled ones which fields stayed blank and why; ``filled`` counts values written for the request.
    """

    crm: str
    object: str
    at_ms: int
    states: Mapping[str, str]
    notes: Mapping[str, str]
    left: Mapping[str, Mapping[str, str]]
    filled: int


class Intake:
    """Takes into the ledger what senders, askers and sweeps bring."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self.links = DueLinks(scripts)

    async def announce(self, posts: Sequence[AnnouncedPost], runs: Mapping[str, str]) -> TakenPost:
        """Ask for a look at all records that posts name, in one step; ``runs`` is the run by crm."""
        (taken,) = await self._scripts.all_of([self.begun(posts, runs)])
        return TakenPost(*map(int, taken))

    def begun(self, posts: Sequence[AnnouncedPost], runs: Mapping[str, str]) -> Awaitable[Any]:
        """Returns what ends when Redis has taken the step of ``announce``, or in redis-py's error."""
        texts: dict[WorkName, list[str]] = {}
        for post in posts:
            for work, rows in post.rows.items():
                texts.setdefault(work, []).append(_text(rows, post.mark))
        # in one text: the client takes longer over three hundred arguments than Redis over the whole step
        groups = [(crm, kind, runs[crm], "".join(parts)) for (crm, kind), parts in texts.items()]
        return self._scripts.begun("intake_announce", marks_ms=REPLAY_MS, most_marks=MOST_MARKS, groups=groups)

    async def recover(
        self, crm: str, object: str, rows: Sequence[Due], *, run: str, move: CursorMove
    ) -> tuple[int, bool]:
        """Adds a sweep's page; returns how many of its rows nothing had announced.

        And whether the cursor is behind it.
        """
        recovered, moved = await self._scripts.run(
            "intake_recover",
            crm=crm,
            object=object,
            run=run,
            cursor=move.name,
            old=move.old,
            new=move.new,
            rows=[row.columns() for row in rows],
        )
        return int(recovered), bool(moved)

    async def request(self, id: str, *, key: str, digest: str, work: WorkName, ids: Sequence[str]) -> Request:
        """Ask for records by id past their fingerprint, once per ``key`` (``""`` = none).

        Returns the earlier request of ``key``: if its digest is another, something else was asked before.
        """
        text = json.dumps(list(ids), separators=(",", ":"))
        crm, kind = work
        request, answer = await self._scripts.run(
            "intake_ask",
            request=id,
            key=key,
            digest=digest,
            keep=KEEP_MS,
            crm=crm,
            object=kind,
            run=run_of(id),
            text=text,
            ids=ids,
        )
        return Request(request.decode(), answer.decode())

    async def follow(self, id: str) -> RequestState | None:
        """Returns the progress of a request; ``None`` if it does not exist, or is older than a week."""
        found = await self._scripts.call("HGETALL", self._scripts.keys("request", id))
        if not found:
            return None
        fields = {name.decode(): value.decode() for name, value in found.items()}
        crm, kind, run, ids = fields["crm"], fields["object"], fields["run"], json.loads(fields["ids"])
        keys = self._scripts.keys
        places = [keys("run_records", run, crm, kind, bucket(one)[1:]) for one in ids]
        held, left, before, (filled,) = (
            await self._scripts.calls([("HMGET", keys("record", crm, kind, one), "s", "note") for one in ids]),
            await self._scripts.calls([("HGET", place, one) for place, one in zip(places, ids, strict=True)]),
            await self._scripts.call("HMGET", keys("run_records_before", run), *(ref(crm, kind, one) for one in ids)),
            await self._scripts.calls([("HGETALL", keys("run", run))]),
        )
        states = {one: (state or b"settled").decode() for one, (state, _) in zip(ids, held, strict=True)}
        return RequestState(
            crm=crm,
            object=kind,
            at_ms=int(fields["at"]),
            states=states,
            notes={one: note.decode() for one, (state, note) in zip(ids, held, strict=True) if state and note},
            left={
                one: _pairs(text.decode())
                for one, now, then in zip(ids, left, before, strict=True)
                if (text := then if now is None else now) and states[one] == "settled"
            },
            filled=sum(int(count) for name, count in filled.items() if name.startswith(b"filled|")),
        )

    async def announced(self) -> dict[WorkName, int]:
        return await self._counted("announced")

    async def replayed(self) -> dict[WorkName, int]:
        """Returns rows of signed posts that had come before, since the start."""
        return await self._counted("replayed")

    async def recovered(self) -> dict[WorkName, int]:
        """Returns the number of records that only sweeps found, since the start."""
        return await self._counted("recovered")

    async def _counted(self, name: str) -> dict[WorkName, int]:
        found = await self._scripts.call("HGETALL", self._scripts.keys(name))
        counts = {}
        for work, count in sorted(found.items()):
            crm, _, kind = work.decode().partition("|")
            counts[crm, kind] = int(count)
        return counts


def _text(rows: Sequence[Announced], mark: str) -> str:
    """Returns the rows of a post as the script takes them, behind the post's mark."""
    texts = [f"{row.id} {row.stamp} {'1' if row.erase else '0'};" for row in rows]
    return f"{mark or '-'} 0 2;{''.join(texts)}"


def run_of(request: str) -> str:
    return f"api-{request}"


def _pairs(text: str) -> dict[str, str]:
    parts = text.split("|")
    return dict(zip(parts[::2], parts[1::2], strict=False)) if text else {}
