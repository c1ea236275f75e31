"""Defines a ticket's answers and its ends.

Times are the ledger's, in ms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from msgspec import Struct

from worker.ledger.money.answers import Ref

Policy: TypeAlias = Literal["never", "once_if_uncharged"]
DEAREST = 10_000  # credits: no one lookup costs more, so a reply that says so does not tell its price
VERDICT_MS = 120_000  # a provider's change log is taken to be complete two minutes after a call


@dataclass(frozen=True, slots=True)
class TicketTerms:
    """Names the asker for a ticket, the longest duration (ms) of its call, and what follows an unclear outcome.

    An uncertain call is remembered for ``keep_uncertain_ms``; a verdict on it can be had after ``verdict_ms``.
    """

    owner: str
    deadline_ms: int
    keep_uncertain_ms: int
    policy: Policy = "never"
    verdict_ms: int = VERDICT_MS


class KeepingTimes(Struct, frozen=True):
    """Tells how long answers are kept (ms): those that found something, and those that did not."""

    hits_ms: int
    misses_ms: int


class Granted(Struct, frozen=True):
    """Holds a ticket. ``token`` proves that it is ours.

    The rest lets a reply be kept even if Redis lost the ticket.

    ``subjects`` are the suppression list's hashes of the question's person.
    """

    ticket_id: str
    token: str
    key: str = ""
    provider: str = ""
    operation: str = ""
    fields: frozenset[str] = frozenset()
    lines: tuple[str, ...] = ()
    price: int = 0
    subjects: tuple[str, ...] = ()


class Busy(Struct, frozen=True):
    """Says that somebody else's ticket of the same question is open, at the latest until then."""

    until_ms: int


class Unknown(Struct, frozen=True):
    """Says that the last ticket is uncertain.

    A verdict can be had at ``verdict_ms`` and is a miss from ``until_ms``.
    """

    until_ms: int
    verdict_ms: int


class Missed(Struct, frozen=True):
    """Says that the last ticket is uncertain for good: the provider counts as a miss."""


class Forbidden(Struct, frozen=True):
    """Says that the question is about somebody on the suppression list."""


@dataclass(frozen=True, slots=True)
class NoBudget:
    """Says that ``line`` has not enough left; nothing was reserved.

    ``spent`` leaves out reservations of other tickets.
    """

    line: str
    spent: int = field(default=0, compare=False)


class StaleDay(Struct, frozen=True):
    """Says that a budget line is of another day or month than the ledger's now: name the lines again."""


class TicketEnd(Struct, frozen=True):
    """Tells how a step left a ticket. ``waiters`` are to be made due, ``overrun`` are credits above its worst price."""

    state: str
    waiters: tuple[Ref, ...] = ()
    overrun: int = 0


class ReapedTickets(Struct, frozen=True):
    """Counts the tidying: reservations released, sent tickets that became uncertain, verdicts that never came."""

    released: int
    uncertain: int
    missed: int
    waiters: tuple[Ref, ...]


class Uncertain(Struct, frozen=True):
    """Names an uncertain lookup. ``verdict`` is ``""`` while awaited or if there will be none."""

    ticket_id: str
    key: str
    provider: str
    operation: str
    price: int
    sent_ms: int
    since_ms: int
    policy: str
    cause: str
    verdict: str
    verdict_ms: int
    ref: Ref | None
    stretch: int = 0  # of the provider's clock, as it was sent

    @property
    def cursor(self) -> str:
        """Tells where ``uncertain_list`` goes on after this one."""
        return f"{self.since_ms}:{self.ticket_id}"
