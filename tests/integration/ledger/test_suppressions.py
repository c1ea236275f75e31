"""The suppression list in Redis: who is on it is answered in one step, bought by nobody, and read by no other key."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import ConnectionPool, Redis, UnixDomainSocketConnection

from tests.integration.ledger.money import grant, question, reply, reserve, send
from worker.decide.handles import Handle
from worker.ledger.money.answers import Answers
from worker.ledger.money.budgets import Budgets
from worker.ledger.money.handle_lists import AnotherKeyError, Suppressed, Suppressions
from worker.ledger.money.ticket_values import Forbidden
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import Scripts
from worker.redis.together import ROWS, Together

ADA, BOB = Handle("email", "ada@acme.com"), Handle("email", "bob@acme.com")


async def listed(list_: Suppressions, *handles: Handle) -> tuple[str, ...]:
    names = list_.hashes(handles)
    await list_.add([Suppressed(name, "email", 5) for name in names])
    return names


async def test_whoever_is_on_the_list_is_found_and_nobody_else(scripts: Scripts) -> None:
    list_ = Suppressions(scripts, "secret")
    assert await list_.among([[ADA], [BOB], []]) == [False, False, False]
    await listed(list_, ADA)
    assert await list_.among([[BOB, ADA], [BOB], []]) == [True, False, False]
    assert (await list_.among([[ADA]]), await list_.among([]), await list_.length()) == ([True], [], 1)
    assert await list_.add([Suppressed(list_.hashes([ADA])[0], "email", 9)]) == 0
    assert [one.at for one in await list_.all()] == [5]
    assert await list_.remove(list_.hashes([ADA, BOB])) == 1
    assert await list_.among([[ADA]]) == [False]


async def test_no_name_stands_in_redis(redis: Redis, scripts: Scripts) -> None:
    await listed(Suppressions(scripts, "secret"), ADA)
    kept = b"".join([await redis.dump(key) or b"" for key in await redis.keys("refill:*")])
    assert b"ada" not in kept
    assert b"acme" not in kept


@pytest.mark.parametrize("secret", ["another", None])
async def test_with_another_key_nobody_passes_and_nothing_is_added(scripts: Scripts, secret: str | None) -> None:
    other = Suppressions(scripts, secret)
    assert await other.among([[ADA], [BOB]]) == [False, False]
    await other.refuse_another_key()
    await listed(Suppressions(scripts, "secret"), ADA)
    assert await other.among([[ADA], [BOB]]) == [True, True]
    with pytest.raises(AnotherKeyError, match="REFILL_SECRET_KEY"):
        await other.refuse_another_key()
    with pytest.raises(AnotherKeyError):
        await other.add([Suppressed("0" * 32, "email", 5)])


async def test_nobody_is_read_while_nobody_is_on_the_list(scripts: Scripts) -> None:
    list_, read = Suppressions(scripts, "secret"), list[str]()

    def handles(name: str) -> list[Handle]:
        read.append(name)
        return [ADA]

    assert await list_.among([partial(handles, "before it is known")]) == [False]
    assert await list_.among([partial(handles, "while it is empty")]) == [False]
    await listed(list_, ADA)
    assert await list_.among([partial(handles, "once it is not")]) == [True]
    assert read == ["before it is known", "once it is not"]


async def test_visits_that_ask_at_once_share_few_scripts(redis: Redis, redis_socket: Path) -> None:
    pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=str(redis_socket))
    client = Together.on(pool, repeats=True)
    list_ = Suppressions(Scripts(client), "secret")
    await listed(list_, ADA)

    async def steps() -> int:
        told = await redis.info("commandstats")
        return int(told["cmdstat_evalsha"]["calls"])

    await asyncio.gather(list_.among([[ADA]]), list_.among([[BOB]]))  # from here on Redis knows the scripts
    before = await steps()
    people = [Handle("email", f"p{number}@acme.com") for number in range(200)]
    found = await asyncio.gather(*(list_.among([[one]]) for one in (*people, ADA)))
    assert sum(one[0] for one in found) == 1
    await list_.among([[one] for one in people])
    assert await steps() - before <= 2 + len(people) // ROWS  # those who ask one each are rows of few scripts
    await client.aclose()


async def test_a_question_about_somebody_listed_gets_no_ticket_and_no_kept_answer(scripts: Scripts) -> None:
    desk, list_ = Desk(scripts), Suppressions(scripts, "secret")
    about = list_.hashes([ADA])
    ticket = await send(desk, subjects=about)
    await desk.store(ticket, reply(), credits=5, hit=True, keep_ms=90_000)
    await listed(list_, ADA)
    assert await reserve(desk, subjects=about) == Forbidden()
    assert await reserve(desk, question("other"), subjects=about) == Forbidden()
    await grant(desk, question("bob"), subjects=list_.hashes([BOB]))


async def test_a_reply_that_comes_after_its_person_was_listed_is_paid_for_and_not_kept(scripts: Scripts) -> None:
    desk, list_ = Desk(scripts), Suppressions(scripts, "secret")
    ticket = await send(desk, subjects=list_.hashes([ADA]))
    await listed(list_, ADA)
    for _ in range(2):
        ended = await desk.store(ticket, reply(), credits=5, hit=True, keep_ms=90_000)
        assert ended.state == "stored"
    totals = await Budgets(scripts).totals("forager")
    assert (totals.spent, totals.reserved, totals.sent) == (5, 0, 0)
    assert await Answers(scripts).find([ticket.key]) == {}
