"""Implements the ticket on which a connector sends a paid lookup: it notes each step of the call in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from connectors.errors import RateLimitedError
from connectors.limits import NO_SLOT, Departure, Limiter, SlotAsked, TicketSpentError, take_slot, was_taken_ahead
from connectors.models import Answer, Discreet, Reply
from worker.ledger.money.ticket_values import DEAREST, Granted, KeepingTimes, TicketEnd
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import LedgerUnavailableError

STORE_PATIENCE_S = 2.0  # a paid reply waits no longer for Redis: then it goes to the spool
_log = structlog.get_logger(__name__)


class Spooling(Protocol):
    """Keeps paid replies that Redis cannot take."""

    async def keep(
        self, ticket: Granted, reply: Reply, *, credits: int, hit: bool, keep_ms: int, unpriced: bool = False
    ) -> None:
        """Return when it is on the disk."""

    def has_room(self) -> bool:
        """Tells whether there is room for one more."""


class ReplySettlement(Discreet, frozen=True):
    """Holds a reply's cost and whether it was an answer; ``refused`` = understood and not charged.

    ``left`` is the provider's balance after it, if it is known. ``unpriced``: nobody can tell from it whether it
    was charged, and ``credits`` are the most it can have cost. ``answer`` is the reading for all that.
    """

    hidden = frozenset({"answer"})
    credits: int
    hit: bool
    refused: bool = False
    left: int | None = None
    unpriced: bool = False
    answer: Answer | None = None


class LookupTicket:
    """Implements ``connectors.limits.Ticket`` for a paid lookup.

    ``ended`` names afterwards the records to make due, ``answer`` is the stored reply's reading.

    Its first ending counts: later ones, such as a cancellation, are ignored.
    """

    def __init__(
        self,
        desk: Desk,
        granted: Granted,
        *,
        settle: Callable[[Reply], ReplySettlement],
        spool: Spooling,
        keep: KeepingTimes,
        patience_s: float = STORE_PATIENCE_S,
        is_sheltered: bool = False,
    ) -> None:
        self._desk, self._granted, self._settle, self._spool = desk, granted, settle, spool
        self._keep, self._patience_s = keep, patience_s
        self.is_sheltered = is_sheltered
        self._asked = self._over = self._leaving = False
        self._slot: tuple[Limiter, str] | None = None
        self.ended: TicketEnd | None = None
        self.answer: Answer | None = None

    @property
    def id(self) -> str:
        """Returns the ticket's id in the ledger."""
        return self._granted.ticket_id

    @property
    def is_leaving(self) -> bool:
        """Tells whether the call is about to be sent, or was: nobody can cancel it any more."""
        return self._leaving

    async def slot(self, limiter: Limiter, bucket: str) -> None:
        """Take the slot; a sheltered call takes it in the step that notes it sent."""
        if self.is_sheltered and not was_taken_ahead(bucket):
            self._slot = (limiter, bucket)
        else:
            await take_slot(limiter, bucket)

    async def sent(self) -> None:
        """Notes on the disk that bytes go on the wire now.

        Raises:
            TicketSpentError: it was sent, released or taken over before, or its deadline has passed; send nothing.
            RateLimitedError: there is no slot for it; it was released.
            LedgerUnavailableError: Redis did not say so; send nothing, the ticket is given back as far as possible.
        """
        if self._asked:
            raise TicketSpentError(self._granted.ticket_id)
        self._asked = True
        if not self._spool.has_room():
            await self.released("no room on the disk")  # there might be no room to keep the reply
            raise LedgerUnavailableError("no room on the disk")
        try:
            if self._slot is None:
                granted = (await self._departed(NO_SLOT)).is_sent
            else:
                granted = await self._slot[0].within(self._slot[1], self._departed)
        except LedgerUnavailableError:
            await self.released("ledger unavailable")  # no byte left: whatever Redis noted, nothing was charged
            raise
        except RateLimitedError as error:
            await self.released(type(error).__name__)
            raise
        if not granted:
            raise TicketSpentError(self._granted.ticket_id)

    async def _departed(self, asked: SlotAsked) -> Departure:
        """Take the step; askers that wait for a slot meanwhile may be cancelled."""
        self._leaving = True
        departure = await self._desk.sent_within(self._granted, asked)
        self._leaving = departure.is_sent or not departure.slot
        return departure

    async def stored(self, reply: Reply) -> None:
        """Keep the raw reply and settle its credits, in Redis or, when that takes too long, on the disk."""
        if self._over:
            return
        settlement = self._read(reply)
        if settlement.refused:
            await self.released("refused")
            return
        self._over = True
        keep_ms = self._keep.hits_ms if settlement.hit else self._keep.misses_ms
        try:
            async with asyncio.timeout(self._patience_s):
                self.ended = await self._desk.store(
                    self._granted,
                    reply,
                    credits=settlement.credits,
                    hit=settlement.hit,
                    keep_ms=keep_ms,
                    left=settlement.left,
                    unpriced=settlement.unpriced,
                )
        except Exception as error:  # noqa: BLE001 - whatever Redis says, paid bytes are kept
            await self._spool.keep(
                self._granted,
                reply,
                credits=settlement.credits,
                hit=settlement.hit,
                keep_ms=keep_ms,
                unpriced=settlement.unpriced,
            )
            _log.warning("ticket.spooled", ticket=self._granted.ticket_id, error=type(error).__name__)
            return
        if self.ended.overrun:
            _log.warning("ticket.overran", ticket=self._granted.ticket_id, credits=self.ended.overrun)

    async def released(self, cause: str) -> None:
        """Give the reservation back. What Redis cannot take now is released or uncertain at its deadline."""
        await self._end(self._desk.release, cause)

    async def uncertain(self, cause: str) -> None:
        """Keep the reservation booked. What Redis cannot take now becomes uncertain at its deadline."""
        await self._end(self._desk.uncertain, cause)

    async def _end(self, step: Callable[[Granted, str], Awaitable[TicketEnd]], cause: str) -> None:
        if self._over:
            return
        self._over = True
        try:
            self.ended = await step(self._granted, cause)
        except LedgerUnavailableError:
            _log.warning("ticket.left", ticket=self._granted.ticket_id, cause=cause)

    def _read(self, reply: Reply) -> ReplySettlement:
        try:
            settlement = self._settle(reply)
        except Exception as error:  # noqa: BLE001 - paid bytes are kept whatever the reader thinks
            _log.error("ticket.unread", ticket=self._granted.ticket_id, error=type(error).__name__)
            return ReplySettlement(self._granted.price, hit=False, unpriced=True)
        if not 0 <= settlement.credits <= DEAREST:
            _log.error("ticket.unpriced", ticket=self._granted.ticket_id)
            return ReplySettlement(self._granted.price, hit=settlement.hit, unpriced=True)
        self.answer = settlement.answer
        return settlement
