"""A record that is asked for is looked at once, whatever state it is in."""

from __future__ import annotations

from msgspec import structs
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import OWNER, READ, add, lease, places, settled
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Added, CursorMove, Due, Lane, LastRead, StepEnd, Work


async def test_ten_events_on_one_record_are_one_visit(work: Work) -> None:
    assert await add(work, *["7"] * 10) == Added(added=1, coalesced=9, ignored=0, moved=False)
    assert [found.id for found in await work.claim(OWNER, 10)] == ["7"]


async def test_event_during_a_visit_makes_the_record_due_once_more(work: Work) -> None:
    held = await lease(work)
    assert (await add(work, "1")).coalesced == 1
    assert await work.claim("worker-2", 10) == []
    assert await work.settle(held, READ) is StepEnd.AGAIN
    (again,) = await work.claim("worker-2", 10)
    assert (again.id, again.attempts, again.intents) == ("1", 0, ())
    assert await work.settle(again, READ) is StepEnd.DONE


async def test_event_the_visit_has_already_seen_does_not_repeat_it(work: Work) -> None:
    held = await lease(work)
    await add(work, "1", stamp=READ.stamp)
    assert await work.settle(held, READ) is StepEnd.DONE


async def test_echo_of_the_visits_own_write_does_not_repeat_it(work: Work) -> None:
    held = await lease(work)
    await add(work, "1", stamp=READ.stamp + 5_000, fingerprint="a1b2c3d4e5f60718")
    assert await work.settle(held, READ) is StepEnd.DONE


async def test_one_unseen_event_among_seen_ones_repeats_the_visit(work: Work) -> None:
    held = await lease(work)
    await add(work, "1", stamp=READ.stamp)
    await add(work, "1", stamp=READ.stamp + 1, fingerprint="ff|ff\n12|")
    await add(work, "1", stamp=READ.stamp - 1)
    assert await work.settle(held, READ) is StepEnd.AGAIN


async def test_many_events_during_a_visit_stay_small(work: Work, scripts: Scripts) -> None:
    held = await lease(work)
    for stamp in range(1, 300):
        await add(work, "1", stamp=stamp)
    assert await scripts.call("HSTRLEN", "refill:work:acme_hubspot:contact:record:1", "revisit") < 1_200
    assert await work.settle(held, READ) is StepEnd.AGAIN


async def test_stamp_not_newer_than_the_last_read_is_ignored_when_that_read_came_two_seconds_later(work: Work) -> None:
    await settled(work)
    assert (await add(work, "1", stamp=READ.stamp)).ignored == 1
    assert (await add(work, "1", stamp=READ.stamp - 1)).ignored == 1
    assert (await add(work, "1", stamp=READ.stamp + 1)).added == 1


async def test_stamp_of_a_read_within_two_seconds_counts(work: Work) -> None:
    await settled(work, settlement=structs.replace(READ, read_at=READ.stamp + 1_999))
    assert (await add(work, "1", stamp=READ.stamp)).added == 1


async def test_stamp_two_seconds_before_the_read_is_ignored_though_the_last_change_was_later(work: Work) -> None:
    await settled(work, settlement=structs.replace(READ, read_at=READ.stamp + 500))
    assert (await add(work, "1", stamp=READ.stamp - 1_500)).ignored == 1


async def test_event_without_stamp_always_counts(work: Work) -> None:
    await settled(work)
    assert (await add(work, "1")).added == 1


async def test_row_with_the_remembered_fingerprint_is_dropped(work: Work) -> None:
    await settled(work)
    assert (await add(work, "1", stamp=99_000, fingerprint="a1b2c3d4e5f60718")).ignored == 1
    assert (await add(work, "1", stamp=99_000, fingerprint="00b2c3d4e5f60718")).added == 1


async def test_dropped_row_moves_the_stamp_on(work: Work) -> None:
    await settled(work)
    await add(work, "1", stamp=99_000, fingerprint="a1b2c3d4e5f60718", read_at=110_000)
    assert (await add(work, "1", stamp=99_000)).ignored == 1
    memory = (await work.memory(["1"]))["1"]
    assert (memory.stamp, memory.read_at, memory.fingerprint) == (99_000, 110_000, "a1b2c3d4e5f60718")


async def test_record_settled_without_fingerprint_is_visited_for_any_row_with_news(work: Work) -> None:
    await settled(work, settlement=structs.replace(READ, fingerprint=None))
    assert (await add(work, "1", stamp=READ.stamp, fingerprint="a1b2c3d4e5f60718")).ignored == 1
    assert (await add(work, "1", stamp=0, fingerprint="a1b2c3d4e5f60718")).added == 1


async def test_forced_add_goes_past_the_fingerprint(work: Work) -> None:
    await settled(work)
    await add(work, "1", stamp=1, fingerprint="a1b2c3d4e5f60718", forced=True)
    (held,) = await work.claim(OWNER, 1)
    assert held.forced
    await work.settle(held, READ)
    assert not (await lease(work)).forced


async def test_forced_add_during_a_visit_forces_the_next(work: Work) -> None:
    held = await lease(work)
    await add(work, "1", forced=True)
    assert await work.settle(held, READ) is StepEnd.AGAIN
    (again,) = await work.claim(OWNER, 1)
    assert again.forced


async def test_waiting_record_becomes_due_by_an_event(work: Work, redis: Redis) -> None:
    await work.wait(await lease(work), ["kaspr", "forager"], None, "rate")
    assert (await add(work, "1")).coalesced == 1
    assert await places(redis, work, "1") == ["due:live"]
    assert await redis.keys("refill:wait:kaspr:live*") == []


async def test_waiting_record_stays_for_the_echo_of_its_own_write(work: Work, redis: Redis) -> None:
    await work.wait(await lease(work), ["kaspr"], None, "rate", seen=LastRead("abcd", 10_000, 15_000))
    assert (await add(work, "1", stamp=20_000, fingerprint="abcd")).ignored == 1
    assert (await add(work, "1", stamp=9_000)).ignored == 1
    assert await places(redis, work, "1") == ["waiting:live"]


async def test_event_leaves_a_deferred_record_at_its_time(work: Work, clock: Clock) -> None:
    await work.defer(await lease(work), clock.now + 60_000, "burst")
    await add(work, "1")
    assert await work.claim(OWNER, 1) == []
    clock.pass_ms(60_000)
    assert len(await work.claim(OWNER, 1)) == 1


async def test_dead_record_stays_dead(work: Work, redis: Redis) -> None:
    await work.bury(await lease(work), "refused")
    assert (await add(work, "1")).ignored == 1
    assert (await add(work, "1", forced=True)).ignored == 1
    assert await places(redis, work, "1") == ["dead"]


async def test_live_event_lifts_a_backfill_record(work: Work, redis: Redis) -> None:
    await add(work, "1", "2", "3", lane=Lane.BACKFILL)
    await add(work, "3")
    assert await places(redis, work, "3") == ["due:live"]
    first, second = await work.claim(OWNER, 2)
    assert (first.id, first.lane, second.lane) == ("3", Lane.LIVE, Lane.BACKFILL)
    await add(work, second.id)
    assert await places(redis, work, second.id) == ["leased:live"]


async def test_backfill_never_lowers_a_live_record(work: Work, redis: Redis) -> None:
    await add(work, "1")
    await add(work, "1", lane=Lane.BACKFILL)
    assert await places(redis, work, "1") == ["due:live"]


async def test_page_and_cursor_move_together(work: Work, scripts: Scripts) -> None:
    rows = [Due("1"), Due("2")]
    first = await work.add(rows, lane=Lane.LIVE, run="day-1", move=CursorMove("poll", "", "a"))
    assert first == Added(2, 0, 0, moved=True)
    refused = await work.add([Due("3")], lane=Lane.LIVE, run="day-1", move=CursorMove("poll", "", "b"))
    assert refused == Added(0, 0, 0, moved=False)
    assert await scripts.call("HGET", "refill:cursors", "poll") == b"a"


async def test_page_stored_again_says_so_and_adds_nothing(work: Work) -> None:
    move = CursorMove("poll", "", "a")
    await work.add([Due("1")], lane=Lane.LIVE, run="day-1", move=move)
    await work.settle((await work.claim(OWNER, 1))[0], READ)
    assert await work.add([Due("1")], lane=Lane.LIVE, run="day-1", move=move) == Added(0, 0, 0, moved=True)


async def test_room_counts_due_leased_and_waiting_backfill_ids(work: Work) -> None:
    await add(work, *map(str, range(10)), lane=Lane.BACKFILL)
    await add(work, "live")
    assert await work.room() == 9_990
    held = await work.claim(OWNER, 3)
    await work.wait(held[1], ["kaspr"], None, "rate")
    assert await work.room() == 9_990
    await work.settle(held[2], READ)
    assert await work.room() == 9_991


async def test_empty_page_moves_its_cursor(work: Work, scripts: Scripts) -> None:
    moved = await work.add([], lane=Lane.LIVE, run="day-1", move=CursorMove("poll", "", "a"))
    assert moved == Added(0, 0, 0, moved=True)
    assert await scripts.call("HGET", "refill:cursors", "poll") == b"a"


async def test_many_rows_without_cursor_are_added_in_parts(work: Work) -> None:
    rows = [Due(str(number)) for number in range(2_500)]
    assert await work.add(rows, lane=Lane.LIVE, run="day-1") == Added(2_500, 0, 0, moved=False)
