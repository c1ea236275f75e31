"""A paid answer is kept as it came, for its time, for every question it serves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from connectors.models import Reply
from tests.harness.clock import Clock
from tests.integration.ledger.money import (
    ANN,
    BEN,
    DAY_MS,
    EVE,
    KEEP_MS,
    day_line,
    kept,
    question,
    reply,
    reserve,
    send,
    store,
)
from worker.ledger.money.answers import KeptAnswer, pack, unpack
from worker.ledger.money.ticket_values import Granted, NoBudget
from worker.ledger.money.tickets import Desk

EMAIL, PHONE, BOTH = ("work_email",), ("phone",), ("phone", "work_email")


async def answer(
    desk: Desk, fields: tuple[str, ...] = EMAIL, text: str = "x", keep_ms: int = KEEP_MS, hit: bool = True
) -> None:
    ticket = await send(desk, question(fields=fields))
    await desk.store(ticket, reply(text), credits=5, hit=hit, keep_ms=keep_ms)


@given(
    st.integers(100, 599),
    st.dictionaries(st.text(max_size=12), st.text(max_size=20), max_size=4),
    st.binary(max_size=400),
)
def test_any_reply_comes_back_as_it_was(status: int, headers: dict[str, str], body: bytes) -> None:
    packed = Reply(status, headers, body)
    assert unpack(pack(packed)) == packed


@pytest.mark.parametrize("packed", [b"", b"\x02abc", b"\x01\xff\xff\xff"])
def test_other_bytes_are_no_reply(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a packed reply"):
        unpack(packed)


def test_cut_reply_is_no_reply() -> None:
    with pytest.raises(ValueError, match="not a whole packed reply"):
        unpack(pack(reply("x" * 200))[:-3])


async def test_answer_to_more_fields_serves_fewer(desk: Desk) -> None:
    await answer(desk, BOTH)
    for fields in (EMAIL, PHONE, BOTH, ()):
        assert isinstance(await reserve(desk, question(fields=fields)), KeptAnswer)


async def test_answer_to_fewer_fields_does_not_serve_more(desk: Desk) -> None:
    await answer(desk, EMAIL)
    assert isinstance(await reserve(desk, question(fields=BOTH)), Granted)


async def test_answers_to_different_fields_are_kept_side_by_side(desk: Desk) -> None:
    await answer(desk, EMAIL, "mail")
    await answer(desk, PHONE, "phone")
    for fields, text in ((EMAIL, "mail"), (PHONE, "phone")):
        assert (await kept(desk, question(fields=fields))).reply == reply(text)
    assert isinstance(await reserve(desk, question(fields=BOTH)), Granted)


async def test_wider_answer_replaces_the_narrower(desk: Desk) -> None:
    await answer(desk, EMAIL, "mail")
    await answer(desk, BOTH, "both")
    assert (await kept(desk, question(fields=EMAIL))).reply == reply("both")


async def test_older_answer_outlives_a_newer_one_with_less_time(desk: Desk, clock: Clock) -> None:
    await answer(desk, EMAIL, "mail", keep_ms=2 * DAY_MS)
    await answer(desk, PHONE, "phone", keep_ms=DAY_MS)
    clock.pass_ms(DAY_MS)
    assert isinstance(await reserve(desk, question(fields=EMAIL)), KeptAnswer)
    assert isinstance(await reserve(desk, question(fields=PHONE), lines=[]), Granted)


async def test_use_does_not_prolong_the_keeping_time(desk: Desk, clock: Clock) -> None:
    await answer(desk)
    stored = clock.now
    clock.pass_ms(KEEP_MS - 1)
    kept = await reserve(desk)
    assert isinstance(kept, KeptAnswer)
    assert kept.at_ms == stored
    clock.pass_ms(1)
    assert await desk.find([question().key]) == {}
    assert isinstance(await reserve(desk, lines=[]), Granted)


async def test_kept_answer_expires_in_redis_itself(desk: Desk, redis: Redis) -> None:
    await answer(desk, keep_ms=DAY_MS)
    assert 0 < await redis.pttl(desk._scripts.keys("answer", question().key)) <= DAY_MS


async def test_many_answers_are_found_in_one_round_trip(desk: Desk, redis: Redis) -> None:
    for number in range(5):
        ticket = await send(desk, question(f"s{number}"))
        await desk.store(ticket, reply(str(number)), credits=5, hit=True, keep_ms=KEEP_MS)
    keys = [question(f"s{number}").key for number in range(9)]
    await desk.find(keys)
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    found = await desk.find(keys)
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == before + 1
    assert {key: kept.reply for key, kept in found.items()} == {
        question(f"s{number}").key: reply(str(number)) for number in range(5)
    }
    assert await desk.find([]) == {}


async def test_record_knows_what_was_asked_for_it(desk: Desk) -> None:
    await answer(desk, text="ann")
    await reserve(desk, ref=EVE)
    await reserve(desk, question("open"), ref=EVE)
    asked = await desk.questions_of(EVE)
    assert [(each.key, each.state) for each in asked] == [(question().key, ""), (question("open").key, "reserved")]
    assert asked[0].kept
    assert (asked[0].kept.reply, asked[0].kept.operation) == (reply("ann"), "work_emails")
    assert await desk.questions_of(BEN) == []


async def test_answer_that_only_was_found_is_noted_too(desk: Desk) -> None:
    await answer(desk)
    await desk.find([question().key, question("other").key], ref=BEN)
    assert [each.key for each in await desk.questions_of(BEN)] == [question().key]


async def test_question_asked_often_is_noted_once(desk: Desk) -> None:
    await answer(desk)
    for _ in range(3):
        await reserve(desk)
        await desk.find([question().key], ref=ANN)
    assert await desk.answers.noted(ANN) == [question().key]


async def test_question_without_budget_is_not_noted(desk: Desk) -> None:
    assert isinstance(await reserve(desk, lines=[day_line(cap=1)]), NoBudget)
    assert await desk.answers.noted(ANN) == []


async def test_forgetting_a_record_deletes_its_answers(desk: Desk) -> None:
    await answer(desk, EMAIL)
    await answer(desk, PHONE)
    assert await desk.forget(ANN) == 2
    assert await desk.find([question().key]) == {}
    assert await desk.questions_of(ANN) == []
    assert isinstance(await reserve(desk, question(fields=EMAIL)), Granted)


async def test_index_forgets_questions_nothing_is_kept_of(desk: Desk, clock: Clock, redis: Redis) -> None:
    for number in range(4):
        ticket = await send(desk, question(f"s{number}"))
        await store(desk, ticket, credits=5)
    for number in range(4):
        await redis.delete(desk._scripts.keys("answer", question(f"s{number}").key))
    await reserve(desk, question("new"))
    assert await desk.answers.noted(ANN) == [question("new").key]


async def test_usual_answer_takes_less_than_half_a_kilobyte(desk: Desk, redis: Redis) -> None:
    body = {
        "person": {"id": 81723, "full_name": "Ann Lee", "linkedin_info": {"public_identifier": "ann-lee-81"}},
        "emails": [{"email": "ann.lee@acme.com", "email_type": "work", "validation_status": "valid"}],
        "role": {"role_title": "Head of Sales", "organization": {"name": "Acme", "domain": "acme.com"}},
    }
    headers = {
        "content-type": "application/json",
        "date": "Fri, 20 Nov 2026 08:00:00 GMT",
        "x-request-id": "5f1c02aa9d",
    }
    ticket = await send(desk)
    await desk.store(ticket, Reply(200, headers, json.dumps(body).encode()), credits=5, hit=True, keep_ms=KEEP_MS)
    assert await redis.memory_usage(desk._scripts.keys("answer", question().key)) < 512
