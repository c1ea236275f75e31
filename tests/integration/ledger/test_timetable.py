"""Periodic tasks happen once across workers, and a worker's life is seen."""

from __future__ import annotations

from tests.harness.clock import Clock
from worker.ledger.rates.cursors import Cursors
from worker.ledger.rates.timetable import RETRY_MS, Beat, Ticked, Timetable
from worker.ledger.scripts import Scripts


async def test_task_is_begun_by_one_asker_per_period(scripts: Scripts, clock: Clock) -> None:
    mine, theirs = Timetable(scripts), Timetable(scripts)
    assert await mine.due({"poll": 60_000, "reap": 1_000}) == ["poll", "reap"]
    assert await theirs.due({"poll": 60_000, "reap": 1_000}) == []
    clock.pass_ms(1_000)
    assert await theirs.due({"poll": 60_000, "reap": 1_000}) == ["reap"]
    clock.pass_ms(59_000)
    assert await mine.due({"poll": 60_000}) == ["poll"]


async def test_task_whose_worker_died_comes_before_its_long_period_is_over(scripts: Scripts, clock: Clock) -> None:
    timetable, day = Timetable(scripts), {"reconcile": 86_400_000}
    await timetable.due(day)
    clock.pass_ms(RETRY_MS - 1)
    assert await timetable.due(day) == []
    clock.pass_ms(1)
    assert await timetable.due(day) == ["reconcile"]
    await timetable.done("reconcile")
    clock.pass_ms(86_400_000 - 1)
    assert await timetable.due(day) == []
    clock.pass_ms(1)
    assert await timetable.due(day) == ["reconcile"]


async def test_task_that_two_may_not_be_at_comes_again_only_after_a_time_of_its_own(
    scripts: Scripts, clock: Clock
) -> None:
    timetable = Timetable(scripts)
    await timetable.due({"alerts": 1_000}, again_ms=5_000)
    clock.pass_ms(4_999)
    assert await timetable.due({"alerts": 1_000}, again_ms=5_000) == []
    clock.pass_ms(1)
    assert await timetable.due({"alerts": 1_000}, again_ms=5_000) == ["alerts"]
    await timetable.done("alerts")
    clock.pass_ms(1_000)
    assert await timetable.due({"alerts": 1_000}, again_ms=5_000) == ["alerts"]


async def test_clock_that_jumped_back_does_not_stop_a_task(scripts: Scripts, clock: Clock) -> None:
    timetable = Timetable(scripts)
    await timetable.due({"poll": 1_000})
    clock.pass_ms(-86_400_000)
    assert await timetable.due({"poll": 1_000}) == ["poll"]


async def test_last_times_are_shown(scripts: Scripts, clock: Clock) -> None:
    timetable = Timetable(scripts)
    await timetable.due({"a": 1, "b": 1})
    clock.pass_ms(5)
    await timetable.done("a")
    assert await timetable.last() == {"a": Ticked(clock.now - 5, clock.now), "b": Ticked(clock.now - 5, 0)}


async def test_silent_worker_is_not_alive(scripts: Scripts, clock: Clock) -> None:
    timetable = Timetable(scripts)
    await timetable.beat("worker-1", {"holding": 3})
    clock.pass_ms(30_000)
    await timetable.beat("worker-2", {})
    assert [beat.owner for beat in await timetable.alive()] == ["worker-1", "worker-2"]
    clock.pass_ms(30_000)
    assert await timetable.alive() == [Beat("worker-2", clock.now - 30_000, {})]
    await timetable.leave("worker-2")
    assert await timetable.alive() == []


async def test_cursor_is_where_it_was_put(scripts: Scripts) -> None:
    cursors = Cursors(scripts)
    assert await cursors.get("poll:acme") == ""
    await cursors.set("poll:acme", "ä|17")
    assert await cursors.get("poll:acme") == "ä|17"
    assert await cursors.all() == {"poll:acme": "ä|17"}
    await cursors.set("poll:acme", "")
    assert await cursors.all() == {}
