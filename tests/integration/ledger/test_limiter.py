"""A bucket never exceeds a window, wastes little of it, and is one bucket for all workers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from connectors.batching import JOINER, Joiners
from connectors.errors import RateLimitedError
from connectors.limits import Notice, Window, slots_ahead
from tests.harness.clock import Clock
from tests.harness.until import until
from tests.integration.ledger.money import DAY_MS, HOUR_MS, day_line, grant
from worker.ledger.money.tickets import Desk
from worker.ledger.rates.limiter import RedisLimiter, jitter_s, pace
from worker.ledger.rates.pauses import Pauses
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Due, Lane, Work

TEN_S = Window(190, 10)


def most_in_any(times: Sequence[float], span: float) -> int:
    """The most calls any rolling window of ``span`` holds."""
    ordered = sorted(times)
    first, most = 0, 0
    for index, time in enumerate(ordered):
        while time - ordered[first] >= span:
            first += 1
        most = max(most, index - first + 1)
    return most


def limiter_of(scripts: Scripts, *windows: Window, chance: float = 0.5) -> RedisLimiter:
    return RedisLimiter(scripts, "forager", {"forager:main": windows}, chance=lambda: chance)


async def book(limiter: RedisLimiter, clock: Clock, patience_s: float = 5) -> float:
    """The time (s) of the next slot, without waiting for it."""
    return clock.now / 1000 + (await limiter._book("main", patience_s)).wait_s


async def refused(asked: Awaitable[object]) -> RateLimitedError:
    """Why there is no slot now."""
    with pytest.raises(RateLimitedError) as told:
        await asked
    return told.value


async def fail(limiter: RedisLimiter, times: int = 5) -> None:
    """So many calls fail; five of them are an outage."""
    for _ in range(times):
        await limiter.failed("main")


async def saturate(limiter: RedisLimiter, clock: Clock, seconds: float) -> list[float]:
    """Slots of a bucket that is always wanted, for ``seconds``."""
    start, times = clock.now / 1000, []
    while True:
        try:
            times.append(await book(limiter, clock))
        except RateLimitedError:
            clock.pass_ms(900)
        if clock.now / 1000 - start > seconds:
            return times


@given(st.integers(1, 5000), st.integers(1, 60))
def test_one_call_too_many_comes_after_the_window_and_its_jitter(calls: int, seconds: int) -> None:
    even, window = pace(Window(calls, seconds)), Window(calls, seconds)
    last = (calls * even.interval_ms - even.slack_ms) / 1000  # of calls + 1 calls, as close as pace and slack allow
    assert last >= seconds + jitter_s(window) - 1e-6
    assert (seconds * calls) / (calls * even.interval_ms / 1000) >= 0.95 * calls


@pytest.mark.parametrize("window", [TEN_S, Window(100, 10), Window(60, 60), Window(500, 60)])
async def test_paced_window_is_used_to_98_percent_never_more(scripts: Scripts, clock: Clock, window: Window) -> None:
    start = clock.now / 1000
    times = await saturate(limiter_of(scripts, window), clock, 4 * window.seconds)
    assert most_in_any(times, window.seconds + jitter_s(window) - 0.01) <= window.calls
    whole = [time for time in times if start <= time - window.seconds < start + 3 * window.seconds]
    assert len(whole) >= 0.98 * 3 * window.calls


async def test_second_window_is_never_exceeded(scripts: Scripts, clock: Clock) -> None:
    times = await saturate(limiter_of(scripts, Window(10, 1)), clock, 10)
    assert most_in_any(times, 1.04) <= 10
    assert len(times) >= 0.94 * 10 * 10


async def test_idle_bucket_gives_a_small_burst_and_still_holds_its_window(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    times = []
    for pause_ms in (0, 700, 30, 9_000, 200, 50, 3_000) * 60:
        clock.pass_ms(pause_ms)
        times += [await book(limiter, clock) for _ in range(30 if pause_ms > 1000 else 4)]
    assert most_in_any(times, 10.09) <= 190


async def test_long_window_may_be_used_up_at_once_and_frees_as_calls_leave_it(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, Window(500, 3600))
    times = [await book(limiter, clock) for _ in range(500)]
    assert set(times) == {clock.now / 1000}
    told = await refused(book(limiter, clock))
    assert told.bucket == "main"
    assert told.retry_after_s
    assert 3600 <= told.retry_after_s <= 3600 * 1.02 + 1
    clock.pass_ms(HOUR_MS)
    await refused(book(limiter, clock))
    clock.pass_ms(HOUR_MS // 60 + 100)
    await book(limiter, clock)


async def test_call_leaves_a_long_window_no_earlier_than_the_vendor_forgets_it(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, Window(1, 3600))
    clock.pass_ms(59_999)  # the last moment of a sixtieth
    await book(limiter, clock)
    clock.pass_ms(HOUR_MS + 40)  # a call may reach the vendor that much later than another
    await refused(book(limiter, clock, patience_s=0))


async def test_every_window_of_a_bucket_holds_at_once(scripts: Scripts, clock: Clock) -> None:
    windows = (Window(60, 60), Window(200, 3600), Window(300, DAY_MS // 1000))
    start = clock.now
    times = await saturate(limiter_of(scripts, *windows), clock, 3 * 3600)
    assert most_in_any(times, 60) <= 60
    assert most_in_any(times, 3600) == 200
    assert len(times) == 300
    clock.now = start + DAY_MS
    await refused(book(limiter_of(scripts, *windows), clock))


async def test_slot_beyond_patience_takes_nothing(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, Window(1, 60), Window(5, 3600))
    await book(limiter, clock)
    for _ in range(20):
        told = await refused(book(limiter, clock))
    assert told.retry_after_s == pytest.approx(60.6, abs=0.1)
    for _ in range(4):  # the other window lost nothing to the refused
        clock.pass_ms(60_700)
        await book(limiter, clock)


async def test_two_workers_share_one_bucket_and_never_exceed_it(redis_socket: Path, redis: Redis) -> None:
    window = Window(60, 1)
    sent: list[float] = []
    loop = asyncio.get_running_loop()
    ends = loop.time() + 2.5

    async def worker() -> None:
        client = Redis(unix_socket_path=str(redis_socket))
        limiter = limiter_of(Scripts(client), window)

        async def task() -> None:
            while loop.time() < ends:
                await limiter.slot("main")
                sent.append(loop.time())

        await asyncio.gather(*(task() for _ in range(12)))
        await client.aclose()

    await asyncio.gather(worker(), worker())
    assert most_in_any(sent, 1) <= 60
    assert len(sent) >= 60


async def test_slots_of_a_read_and_its_writes_come_next_to_each_other(scripts: Scripts) -> None:
    limiter, order = limiter_of(Scripts(scripts.redis), Window(20, 1)), list[str]()

    async def writes() -> None:
        async with slots_ahead(limiter, ["main", "main"]):
            order.append("writes")

    async def reads() -> None:
        await limiter.slot("main")
        order.append("reads")

    writing = asyncio.create_task(writes())
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it has asked
    await asyncio.gather(writing, *(reads() for _ in range(4)))
    assert order == ["writes", *["reads"] * 4]


async def test_visit_that_waits_for_its_slot_keeps_no_step_of_another_waiting(scripts: Scripts) -> None:
    limiter, joiners = limiter_of(Scripts(scripts.redis), Window(2, 1)), Joiners()

    async def visit() -> None:
        JOINER.set(joiners.enter())
        for _ in range(2):
            await limiter.slot("main")
        assert joiners.awake == 1

    visiting = asyncio.create_task(visit())
    await until(lambda: joiners.present == 1 and not joiners.awake and not joiners.resting, look_s=0.001)
    await visiting


async def test_bucket_without_windows_is_unlimited_but_can_be_paused(scripts: Scripts) -> None:
    limiter = RedisLimiter(scripts, "acme_hubspot", {"search": ()})
    for _ in range(50):
        await limiter.slot("search")
    await Pauses(scripts).pause("acme_hubspot:search", "operator")
    assert (await refused(limiter.slot("search"))).retry_after_s is None


async def test_pause_of_the_whole_vendor_holds_every_bucket_and_that_of_one_only_itself(scripts: Scripts) -> None:
    limiter = RedisLimiter(scripts, "acme_hubspot", {"search": (), "burst": ()})
    pauses = Pauses(scripts)
    await pauses.pause("acme_hubspot:search", "429", (await scripts.now()) + 9000)
    await limiter.slot("burst")
    assert (await refused(limiter.slot("search"))).retry_after_s == 9
    await pauses.pause("acme_hubspot", "operator")
    await refused(limiter.slot("burst"))


async def test_calls_pass_where_only_work_is_to_wait(scripts: Scripts, work: Work) -> None:
    limiter = RedisLimiter(scripts, work.crm, {work.crm: ()})
    await work.add([Due("1")], lane=Lane.LIVE, run="r")
    await Pauses(scripts).pause(work.crm, "outage", why="not open", calls_pass=True)
    await limiter.slot("", patience_s=5)
    assert not await work.claim("w1", 1)
    await Pauses(scripts).pause(work.crm, "operator")
    await refused(limiter.slot("", patience_s=5))


async def test_vendors_remaining_calls_bound_ours_until_its_reset(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, Window(500, 3600))
    await limiter.noticed("main", Notice(remaining=2, reset_s=600, seconds=3600))
    await book(limiter, clock)
    await limiter.noticed("main", Notice(remaining=2, reset_s=600, seconds=3600))  # does not know of the one just taken
    await book(limiter, clock)
    assert (await refused(book(limiter, clock))).retry_after_s == 600
    clock.pass_ms(600_000)
    await book(limiter, clock)


async def test_exhausted_short_window_holds_for_a_moment_only(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    await limiter.noticed("main", Notice(remaining=1, reset_s=10, seconds=10))
    assert await book(limiter, clock) == clock.now / 1000
    await limiter.noticed("main", Notice(remaining=0, reset_s=10, seconds=10))
    assert await book(limiter, clock) == clock.now / 1000 + 1


async def test_429_pauses_the_bucket_for_every_worker_until_retry_after(scripts: Scripts, clock: Clock) -> None:
    here, there = limiter_of(scripts, TEN_S, chance=0), limiter_of(scripts, TEN_S)
    await here.limited("main", 7.0)
    assert (await refused(book(there, clock))).retry_after_s == 7
    [pause] = await Pauses(scripts).all()
    assert (pause.target, pause.reason) == ("forager:main", "429")
    clock.pass_ms(7000)
    await book(there, clock)
    assert await Pauses(scripts).all() == []


async def test_slot_that_was_booked_before_a_429_is_not_used_during_its_pause(scripts: Scripts, clock: Clock) -> None:
    here, there = limiter_of(scripts, Window(1, 1)), limiter_of(scripts, Window(1, 1))
    await here.slot("main")
    taken = await scripts.call("HGETALL", scripts.keys("rate", "forager:main"))
    later = asyncio.create_task(there.slot("main"))
    while await scripts.call("HGETALL", scripts.keys("rate", "forager:main")) == taken:  # noqa: ASYNC110  # in Redis
        await asyncio.sleep(0)
    await here.limited("main", 7.0)
    assert (await refused(later)).retry_after_s is not None


async def test_429s_without_a_time_back_off_further_once_for_calls_under_way(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S, chance=0.999)
    waits = []
    for _ in range(4):
        for _ in range(5):
            await limiter.limited("main", None)
        [pause] = await Pauses(scripts).all()
        waits.append(pause.until_ms - clock.now)
        clock.now = pause.until_ms
    assert [round(wait / 1000) for wait in waits] == [2, 4, 8, 16]
    clock.pass_ms(200_000)
    await limiter.limited("main", None)
    [pause] = await Pauses(scripts).all()
    assert pause.until_ms - clock.now <= 2000


@pytest.mark.parametrize(("window", "calm_s"), [(Window(10, 1), 20), (TEN_S, 20), (Window(60, 60), 120)])
async def test_429_long_after_the_last_rest_does_not_make_the_next_one_longer(
    scripts: Scripts, clock: Clock, window: Window, calm_s: int
) -> None:
    limiter = limiter_of(scripts, window, chance=0.999)
    waits = []
    for calm_ms in (1000 * calm_s, 1000 * calm_s + 1, 0):
        await limiter.limited("main", None)
        [pause] = await Pauses(scripts).all()
        waits.append(round((pause.until_ms - clock.now) / 1000))
        clock.now = pause.until_ms + calm_ms
    assert waits == [2, 4, 2]


async def test_five_failures_of_ten_calls_are_an_outage_and_four_are_not(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    for _ in range(5):
        await limiter.worked("main")
    await fail(limiter, 4)
    assert await Pauses(scripts).all() == []
    await limiter.failed("main")
    [pause] = await Pauses(scripts).all()
    assert (pause.reason, pause.probe) == ("outage", True)


async def test_outage_somebody_else_told_of_does_not_hide_ours(scripts: Scripts, clock: Clock) -> None:
    await Pauses(scripts).pause("forager:main", "outage", clock.now + 1000)
    clock.pass_ms(1000)
    await fail(limiter_of(scripts, TEN_S))
    [pause] = await Pauses(scripts).all()
    assert pause.probe


async def test_failures_of_calls_under_way_do_not_put_off_the_probe(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    await fail(limiter)
    [pause] = await Pauses(scripts).all()
    await fail(limiter, 20)
    assert await Pauses(scripts).all() == [pause]


async def test_answers_of_another_worker_count_against_an_outage(scripts: Scripts, clock: Clock) -> None:
    healthy, failing = limiter_of(scripts, TEN_S), limiter_of(scripts, TEN_S)
    for _ in range(20):
        await healthy.worked("main")
    await book(healthy, clock)
    await fail(failing, 10)
    assert await Pauses(scripts).all() == []


async def test_failures_of_a_minute_ago_are_forgotten(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    await fail(limiter, 4)
    clock.pass_ms(60_000)
    await fail(limiter, 4)
    assert await Pauses(scripts).all() == []


async def test_outage_lets_one_probe_pass_at_a_time_and_ends_when_it_works(scripts: Scripts, clock: Clock) -> None:
    here, there = limiter_of(scripts, TEN_S), limiter_of(scripts, TEN_S)
    await fail(here)
    assert await here.capacity("main") == 0
    await refused(book(here, clock))
    clock.pass_ms(2000)
    assert await here.capacity("main") == 1
    await book(there, clock)
    await refused(book(here, clock))
    await there.worked("main")
    assert await Pauses(scripts).all() == []
    await book(here, clock)


async def test_failed_probe_puts_the_next_one_further_away(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    await fail(limiter)
    [begun] = await Pauses(scripts).all()
    gaps = []
    for _ in range(7):
        asked = clock.now
        while True:
            clock.pass_ms(100)
            try:
                await book(limiter, clock)
            except RateLimitedError:
                continue
            break
        gaps.append(clock.now - asked)
        await limiter.failed("main")
    assert gaps == sorted(gaps)
    assert gaps[-1] <= 60_000
    [still] = await Pauses(scripts).all()
    assert still.since_ms == begun.since_ms


async def test_probe_nobody_hears_of_is_followed_by_another(scripts: Scripts, clock: Clock) -> None:
    limiter, other = limiter_of(scripts, TEN_S), limiter_of(scripts, TEN_S)
    await fail(limiter)
    clock.pass_ms(2000)
    await book(limiter, clock)
    clock.pass_ms(29_000)
    await refused(book(other, clock))
    clock.pass_ms(1000)
    await book(other, clock)


async def test_outage_pauses_its_target_until_the_next_probe_only(scripts: Scripts, clock: Clock) -> None:
    here, there = limiter_of(scripts, TEN_S), limiter_of(scripts, TEN_S)
    await fail(here)
    [pause] = await Pauses(scripts).of("forager:main")
    clock.now = pause.until_ms
    assert await Pauses(scripts).of("forager:main") == []  # whoever claims work goes on, and calls pass one by one
    await book(here, clock)
    [probed] = await Pauses(scripts).of("forager:main")
    assert probed.since_ms == pause.since_ms
    await refused(book(there, clock))


async def test_operator_who_lifts_an_outage_opens_the_bucket(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    await fail(limiter)
    await Pauses(scripts).lift("forager:main", "outage")
    for _ in range(3):
        await book(limiter, clock)


async def test_outage_of_the_vendor_is_probed_through_any_of_its_buckets(scripts: Scripts, clock: Clock) -> None:
    limiter = RedisLimiter(scripts, "acme", {"acme": (TEN_S,), "acme:search": (Window(5, 1),)}, chance=lambda: 0.5)
    for _ in range(5):
        await limiter.failed("acme")
    await refused(limiter.slot("acme:search"))
    clock.pass_ms(2000)
    await limiter.slot("acme:search")
    await refused(limiter.slot("acme"))
    await limiter.worked("acme:search")
    await limiter.slot("acme")


async def test_429_of_one_bucket_leaves_the_vendors_others_open(scripts: Scripts) -> None:
    limiter = RedisLimiter(scripts, "acme", {"acme": (), "acme:search": ()})
    await limiter.limited("acme:search", 5)
    await limiter.slot("acme")
    await refused(limiter.slot("acme:search"))


async def test_capacity_is_the_least_of_rate_budget_and_pauses(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, Window(600, 60), Window(30, 3600))
    line = day_line(cap=100)
    assert 9 <= await limiter.capacity("main") <= 23
    assert await limiter.capacity("main", horizon_s=30) == 30
    assert await limiter.capacity("main", horizon_s=30, lines=[line], price=5) == 20
    assert await limiter.capacity("main", horizon_s=30, lines=[line], price=5, closed_share=0.3) == 14
    await grant(Desk(scripts), lines=[line])
    assert await limiter.capacity("main", horizon_s=30, lines=[line], price=5) == 19
    await limiter.noticed("main", Notice(remaining=3, reset_s=60, seconds=3600))
    assert await limiter.capacity("main", horizon_s=30, lines=[line], price=5) == 3
    assert await limiter.capacity("main", lines=[day_line(day=1)], price=5) == 0
    await Pauses(scripts).pause("forager", "credits")
    assert await limiter.capacity("main", horizon_s=30) == 0


async def test_capacity_is_what_can_be_booked_within_the_horizon(scripts: Scripts, clock: Clock) -> None:
    limiter = limiter_of(scripts, TEN_S)
    for _ in range(4):
        capacity = await limiter.capacity("main", horizon_s=2)
        booked = 0
        while booked < 60:
            try:
                await book(limiter, clock, patience_s=2)
            except RateLimitedError:
                break
            booked += 1
        assert booked == capacity
        clock.pass_ms(731)


async def test_hints_are_dropped_and_slots_refused_when_redis_is_away(tmp_path: Path) -> None:
    away = Redis(unix_socket_path=str(tmp_path / "none.sock"))
    limiter = RedisLimiter(Scripts(away), "forager", {"main": (TEN_S,)})
    await limiter.noticed("main", Notice(0, 1))
    await limiter.limited("main", 1)
    await limiter.failed("main")
    await limiter.worked("main")
    with pytest.raises(Exception, match="ConnectionError"):
        await limiter.slot("main")
    await away.aclose()
