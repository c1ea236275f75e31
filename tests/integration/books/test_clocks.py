"""A verdict asks the provider's log on the provider's own clock, and is none where that clock cannot be compared."""

from __future__ import annotations

import pytest

from tests.integration.scene import Scene, Worker, minutes_later
from tests.integration.scenery import Open
from worker.reports.overview import overview
from worker.upkeep.reconcile import reconcile
from worker.upkeep.vendor_clocks import hear
from worker.web.metrics import text

FORAGER = "budget = { day = 100 }\nverify_person = false"
OFFSETS = [-300, -35, 35, 115, 300]  # s


async def doubtful(scene: Scene, worker: Worker, *, charged: bool) -> str:
    """One lookup that was answered, one that was not; the second's record."""
    known, lost = scene.ids(2)
    await worker.visit(known)
    scene.fault("reset", effect=charged)
    await worker.visit(lost)
    return lost


async def judged(scene: Scene, worker: Worker) -> None:
    (one,) = await scene.uncertain()
    await scene.redis.zadd("refill:tickets:verdicts", {one.ticket_id: 1})  # two minutes later
    await worker.verdicts()
    await scene.accounted()
    await worker.visit()
    await scene.accounted()


async def lost_and_not_judged(scene: Scene, worker: Worker, *, charged: bool) -> None:
    """One lookup that was not answered, of which the books of minutes later say nothing."""
    (lost,) = scene.ids(1)
    scene.fault("reset", effect=charged)
    await worker.visit(lost)
    report = await reconcile(minutes_later(scene), scene.settings, worker.runtime.providers["forager"])
    assert (report.charged, report.uncharged) == (0, 0)
    assert len(await scene.uncertain()) == 1


async def behind(stage: Open, offset_s: float) -> tuple[Scene, Worker]:
    scene = await stage(forager=FORAGER)
    scene.vendors["forager"].clock.advance(offset_s)
    return scene, await scene.worker()


async def told(worker: Worker) -> None:
    """A reply of the provider's says what its clock shows."""
    await worker.runtime.providers["forager"].account_status()
    await hear(worker.runtime.ledger.clocks, worker.runtime.vendor_clocks)


@pytest.mark.parametrize("offset_s", OFFSETS)
async def test_charged_lookup_is_never_asked_again_whatever_time_it_is_there(stage: Open, offset_s: float) -> None:
    scene, worker = await behind(stage, offset_s)
    await doubtful(scene, worker, charged=True)
    await judged(scene, worker)
    assert (scene.asked(), scene.bill()) == (2, 10)
    assert len(await scene.uncertain()) == 1


@pytest.mark.parametrize("offset_s", OFFSETS)
async def test_uncharged_lookup_is_asked_once_more_whatever_time_it_is_there(stage: Open, offset_s: float) -> None:
    scene, worker = await behind(stage, offset_s)
    lost = await doubtful(scene, worker, charged=False)
    await judged(scene, worker)
    assert (scene.asked(), scene.bill(), bool(scene.email(lost))) == (3, 10, True)
    assert await scene.uncertain() == []


@pytest.mark.parametrize("heard", [True, False], ids=["heard before", "heard by the log's reply"])
@pytest.mark.parametrize("step_s", [-300, -35, 115, 300])
async def test_clock_that_was_set_since_the_call_gives_no_verdict(stage: Open, step_s: float, heard: bool) -> None:
    scene, worker = await behind(stage, 0)
    await doubtful(scene, worker, charged=True)
    scene.vendors["forager"].clock.advance(step_s)
    if heard:
        await told(worker)
    await judged(scene, worker)
    assert (scene.asked(), scene.bill()) == (2, 10)
    assert [one.verdict for one in await scene.uncertain()] == ["none"]


@pytest.mark.parametrize(("each_s", "readings"), [(7, 20), (-7, 6), (2, 60), (-2, 20)])
async def test_clock_that_runs_too_fast_or_too_slow_gives_no_verdict(stage: Open, each_s: float, readings: int) -> None:
    """No two readings differ by much; the first and the last do."""
    scene, worker = await behind(stage, 0)
    (lost,) = scene.ids(1)
    scene.fault("reset", effect=True)
    await worker.visit(lost)
    for _ in range(readings):
        scene.vendors["forager"].clock.advance(each_s)
        await told(worker)
    await judged(scene, worker)
    assert (scene.asked(), scene.bill()) == (1, 5)
    assert [one.verdict for one in await scene.uncertain()] == ["none"]


async def test_unknown_clock_gives_no_verdict(stage: Open) -> None:
    scene, worker = await behind(stage, 0)
    await doubtful(scene, worker, charged=False)
    await scene.redis.delete("refill:clock:forager")
    await judged(scene, worker)
    assert scene.asked() == 2
    assert [one.verdict for one in await scene.uncertain()] == ["none"]


@pytest.mark.parametrize("heard", ["before the call", "since the call"])
async def test_books_judge_no_lookup_across_a_clock_that_was_set_back_by_a_day(stage: Open, heard: str) -> None:
    """Its charge is dated before the day on which the comparison begins, so that the bill does not show it."""
    scene, worker = await behind(stage, 0)
    provider = worker.runtime.providers["forager"]
    await reconcile(scene.ledger, scene.settings, provider)
    scene.vendors["forager"].clock.advance(-86_400)
    if heard == "before the call":
        await told(worker)
    await lost_and_not_judged(scene, worker, charged=True)
    await scene.accounted()


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 31 Feb 2026 11:00:00 GMT", "9" * 400])
async def test_books_judge_no_lookup_by_a_clock_that_nobody_has_read(stage: Open, date: str) -> None:
    scene, worker = await behind(stage, 0)
    provider = worker.runtime.providers["forager"]
    await reconcile(scene.ledger, scene.settings, provider)
    scene.vendors["forager"].date = date
    await scene.redis.delete("refill:clock:forager")
    await lost_and_not_judged(scene, worker, charged=False)


async def test_charges_are_booked_on_the_providers_day(stage: Open) -> None:
    scene, worker = await behind(stage, 86_400)
    (id_,) = scene.ids(1)
    await worker.visit(id_)
    report = await reconcile(scene.ledger, scene.settings, worker.runtime.providers["forager"])
    assert (report.drift, report.ours, report.theirs) == (0, 5, 5)
    assert [(line.ours, line.theirs) for line in report.lines] == [(5, 5)]


async def test_status_and_metrics_tell_how_far_a_clock_is_off(stage: Open) -> None:
    scene, _ = await behind(stage, -35)
    found = await overview(scene.ledger, scene.settings)
    assert abs(found.as_json()["clocks"]["forager"] + 35) < 5
    lines = text(found, spooled=0).decode().splitlines()
    assert any(line.startswith('refill_clock_offset_seconds{vendor="forager"} -3') for line in lines)
