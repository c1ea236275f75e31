"""Tickets, answers and budgets against a model of a page, over any order of steps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.harness.clock import Clock
from tests.harness.examples import examples
from tests.harness.redis import Operated
from tests.integration.ledger.money import ANN, day_line, question, reply
from worker.ledger.money.answers import KeptAnswer
from worker.ledger.money.budgets import Booked, Budgets, Totals
from worker.ledger.money.ticket_values import Busy, Granted, Missed, NoBudget, TicketTerms, Unknown
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import Scripts

CAP, PRICE, DEADLINE, KEEP_ANSWER, KEEP_DOUBT = 22, 5, 1000, 9000, 20_000
SLUGS = st.sampled_from(["a", "b", "c"])


@dataclass
class Ticket:
    """Holds what the model knows of one ticket."""

    granted: Granted
    slug: str
    deadline: int
    policy: str
    state: str = "reserved"
    sent: int = 0
    since: int = 0
    verdict: str = ""
    credits: int = 0


class TicketsMachine(RuleBasedStateMachine):
    """Each rule does one step on Redis and on the model and compares the answers."""

    socket: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.client = Operated(self.socket)
        self.await_(self.client.flushall())
        scripts = Scripts(self.client, clock=self.clock)
        self.desk, self.budgets = Desk(scripts), Budgets(scripts)
        self.tickets: list[Ticket] = []
        self.last: dict[str, Ticket] = {}
        self.answers: dict[str, int] = {}  # slug -> expires
        self.again: set[str] = set()
        self.spent = 0

    def teardown(self) -> None:
        self.await_(self.client.aclose())
        self.runner.close()

    def await_(self, step: Coroutine[Any, Any, Any] | Any) -> Any:
        async def run() -> Any:
            return await step

        return self.runner.run(run())

    @property
    def booked(self) -> int:
        return PRICE * sum(ticket.state in {"reserved", "sent", "uncertain"} for ticket in self.tickets)

    def doubt(self, ticket: Ticket) -> None:
        ticket.state, ticket.since = "uncertain", self.clock.now

    def expected(self, slug: str) -> type:
        now = self.clock.now
        if self.answers.get(slug, 0) > now:
            return KeptAnswer
        last = self.last.get(slug)
        if last and last.deadline <= now:
            if last.state == "reserved":
                last.state = "released"
            elif last.state == "sent":
                self.doubt(last)
        if last and last.state in {"reserved", "sent"}:
            return Busy
        if last and last.state in {"uncertain", "resolved"} and now < last.sent + KEEP_DOUBT:
            if last.state == "uncertain" and last.policy != "never" and not last.verdict:
                if now < last.since + 300_000:
                    return Unknown
                last.verdict = "none"
            return Missed
        return Granted if self.spent + self.booked + PRICE <= CAP else NoBudget

    @rule(slug=SLUGS, policy=st.sampled_from(["never", "once_if_uncharged"]))
    def reserve(self, slug: str, policy: Any) -> None:
        expected = self.expected(slug)
        answer = self.await_(
            self.desk.reserve(
                question(slug, PRICE),
                TicketTerms("w1", DEADLINE, KEEP_DOUBT, policy),
                ref=ANN,
                lines=[day_line(CAP)],
            )
        )
        assert type(answer) is expected
        if isinstance(answer, Granted):
            held = "never" if slug in self.again else policy
            self.last[slug] = Ticket(answer, slug, self.clock.now + DEADLINE, held)
            self.tickets.append(self.last[slug])

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        may = ticket.state == "reserved" and self.clock.now < ticket.deadline
        assert self.await_(self.desk.sent(ticket.granted)) is may
        if may:
            ticket.state, ticket.sent = "sent", self.clock.now

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), credits=st.integers(0, 7))
    def store(self, data: st.DataObject, credits: int) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        step = self.desk.store(ticket.granted, reply(), credits=credits, hit=True, keep_ms=KEEP_ANSWER)
        assert self.await_(step).state == "stored"
        if ticket.state != "stored":
            self.spent += credits - (ticket.credits if ticket.state == "resolved" else 0)
            self.answers[ticket.slug] = self.clock.now + KEEP_ANSWER
            ticket.state = "stored"
            if self.last.get(ticket.slug) is ticket:
                self.again.discard(ticket.slug)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        if ticket.state in {"reserved", "sent"}:
            ticket.state = "released"
        assert self.await_(self.desk.release(ticket.granted, "test")).state == ticket.state

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def uncertain(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        if ticket.state in {"reserved", "sent"}:
            ticket.sent = ticket.sent or self.clock.now
            self.doubt(ticket)
        assert self.await_(self.desk.uncertain(ticket.granted, "test")).state == ticket.state

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), charged=st.sampled_from([True, False, None]))
    def verdict(self, data: st.DataObject, charged: bool | None) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        if ticket.state == "uncertain":
            if charged is False:
                ticket.state = "released"
                if self.last.get(ticket.slug) is ticket:
                    self.again.add(ticket.slug)
            else:
                ticket.verdict = "told"
        assert self.await_(self.desk.verdict(ticket.granted.ticket_id, charged)).state == ticket.state

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), again=st.booleans(), charged=st.booleans())
    def resolve(self, data: st.DataObject, again: bool, charged: bool) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        if ticket.state == "uncertain":
            ticket.state, ticket.credits = "resolved", PRICE if charged else 0
            self.spent += ticket.credits
            if again and self.last.get(ticket.slug) is ticket:
                del self.last[ticket.slug]
        step = self.desk.resolve(ticket.granted.ticket_id, again, charged=charged)
        assert self.await_(step).state == ticket.state

    @rule(alive=st.booleans())
    def reap(self, alive: bool) -> None:
        released = uncertain = 0
        for ticket in self.tickets:
            over = ticket.deadline <= self.clock.now
            if ticket.state == "reserved" and (over or not alive):
                ticket.state = "released"
                released += 1
            elif ticket.state == "sent" and over:
                self.doubt(ticket)
                uncertain += 1
        reaped = self.await_(self.desk.reap({"w1"} if alive else set()))
        assert (reaped.released, reaped.uncertain) == (released, uncertain)

    @rule(ms=st.sampled_from([1, 400, DEADLINE, KEEP_ANSWER, KEEP_DOUBT]))
    def time_passes(self, ms: int) -> None:
        self.clock.pass_ms(ms)

    @invariant()
    def budget_is_what_the_model_says_and_reservations_never_exceed_it(self) -> None:
        booked = self.await_(self.budgets.booked([day_line().name]))[day_line().name]
        assert booked == Booked(self.spent, self.booked)

    @invariant()
    def totals_are_what_the_model_says(self) -> None:
        def credits(state: str) -> int:
            return PRICE * sum(ticket.state == state for ticket in self.tickets)

        totals: Totals = self.await_(self.budgets.totals("forager"))
        assert (totals.spent, totals.reserved, totals.sent, totals.uncertain) == (
            self.spent,
            credits("reserved"),
            credits("sent"),
            credits("uncertain"),
        )
        assert self.await_(self.desk.uncertain_count()) == sum(each.state == "uncertain" for each in self.tickets)


@pytest.mark.model
def test_tickets_and_budgets_follow_the_model_in_any_order_of_steps(redis_socket: Path) -> None:
    machine = type("Machine", (TicketsMachine,), {"socket": redis_socket})
    run_state_machine_as_test(machine, settings=examples(60, steps=40))
