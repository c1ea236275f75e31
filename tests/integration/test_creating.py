"""Rows made by hand, on the test's own time: two looks far enough apart, one repeat, then it is left to a person."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from connectors.errors import OutcomeUnknownError, RejectedError
from connectors.limits import Ticket
from connectors.models import Reply
from tests.harness.clock import Clock
from worker.ledger.money.creations import Creations
from worker.ledger.rates.cursors import Cursors
from worker.ledger.scripts import Scripts
from worker.manual.buying import NotNowError
from worker.manual.creating import Maker, WantedRow, key_of

MINUTE = 60_000


@dataclass
class Vendor:
    """Takes orders; ``losing`` answers are lost, ``dropping`` requests never arrive."""

    losing: bool = False
    dropping: bool = False
    shows: bool = True
    sent: int = 0
    rows: list[str] = field(default_factory=list)

    async def send(self, ticket: Ticket) -> str:
        await ticket.sent()
        self.sent += 1
        if not self.dropping:
            self.rows.append(f"row{self.sent}")
        if self.losing:
            await ticket.uncertain("lost")
            raise OutcomeUnknownError("openprospect", "order_create")
        await ticket.stored(Reply(201, {}, b""))
        return self.rows[-1]

    async def find(self) -> str | None:
        if not self.shows:
            return None
        return self.rows[0] if self.rows else ""

    def wanted(self, *, look_first: bool = False) -> WantedRow:
        return WantedRow("openprospect", "order", key_of("a"), self.send, self.find, look_first=look_first)


@pytest.fixture
def maker(scripts: Scripts) -> Maker:
    return Maker(Creations(scripts), Cursors(scripts), "somebody", scripts.now)


async def refused(maker: Maker, wanted: WantedRow) -> str:
    with pytest.raises(NotNowError) as caught:
        await maker.make(wanted)
    return str(caught.value)


async def test_it_is_sent_once_more_after_two_looks_in_vain(maker: Maker, clock: Clock) -> None:
    vendor = Vendor(losing=True, dropping=True)
    assert "in a minute" in await refused(maker, vendor.wanted())
    clock.pass_ms(MINUTE // 2)
    assert "look again in 30 s" in await refused(maker, vendor.wanted())
    clock.pass_ms(MINUTE)
    assert "again in 300 s" in await refused(maker, vendor.wanted())
    clock.pass_ms(4 * MINUTE)
    assert "again in 60 s" in await refused(maker, vendor.wanted())
    assert vendor.sent == 1
    clock.pass_ms(MINUTE)
    vendor.losing = vendor.dropping = False
    made = await maker.make(vendor.wanted())
    assert (made.id, made.how, vendor.sent) == ("row2", "created", 2)
    assert (await maker.make(vendor.wanted())).how == "there"


async def test_it_is_never_sent_a_third_time(maker: Maker, clock: Clock) -> None:
    vendor = Vendor(losing=True, dropping=True)
    for minutes in (0, 2, 6, 10, 60):
        clock.pass_ms(minutes * MINUTE)
        told = await refused(maker, vendor.wanted())
    assert "sent twice" in told
    assert vendor.sent == 2


async def test_a_look_that_finds_it_ends_the_matter(maker: Maker, clock: Clock) -> None:
    vendor = Vendor(losing=True, dropping=True)
    await refused(maker, vendor.wanted())
    vendor.rows.append("late")
    clock.pass_ms(2 * MINUTE)
    made = await maker.make(vendor.wanted())
    assert (made.id, made.how, vendor.sent) == ("late", "found", 1)
    assert (await maker.make(vendor.wanted())).id == "late"


async def test_a_vendor_that_shows_too_little_is_left_to_a_person(maker: Maker, clock: Clock) -> None:
    vendor = Vendor(losing=True, dropping=True, shows=False)
    await refused(maker, vendor.wanted())
    for _ in range(3):
        clock.pass_ms(60 * MINUTE)
        assert "look there yourself" in await refused(maker, vendor.wanted())
    assert vendor.sent == 1


async def test_what_somebody_else_made_is_not_made_again_when_looked_for_first(maker: Maker) -> None:
    vendor = Vendor(rows=["theirs"])
    made = await maker.make(vendor.wanted(look_first=True))
    assert (made.id, made.how, vendor.sent) == ("theirs", "there", 0)


async def test_what_was_deleted_there_may_be_made_again_when_looked_for_first(maker: Maker) -> None:
    vendor = Vendor()
    assert (await maker.make(vendor.wanted(look_first=True))).how == "created"
    vendor.rows.clear()
    assert (await maker.make(vendor.wanted(look_first=True))).how == "created"
    assert vendor.sent == 2


async def test_a_refusal_leaves_the_way_free(maker: Maker) -> None:
    vendor = Vendor()

    async def send(ticket: Ticket) -> str:
        await ticket.sent()
        await ticket.released("status 422")
        raise RejectedError("openprospect", "order_create", 422)

    with pytest.raises(RejectedError):
        await maker.make(WantedRow("openprospect", "order", key_of("a"), send, vendor.find))
    assert (await maker.make(vendor.wanted())).how == "created"


async def test_two_at_once_send_one(maker: Maker) -> None:
    vendor = Vendor()

    async def send(ticket: Ticket) -> str:
        told = await refused(maker, vendor.wanted())
        assert "is being made" in told
        return await vendor.send(ticket)

    made = await maker.make(WantedRow("openprospect", "order", key_of("a"), send, vendor.find))
    assert (made.how, vendor.sent) == ("created", 1)
