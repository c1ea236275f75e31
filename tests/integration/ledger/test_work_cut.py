"""Claims records of a person's run by it alone, cuts them by its cap, and tells what holds them."""

from __future__ import annotations

from msgspec import structs
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import OWNER, READ, RUN, add, places
from worker.ledger.journal.figures import Figures
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import AllWork, Lane, LastRead, Left, Settlement, StepEnd, Work

SYNC, NEXT = "sync-1", "sync-2"
LATER_MS = 600_000
SHORT = Settlement(
    fingerprint=READ.fingerprint,
    stamp=READ.stamp,
    read_at=READ.read_at,
    entries=('{"kind":"lookup"}',),
    filled={"job_title": "forager"},
    unfilled={"work_email": "budget"},
)


async def cut(
    work: Work, clock: Clock, *ids: str, run: str = SYNC, lane: Lane = Lane.LIVE, forced: bool = False
) -> None:
    await add(work, *ids, run=run, lane=lane, forced=forced)
    for held in await work.claim(OWNER, 100, run=run):
        ending = await work.cut(held, SHORT, day=RUN, day_at_ms=clock.now + LATER_MS)
        assert ending is StepEnd.DONE


async def seen_again(work: Work, *, run: str = RUN, fingerprint: str = READ.fingerprint or "") -> int:
    """Returns what a poll of the day does with a row: how many records it brings back."""
    added = await add(work, "1", run=run, stamp=READ.stamp + 1, fingerprint=fingerprint, read_at=READ.read_at + 9_000)
    return added.added + added.coalesced


# ---- claims ----------------------------------------------------------------------------------------------------------


async def test_a_claim_for_a_run_gives_its_records_alone_in_the_order_of_their_times(work: Work, clock: Clock) -> None:
    await add(work, "day", run=RUN)
    await add(work, "theirs", run=NEXT)
    await add(work, "walked", run=SYNC, lane=Lane.BACKFILL)
    clock.pass_ms(1)
    await add(work, "polled", run=SYNC)
    assert [one.id for one in await work.claim(OWNER, 1, run=SYNC)] == ["walked"]
    assert [one.id for one in await work.claim(OWNER, 10, run=SYNC)] == ["polled"]
    assert await work.claim(OWNER, 10, run=SYNC) == []
    assert {one.id for one in await work.claim(OWNER, 10)} == {"day", "theirs"}


async def test_a_claim_for_a_run_gives_nothing_that_is_due_later_or_waits(work: Work, clock: Clock) -> None:
    await add(work, "1", "2", run=SYNC)
    later, waiting = await work.claim(OWNER, 10, run=SYNC)
    await work.defer(later, clock.now + 1_000, "rate")
    await work.wait(waiting, ["kaspr"], None, "rate")
    assert await work.claim(OWNER, 10, run=SYNC) == []
    clock.pass_ms(1_000)
    assert [one.id for one in await work.claim(OWNER, 10, run=SYNC)] == [later.id]


async def test_what_crashed_thrice_is_given_to_its_run_alone(work: Work, all_work: AllWork, clock: Clock) -> None:
    await add(work, "bad", run=SYNC)
    for _ in range(3):
        await work.claim(OWNER, 1, run=SYNC)
        clock.pass_ms(90_000)
        await all_work.reap()
    await add(work, "good", run=SYNC)
    assert [one.id for one in await work.claim("other", 10, run=NEXT)] == []
    assert [one.id for one in await work.claim(OWNER, 1, holding=1, run=SYNC)] == ["good"]
    assert [one.id for one in await work.claim(OWNER, 10, run=SYNC)] == ["bad"]


# ---- cuts ------------------------------------------------------------------------------------------------------------


async def test_what_a_cap_cuts_waits_outside_its_run_and_is_counted_there(
    work: Work, scripts: Scripts, redis: Redis, clock: Clock
) -> None:
    await cut(work, clock, "1")
    assert await places(redis, work, "1") == ["waiting:live"]
    assert (await work.of_run.open(SYNC), await work.claim(OWNER, 10)) == (0, [])
    figures = (await Figures(scripts).of_run(SYNC))[work.crm, work.object]
    assert (figures.records, figures.unfilled, figures.tally) == (1, {("work_email", "budget"): 1}, {"cut": 1})
    assert figures.filled == {("job_title", "forager"): 1}


async def test_a_repeated_cut_gives_its_answer_again_and_a_lost_lease_none(work: Work, clock: Clock) -> None:
    await add(work, "1", run=SYNC)
    (held,) = await work.claim(OWNER, 1)
    for _ in range(2):
        assert await work.cut(held, SHORT, day=RUN, day_at_ms=0) is StepEnd.DONE
    stranger = structs.replace(held, owner="other")
    assert await work.cut(stranger, SHORT, day=RUN, day_at_ms=0) is StepEnd.DONE  # by the token of that visit
    assert await work.cut(structs.replace(held, token=f"x{held.token}"), SHORT, day=RUN, day_at_ms=0) is StepEnd.LOST


async def test_our_own_write_does_not_bring_back_what_was_cut_and_a_persons_does(work: Work, clock: Clock) -> None:
    await cut(work, clock, "1")
    assert await seen_again(work) == 0
    assert await seen_again(work, fingerprint="0123456789ab") == 1
    (held,) = await work.claim(OWNER, 1)
    assert held.run == RUN


async def test_the_end_of_a_lookup_brings_back_nothing_that_was_cut(
    work: Work, all_work: AllWork, clock: Clock
) -> None:
    await cut(work, clock, "1")
    assert await all_work.wake([(work.crm, work.object, "1")]) == 0
    assert await work.claim(OWNER, 10) == []


async def test_what_the_next_run_takes_over_counts_as_cut_no_more(work: Work, scripts: Scripts, clock: Clock) -> None:
    await cut(work, clock, "1", "2", lane=Lane.BACKFILL)
    await add(work, "3")
    assert await work.of_run.own_all(NEXT, only_cut=True) == 2
    assert {one.id for one in await work.claim(OWNER, 10, run=NEXT)} == {"1", "2"}
    assert (await Figures(scripts).of_run(SYNC))[work.crm, work.object].tally == {}
    assert await work.of_run.own_all(NEXT) == 3


async def test_what_a_plan_lets_go_is_counted_apart_from_cuts(work: Work, scripts: Scripts, clock: Clock) -> None:
    await cut(work, clock, "1", "2")
    await add(work, "3", "4", run=SYNC)
    for held in await work.claim(OWNER, 10, run=SYNC):
        assert await work.cut(held, SHORT, day=RUN, day_at_ms=0, why="drifted") is StepEnd.DONE
    tally = {"cut": 2, "drifted": 2}
    assert (await Figures(scripts).of_run(SYNC))[work.crm, work.object].tally == tally
    await add(work, "3", "4", run=NEXT)  # what has gone on since takes nothing off what the cap cut
    assert (await Figures(scripts).of_run(SYNC))[work.crm, work.object].tally == tally


async def test_a_poll_brings_back_what_a_plan_let_go_and_the_day_goes_on(
    work: Work, redis: Redis, clock: Clock
) -> None:
    await add(work, "1", run=SYNC, lane=Lane.BACKFILL, forced=True)
    await add(work, "wanted", run=RUN)
    await add(work, "wanted", run=SYNC)
    for held in await work.claim(OWNER, 10, run=SYNC):
        assert await work.cut(held, SHORT, day=RUN, day_at_ms=clock.now + LATER_MS, why="drifted") is StepEnd.DONE
    assert await places(redis, work, "1") == []
    assert [(one.id, one.run) for one in await work.claim(OWNER, 10)] == [("wanted", RUN)]
    assert await seen_again(work) == 1, "with the fingerprint that the visit had seen"
    assert [(one.id, one.run) for one in await work.claim(OWNER, 10)] == [("1", RUN)]


async def test_the_days_work_goes_on_with_what_a_visit_left_out(work: Work, clock: Clock) -> None:
    await add(work, "1", run=SYNC, lane=Lane.BACKFILL, forced=True)
    await add(work, "wanted", run=RUN)
    await add(work, "wanted", run=SYNC)
    part = structs.replace(READ, fingerprint=None, stamp=0, read_at=0, day=RUN)
    ends = {held.id: await work.settle(held, part) for held in await work.claim(OWNER, 10, run=SYNC)}
    assert ends == {"1": StepEnd.DONE, "wanted": StepEnd.AGAIN}
    assert [(one.id, one.run, one.forced) for one in await work.claim(OWNER, 10)] == [("wanted", RUN, False)]
    assert await seen_again(work) == 1


async def test_the_days_work_goes_on_with_a_record_that_a_poll_met_while_it_waited(
    work: Work, all_work: AllWork
) -> None:
    await add(work, "1", run=SYNC, lane=Lane.BACKFILL, forced=True)
    (held,) = await work.claim(OWNER, 1, run=SYNC)
    seen = LastRead(READ.fingerprint or "", READ.stamp, READ.read_at)
    assert await work.wait(held, ["forager"], None, "rate", seen=seen) is StepEnd.DONE
    assert await seen_again(work) == 0, "the state that the visit had seen"
    await all_work.wake([(work.crm, work.object, "1")])
    (held,) = await work.claim(OWNER, 1, run=SYNC)
    part = structs.replace(READ, fingerprint=None, stamp=0, read_at=0, day=RUN)
    assert await work.settle(held, part) is StepEnd.AGAIN, "a plan's visit looked at a part of it"
    assert [(one.id, one.run) for one in await work.claim(OWNER, 10)] == [("1", RUN)]


async def test_a_walk_of_another_run_brings_back_what_was_cut(work: Work, clock: Clock) -> None:
    await cut(work, clock, "1", lane=Lane.BACKFILL)
    assert await seen_again(work, run=NEXT) == 1
    assert [one.run for one in await work.claim(OWNER, 10)] == [NEXT]


async def test_what_the_day_wants_too_goes_on_with_it_later(work: Work, all_work: AllWork, clock: Clock) -> None:
    await cut(work, clock, "polled")
    await cut(work, clock, "walked", lane=Lane.BACKFILL)
    await cut(work, clock, "named", forced=True)
    await add(work, "announced", lane=Lane.BACKFILL, run=SYNC)
    await add(work, "announced", run=RUN)
    await cut(work, clock)
    await add(work, "taken", run=RUN)
    await work.of_run.own_all(SYNC)
    await cut(work, clock)
    await all_work.admit("kaspr", 0, at_once=True)
    assert await work.claim(OWNER, 10) == []
    clock.pass_ms(LATER_MS)
    assert await all_work.admit("kaspr", 0, at_once=True) == 3
    found = await work.claim(OWNER, 10)
    assert {(one.id, one.run) for one in found} == {("polled", RUN), ("announced", RUN), ("taken", RUN)}


async def test_what_came_during_the_visit_is_looked_at_before_it_is_cut(work: Work, clock: Clock) -> None:
    await add(work, "1", run=SYNC)
    (held,) = await work.claim(OWNER, 1)
    await add(work, "1", run=SYNC)
    assert await work.cut(held, SHORT, day=RUN, day_at_ms=0) is StepEnd.AGAIN
    assert [one.id for one in await work.claim(OWNER, 1, run=SYNC)] == ["1"]


async def test_replay_visits_what_was_cut(work: Work, clock: Clock) -> None:
    await cut(work, clock, "1")
    await work.replay("1", "replay-1")
    assert [one.run for one in await work.claim(OWNER, 1)] == ["replay-1"]


# ---- what is left ----------------------------------------------------------------------------------------------------


async def test_what_a_run_leaves_is_told_by_what_holds_it(work: Work, clock: Clock) -> None:
    await add(work, "1", "2", "3", "4", "5", run=SYNC)
    held = {one.id: one for one in await work.claim(OWNER, 10)}
    await work.defer(held["1"], clock.now + 5_000, "verdict")
    await work.defer(held["2"], clock.now + 3_000, "verdict")
    await work.wait(held["3"], ["kaspr", "forager"], clock.now + 9_000, "outage", needs={"kaspr": 1, "forager": 15})
    await work.settle(held["4"], READ)
    found = {one.state: one for one in await work.of_run.left(SYNC)}
    assert found == {
        "due": Left("due", "verdict", Lane.LIVE, (), (), clock.now + 3_000, 2),
        "waiting": Left("waiting", "outage", Lane.LIVE, ("kaspr", "forager"), (1, 15), clock.now + 9_000, 1),
        "leased": Left("leased", "", Lane.LIVE, (), (), 0, 1),
    }
    assert await work.of_run.left(NEXT) == []


async def test_many_records_are_told_together(work: Work) -> None:
    await add(work, *map(str, range(2_500)), run=SYNC)
    (found,) = await work.of_run.left(SYNC)
    assert (found.records, await work.of_run.open(SYNC)) == (2_500, 2_500)


async def test_a_run_is_told_what_another_took_over(work: Work, scripts: Scripts) -> None:
    await add(work, "1", "2", run=SYNC)
    await add(work, "3")
    assert await work.of_run.own_all(NEXT) == 3
    assert await work.of_run.own_all(NEXT) == 3
    assert (await Figures(scripts).of_run(SYNC))[work.crm, work.object].taken == 2
