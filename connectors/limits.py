"""Defines the ledger's part in a vendor call: a slot of its rate and, if paid, the steps of its ticket.

Both are protocols, so that connectors stay free of Redis; ``worker.ledger`` implements them.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Protocol, TypeAlias

from msgspec import Struct

from connectors.models import Reply

FRESH_S = 2.0  # a write leaves no later than this after the read it was decided on had left
LAST_READS, BEYOND_S, SLOWEST_S = 8, 1.0, 10.0  # of a crm that is slower than that in all it reads: see ReadPace
SLOT_PATIENCE_S = 5.0  # a slot farther away than this sends the record to waiting instead (design: limits)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"\s*(\d+)\s*/\s*(?:(\d+)\s*)?(second|minute|hour|day)s?\s*")


@dataclass(frozen=True, slots=True)
class Window:
    """Allows at most ``calls`` in any ``seconds``."""

    calls: int
    seconds: int


def parse_rate(text: str) -> Window:
    """Returns ``"10/second"``, ``"190/10 seconds"``, ``"500/day"``.

    Raises:
        ValueError: the text is not such a rate; the message names the forms.
    """
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) < 1 or int(match[2] or 1) < 1:
        message = f'"{text}" is not a valid rate; use calls per window, such as "10/second" or "190/10 seconds"'
        raise ValueError(message)
    return Window(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])


class Notice(Struct, frozen=True):
    """Holds a vendor's statement of its limit: ``remaining`` calls until ``reset_s`` from now."""

    remaining: int
    reset_s: float
    seconds: int = 0  # length of the window spoken of, 0 when not said


class SlotAsked(Struct, frozen=True):
    """Asks for the next slot in a step of somebody else's; without a bucket for none."""

    vendor: str = ""
    bucket: str = ""
    worked: int = 0
    patience_ms: int = 0
    windows: Sequence[str | int] = ()


class Departure(Struct, frozen=True):
    """Says whether such a step was done, and the ledger's verdict on the slot at ``now_ms``.

    Without a verdict on the slot the step cannot be done, whatever the slot.
    """

    is_sent: bool
    now_ms: int = 0
    slot: Sequence[bytes] = ()


NO_SLOT = SlotAsked()
DepartureStep: TypeAlias = Callable[[SlotAsked], Awaitable[Departure]]


class Limiter(Protocol):
    """Keeps calls to one vendor bucket's rate, which every worker shares."""

    async def slot(self, bucket: str, patience_s: float = SLOT_PATIENCE_S) -> None:
        """Return when the call may be sent.

        Raises:
            RateLimitedError: the slot is more than ``patience_s`` away, or the bucket is paused; nothing is taken.
        """

    async def within(self, bucket: str, step: DepartureStep) -> bool:
        """Return at the time of the next slot with ``step`` done, in one with taking the slot where that is near.

        False where the step cannot be done. It is not done before a slot that is further away has come.

        Raises: as ``slot``.
        """

    async def noticed(self, bucket: str, notice: Notice) -> None:
        """Tighten the bucket by the vendor's own headers."""

    async def limited(self, bucket: str, retry_after_s: float | None, why: str = "") -> None:
        """Pauses the bucket for all workers after a 429; ``why`` is a sentence for people."""

    async def failed(self, bucket: str) -> None:
        """Notes that a call ended in an outage (never connected, 5xx, time-out)."""

    async def worked(self, bucket: str) -> None:
        """Notes that a call was answered; ends a probe of an outage."""


class NoLimiter:
    """Lets every call pass at once: for tests and one-off reads without a ledger."""

    async def slot(self, bucket: str, patience_s: float = SLOT_PATIENCE_S) -> None:
        """Grant at once."""

    async def within(self, bucket: str, step: DepartureStep) -> bool:
        """Take the slot, then the step."""
        await self.slot(bucket)
        return (await step(NO_SLOT)).is_sent

    async def noticed(self, bucket: str, notice: Notice) -> None:
        """Ignore."""

    async def limited(self, bucket: str, retry_after_s: float | None, why: str = "") -> None:
        """Ignore."""

    async def failed(self, bucket: str) -> None:
        """Ignore."""

    async def worked(self, bucket: str) -> None:
        """Ignore."""


class Ticket(Protocol):
    """Grants the one-shot right to send one paid lookup, or one creation.

    ``is_sheltered``: the sender makes sure that nobody cancels the call once it was sent.
    """

    @property
    def is_sheltered(self) -> bool: ...

    async def slot(self, limiter: Limiter, bucket: str) -> None:
        """Take the call's slot, or leave it to ``sent``, which takes it in its own step.

        Raises:
            RateLimitedError: as ``Limiter.slot``.
        """

    async def sent(self) -> None:
        """Notes on the disk that bytes go on the wire now; succeeds once, ever.

        Raises:
            TicketSpentError: it was sent, released or taken over before; send nothing.
            RateLimitedError: there is no slot for it, and it was released.
        """

    async def stored(self, reply: Reply) -> None:
        """Keep the raw reply and settle its credits, in one step, before anybody parses it."""

    async def released(self, cause: str) -> None:
        """Gives the reservation back: surely not charged."""

    async def uncertain(self, cause: str) -> None:
        """Keeps the reservation booked: the call may have been charged."""


class SlotFirst:
    """Makes a ticket take its slot in a step of its own."""

    async def slot(self, limiter: Limiter, bucket: str) -> None:
        """Take the slot, from the unit this call belongs to or from the limiter."""
        await take_slot(limiter, bucket)


class TicketSpentError(Exception):
    """Says that a ticket was used before, or is no longer ours: nothing may be sent on it."""


class ReadPace:
    """Learns how long a crm takes for the reads that writes are decided on.

    One late answer gives no licence to write on it. Where none of the last eight came within two seconds, the crm is
    slow in all it reads, and nothing could ever be written within them: there a write leaves no later than a second
    after the time that the quickest one took, and ten seconds at the most.
    """

    def __init__(self) -> None:
        self._took_s: deque[float] = deque(maxlen=LAST_READS)

    def note(self, took_s: float) -> None:
        """Notes how long it was from a read's leaving to its answer."""
        self._took_s.append(took_s)

    @property
    def fresh_s(self) -> float:
        """Returns seconds after a read had left within which a write that was decided on it leaves."""
        if len(self._took_s) < LAST_READS:
            return FRESH_S
        quickest_s = min(self._took_s)
        return FRESH_S if quickest_s < FRESH_S else min(quickest_s + BEYOND_S, SLOWEST_S)


@dataclass(slots=True)
class _Unit:
    """Holds a read and the writes decided on it: slots taken ahead, and when the oldest of its reads left.

    ``answered_s`` is when the last of them was answered, ``noted`` whether the crm's pace knows of them.
    """

    slots: Counter[str]
    read_s: float | None = None
    answered_s: float = 0.0
    noted: bool = False


class _Slot(Struct, frozen=True):
    """Holds a slot that a call took. It is lost at ``ends_s``."""

    limiter: Limiter
    bucket: str
    ends_s: float


_unit: ContextVar[_Unit | None] = ContextVar("unit", default=None)
_slot: ContextVar[_Slot | None] = ContextVar("slot", default=None)


@asynccontextmanager
async def slots_ahead(limiter: Limiter, buckets: Sequence[str]) -> AsyncIterator[None]:
    """Take the slots of a read and of the writes decided on it first, so that nothing waits between them.

    The calls inside that go through ``take_slot`` use what was taken, then ask the limiter as usual. A read
    grows old: ``fresh_s`` says for how long it may still be written on.

    Raises:
        RateLimitedError: one of the slots is too far away.
    """
    # next to each other: the first of them is used when the last has come, late by all that others took in between
    await asyncio.gather(*(limiter.slot(bucket) for bucket in buckets))
    forget_slot()  # nothing waits between a read and the writes decided on it
    token = _unit.set(_Unit(Counter(buckets)))
    try:
        yield
    finally:
        _unit.reset(token)


async def take_slot(limiter: Limiter, bucket: str) -> None:
    """Takes a slot from the unit this call belongs to, else one from the limiter.

    Raises:
        RateLimitedError: it is too far away.
    """
    forget_slot()  # that of an earlier call of this task, perhaps at another vendor, does not concern this one
    if not was_taken_ahead(bucket):
        await limiter.slot(bucket)


def was_taken_ahead(bucket: str) -> bool:
    """Tells whether the unit this call belongs to had a slot left for it, and uses it up."""
    unit = _unit.get()
    if unit is None or unit.slots[bucket] <= 0:
        return False
    unit.slots[bucket] -= 1
    forget_slot()
    return True


def note_slot(limiter: Limiter, bucket: str, ends_s: float) -> None:
    """Note that this call took a slot, and until when by the loop's clock it may use it."""
    _slot.set(_Slot(limiter, bucket, ends_s))


def forget_slot() -> None:
    """Forget the slot that was noted: its call is over."""
    if _slot.get() is not None:  # a look costs less than to set it
        _slot.set(None)


def is_slot_lost() -> bool:
    """Tells whether this call comes too late for the slot it took: a ticket's step or a connection took their time."""
    slot = _slot.get()
    return slot is not None and asyncio.get_running_loop().time() > slot.ends_s


async def take_slot_again() -> None:
    """Takes a slot in the place of the lost one.

    Raises:
        RateLimitedError: it is too far away.
    """
    slot = _slot.get()
    forget_slot()
    if slot is not None:
        await slot.limiter.slot(slot.bucket)


def note_read(left_s: float) -> None:
    """Tell the unit this call belongs to that a read which had left at ``left_s`` was answered; the oldest counts."""
    unit = _unit.get()
    if unit is not None:
        unit.read_s = left_s if unit.read_s is None else min(unit.read_s, left_s)
        unit.answered_s, unit.noted = perf_counter(), False


def fresh_s(pace: ReadPace) -> float:
    """Returns the seconds in which writes based on the unit's reads may be sent; infinite if nothing was read."""
    unit = _unit.get()
    if unit is None or unit.read_s is None:
        return inf
    if not unit.noted:
        pace.note(unit.answered_s - unit.read_s)
        unit.noted = True
    return unit.read_s + pace.fresh_s - perf_counter()
