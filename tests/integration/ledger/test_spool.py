"""A paid reply survives a Redis that cannot take it, and a ticket's holder never sends twice."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from connectors.limits import TicketSpentError
from connectors.models import Reply
from tests.harness.clock import Clock
from tests.harness.redis import Operated
from tests.integration.ledger.money import (
    ANN,
    BEN,
    DAY_MS,
    KEEP_MS,
    LosingScripts,
    day_line,
    grant,
    kept,
    question,
    reply,
    reserve,
    send,
    store,
)
from tests.integration.ledger.work_steps import OWNER, READ, lease, settled
from worker.ledger.money.answers import KeptAnswer
from worker.ledger.money.budgets import Booked, Budgets
from worker.ledger.money.lookup_ticket import LookupTicket, ReplySettlement
from worker.ledger.money.spool import Loaded, Spool
from worker.ledger.money.ticket_values import Granted, KeepingTimes, Missed, Unknown
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import LedgerUnavailableError, Scripts
from worker.ledger.work.work import StepEnd, Work


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


@pytest.fixture
async def away(tmp_path: Path, clock: Clock) -> AsyncIterator[Desk]:
    """A desk whose Redis is gone."""
    client = Redis(unix_socket_path=str(tmp_path / "none.sock"))
    yield Desk(Scripts(client, clock=clock))
    await client.aclose()


def settle(reply: Reply) -> ReplySettlement:
    if reply.status == 402:
        return ReplySettlement(0, hit=False, refused=True)
    return ReplySettlement(3, hit=reply.status == 200)


def ticket_of(desk: Desk, granted: Granted, spool: Spool, patience_s: float = 2.0) -> LookupTicket:
    return LookupTicket(
        desk, granted, settle=settle, spool=spool, keep=KeepingTimes(KEEP_MS, DAY_MS), patience_s=patience_s
    )


async def booked(scripts: Scripts) -> Booked:
    return (await Budgets(scripts).booked([day_line().name]))[day_line().name]


async def test_reply_is_kept_and_its_credits_settled(desk: Desk, spool: Spool, scripts: Scripts) -> None:
    ticket = ticket_of(desk, await grant(desk), spool)
    await ticket.sent()
    await reserve(desk, ref=BEN)
    await ticket.stored(reply())
    assert ticket.ended
    assert ticket.ended.waiters == (BEN,)
    assert await booked(scripts) == Booked(spent=3)
    assert spool.pending() == 0


async def test_miss_is_kept_for_its_own_time(desk: Desk, spool: Spool, clock: Clock) -> None:
    ticket = ticket_of(desk, await grant(desk), spool)
    await ticket.sent()
    await ticket.stored(reply(status=404))
    clock.pass_ms(DAY_MS - 1)
    assert isinstance(await reserve(desk), KeptAnswer)
    clock.pass_ms(1)
    assert not isinstance(await reserve(desk), KeptAnswer)


async def test_refusal_is_not_charged_and_not_kept(desk: Desk, spool: Spool, scripts: Scripts) -> None:
    ticket = ticket_of(desk, await grant(desk), spool)
    await ticket.sent()
    await ticket.stored(reply(status=402))
    assert await booked(scripts) == Booked()
    assert isinstance(await reserve(desk), Granted)


async def test_reply_nobody_can_read_is_kept_as_perhaps_charged(desk: Desk, spool: Spool, scripts: Scripts) -> None:
    def fail(_: Reply) -> ReplySettlement:
        raise KeyError("credits")

    granted = await grant(desk)
    ticket = LookupTicket(desk, granted, settle=fail, spool=spool, keep=KeepingTimes(KEEP_MS, DAY_MS))
    await ticket.sent()
    await ticket.stored(reply())
    assert await booked(scripts) == Booked(reserved=5)
    totals = await Budgets(scripts).totals("forager")
    assert (totals.spent, totals.sent, totals.uncertain) == (0, 0, 5)
    assert isinstance(await reserve(desk), KeptAnswer)
    [listed] = await desk.uncertain_list()
    assert (listed.ticket_id, listed.cause) == (granted.ticket_id, "unreadable")


@pytest.mark.parametrize("charged", [True, False])
async def test_unreadable_reply_is_spent_or_given_back_by_a_persons_word_and_stays_kept(
    desk: Desk, scripts: Scripts, charged: bool
) -> None:
    granted = await send(desk)
    for _ in range(2):  # a repeat changes nothing
        ended = await desk.store(granted, reply(), credits=5, hit=False, keep_ms=DAY_MS, unpriced=True)
    assert ended.state == "uncertain"
    await desk.resolve(granted.ticket_id, ask_again=False, charged=charged)
    totals = await Budgets(scripts).totals("forager")
    assert (totals.spent, totals.uncertain) == (5 if charged else 0, 0)
    assert isinstance(await reserve(desk), KeptAnswer)


async def test_unreadable_reply_from_the_disk_is_perhaps_charged(desk: Desk, spool: Spool, scripts: Scripts) -> None:
    granted = await send(desk)
    await spool.keep(granted, reply(), credits=5, hit=False, keep_ms=DAY_MS, unpriced=True)
    await spool.load(desk)
    totals = await Budgets(scripts).totals("forager")
    assert (totals.spent, totals.uncertain) == (0, 5)


async def test_holder_sends_once_and_a_refused_send_costs_nothing(desk: Desk, spool: Spool) -> None:
    granted = await grant(desk)
    ticket = ticket_of(desk, granted, spool)
    await ticket.sent()
    for spent in (ticket, ticket_of(desk, granted, spool)):
        with pytest.raises(TicketSpentError):
            await spent.sent()


async def test_nothing_is_sent_while_redis_is_away(away: Desk, desk: Desk, spool: Spool) -> None:
    granted = await grant(desk)
    ticket = ticket_of(away, granted, spool)
    with pytest.raises(LedgerUnavailableError):
        await ticket.sent()
    with pytest.raises(TicketSpentError):
        await ticket.sent()


async def test_endings_redis_cannot_take_wait_for_the_deadline(
    away: Desk, desk: Desk, spool: Spool, clock: Clock
) -> None:
    ticket = ticket_of(away, await send(desk), spool)
    await ticket.uncertain("timeout")
    await ticket.released("never connected")
    clock.pass_ms(30_000)
    assert await reserve(desk) == Missed()


async def test_send_whose_answer_is_lost_sends_nothing_and_gives_the_reservation_back(
    redis: Redis, clock: Clock, spool: Spool, scripts: Scripts
) -> None:
    losing = LosingScripts(redis, clock=clock)
    granted = await grant(Desk(losing))
    losing.lose = True
    with pytest.raises(LedgerUnavailableError):
        await ticket_of(Desk(losing), granted, spool).sent()
    assert await booked(scripts) == Booked()


@pytest.mark.parametrize("ending", ["stored", "uncertain"])
async def test_a_tickets_first_ending_stands(
    away: Desk, desk: Desk, spool: Spool, scripts: Scripts, ending: str
) -> None:
    granted = await send(desk)
    ticket = ticket_of(away, granted, spool)
    await (ticket.stored(reply()) if ending == "stored" else ticket.uncertain("timeout"))
    ticket._desk = desk  # Redis is back
    await ticket.released("cancelled")
    await ticket.uncertain("cancelled")
    assert await booked(scripts) == Booked(reserved=5)


async def test_uncertain_takes_the_policy_of_the_ticket(desk: Desk, spool: Spool) -> None:
    ticket = ticket_of(desk, await send(desk, policy="once_if_uncharged"), spool)
    await ticket.uncertain("timeout")
    assert isinstance(await reserve(desk), Unknown)


async def test_reply_goes_to_the_disk_when_redis_is_away_and_back_when_it_returns(
    away: Desk, desk: Desk, spool: Spool, scripts: Scripts, tmp_path: Path
) -> None:
    granted = await send(desk)
    await reserve(desk, ref=BEN)
    await ticket_of(away, granted, spool).stored(reply())
    [file] = (tmp_path / "spool").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    with pytest.raises(LedgerUnavailableError):
        await spool.load(away)
    assert spool.pending() == 1

    assert await spool.load(desk) == Loaded(1, (BEN,))
    assert spool.pending() == 0
    assert await booked(scripts) == Booked(spent=3)
    assert (await kept(desk)).reply == reply()


async def test_reply_goes_to_the_disk_when_redis_hangs(desk: Desk, spool: Spool, redis_socket: Path) -> None:
    granted = await send(desk)
    async with Operated(redis_socket) as blocker:
        await blocker.client_pause(60_000, all=False)
        try:
            await ticket_of(desk, granted, spool, patience_s=0.05).stored(reply())
            assert spool.pending() == 1
        finally:
            await blocker.client_unpause()
    assert (await spool.load(desk)).replies == 1
    assert isinstance(await reserve(desk), KeptAnswer)


async def test_full_redis_sends_replies_to_the_disk(desk: Desk, spool: Spool, redis: Redis) -> None:
    granted = await send(desk)
    await redis.config_set("maxmemory", "1")
    try:
        await ticket_of(desk, granted, spool).stored(reply())
    finally:
        await redis.config_set("maxmemory", "0")
    assert (await spool.load(desk)).replies == 1


async def test_reply_redis_had_after_all_is_settled_once(desk: Desk, spool: Spool, scripts: Scripts) -> None:
    granted = await send(desk)
    await store(desk, granted, credits=3)
    await spool.keep(granted, reply(), credits=3, hit=True, keep_ms=KEEP_MS)
    await asyncio.gather(spool.load(desk), spool.load(desk))
    assert await booked(scripts) == Booked(spent=3)
    assert spool.pending() == 0


async def test_reply_of_an_uncertain_ticket_counts_when_it_is_loaded(desk: Desk, spool: Spool, clock: Clock) -> None:
    granted = await send(desk)
    await spool.keep(granted, reply(), credits=3, hit=True, keep_ms=KEEP_MS)
    clock.pass_ms(30_000)
    await desk.reap(set())
    assert await desk.uncertain_count() == 1
    assert (await spool.load(desk)).waiters == (ANN,)
    assert await desk.uncertain_count() == 0


Odd = Callable[[Path], object]


def of_version(changed: Callable[[dict[str, Any]], object]) -> Odd:
    """A file of which another version has written the line of facts."""

    def write(place: Path) -> None:
        line, _, packed = place.with_name("whole").read_bytes().partition(b"\n")
        place.write_bytes(json.dumps(changed(json.loads(line))).encode() + b"\n" + packed)

    return write


def linked(to: str) -> Odd:
    def link(place: Path) -> None:
        place.with_name("outside").write_bytes(b"somebody else's")
        place.symlink_to(to)

    return link


ODD: dict[str, Odd] = {
    "a cut file": lambda place: place.write_bytes(b'{"ticket_id": "x"}\nbroken'),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link": linked("outside"),
    "a link to nothing": linked("nowhere"),
    "a device": linked("/dev/zero"),
    "a key more": of_version(lambda facts: facts | {"since": 1}),
    "a key less": of_version(lambda facts: {name: value for name, value in facts.items() if name != "token"}),
    "a price of another type": of_version(lambda facts: facts | {"credits": {"spent": 3}}),
    "a price without an end": of_version(lambda facts: facts | {"credits": float("inf")}),
    "lines of another type": of_version(lambda facts: facts | {"lines": 7}),
    "a ticket of another type": of_version(lambda facts: facts | {"ticket_id": ["a"]}),
    "nothing": of_version(lambda _: None),
    "a list": of_version(lambda _: [1]),
}


@pytest.mark.parametrize("odd", ODD)
async def test_what_is_no_reply_is_set_aside_the_rest_loaded(
    desk: Desk, spool: Spool, tmp_path: Path, odd: str
) -> None:
    folder = tmp_path / "spool"
    await spool.keep(await send(desk, question("a")), reply(), credits=3, hit=True, keep_ms=KEEP_MS)
    next(folder.iterdir()).rename(folder / "whole")
    ODD[odd](folder / "0000.reply")
    await spool.keep(await send(desk, question("b")), reply(), credits=3, hit=True, keep_ms=KEEP_MS)
    (folder / "0001.1.part").write_bytes(b"cut")
    assert (await spool.load(desk)).replies == 1
    assert (spool.pending(), spool.broken()) == (0, 1)
    assert {path.name for path in folder.iterdir()} - {"whole", "outside"} == {"0000.broken", "0001.1.part"}


async def test_file_that_cannot_be_moved_away_keeps_nothing_back(desk: Desk, spool: Spool, tmp_path: Path) -> None:
    """A folder of somebody else's, say: what is broken stays, and what is loaded is loaded again, once."""
    (tmp_path / "spool" / "0000.broken").mkdir(parents=True)
    (tmp_path / "spool" / "0000.reply").write_bytes(b"cut")
    await spool.keep(await send(desk, question("b")), reply(), credits=3, hit=True, keep_ms=KEEP_MS)
    assert (await spool.load(desk)).replies == 1
    assert spool.pending() == 1


async def test_whole_reply_whose_process_died_before_naming_it_is_loaded(
    desk: Desk, spool: Spool, tmp_path: Path
) -> None:
    await spool.keep(await send(desk), reply(), credits=3, hit=True, keep_ms=KEEP_MS)
    [named] = (tmp_path / "spool").iterdir()
    whole, cut = named.with_suffix(".7.part"), tmp_path / "spool" / "0000.7.part"
    cut.write_bytes(named.read_bytes()[:-4])
    named.rename(whole)
    assert spool.pending() == 0  # perhaps somebody is writing it
    for part in (whole, cut):
        os.utime(part, (0, 0))
    assert spool.pending() == 2
    assert (await spool.load(desk)).replies == 1
    assert isinstance(await reserve(desk), KeptAnswer)
    assert [path.suffix for path in (tmp_path / "spool").iterdir()] == [".broken"]


async def test_empty_spool_loads_nothing(desk: Desk, spool: Spool) -> None:
    assert spool.pending() == 0
    assert await spool.load(desk) == Loaded(0, ())


async def test_late_answer_brings_back_a_record_that_settled_without_it_in_the_same_step(
    desk: Desk, scripts: Scripts, clock: Clock
) -> None:
    work = Work(scripts, ANN[0], ANN[1])
    granted = await send(desk)
    await desk.uncertain(granted, "cut")
    assert isinstance(await reserve(desk), Missed)
    await settled(work, ANN[2])
    await store(desk, granted, credits=5)
    assert (await work.counts()).due == 1  # without a second step, which a dead process would not make


async def test_late_answer_brings_back_a_record_whose_visit_was_about_to_settle_without_it(
    desk: Desk, scripts: Scripts, clock: Clock
) -> None:
    work = Work(scripts, ANN[0], ANN[1])
    granted = await send(desk)
    await desk.uncertain(granted, "cut")
    held = await lease(work, ANN[2])
    assert isinstance(await reserve(desk), Missed)
    await store(desk, granted, credits=5)
    assert await work.settle(held, READ) is StepEnd.AGAIN
    (again,) = await work.claim(OWNER, 1)
    assert again.forced
    assert await work.settle(again, READ) is StepEnd.DONE


@pytest.mark.parametrize("told", [10**20, 10**400, -1, 10_001])
async def test_price_beyond_reason_is_no_price(desk: Desk, spool: Spool, scripts: Scripts, told: int) -> None:
    granted = await grant(desk, question("Ada"), lines=[day_line()])
    ticket = LookupTicket(
        desk,
        granted,
        settle=lambda _: ReplySettlement(told, hit=True),
        spool=spool,
        keep=KeepingTimes(KEEP_MS, DAY_MS),
    )
    await ticket.sent()
    await ticket.stored(reply())
    assert ticket.ended is not None
    assert ticket.ended.state == "uncertain"
    assert (await booked(scripts)).spent == 0
    assert spool.pending() == 0


async def test_file_that_redis_refuses_is_set_aside_the_rest_loaded(desk: Desk, spool: Spool, tmp_path: Path) -> None:
    bad, good = [await grant(desk, question(name), lines=[day_line()]) for name in ("Ada", "Ben")]
    for one, keep_ms in ((bad, 10**30), (good, KEEP_MS)):
        await desk.sent(one)
        await spool.keep(one, reply(), credits=3, hit=True, keep_ms=keep_ms)
    assert (await spool.load(desk)).replies == 1
    assert (spool.pending(), spool.broken()) == (0, 1)
    assert [path.stem for path in (tmp_path / "spool").glob("*.broken")] == [bad.ticket_id]
