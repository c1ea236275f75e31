"""Walks every edge of a ticket: reserved -> sent -> stored | uncertain | released, and questions met on each."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.money import (
    ANN,
    BEN,
    DAY_MS,
    EVE,
    HOUR_MS,
    KEEP_MS,
    LosingScripts,
    day_line,
    doubted,
    grant,
    kept,
    month_line,
    question,
    reply,
    reserve,
    send,
    store,
)
from worker.ledger.money.answers import KeptAnswer
from worker.ledger.money.budgets import Booked, BudgetLine, Budgets, Totals
from worker.ledger.money.ticket_values import VERDICT_MS, Busy, Granted, Missed, NoBudget, StaleDay, TicketEnd, Unknown
from worker.ledger.money.tickets import Desk

ENDED_MS = 600_000


async def booked(budgets: Budgets, line: BudgetLine) -> tuple[int, int]:
    found: Booked = (await budgets.booked([line.name]))[line.name]
    return found.spent, found.reserved


async def weight(redis: Redis, pattern: str) -> int:
    return sum([await redis.memory_usage(name) async for name in redis.scan_iter(pattern)])


async def test_reservation_takes_the_worst_price_on_every_line(desk: Desk, budgets: Budgets) -> None:
    await grant(desk, lines=[day_line(), month_line()])
    assert await booked(budgets, day_line()) == (0, 5)
    assert await booked(budgets, month_line()) == (0, 5)


async def test_reservation_that_one_line_refuses_takes_nothing_on_any(desk: Desk, budgets: Budgets) -> None:
    assert await reserve(desk, lines=[day_line(), month_line(cap=4)]) == NoBudget(month_line().name)
    assert await booked(budgets, day_line()) == (0, 0)


async def test_raised_cap_is_seen_at_once(desk: Desk) -> None:
    assert await reserve(desk, lines=[day_line(cap=4)]) == NoBudget(day_line().name)
    await grant(desk, lines=[day_line(cap=5)])


async def test_budget_of_another_day_is_stale(desk: Desk, clock: Clock) -> None:
    assert await reserve(desk, lines=[day_line(day=1)]) == StaleDay()
    clock.now = day_line(day=1).start_ms - 1
    assert await reserve(desk, lines=[day_line(day=1)]) == StaleDay()
    clock.now += 1
    assert await reserve(desk, lines=[day_line(day=0)]) == StaleDay()
    await grant(desk, lines=[day_line(day=1)])


async def test_line_without_bounds_never_is_stale(desk: Desk, clock: Clock) -> None:
    clock.pass_ms(400 * DAY_MS)
    await grant(desk, lines=[BudgetLine("run:7", 5)])


async def test_backfill_leaves_the_closed_share_of_a_day_to_live(desk: Desk) -> None:
    lines = [day_line(cap=10), BudgetLine("run:7", 10)]
    await grant(desk, question("a"), lines=lines, closed_share=0.3)
    assert await reserve(desk, question("b"), lines=lines, closed_share=0.3) == NoBudget(day_line().name)
    await grant(desk, question("b"), lines=lines)


async def test_kept_answer_wins_over_everything_and_costs_nothing(desk: Desk, budgets: Budgets) -> None:
    ticket = await send(desk)
    await store(desk, ticket, credits=4)
    kept = await reserve(desk, ref=BEN, lines=[day_line(cap=0, day=3)])
    assert isinstance(kept, KeptAnswer)
    assert kept.reply == reply()
    assert kept.hit
    assert await booked(budgets, day_line()) == (4, 0)


async def test_stored_answer_can_be_found_by_its_key(desk: Desk, clock: Clock) -> None:
    ticket = await send(desk)
    await desk.store(ticket, reply(), credits=4, hit=False, keep_ms=KEEP_MS)
    found = await desk.find(["0" * 32, question().key])
    assert list(found) == [question().key]
    assert (found[question().key].at_ms, found[question().key].hit) == (clock.now, False)


async def test_ticket_is_sent_once_ever(desk: Desk) -> None:
    ticket = await grant(desk)
    assert await desk.sent(ticket)
    assert not await desk.sent(ticket)


async def test_ticket_is_not_sent_after_its_deadline(desk: Desk, clock: Clock) -> None:
    ticket = await grant(desk)
    clock.pass_ms(30_000)
    assert not await desk.sent(ticket)


async def test_ticket_is_not_sent_with_another_token(desk: Desk) -> None:
    ticket = await grant(desk)
    assert not await desk.sent(Granted(ticket.ticket_id, "another"))
    assert await desk.sent(ticket)


async def test_released_ticket_is_not_sent(desk: Desk) -> None:
    ticket = await grant(desk)
    await desk.release(ticket, "no slot")
    assert not await desk.sent(ticket)


@pytest.mark.parametrize("sent", [False, True])
async def test_equal_question_waits_for_the_open_ticket(desk: Desk, clock: Clock, sent: bool) -> None:
    ticket = await grant(desk)
    if sent:
        await desk.sent(ticket)
    assert await reserve(desk, ref=BEN) == Busy(clock.now + 30_000)


async def test_waiters_are_named_by_the_end_and_the_asker_is_not(desk: Desk) -> None:
    ticket = await send(desk)
    await reserve(desk, ref=BEN)
    await reserve(desk, ref=EVE)
    ended = await store(desk, ticket, credits=5)
    assert ended.state == "stored"
    assert set(ended.waiters) == {BEN, EVE}


async def test_record_that_comes_back_to_its_own_open_ticket_is_woken_too(desk: Desk) -> None:
    ticket = await send(desk)
    await reserve(desk, ref=ANN)
    assert (await store(desk, ticket, credits=5)).waiters == (ANN,)


async def test_repeated_store_gives_the_same_and_settles_once(desk: Desk, budgets: Budgets) -> None:
    ticket = await send(desk)
    await reserve(desk, ref=BEN)
    first = await store(desk, ticket, credits=3)
    assert await store(desk, ticket, reply("other"), credits=3) == first
    assert await booked(budgets, day_line()) == (3, 0)
    assert (await desk.find([question().key]))[question().key].reply == reply()


async def test_dearer_answer_is_booked_and_reported(desk: Desk, budgets: Budgets) -> None:
    ticket = await send(desk)
    ended = await store(desk, ticket, credits=8)
    assert ended.overrun == 3
    assert await booked(budgets, day_line()) == (8, 0)
    assert (await budgets.totals("forager")).overrun == 3


async def test_released_reservation_is_given_back_once(desk: Desk, budgets: Budgets) -> None:
    await grant(desk, question("other"))
    ticket = await grant(desk)
    await reserve(desk, ref=BEN)
    first = await desk.release(ticket, "never connected")
    assert first == TicketEnd("released", (BEN,))
    assert await desk.release(ticket, "never connected") == first
    assert await booked(budgets, day_line()) == (0, 5)


async def test_released_question_gets_a_new_ticket(desk: Desk) -> None:
    ticket = await send(desk)
    await desk.release(ticket, "status 429")
    again = await grant(desk)
    assert again.ticket_id != ticket.ticket_id


async def test_reservation_whose_answer_is_lost_is_had_by_asking_again(redis: Redis, clock: Clock) -> None:
    scripts = LosingScripts(redis, clock=clock)
    ticket = await grant(Desk(scripts))
    assert await booked(Budgets(scripts), day_line()) == (0, 5)
    scripts.lose = False
    assert await Desk(scripts).sent(ticket)


async def test_uncertain_keeps_credits_booked_and_counts_as_a_miss(desk: Desk, budgets: Budgets) -> None:
    ticket = await send(desk)
    await reserve(desk, ref=BEN)
    ended = await desk.uncertain(ticket, "timeout")
    assert ended == TicketEnd("uncertain", (BEN,))
    assert await desk.uncertain(ticket, "timeout") == ended
    assert await booked(budgets, day_line()) == (0, 5)
    assert await reserve(desk, ref=EVE) == Missed()


async def test_uncertain_question_may_be_asked_when_its_keeping_time_is_over(desk: Desk, clock: Clock) -> None:
    ticket = await send(desk, keep_uncertain_ms=HOUR_MS)
    await desk.uncertain(ticket, "timeout")
    clock.pass_ms(HOUR_MS - 1)
    assert await reserve(desk) == Missed()
    clock.pass_ms(1)
    await grant(desk)
    assert [each.ticket_id for each in await desk.uncertain_list()] == [ticket.ticket_id]


async def test_passed_deadline_alone_gives_no_new_ticket(desk: Desk, clock: Clock) -> None:
    await send(desk)
    clock.pass_ms(40_000)
    assert await reserve(desk) == Missed()
    assert await desk.uncertain_count() == 1


async def test_reservation_past_its_deadline_makes_room(desk: Desk, clock: Clock, budgets: Budgets) -> None:
    old = await grant(desk)
    clock.pass_ms(30_000)
    await grant(desk)
    assert not await desk.sent(old)
    assert await booked(budgets, day_line()) == (0, 5)


async def test_stored_tickets_weigh_little_for_as_long_as_they_stay(desk: Desk, redis: Redis) -> None:
    questions = [question(f"person-{number}") for number in range(100)]
    tickets = [await send(desk, one, lines=[day_line(1000), month_line()]) for one in questions]
    under_way = await weight(redis, "refill:ticket*")
    for ticket in tickets:
        await store(desk, ticket, credits=5)
    assert await weight(redis, "refill:ticket*") < min(100 * 80, under_way)


async def test_stored_ticket_with_more_to_tell_tells_it_again(desk: Desk, budgets: Budgets) -> None:
    ticket = await send(desk)
    await reserve(desk, ref=BEN)
    for _ in range(2):
        told = await store(desk, ticket, credits=7)
        assert told == TicketEnd("stored", (BEN,), 2)
    assert await booked(budgets, day_line()) == (7, 0)


async def test_stored_ticket_of_an_erased_answer_settles_no_more(desk: Desk, clock: Clock, budgets: Budgets) -> None:
    ticket = await send(desk)
    await store(desk, ticket, credits=5)
    await desk.forget(ANN)
    clock.pass_ms(ENDED_MS - 1)
    assert await store(desk, ticket, credits=5) == TicketEnd("stored")
    assert await booked(budgets, day_line()) == (5, 0)
    assert not await desk.find([question().key])


async def test_late_answer_turns_uncertain_into_stored(desk: Desk, budgets: Budgets) -> None:
    ticket = await doubted(desk)
    await reserve(desk, ref=BEN)
    ended = await store(desk, ticket, credits=4)
    assert ended.state == "stored"
    assert ANN in ended.waiters
    assert await booked(budgets, day_line()) == (4, 0)
    assert await desk.uncertain_count() == 0
    assert isinstance(await reserve(desk), KeptAnswer)


async def test_uncertain_ticket_is_not_released_by_its_holder(desk: Desk, budgets: Budgets) -> None:
    ticket = await doubted(desk)
    assert (await desk.release(ticket, "cancelled")).state == "uncertain"
    assert await booked(budgets, day_line()) == (0, 5)


async def test_stored_ticket_stays_stored(desk: Desk) -> None:
    ticket = await send(desk)
    await store(desk, ticket, credits=5)
    assert (await desk.release(ticket, "late")).state == "stored"
    assert (await desk.uncertain(ticket, "late")).state == "stored"
    assert (await desk.verdict(ticket.ticket_id, charged=False)).state == "stored"


async def test_uncharged_verdict_gives_back_credits_and_question(desk: Desk, clock: Clock, budgets: Budgets) -> None:
    ticket = await send(desk, policy="once_if_uncharged")
    assert await reserve(desk, ref=BEN) == Busy(clock.now + 30_000)
    ended = await desk.uncertain(ticket, "timeout")
    assert ended == TicketEnd("uncertain")
    assert await reserve(desk, ref=EVE) == Unknown(clock.now + 300_000, clock.now + VERDICT_MS)
    ended = await desk.verdict(ticket.ticket_id, charged=False)
    assert ended.state == "released"
    assert set(ended.waiters) == {ANN, BEN, EVE}
    assert await desk.verdict(ticket.ticket_id, charged=False) == ended
    assert await booked(budgets, day_line()) == (0, 0)

    second = await send(desk, policy="once_if_uncharged")
    await desk.uncertain(second, "timeout", policy="once_if_uncharged")
    assert await reserve(desk) == Missed()


async def test_charged_verdict_is_a_miss_and_stays_listed(desk: Desk, budgets: Budgets) -> None:
    ticket = await send(desk)
    await desk.uncertain(ticket, "timeout", policy="once_if_uncharged")
    await reserve(desk, ref=BEN)
    ended = await desk.verdict(ticket.ticket_id, charged=True)
    assert ended.state == "uncertain"
    assert set(ended.waiters) == {ANN, BEN}
    assert await reserve(desk) == Missed()
    assert await booked(budgets, day_line()) == (0, 5)
    [listed] = await desk.uncertain_list()
    assert listed.verdict == "charged"


async def test_verdict_that_never_comes_is_a_miss(desk: Desk, clock: Clock) -> None:
    ticket = await send(desk, policy="once_if_uncharged")
    await desk.uncertain(ticket, "timeout")
    clock.pass_ms(299_999)
    assert (await desk.reap({"w1"})).missed == 0
    clock.pass_ms(1)
    reaped = await desk.reap({"w1"})
    assert (reaped.missed, reaped.waiters) == (1, (ANN,))
    assert await reserve(desk) == Missed()


async def test_question_is_a_miss_from_the_moment_a_verdict_is_too_late(desk: Desk, clock: Clock) -> None:
    await desk.uncertain(await send(desk, policy="once_if_uncharged"), "timeout")
    unknown = await reserve(desk)
    assert isinstance(unknown, Unknown)
    clock.now = unknown.until_ms - 1
    assert await reserve(desk) == unknown
    clock.pass_ms(1)
    assert await reserve(desk) == Missed()


async def test_due_verdicts_are_listed_from_their_time(desk: Desk, clock: Clock) -> None:
    ticket = await send(desk)
    await desk.uncertain(ticket, "timeout", policy="once_if_uncharged")
    clock.pass_ms(VERDICT_MS - 1)
    assert await desk.due_verdicts() == []
    clock.pass_ms(1)
    [due] = await desk.due_verdicts()
    assert (due.ticket_id, due.operation, due.ref) == (ticket.ticket_id, "work_emails", ANN)


async def charge(desk: Desk, clock: Clock, slug: str, seconds: float, credits: int = 5) -> None:
    ticket = await send(desk, question(slug))
    clock.pass_ms(int(seconds * 1000))
    await desk.store(ticket, reply(), credits=credits, hit=True, keep_ms=KEEP_MS)


async def test_charges_across_an_end_of_the_window_are_not_known_to_lie_in_it(desk: Desk, clock: Clock) -> None:
    start = clock.now
    for slug in ("at the start", "inside", "inside too", "at the end"):
        clock.pass_ms(15_000)
        await charge(desk, clock, slug, 1)
    end = clock.now - 500
    assert await desk.charged("forager", "work_emails", start + 15_500, end) == 10
    assert await desk.charged("forager", "work_emails", start, end + 20_000) == 20
    assert await desk.charged("forager", "person_detail", start, end) == 0


async def test_window_is_widened_to_moments_without_calls(desk: Desk, clock: Clock) -> None:
    clock.pass_ms(60_000)
    first = clock.now
    for number in range(6):
        await charge(desk, clock, f"s{number}", 4)
    last = clock.now
    clock.pass_ms(100_000)
    start, end = await desk.window("forager", "work_emails", first + 9_000, last - 9_000)
    assert (start, end) == (first - 10_000, last + 10_000)
    assert await desk.charged("forager", "work_emails", start, end) == 30
    assert await desk.window("forager", "work_emails", start, end) == (start, end)


async def test_window_stays_where_calls_never_pause(desk: Desk, clock: Clock) -> None:
    began = clock.now
    for number in range(60):
        await charge(desk, clock, f"s{number}", 15, credits=0 if number % 7 else 1)
    assert await desk.window("forager", "person_detail", began, began + 1) == (began, began + 1)
    wanted = (clock.now - 100_000, clock.now - 60_000)
    start, end = await desk.window("forager", "work_emails", *wanted)
    assert start <= wanted[0]
    assert wanted[1] <= end <= clock.now - 30_000


async def test_reaper_gives_back_what_a_dead_owner_reserved_and_spares_the_living(desk: Desk, budgets: Budgets) -> None:
    await grant(desk, question("a"), owner="dead")
    await grant(desk, question("b"), owner="alive", ref=BEN)
    reaped = await desk.reap({"alive"})
    assert (reaped.released, reaped.uncertain, reaped.waiters) == (1, 0, (ANN,))
    assert await booked(budgets, day_line()) == (0, 5)


async def test_reaper_makes_sent_tickets_uncertain_only_past_their_deadline(desk: Desk, clock: Clock) -> None:
    await send(desk, owner="dead")
    assert (await desk.reap(set())).uncertain == 0
    clock.pass_ms(30_000)
    reaped = await desk.reap({"dead"})
    assert (reaped.released, reaped.uncertain, reaped.waiters) == (0, 1, (ANN,))
    assert (await desk.reap(set())) == type(reaped)(0, 0, 0, ())


async def test_reaper_keeps_waiters_until_the_verdict(desk: Desk, clock: Clock) -> None:
    ticket = await send(desk, policy="once_if_uncharged")
    await reserve(desk, ref=BEN)
    clock.pass_ms(30_000)
    assert (await desk.reap(set())).waiters == ()
    assert set((await desk.verdict(ticket.ticket_id, charged=True)).waiters) == {ANN, BEN}


async def test_person_may_have_a_charged_question_asked_again(desk: Desk, budgets: Budgets) -> None:
    ticket = await doubted(desk)
    assert (await desk.resolve(ticket.ticket_id, ask_again=True)).state == "resolved"
    assert await booked(budgets, day_line()) == (5, 0)
    assert await desk.uncertain_list() == []
    await grant(desk)


async def test_resolved_question_is_not_asked_again_by_itself(desk: Desk, budgets: Budgets) -> None:
    ticket = await doubted(desk)
    await desk.resolve(ticket.ticket_id, ask_again=False, charged=False)
    assert await booked(budgets, day_line()) == (0, 0)
    assert await reserve(desk) == Missed()


async def test_late_answer_of_a_resolved_ticket_corrects_its_price(desk: Desk, budgets: Budgets) -> None:
    ticket = await doubted(desk)
    await desk.resolve(ticket.ticket_id, ask_again=True)
    await store(desk, ticket, credits=2)
    assert await booked(budgets, day_line()) == (2, 0)


async def test_late_answer_leaves_the_newer_ticket_of_its_question_alone(desk: Desk) -> None:
    old = await doubted(desk)
    await desk.resolve(old.ticket_id, ask_again=True)
    new = await grant(desk, question(fields=("work_email", "phone")))
    await store(desk, old, credits=5)
    assert isinstance(await reserve(desk, question(fields=("work_email", "phone"))), Busy)
    assert await desk.sent(new)


async def test_reply_is_kept_even_when_redis_forgot_its_ticket(desk: Desk, redis: Redis, budgets: Budgets) -> None:
    ticket = await send(desk)
    await redis.delete(desk._scripts.keys("ticket", ticket.ticket_id))
    for _ in range(2):
        ended = await store(desk, ticket, credits=4)
        assert ended.state == "stored"
    assert (await booked(budgets, day_line()))[0] == 4
    assert isinstance(await reserve(desk), KeptAnswer)


async def test_steps_with_another_token_change_nothing(desk: Desk, budgets: Budgets) -> None:
    ticket = await send(desk)
    forged = Granted(ticket.ticket_id, "another", ticket.key)
    assert (await desk.release(forged, "x")).state == "refused"
    assert (await desk.uncertain(forged, "x")).state == "refused"
    assert (await store(desk, forged, credits=0)).state == "refused"
    assert await booked(budgets, day_line()) == (0, 5)
    assert await desk.find([ticket.key]) == {}


async def test_totals_follow_tickets_through_their_states(desk: Desk, budgets: Budgets) -> None:
    await grant(desk, question("a"))
    await send(desk, question("b"))
    await desk.uncertain(await send(desk, question("c")), "timeout")
    await store(desk, await send(desk, question("d")), credits=2)
    await desk.release(await send(desk, question("e")), "status 400")
    assert await budgets.totals("forager") == Totals(spent=2, reserved=5, sent=5, uncertain=5)


async def test_uncertain_list_goes_on_where_it_stopped(desk: Desk, clock: Clock) -> None:
    for number in range(7):
        await desk.uncertain(await send(desk, question(f"s{number}")), "timeout")
        clock.pass_ms(number % 2)
    seen, cursor = [], ""
    while page := await desk.uncertain_list(limit=2, after=cursor):
        seen += [each.ticket_id for each in page]
        cursor = page[-1].cursor
    assert len(seen) == len(set(seen)) == 7
    assert await desk.uncertain_count() == 7


async def test_late_miss_does_not_displace_a_hit(desk: Desk) -> None:
    old = await doubted(desk)
    await desk.resolve(old.ticket_id, ask_again=True)
    new = await send(desk)
    await store(desk, new, credits=5)
    await desk.store(old, reply("nobody"), credits=5, hit=False, keep_ms=KEEP_MS)
    assert (await kept(desk)).reply == reply()


async def test_charges_that_an_older_version_noted_count_beside_newer(desk: Desk, clock: Clock, redis: Redis) -> None:
    began = clock.now
    await redis.zadd("refill:charges:forager:work_emails", {f"0011223344556677@0:{began + 20_000}:15": began + 19_000})
    ticket = await send(desk)
    clock.pass_ms(25_000)
    await store(desk, ticket, credits=5)
    assert await desk.charged("forager", "work_emails", began - 10_000, clock.now + 10_000) == 20
    assert await desk.charged("forager", "work_emails", began - 10_000, clock.now + 10_000, stretch=1) == 0


async def test_charges_are_known_for_an_hour_whatever_list_they_are_in(desk: Desk, clock: Clock) -> None:
    began = clock.now
    for number in range(6):
        ticket = await send(desk, question(f"person-{number}"), lines=[])
        await store(desk, ticket, credits=1)
        clock.pass_ms(600_000)
    assert await desk.charged("forager", "work_emails", began - HOUR_MS, clock.now) == 6
    clock.pass_ms(600_000)
    assert await desk.charged("forager", "work_emails", began - HOUR_MS, clock.now) == 5
