"""Leases to a process, ends leases, and lists the queues for providers, over all crms."""

from __future__ import annotations

from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import OWNER, READ, add, lease, places, queued
from worker.ledger.scripts import Scripts
from worker.ledger.work.all_work import ReapedLeases
from worker.ledger.work.work import LEASE_MS, AllWork, Due, Lane, Settlement, StepEnd, Work


async def wait_for(work: Work, *ids: str, providers: tuple[str, ...] = ("kaspr",), lane: Lane = Lane.LIVE) -> None:
    for name in ids:
        await add(work, name, lane=lane)
        (held,) = await work.claim(OWNER, 1)
        assert await work.wait(held, providers, None, "rate") is StepEnd.DONE


async def test_leases_of_all_works_are_extended_at_once(
    work: Work, other: Work, all_work: AllWork, clock: Clock
) -> None:
    tokens = [(await lease(work)).token, (await lease(other, "00Q:1")).token]
    clock.pass_ms(LEASE_MS - 1)
    assert await all_work.extend(OWNER, tokens) == ()
    clock.pass_ms(LEASE_MS - 1)
    assert await all_work.reap() == ReapedLeases(0, 0)
    assert await all_work.extend("worker-2", tokens) == tuple(tokens)


async def test_extension_tells_which_leases_are_lost(work: Work, all_work: AllWork, clock: Clock) -> None:
    kept, ended = await lease(work, "1"), await lease(work, "2")
    await work.settle(ended, READ)
    assert await all_work.extend(OWNER, [kept.token, ended.token]) == (ended.token,)


async def test_ended_lease_returns_with_one_more_crash(work: Work, all_work: AllWork, clock: Clock) -> None:
    await lease(work)
    assert await all_work.reap() == ReapedLeases(0, 0)
    clock.pass_ms(LEASE_MS)
    assert await all_work.reap() == ReapedLeases(1, 0)
    (held,) = await work.claim("worker-2", 1)
    assert (held.crashes, held.attempts) == (1, 0)


async def crash(work: Work, all_work: AllWork, clock: Clock, times: int) -> None:
    for _ in range(times):
        await work.claim(OWNER, 100)
        clock.pass_ms(LEASE_MS)
        await all_work.reap()


async def test_record_that_crashed_thrice_is_given_alone(
    work: Work, all_work: AllWork, redis: Redis, clock: Clock
) -> None:
    await add(work, "bad")
    await crash(work, all_work, clock, 3)
    await add(work, "good")
    assert await places(redis, work, "bad") == ["due:alone"]
    (good,) = await work.claim(OWNER, 10, holding=1)
    assert good.id == "good"
    (bad,) = await work.claim(OWNER, 10, holding=0)
    assert (bad.id, bad.crashes) == ("bad", 3)
    await add(work, "next")
    assert await work.claim(OWNER, 10, holding=0) == []
    assert len(await work.claim("worker-2", 10)) == 1
    await work.defer(bad, clock.now, "verdict")
    assert [held.crashes for held in await work.claim(OWNER, 10, holding=1)] == [0]


async def test_record_that_crashes_alone_is_buried(work: Work, all_work: AllWork, clock: Clock) -> None:
    await add(work, "bad")
    await crash(work, all_work, clock, 3)
    assert len(await work.claim(OWNER, 10)) == 1
    clock.pass_ms(LEASE_MS)
    assert await all_work.reap() == ReapedLeases(0, 1)
    assert [letter.reason for letter in await work.letters.page()] == ["crashed"]
    await add(work, "next")
    assert len(await work.claim(OWNER, 10)) == 1


async def test_crashes_among_others_are_not_forgiven_by_a_deferral(work: Work, all_work: AllWork, clock: Clock) -> None:
    await add(work, "bad")
    await crash(work, all_work, clock, 2)
    await work.defer((await work.claim(OWNER, 1))[0], clock.now, "x")
    (held,) = await work.claim(OWNER, 1)
    assert held.crashes == 2


async def test_event_during_the_visit_that_crashed_is_not_lost(work: Work, all_work: AllWork, clock: Clock) -> None:
    await lease(work)
    await work.replay("1", "replay-1")
    clock.pass_ms(LEASE_MS)
    await all_work.reap()
    (held,) = await work.claim(OWNER, 1)
    assert held.forced


async def test_reaping_returns_more_than_one_block(work: Work, all_work: AllWork, clock: Clock) -> None:
    await add(work, *map(str, range(1_200)))
    await work.claim(OWNER, 1_200)
    clock.pass_ms(LEASE_MS)
    assert await all_work.reap() == ReapedLeases(1_200, 0)


async def test_woken_record_is_due_now(
    work: Work, other: Work, all_work: AllWork, scripts: Scripts, clock: Clock, redis: Redis
) -> None:
    await work.defer(await lease(work, "1"), clock.now + 120_000, "verdict")
    await wait_for(other, "2")
    refs = [("acme_hubspot", "contact", "1"), ("acme_salesforce", "lead", "2"), ("acme_salesforce", "lead", "none")]
    assert await all_work.wake(refs) == 2
    assert len(await work.claim(OWNER, 1)) == 1
    assert await places(redis, other, "2") == ["due:live"]
    assert await queued(scripts, "kaspr") == 0


async def test_record_woken_while_leased_does_not_go_to_sleep(work: Work, all_work: AllWork, clock: Clock) -> None:
    held = await lease(work)
    await all_work.wake([(work.crm, work.object, "1")])
    assert await work.defer(held, clock.now + 120_000, "verdict") is StepEnd.AGAIN
    (held,) = await work.claim(OWNER, 1)
    await all_work.wake([(work.crm, work.object, "1")])
    assert await work.wait(held, ["kaspr"], None, "rate") is StepEnd.AGAIN
    (held,) = await work.claim(OWNER, 1)
    assert await work.wait(held, ["kaspr"], None, "rate") is StepEnd.DONE


async def test_record_woken_while_leased_is_visited_though_it_settles(
    work: Work, all_work: AllWork, clock: Clock
) -> None:
    held = await lease(work)
    await all_work.wake([(work.crm, work.object, "1")])
    settlement = Settlement("abcdef123456", stamp=clock.now, read_at=clock.now)
    assert await work.settle(held, settlement) is StepEnd.AGAIN
    (held,) = await work.claim(OWNER, 1)
    assert held.forced
    assert await work.settle(held, settlement) is StepEnd.DONE


async def test_word_of_a_lookup_brings_back_a_settled_record_forced(
    work: Work, all_work: AllWork, clock: Clock
) -> None:
    await work.settle(await lease(work), Settlement("abcdef123456", stamp=clock.now, read_at=clock.now))
    assert await all_work.wake([(work.crm, work.object, "1")]) == 1
    (held,) = await work.claim(OWNER, 1)
    assert held.forced


async def test_word_of_a_lookup_forces_a_record_wherever_it_is(work: Work, all_work: AllWork, clock: Clock) -> None:
    async def woken(name: str) -> None:
        await all_work.wake([(work.crm, work.object, name)])

    for name in ("due", "waiting", "died"):
        await work.settle(await lease(work, name), Settlement("abcdef123456", stamp=clock.now, read_at=clock.now))
        clock.pass_ms(3_000)
    await work.add([Due(name, clock.now) for name in ("waiting", "died")], lane=Lane.LIVE, run="day-x")
    held = {one.id: one for one in await work.claim(OWNER, 3)}
    await work.wait(held["waiting"], ["kaspr"], None, "rate")
    await woken("died")
    clock.pass_ms(LEASE_MS)
    await all_work.reap()
    await work.add([Due("due", clock.now)], lane=Lane.LIVE, run="day-x")
    await woken("due")
    await woken("waiting")
    assert {one.id: one.forced for one in await work.claim(OWNER, 3)} == {"due": True, "waiting": True, "died": True}


async def test_waking_the_dead_does_nothing(work: Work, all_work: AllWork, redis: Redis) -> None:
    await work.bury(await lease(work), "x")
    assert await all_work.wake([(work.crm, work.object, "1")]) == 0
    assert await places(redis, work, "1") == ["dead"]


async def test_admission_goes_live_first_then_in_turns(
    work: Work, other: Work, all_work: AllWork, clock: Clock
) -> None:
    await wait_for(work, "b1", lane=Lane.BACKFILL)
    for name in ("1", "2", "3"):
        await wait_for(work, name)
        clock.pass_ms(1)
    await wait_for(other, "9")
    assert await all_work.admit("kaspr", 2) == 2
    assert [held.id for held in await work.claim(OWNER, 9)] == ["1"]
    assert [held.id for held in await other.claim(OWNER, 9)] == ["9"]
    clock.pass_ms(1_000)
    assert await all_work.admit("kaspr", 9) == 3
    assert [held.id for held in await work.claim(OWNER, 9)] == ["2", "3", "b1"]


async def test_turn_of_the_crms_is_remembered(work: Work, other: Work, all_work: AllWork, clock: Clock) -> None:
    await wait_for(work, "1", "2")
    await wait_for(other, "1", "2")
    order = []
    for _ in range(4):
        await all_work.admit("kaspr", 1, at_once=True)
        order += [held.crm for each in (work, other) for held in await each.claim(OWNER, 9)]
    assert order == ["acme_hubspot", "acme_salesforce"] * 2


async def test_admitted_record_leaves_every_queue(
    work: Work, all_work: AllWork, scripts: Scripts, redis: Redis, clock: Clock
) -> None:
    await wait_for(work, "1", providers=("kaspr", "forager"))
    assert (await queued(scripts, "kaspr"), await queued(scripts, "forager")) == (1, 1)
    assert await all_work.admit("forager", 5) == 1
    assert (await queued(scripts, "kaspr"), await queued(scripts, "forager")) == (0, 0)
    assert await places(redis, work, "1") == ["due:live"]


async def test_who_comes_back_keeps_its_place(work: Work, all_work: AllWork, clock: Clock) -> None:
    first = clock.now
    await wait_for(work, "old")
    clock.pass_ms(1_000)
    await wait_for(work, "young")
    await all_work.admit("kaspr", 1)
    (held,) = await work.claim(OWNER, 9)
    assert (held.id, held.places) == ("old", {"kaspr": first})
    await work.wait(held, ["forager", "kaspr"], None, "rate")
    clock.pass_ms(1_000)
    await all_work.admit("kaspr", 1)
    (held,) = await work.claim(OWNER, 9)
    assert (held.id, held.places) == ("old", {"forager": first + 1_000, "kaspr": first})
    await work.settle(held, READ)
    assert (await lease(work, "old")).places == {}


async def test_admission_happens_once_a_second_whoever_asks(scripts: Scripts, work: Work, clock: Clock) -> None:
    await wait_for(work, "1", "2", "3")
    mine, theirs = AllWork(scripts), AllWork(scripts)
    assert await mine.admit("kaspr", 1) == 1
    assert await theirs.admit("kaspr", 1) == 0
    assert await theirs.admit("kaspr", 1, at_once=True) == 1
    clock.pass_ms(1_000)
    assert await mine.admit("kaspr", 5) == 1


async def test_record_past_its_patience_is_admitted_without_capacity(
    work: Work, other: Work, all_work: AllWork, scripts: Scripts, clock: Clock
) -> None:
    await work.wait(await lease(work, "1"), ["kaspr"], clock.now + 5_000, "outage")
    await other.wait(await lease(other, "2"), ["forager"], clock.now + 5_000, "outage")
    await wait_for(work, "3")
    assert await all_work.admit("kaspr", 0) == 0
    clock.pass_ms(5_000)
    assert await all_work.admit("kaspr", 0) == 2
    assert [held.id for held in await work.claim(OWNER, 9)] == ["1"]
    assert await queued(scripts, "forager") == 0


async def test_works_are_known(work: Work, other: Work, all_work: AllWork) -> None:
    await add(work, "1")
    await add(other, "1")
    assert await all_work.works() == [("acme_hubspot", "contact"), ("acme_salesforce", "lead")]


async def wait_needing(work: Work, credits: int, *ids: str, lane: Lane = Lane.LIVE) -> None:
    for name in ids:
        await add(work, name, lane=lane)
        (held,) = await work.claim(OWNER, 1)
        await work.wait(held, ["kaspr"], None, "budget", needs={"kaspr": credits})


async def claimed(work: Work) -> list[str]:
    return sorted(held.id for held in await work.claim(OWNER, 9))


async def test_admission_ends_where_the_credits_do_not_reach_for_the_next(work: Work, all_work: AllWork) -> None:
    await wait_needing(work, 5, "1", "2", "3")
    assert await all_work.admit("kaspr", 9, credits=(12, 12), at_once=True) == 2
    assert await all_work.admit("kaspr", 9, credits=(4, 4), at_once=True) == 0
    assert await claimed(work) == ["1", "2"]


async def test_backfill_is_admitted_to_its_own_share_only(work: Work, all_work: AllWork) -> None:
    await wait_needing(work, 5, "b1", "b2", lane=Lane.BACKFILL)
    await wait_needing(work, 5, "1")
    assert await all_work.admit("kaspr", 9, credits=(20, 10), at_once=True) == 2
    assert await claimed(work) == ["1", "b1"]  # what live takes is gone from the share of backfill too
    assert await all_work.admit("kaspr", 9, credits=(15, 0), at_once=True) == 0


async def test_crm_without_credits_keeps_nobody_else_waiting(work: Work, other: Work, all_work: AllWork) -> None:
    await wait_needing(work, 5, "1", "2")
    await wait_needing(other, 5, "1", "2")
    assert await all_work.admit("kaspr", 9, credits=(99, 99), crms={work.crm: (7, 7)}, at_once=True) == 3
    assert (await claimed(work), await claimed(other)) == (["1"], ["1", "2"])


async def test_rate_bounds_admission_whatever_the_credits(work: Work, all_work: AllWork) -> None:
    await wait_needing(work, 1, "1", "2", "3")
    assert await all_work.admit("kaspr", 2, credits=(99, 99), at_once=True) == 2
