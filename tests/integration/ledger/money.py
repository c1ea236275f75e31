"""Questions, lines and replies the money tests share."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from connectors.models import Question, Reply
from worker.ledger.money.answers import KeptAnswer
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.ticket_values import Granted, TicketEnd, TicketTerms
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import LedgerUnavailableError, Scripts, Value

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEEP_MS = 90 * DAY_MS
DAY_START = 1_799_971_200_000  # the clock fixture's now lies inside
ANN = ("acme_hubspot", "contact", "1")
BEN = ("acme_hubspot", "contact", "2")
EVE = ("acme_salesforce", "lead", "00Q:with:colons")


def day_line(cap: int = 100, provider: str = "forager", day: int = 0) -> BudgetLine:
    start = DAY_START + day * DAY_MS
    return BudgetLine(f"{provider}:day:{day}", cap, start, start + DAY_MS)


def month_line(cap: int = 1000) -> BudgetLine:
    return BudgetLine("forager:month:0", cap, DAY_START, DAY_START + 30 * DAY_MS)


def question(slug: str = "ann-lee", price: int = 5, fields: tuple[str, ...] = ("work_email",)) -> Question:
    return Question("forager", "42", "work_emails", {"slug": slug}, price, fields=frozenset(fields))


def reply(text: str = "ann@acme.com", status: int = 200) -> Reply:
    return Reply(status, {"content-type": "application/json"}, f'{{"email":"{text}"}}'.encode())


class LosingScripts(Scripts):
    """A connection that breaks after a step was done and before its answer came, every second time."""

    lose = True

    async def run(self, script: str, /, **named: Value) -> Any:
        answer = await super().run(script, **named)
        if self.lose:
            self.lose = False
            raise LedgerUnavailableError("lost")
        self.lose = True
        return answer


async def reserve(desk: Desk, asked: Question | None = None, **changes: Any) -> Any:
    named = {one.name for one in fields(TicketTerms)}
    terms = replace(TicketTerms("w1", 30_000, 90 * DAY_MS), **{name: changes.pop(name) for name in named & {*changes}})
    return await desk.reserve(asked or question(), terms, **{"ref": ANN, "lines": [day_line()], **changes})


async def grant(desk: Desk, asked: Question | None = None, **changes: Any) -> Granted:
    ticket = await reserve(desk, asked, **changes)
    assert isinstance(ticket, Granted)
    return ticket


async def send(desk: Desk, asked: Question | None = None, **changes: Any) -> Granted:
    ticket = await grant(desk, asked, **changes)
    assert await desk.sent(ticket)
    return ticket


async def doubted(desk: Desk) -> Granted:
    """A ticket whose answer was waited for in vain."""
    ticket = await send(desk)
    await desk.uncertain(ticket, "timeout")
    return ticket


async def store(desk: Desk, ticket: Granted, told: Reply | None = None, *, credits: int = 5) -> TicketEnd:
    """A reply that tells something is kept for its whole time."""
    return await desk.store(ticket, told or reply(), credits=credits, hit=True, keep_ms=KEEP_MS)


async def kept(desk: Desk, asked: Question | None = None, **changes: Any) -> KeptAnswer:
    """The answer that serves a question."""
    found = await reserve(desk, asked, **changes)
    assert isinstance(found, KeptAnswer)
    return found
