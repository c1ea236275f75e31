"""Issues tickets: the one-shot right to send one paid lookup, with its credits reserved.

``reserved -> sent -> stored | uncertain | released``; the edges are in ``parts/tickets.lua``. ``Desk`` is the
counter where a question gets a kept answer or a ticket; a connector holds a ``LookupTicket``.
Durations end in ``_ms`` and count from the ledger's now, unless a name says ``at``, ``since`` or ``until``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import structlog

from connectors.limits import NO_SLOT, Departure, SlotAsked
from connectors.models import Question, Reply
from worker.ledger.money.answers import (
    Answers,
    AskedQuestion,
    KeptAnswer,
    Ref,
    field_text,
    index_of,
    pack,
    ref_of,
    unfold,
)
from worker.ledger.money.books import CALL_MS
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.charges import Charge, charges
from worker.ledger.money.rollback_guard import HighWater, epoch_of
from worker.ledger.money.ticket_values import (
    VERDICT_MS,
    Busy,
    Forbidden,
    Granted,
    Missed,
    NoBudget,
    Policy,
    ReapedTickets,
    StaleDay,
    TicketEnd,
    TicketTerms,
    Uncertain,
    Unknown,
)
from worker.ledger.money.windows import widened
from worker.ledger.scripts import LedgerBehindError, LedgerUnavailableError, Scripts, Value

SKEW_MS = 10_000  # a provider's clock, with its offset allowed for, is assumed to be no further off ours
WIDEST_MS = 600_000

DeskAnswer: TypeAlias = KeptAnswer | Granted | Busy | Unknown | Missed | NoBudget | StaleDay | Forbidden
_log = structlog.get_logger(__name__)


def new_token() -> str:
    """Returns sixteen hex digits nobody else has."""
    return secrets.token_hex(8)


async def surely(scripts: Scripts, script: str, /, **named: Value) -> Any:
    """Runs a step that gives the same when it is repeated: once more when its answer was lost.

    Raises:
        LedgerUnavailableError: it was lost again.
    """
    try:
        return await scripts.run(script, **named)
    except LedgerUnavailableError:
        return await scripts.run(script, **named)


class Desk:
    """Answers and tickets. Every step is one script; one may be repeated after ``LedgerUnavailableError``."""

    def __init__(
        self, scripts: Scripts, *, token: Callable[[], str] = new_token, high_water: HighWater | None = None
    ) -> None:
        self._scripts = scripts
        self._token = token
        self._high_water = high_water or HighWater()
        self.answers = Answers(scripts)

    async def find(self, keys: Sequence[str], ref: Ref | None = None) -> dict[str, KeptAnswer]:
        """Returns kept answers by question key, in one round trip; noted as asked for ``ref``."""
        return await self.answers.find(keys, ref)

    async def questions_of(self, ref: Ref) -> list[AskedQuestion]:
        """Lists the questions asked for a record, as far as any part of them is kept or open."""
        return await self.answers.questions_of(ref)

    async def forget(self, ref: Ref) -> int:
        """Delete every kept answer that was asked for a record; gives how many."""
        return await self.answers.forget(ref)

    async def reserve(
        self,
        question: Question,
        terms: TicketTerms,
        *,
        ref: Ref | None,
        lines: Sequence[BudgetLine],
        closed_share: float = 0.0,
        subjects: Sequence[str] = (),
    ) -> DeskAnswer:
        """Returns a kept answer, else the last ticket's state, else a ticket with its worst price on every line.

        ``closed_share`` of each day line is closed to the asker (a backfill's ``live_reserve``). ``subjects`` are
        the suppression list's hashes of the question's person.
        """
        ticket = Granted(
            self._token(),
            self._token(),
            question.key,
            question.provider,
            question.operation,
            question.fields,
            tuple(line.name for line in lines),
            question.price,
            tuple(subjects),
        )
        answer = await surely(
            self._scripts,
            "ticket_reserve",
            id=ticket.ticket_id,
            token=ticket.token,
            question=question.key,
            fields=field_text(question.fields),
            price=question.price,
            provider=question.provider,
            operation=question.operation,
            owner=terms.owner,
            deadline=terms.deadline_ms,
            keep=terms.keep_uncertain_ms,
            policy=terms.policy,
            patience=terms.verdict_ms,
            **index_of(ref),
            subjects=",".join(subjects),
            lines=[line.row(closed_share) for line in lines],
        )
        return _reserved(answer, ticket)

    async def join(self, ticket_id: str, key: str, ref: Ref) -> None:
        """Notes that another record of this process asks what the ticket's call is about."""
        await self._scripts.run("ticket_join", id=ticket_id, question=key, **index_of(ref))

    async def sent(self, ticket: Granted) -> bool:
        """Moves ``reserved -> sent``: true once, ever, and never after the deadline.

        Raises:
            LedgerBehindError: Redis has forgotten calls that were sent; nothing is done.
        """
        return (await self.sent_within(ticket, NO_SLOT)).is_sent

    async def sent_within(self, ticket: Granted, asked: SlotAsked) -> Departure:
        """Moves ``reserved -> sent`` if the requested slot is near, in one step with taking it.

        Raises: as ``sent``.
        """
        seen = self._high_water.seen
        word, generation, id, sent, *slot = await self._scripts.run(
            "ticket_sent",
            id=ticket.ticket_id,
            token=ticket.token,
            generation=seen.generation,
            epoch_id=seen.id,
            sent=seen.sent,
            vendor=asked.vendor,
            bucket=asked.bucket,
            worked=asked.worked,
            patience=asked.patience_ms,
            windows=asked.windows,
        )
        if word == b"-1":
            raise LedgerBehindError("behind what was sent")
        await self._high_water.saw_sent(epoch_of((generation, id, sent)))
        is_booked = bool(slot and slot[1])
        return Departure(word == b"1", int(slot[0]) if is_booked else 0, slot[1] if is_booked else ())

    async def store(
        self,
        ticket: Granted,
        reply: Reply,
        *,
        credits: int,
        hit: bool,
        keep_ms: int,
        left: int | None = None,
        unpriced: bool = False,
    ) -> TicketEnd:
        """Keep the raw reply and settle its credits; a late answer of an uncertain ticket too.

        ``left`` is the provider's balance after this call, where the reply gave it. A reply that is ``unpriced`` does
        not tell what it cost: it is kept, and the ticket is uncertain.
        """
        return _ended(
            await self._scripts.run(
                "ticket_store",
                id=ticket.ticket_id,
                token=ticket.token,
                question=ticket.key,
                fields=field_text(ticket.fields),
                provider=ticket.provider,
                operation=ticket.operation,
                lines="\n".join(ticket.lines),
                price=ticket.price,
                credits=credits,
                hit=int(hit),
                keep=keep_ms,
                reply=pack(reply),
                left="" if left is None else left,
                unpriced=int(unpriced),
                subjects=",".join(ticket.subjects),
            )
        )

    async def release(self, ticket: Granted, cause: str) -> TicketEnd:
        """Gives the reservation back: surely not charged."""
        return _ended(await self._scripts.run("ticket_release", id=ticket.ticket_id, token=ticket.token, cause=cause))

    async def uncertain(
        self, ticket: Granted, cause: str, *, policy: Policy | None = None, verdict_ms: int = VERDICT_MS
    ) -> TicketEnd:
        """Keeps the reservation booked: the call may have been charged. Without ``policy`` its own applies."""
        return _ended(
            await self._scripts.run(
                "ticket_uncertain",
                id=ticket.ticket_id,
                token=ticket.token,
                cause=cause,
                policy=policy or "",
                patience=verdict_ms,
            )
        )

    async def verdict(self, ticket_id: str, charged: bool | None) -> TicketEnd:
        """Books the provider's verdict on an uncertain ticket; ``None`` = the books said nothing in time."""
        word = {True: "charged", False: "uncharged", None: "none"}[charged]
        return _ended(await self._scripts.run("ticket_verdict", id=ticket_id, verdict=word))

    async def window(
        self, provider: str, operation: str, start_ms: int, end_ms: int, stretch: int = 0
    ) -> tuple[int, int]:
        """Returns the window, widened to moments around which no call known to be charged was under way.

        Only at such moments a provider's books and ours can be compared to the credit. Where there is none within ten
        minutes back, or until half a minute ago, that end stays.
        """
        first, last = start_ms - WIDEST_MS, (await self._scripts.now()) - 30_000
        calls = await self._charges(provider, operation, first - CALL_MS, stretch)
        return widened((start_ms, end_ms), [(call.sent, call.stored) for call in calls], (first, last), SKEW_MS)

    async def charged(self, provider: str, operation: str, start_ms: int, end_ms: int, stretch: int = 0) -> int:
        """Returns credits certainly charged within the window, of the last hour.

        A call across one of its ends is left out, because the provider may count it or not. So books with exactly these
        credits contain nothing else, and books with more prove nothing.
        """
        calls = await self._charges(provider, operation, start_ms, stretch)
        inside = (call for call in calls if call.sent >= start_ms + SKEW_MS and call.stored <= end_ms - SKEW_MS)
        return sum(call.credits for call in inside)

    async def _charges(self, provider: str, operation: str, since_ms: int, stretch: int) -> list[Charge]:
        """Returns the charges of calls sent since then, of the last hour, and in that stretch of the provider's clock.

        If a clock was set in between, our times do not show which calls overlapped.
        """
        known = await charges(self._scripts, provider, [operation], since_ms)
        return [one for one in known if one.stretch == stretch]

    async def resolve(self, ticket_id: str, ask_again: bool, *, charged: bool = True) -> TicketEnd:
        """Takes a person's word on an uncertain ticket.

        Its credits count as spent, or not, and it is asked again, or not.
        """
        return _ended(
            await self._scripts.run("ticket_resolve", id=ticket_id, again=int(ask_again), charged=int(charged))
        )

    async def reap(self, owners_alive: Collection[str]) -> ReapedTickets:
        """Tidy tickets whose owner is gone, whose deadline has passed or whose verdict never came."""
        released, uncertain, missed, *refs = await self._scripts.run("ticket_reap", owners=owners_alive)
        return ReapedTickets(
            int(released), int(uncertain), int(missed), tuple(dict.fromkeys(ref_of(ref) for ref in refs))
        )

    async def uncertain_count(self) -> int:
        return int(await self._scripts.call("ZCARD", self._scripts.keys("tickets_uncertain")))

    async def uncertain_list(self, limit: int = 100, after: str = "") -> list[Uncertain]:
        """Returns uncertain tickets, longest first, after the ``cursor`` of another."""
        key = self._scripts.keys("tickets_uncertain")
        since, _, last = after.partition(":")
        equal = int(await self._scripts.call("ZCOUNT", key, since, since)) if since else 0
        found = await self._scripts.call(
            "ZRANGEBYSCORE", key, since or "-inf", "+inf", "WITHSCORES", "LIMIT", 0, limit + equal
        )
        rows = [(member.decode(), score.decode()) for member, score in zip(found[::2], found[1::2], strict=True)]
        return await self._read([ticket for ticket, score in rows if score != since or ticket > last][:limit])

    async def all_uncertain(self) -> list[Uncertain]:
        """Returns every uncertain ticket, longest first."""
        found: list[Uncertain] = []
        while page := await self.uncertain_list(500, found[-1].cursor if found else ""):
            found += page
        return found

    async def due_verdicts(self, limit: int = 100) -> list[Uncertain]:
        """Returns uncertain tickets a verdict can be had of now."""
        key, now = self._scripts.keys("tickets_verdicts"), await self._scripts.now()
        found = await self._scripts.call("ZRANGEBYSCORE", key, "-inf", now, "LIMIT", 0, limit)
        return await self._read([ticket.decode() for ticket in found])

    async def _read(self, ids: Sequence[str]) -> list[Uncertain]:
        rows = await self._scripts.calls([("HGETALL", self._scripts.keys("ticket", ticket)) for ticket in ids])
        return [
            _uncertain(ticket, {key.decode(): value.decode() for key, value in zip(row[::2], row[1::2], strict=True)})
            for ticket, row in zip(ids, (_flat(row) for row in rows), strict=True)
            if row
        ]


def _flat(row: Any) -> list[bytes]:
    """Returns HGETALL as a list, in whatever form the client gives it."""
    return [part for pair in row.items() for part in pair] if isinstance(row, dict) else row


def _reserved(answer: Sequence[Any], ticket: Granted) -> DeskAnswer:
    match answer:
        case [b"kept", raw]:
            return unfold(raw)
        case [b"granted"]:
            return ticket
        case [b"busy", until]:
            return Busy(int(until))
        case [b"unknown", until, verdict]:
            return Unknown(int(until), int(verdict))
        case [b"missed"]:
            return Missed()
        case [b"suppressed"]:
            return Forbidden()
        case [b"budget", line, spent]:
            return NoBudget(line.decode(), int(spent))
        case _:
            return StaleDay()


def _ended(answer: Sequence[bytes]) -> TicketEnd:
    state, overrun, *refs = answer
    return TicketEnd(state.decode(), tuple(ref_of(ref) for ref in refs), int(overrun))


def _uncertain(id: str, row: dict[str, str]) -> Uncertain:
    return Uncertain(
        ticket_id=id,
        key=row["question"],
        provider=row["provider"],
        operation=row["operation"],
        price=int(row["price"]),
        sent_ms=int(row["sent"]),
        since_ms=int(row["since"]),
        policy=row["policy"],
        cause=row["cause"],
        verdict=row.get("verdict", ""),
        verdict_ms=int(row.get("verdict_at", 0)),
        ref=ref_of(row["asker"].partition("\n")[0].encode()) if row["asker"] else None,
        stretch=int(row.get("stretch", 0)),
    )
