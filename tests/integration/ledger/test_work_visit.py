"""Claims a record, and ends a visit of it in every way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec import structs
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import OWNER, READ, RUN, add, lease, places, settled
from worker.ledger.scripts import Scripts
from worker.ledger.work.record_state import place
from worker.ledger.work.work import (
    LEASE_MS,
    AllWork,
    Counts,
    DeadLetter,
    Due,
    Lane,
    LastRead,
    Lease,
    StepEnd,
    VisitProgress,
    Work,
)

Step = Callable[[Work, Lease], Awaitable[StepEnd]]

STEPS: dict[str, Step] = {
    "settle": lambda work, held: work.settle(held, READ),
    "defer": lambda work, held: work.defer(held, held.until_ms, "verdict"),
    "wait": lambda work, held: work.wait(held, ["kaspr"], None, "rate"),
    "again": lambda work, held: work.again(held, "vendor down", 1_000),
    "bury": lambda work, held: work.bury(held, "refused"),
    "gone": lambda work, held: work.gone(held),
    "move": lambda work, held: work.move(held, "99", "contact"),
}
each_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


async def test_live_lane_goes_first(work: Work) -> None:
    await add(work, "old", lane=Lane.BACKFILL)
    await add(work, "new")
    assert [held.id for held in await work.claim(OWNER, 2)] == ["new", "old"]


async def test_claimed_record_is_given_to_nobody_else(work: Work) -> None:
    held = await lease(work)
    assert held.token
    assert await work.claim("worker-2", 10) == []


async def test_claim_repeated_with_its_name_gives_the_same_leases(work: Work) -> None:
    await add(work, "1", "2", "3")
    first = await work.claim(OWNER, 2, claim="c1")
    assert await work.claim(OWNER, 2, claim="c1") == first
    assert [held.id for held in await work.claim(OWNER, 2, claim="c2")] == ["3"]
    await work.settle(first[0], READ)
    assert await work.claim(OWNER, 2, claim="c1") == first[1:]
    assert await work.claim("worker-2", 2, claim="c1") == []


async def test_paused_crm_gives_nothing(work: Work, other: Work, scripts: Scripts, clock: Clock) -> None:
    await add(work, "1")
    await add(other, "1")
    reason = f'{{"until": {clock.now + 500}, "probe": ""}}'
    await scripts.call("HSET", "refill:pause:acme_hubspot", "429", reason)
    assert await work.claim(OWNER, 1) == []
    assert len(await other.claim(OWNER, 1)) == 1
    clock.pass_ms(501)
    assert len(await work.claim(OWNER, 1)) == 1


async def test_pause_without_end_stands(work: Work, scripts: Scripts, clock: Clock) -> None:
    await add(work, "1")
    await scripts.call("HSET", "refill:pause:acme_hubspot", "operator", '{"by": "x", "until":0}')
    clock.pass_ms(10**10)
    assert await work.claim(OWNER, 1) == []


async def test_settled_record_is_remembered_and_counted(work: Work, redis: Redis) -> None:
    await settled(work, settlement=structs.replace(READ, look_at=5, own={"work_email": "ß"}))
    assert await places(redis, work, "1") == []
    memory = (await work.memory(["1", "2"]))["1"]
    assert (memory.fingerprint, memory.stamp, memory.read_at, memory.look_at) == ("a1b2c3d4e5f60718", 10_000, 20_000, 5)
    assert memory.own == {"work_email": "ß"}
    assert await work.counts() == Counts(0, 0, 0, 0, 0, settled=1, oldest_due_ms=0)
    assert (await lease(work)).memory == memory
    assert (await work.counts()).settled == 0


async def test_any_text_is_a_fingerprint(work: Work) -> None:
    for fingerprint in ("", "abc", "not hex", "A1B2", "0" * 40):
        await settled(work, settlement=structs.replace(READ, fingerprint=fingerprint))
        assert (await work.memory(["1"]))["1"].fingerprint == fingerprint


async def test_own_values_are_kept_unless_given_anew(work: Work) -> None:
    await settled(work, settlement=structs.replace(READ, own={"phone": "x"}))
    await settled(work)
    assert (await work.memory(["1"]))["1"].own == {"phone": "x"}
    await settled(work, settlement=structs.replace(READ, own={}))
    assert (await work.memory(["1"]))["1"].own == {}


async def test_own_values_of_an_unfinished_visit_are_remembered(work: Work, all_work: AllWork, clock: Clock) -> None:
    await work.wait(await lease(work), ["kaspr"], None, "rate", VisitProgress(own={"phone": "x"}))
    await all_work.admit("kaspr", 1)
    (held,) = await work.claim(OWNER, 1)
    assert held.memory is not None
    assert (held.memory.own, held.memory.fingerprint) == ({"phone": "x"}, "")
    await work.defer(held, clock.now, "burst", VisitProgress(own={"phone": "y"}))
    (held,) = await work.claim(OWNER, 1)
    await work.settle(held, READ)
    assert (await work.memory(["1"]))["1"].own == {"phone": "y"}
    assert (await work.counts()).settled == 1


@each_step
async def test_step_by_another_owner_is_refused(work: Work, redis: Redis, step: Step) -> None:
    held = await lease(work)
    assert await step(work, structs.replace(held, owner="worker-2")) is StepEnd.LOST
    assert await places(redis, work, "1") == ["leased:live"]


@each_step
async def test_step_on_a_lapsed_lease_that_another_took_is_refused(
    work: Work, all_work: AllWork, scripts: Scripts, clock: Clock, step: Step
) -> None:
    stale = await lease(work)
    clock.pass_ms(LEASE_MS)
    await all_work.reap()
    (held,) = await work.claim("worker-2", 1)
    before = await scripts.call("HGETALL", "refill:work:acme_hubspot:contact:record:1")
    assert await step(work, stale) is StepEnd.LOST
    assert not await work.intend(stale, ["{}"])
    assert await scripts.call("HGETALL", "refill:work:acme_hubspot:contact:record:1") == before
    assert await work.settle(held, READ) is StepEnd.DONE


@each_step
async def test_step_on_a_lapsed_lease_that_nobody_took_is_refused_after_reaping(
    work: Work, all_work: AllWork, redis: Redis, clock: Clock, step: Step
) -> None:
    stale = await lease(work)
    clock.pass_ms(LEASE_MS)
    await all_work.reap()
    assert await step(work, stale) is StepEnd.LOST
    assert await places(redis, work, "1") == ["due:live"]


@each_step
async def test_step_repeated_gives_the_same_answer_and_changes_nothing(work: Work, redis: Redis, step: Step) -> None:
    held = await lease(work, run="sync-1")
    first = await step(work, held)
    before = {key: await redis.dump(key) for key in await redis.keys("*") if b":claim:" not in key}
    assert await step(work, held) is first
    assert {key: await redis.dump(key) for key in await redis.keys("*") if b":claim:" not in key} == before


@each_step
async def test_other_step_after_the_visit_ended_is_refused(work: Work, step: Step) -> None:
    held = await lease(work)
    await step(work, held)
    others = [other for other in STEPS.values() if other is not step]
    assert {await other(work, held) for other in others} == {StepEnd.LOST}


async def test_repeated_settle_that_found_more_to_do_says_so_again(work: Work) -> None:
    held = await lease(work)
    await add(work, "1")
    assert await work.settle(held, READ) is StepEnd.AGAIN
    (await work.claim("worker-2", 1))[0]
    assert await work.settle(held, READ) is StepEnd.AGAIN


async def test_deferred_record_is_due_at_its_time_without_an_attempt(work: Work, clock: Clock) -> None:
    assert await work.defer(await lease(work), clock.now + 5_000, "verdict") is StepEnd.DONE
    clock.pass_ms(4_999)
    assert await work.claim(OWNER, 1) == []
    clock.pass_ms(1)
    (held,) = await work.claim(OWNER, 1)
    assert (held.attempts, held.note) == (0, "verdict")


async def test_failed_visit_is_repeated_seven_times_and_then_buried(work: Work, clock: Clock) -> None:
    await add(work, "1", run="sync-1")
    for attempt in range(7):
        (held,) = await work.claim(OWNER, 1)
        assert held.attempts == attempt
        assert await work.again(held, "vendor down", 1_000) is StepEnd.DONE
        assert await work.claim(OWNER, 1) == []
        clock.pass_ms(1_000)
    (held,) = await work.claim(OWNER, 1)
    assert await work.again(held, "vendor down", 1_000) is StepEnd.BURIED
    assert await work.letters.page() == [DeadLetter("1", "vendor down", 8, clock.now, "sync-1")]


async def test_waits_between_failures_do_not_hide_them(work: Work, all_work: AllWork, clock: Clock) -> None:
    await work.again(await lease(work), "vendor down", 0)
    await work.wait((await work.claim(OWNER, 1))[0], ["kaspr"], None, "rate")
    await all_work.admit("kaspr", 1)
    (held,) = await work.claim(OWNER, 1)
    assert held.attempts == 1


async def test_replayed_dead_letter_starts_anew_past_its_fingerprint(work: Work, clock: Clock) -> None:
    held = await lease(work)
    await work.intend(held, ['{"field":"phone"}'])
    await work.again(held, "x", 0)
    await work.bury((await work.claim(OWNER, 1))[0], "refused")
    assert await work.letters.intents("1") == ('{"field":"phone"}',)
    await work.replay("1", "replay-1")
    (held,) = await work.claim(OWNER, 1)
    assert (held.forced, held.attempts, held.run) == (True, 0, "replay-1")
    assert held.intents == ('{"field":"phone"}',)
    assert (await work.counts()).dead == 0


@pytest.mark.parametrize("state", ["nothing", "due", "deferred", "leased", "waiting", "settled"])
async def test_replay_has_a_record_of_any_state_visited_past_its_print(work: Work, clock: Clock, state: str) -> None:
    if state != "nothing":
        held = await lease(work)
        if state == "due":
            await work.defer(held, 0, "x")
        elif state == "deferred":
            await work.defer(held, clock.now + 9_000, "x")
        elif state == "waiting":
            await work.wait(held, ["kaspr"], None, "x")
        elif state == "settled":
            await work.settle(held, READ)
    await work.replay("1", "replay-1")
    if state == "leased":
        assert await work.settle(held, READ) is StepEnd.AGAIN
    (found,) = await work.claim(OWNER, 10)
    assert (found.id, found.forced, found.run) == ("1", True, "replay-1")


async def test_ready_counts_what_may_be_claimed_now(work: Work, clock: Clock) -> None:
    await work.defer(await lease(work), clock.now + 1, "burst")
    await add(work, "2")
    await add(work, "3", lane=Lane.BACKFILL)
    assert await work.ready() == 2
    clock.pass_ms(1)
    assert await work.ready() == 3


@pytest.mark.parametrize("ending", ["defer", "wait", "again"])
async def test_replay_during_a_visit_counts_however_the_visit_ends(work: Work, ending: str) -> None:
    held = await lease(work)
    await work.replay("1", "replay-1")
    assert await STEPS[ending](work, held) is StepEnd.AGAIN
    (found,) = await work.claim(OWNER, 10)
    assert found.forced


async def test_dropped_dead_letter_is_out_of_the_work_its_intents_in_the_journal(work: Work, redis: Redis) -> None:
    await settled(work)
    held = await lease(work)
    await work.intend(held, ['{"field":"phone"}'])
    await work.bury(held, "refused")
    assert await work.letters.drop("1")
    assert not await work.letters.drop("1")
    assert await places(redis, work, "1") == []
    assert [entry[b"entry"] for _, entry in await redis.xrange("refill:journal")] == [b'{"field":"phone"}']
    assert await work.counts() == Counts(0, 0, 0, 0, 0, settled=1, oldest_due_ms=0)


async def test_only_what_changes_after_its_drop_brings_a_dead_letter_back(work: Work, clock: Clock) -> None:
    await work.bury(await lease(work), "refused")
    await work.letters.drop("1")
    dropped = clock.now
    for stamp, added in ((dropped - 1, 0), (dropped, 0), (dropped + 1, 1)):
        assert (await work.add([Due("1", stamp)], lane=Lane.LIVE, run="day-1")).added == added


async def test_dead_letters_are_listed_in_pages_oldest_first(work: Work, clock: Clock) -> None:
    for number in range(5):
        await work.bury(await lease(work, str(number)), f"reason {number}")
        clock.pass_ms(1)
    assert [letter.id for letter in await work.letters.page(limit=2)] == ["0", "1"]
    assert [letter.reason for letter in await work.letters.page(limit=2, after=3)] == ["reason 3", "reason 4"]


async def test_gone_record_leaves_no_trace(work: Work, redis: Redis) -> None:
    await settled(work, settlement=structs.replace(READ, own={"phone": "x"}))
    assert await work.gone(await lease(work)) is StepEnd.DONE
    assert await work.memory(["1"]) == {}
    assert (await work.counts()).settled == 0
    assert await redis.keys("refill:own:*") == []


async def test_record_undeleted_during_the_visit_that_found_it_gone_is_visited_again(work: Work) -> None:
    held = await lease(work)
    await add(work, "1")
    assert await work.gone(held) is StepEnd.AGAIN
    assert len(await work.claim(OWNER, 1)) == 1


async def test_intents_stay_with_the_record_until_they_are_closed(work: Work, all_work: AllWork, clock: Clock) -> None:
    held = await lease(work)
    assert await work.intend(held, ["a", "b"])
    assert await work.intend(held, ["b", "c"])
    clock.pass_ms(LEASE_MS)
    await all_work.reap()
    (held,) = await work.claim(OWNER, 1)
    assert held.intents == ("a", "b", "c")
    await work.again(held, "x", 0)
    (held,) = await work.claim(OWNER, 1)
    assert held.intents == ("a", "b", "c")
    await work.wait(held, ["kaspr"], None, "x", VisitProgress(open_intents=()))
    await all_work.admit("kaspr", 1)
    (held,) = await work.claim(OWNER, 1)
    assert held.intents == ()


async def test_intent_of_two_lines_is_refused(work: Work) -> None:
    with pytest.raises(ValueError, match="one line"):
        await work.intend(await lease(work), ["a\nb"])


async def test_merged_record_hands_its_work_to_the_survivor(work: Work, other: Work, redis: Redis) -> None:
    await settled(work, "1", structs.replace(READ, own={"phone": "1", "title": "1"}))
    await settled(work, "2", structs.replace(READ, own={"phone": "2"}))
    held = await lease(work, "1", run="sync-1")
    await work.intend(held, ["a"])
    assert await work.move(held, "2", "contact", entries=["{}"]) is StepEnd.DONE
    assert await places(redis, work, "1") == []
    assert await work.memory(["1"]) == {}
    (survivor,) = await work.claim(OWNER, 10)
    assert (survivor.id, survivor.run, survivor.intents) == ("2", "sync-1", ("a",))
    assert survivor.memory is not None
    assert survivor.memory.own == {"phone": "2", "title": "1"}
    assert await work.settle(survivor, READ) is StepEnd.DONE
    assert (await work.counts()).settled == 1


async def test_converted_lead_goes_on_as_a_contact(scripts: Scripts) -> None:
    leads, contacts = Work(scripts, "acme_salesforce", "lead"), Work(scripts, "acme_salesforce", "contact")
    await leads.move(await lease(leads, "1"), "2", "contact")
    assert [held.id for held in await contacts.claim(OWNER, 1)] == ["2"]
    assert await leads.counts() == Counts(0, 0, 0, 0, 0, 0, 0)


async def test_survivor_being_visited_is_visited_again_with_the_losers_intents(work: Work) -> None:
    survivor = await lease(work, "2")
    await work.intend(survivor, ["own"])
    loser = await lease(work, "1")
    await work.intend(loser, ["late"])
    await work.move(loser, "2", "contact")
    assert await work.settle(survivor, READ) is StepEnd.AGAIN
    (again,) = await work.claim(OWNER, 1)
    assert again.intents == ("late",)


@pytest.mark.parametrize("lane", Lane)
async def test_waiting_survivor_is_due_and_out_of_its_queues(work: Work, redis: Redis, lane: Lane) -> None:
    await add(work, "2", lane=lane)
    await work.wait((await work.claim(OWNER, 1))[0], ["kaspr"], 5, "x")
    await work.move(await lease(work, "1"), "2", "contact")
    assert await places(redis, work, "2") == ["due:live"]
    assert await redis.keys("refill:wait:latest") == []
    assert await redis.keys("refill:wait:kaspr:?*:acme_hubspot") == []


async def test_dead_survivor_stays_dead_and_keeps_the_losers_intents(work: Work, redis: Redis) -> None:
    await work.bury(await lease(work, "2"), "x")
    loser = await lease(work, "1")
    await work.intend(loser, ["late"])
    await work.move(loser, "2", "contact")
    assert await places(redis, work, "2") == ["dead"]
    assert await work.letters.intents("2") == ("late",)


async def test_record_cannot_move_to_itself(work: Work) -> None:
    with pytest.raises(ValueError, match="itself"):
        await work.move(await lease(work), "1", "contact")


async def test_run_of_a_person_follows_its_records(work: Work, all_work: AllWork, clock: Clock) -> None:
    await add(work, "1", "2", "3", run="sync-1")
    await add(work, "4", run=RUN)
    assert await work.of_run.pending("sync-1", clock.now) == 3
    held = {found.id: found for found in await work.claim(OWNER, 10)}
    assert await work.of_run.pending("sync-1", clock.now) == 3
    await work.settle(held["1"], READ)
    await work.defer(held["2"], clock.now + 150_001, "verdict")
    await work.wait(held["3"], ["kaspr"], None, "budget")
    assert await work.of_run.pending("sync-1", clock.now + 150_000) == 0
    assert await work.of_run.pending("sync-1", clock.now + 150_001) == 1
    await all_work.admit("kaspr", 1)
    assert await work.of_run.pending("sync-1", clock.now) == 1
    await all_work.wake([(work.crm, work.object, "2")])
    assert await work.of_run.pending("sync-1", clock.now) == 2


async def test_persons_run_takes_records_over_and_a_days_run_does_not(work: Work, clock: Clock) -> None:
    await add(work, "1", run="day-1")
    await add(work, "1", run="sync-1")
    await add(work, "1", run="day-2")
    assert await work.of_run.pending("sync-1", clock.now) == 1
    await add(work, "1", run="sync-2")
    assert await work.of_run.pending("sync-1", clock.now) == 0
    (held,) = await work.claim(OWNER, 1)
    assert held.run == "sync-2"


async def test_owning_all_takes_what_is_in_the_work_and_not_dead(work: Work, clock: Clock) -> None:
    await add(work, "due", "leased", "waiting", "dead", "later")
    held = {found.id: found for found in await work.claim(OWNER, 10)}
    await work.defer(held["due"], clock.now, "x")
    await work.wait(held["waiting"], ["kaspr"], None, "x")
    await work.bury(held["dead"], "x")
    await work.defer(held["later"], clock.now + 1_000, "x")
    assert await work.of_run.own_all("sync-1") == 4
    assert await work.of_run.pending("sync-1", clock.now) == 2
    assert await work.of_run.pending("sync-1", clock.now + 1_000) == 3


async def test_days_run_cannot_be_followed(work: Work) -> None:
    with pytest.raises(ValueError, match="person"):
        await work.of_run.pending("day-1", 0)


async def test_settled_record_is_looked_at_again_when_its_time_comes(work: Work, clock: Clock) -> None:
    await settled(work, "1", structs.replace(READ, look_at=clock.now + 1_000))
    await settled(work, "2")
    assert await work.recheck(RUN, buckets=4096) == 0
    clock.pass_ms(1_000)
    assert await work.recheck(RUN, first=4000, buckets=4096) == 1
    assert await work.recheck(RUN, buckets=4096) == 0
    (held,) = await work.claim(OWNER, 10)
    assert (held.id, held.lane) == ("1", Lane.BACKFILL)


async def test_event_counts_when_the_time_to_look_has_come_though_nothing_changed(work: Work, clock: Clock) -> None:
    await settled(work, "1", structs.replace(READ, look_at=clock.now + 1_000))
    assert (await add(work, "1", stamp=1, fingerprint="a1b2c3d4e5f60718")).ignored == 1
    clock.pass_ms(1_000)
    assert (await add(work, "1", stamp=1, fingerprint="a1b2c3d4e5f60718")).added == 1


async def test_where_a_record_waits_is_told_whatever_its_last_visit_has_seen(work: Work, scripts: Scripts) -> None:
    held = await lease(work, "1")
    await work.wait(held, ["kaspr"], None, "rate", seen=LastRead("e0a7ffee00c0a7f0"))  # packed, it is no text
    found = await place(scripts, work.crm, work.object, "1")
    assert found is not None
    assert (found.state, found.providers) == ("waiting", ("kaspr",))
