"""Defines the values of the work: its input, a visit's lease, and a visit's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from worker.ledger.work.memory import Memory, pack_fingerprint

LEASE_MS = 90_000
BACKFILL_ROOM = 10_000  # backfill ids of one (crm, object) that are due, leased or waiting


class Lane(StrEnum):
    """Names the lanes. Live work goes before backfill, always."""

    LIVE = "live"
    BACKFILL = "backfill"


class StepEnd(StrEnum):
    """Tells how a step that ends a visit went."""

    DONE = "done"
    AGAIN = "again"  # it is due again at once: something came that this visit has not seen
    BURIED = "buried"  # it is a dead letter now
    LOST = "lost"  # the lease is not ours: nothing happened, and nothing more may be sent for this record


class Due(Struct, frozen=True):
    """Names a record to look at. ``stamp`` and ``read_at`` are of the vendor's clock (ms, 0 = none).

    ``stamp`` says of which change the row or event tells; without one it always counts. ``fingerprint`` and
    ``read_at`` are known when the row itself was read.
    """

    id: str
    stamp: int = 0
    fingerprint: str = ""
    read_at: int = 0

    def columns(self) -> tuple[str, int, bytes, int]:
        """Returns the row as scripts take it: ``rows(id, stamp, fingerprint, read_at)``."""
        return self.id, self.stamp, pack_fingerprint(self.fingerprint), self.read_at


class Known(Struct, frozen=True):
    """Holds the ledger's knowledge of a record: its memory, and its state while it is in the work.

    ``state`` is ``due``, ``leased``, ``waiting`` or ``dead``, and ``""`` outside the work.
    """

    memory: Memory | None
    state: str = ""

    @property
    def is_compared(self) -> bool:
        """Tells whether a row of the record is compared with the memory of an earlier look."""
        return self.memory is not None or self.state not in {"", "due"}


class CursorMove(Struct, frozen=True):
    """Moves the cursor ``name`` from ``old`` (``""`` = never set) to ``new`` with the page, or the page is refused."""

    name: str
    old: str
    new: str


class Added(Struct, frozen=True):
    """Holds the result for a page. ``moved``: the cursor is behind it now, by this call or an earlier same one."""

    added: int
    coalesced: int
    ignored: int
    moved: bool


class Lease(Struct, frozen=True):
    """Grants the right to visit one record until ``until_ms``, extended while the visit runs.

    ``forced`` asks for a visit past the fingerprint, ``reopened`` for one that forgets what was refused,
    ``undo`` for one that takes back the changes with these journal keys and looks nothing up. ``intents``
    are changes an earlier visit may have sent. ``note`` is why the last visit ended unsettled, ``places`` since when
    (ms) the record queues per provider.
    """

    crm: str
    object: str
    id: str
    token: str
    owner: str
    lane: Lane
    run: str
    attempts: int
    crashes: int
    until_ms: int
    forced: bool
    memory: Memory | None
    intents: tuple[str, ...]
    note: str
    places: Mapping[str, int] = {}
    reopened: bool = False
    undo: tuple[str, ...] = ()


class Settlement(Struct, frozen=True):
    """Holds the results of a finished visit.

    ``fingerprint`` is ``None`` when nothing is to be compared next time. ``stamp`` and ``read_at`` are of the last
    read (vendor ms), ``look_at`` is when to look again by itself (ms, 0 = never). ``own`` replaces what is remembered
    of our values; ``None`` keeps it. ``entries`` are JSON texts for the journal, ``filled`` maps fields to the provider
    whose value was written, ``unfilled`` to the reason why nothing was; ``left`` are letters to remember that by.
    ``outcome`` and ``tally`` (name -> by how much) are counted for the run, ``yields`` of paid questions for everybody.
    ``day`` is the run of the day, where the visit was about a part of the record: it goes on with the rest, if wanted.
    """

    fingerprint: str | None
    stamp: int
    read_at: int
    look_at: int = 0
    own: Mapping[str, str] | None = None
    entries: tuple[str, ...] = ()
    filled: Mapping[str, str] = {}
    unfilled: Mapping[str, str] = {}
    outcome: str = "settled"
    tally: Mapping[str, int] = {}
    yields: Mapping[str, int] = {}
    left: str = ""
    day: str = ""


class VisitProgress(Struct, frozen=True):
    """Holds the results of a visit that does not settle: they are journalled, counted and remembered all the same.

    ``filled`` maps fields to the provider whose value was written. ``open_intents`` are those whose end is not known
    yet, and ``None`` keeps all with the record. ``own`` replaces what is remembered of our values; ``None`` keeps it.
    """

    entries: Sequence[str] = ()
    filled: Mapping[str, str] = {}
    open_intents: Sequence[str] | None = None
    own: Mapping[str, str] | None = None


NO_PROGRESS = VisitProgress()


class LastRead(Struct, frozen=True):
    """Names the state of a record that was read last: its ``fingerprint``, its stamp and when it was read (vendor ms).

    A row in this state, such as the echo of our own write, is not news.
    """

    fingerprint: str = ""
    stamp: int = 0
    read_at: int = 0


UNREAD = LastRead()


class Left(Struct, frozen=True):
    """Counts records of one run in the same state.

    ``due``, ``leased`` or ``waiting``, by one note, for the same providers.

    ``needs`` are the credits that each of the providers has to have for one of them. ``soonest_ms`` is when the first
    of them goes on by itself: is due, or waits no longer (0 = none of them does).
    """

    state: str
    note: str
    lane: Lane
    providers: tuple[str, ...]
    needs: tuple[int, ...]
    soonest_ms: int
    records: int

    def with_more(self, other: Left) -> Left:
        """Returns both groups as one."""
        times = [at for at in (self.soonest_ms, other.soonest_ms) if at]
        return replace(self, soonest_ms=min(times, default=0), records=self.records + other.records)


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """Describes a record that waits for a person. ``since_ms`` is when it was buried."""

    id: str
    reason: str
    attempts: int
    since_ms: int
    run: str


class Counts(Struct, frozen=True):
    """Counts how many records are where.

    ``due`` counts both lanes and the deferred; ``oldest_due_ms`` is 0 when none is.
    """

    due: int
    due_backfill: int
    leased: int
    waiting: int
    dead: int
    settled: int
    oldest_due_ms: int


def ref(crm: str, object: str, id: str) -> str:
    """Tells how a record is named across the work of all crms."""
    return f"{crm}:{object}:{id}"
