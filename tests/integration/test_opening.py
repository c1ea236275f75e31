"""Opens a crm that does not answer, by several workers."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.until import until
from tests.integration.scene import CRM, Scene
from tests.integration.scenery import scene, stage
from worker.ledger.own_clock import clock
from worker.service.opening import open_crms
from worker.service.runtime import open_runtime

__all__ = ["scene", "stage"]


async def test_worker_kept_out_by_a_pause_does_not_prolong_it(scene: Scene) -> None:
    scene.vendors["hubspot"].faults.add("status", times=None, params={"status": 500})
    async with (
        open_runtime(scene.settings, scene.redis, owner="first") as first,
        open_runtime(scene.settings, scene.redis, owner="second") as second,
    ):
        await open_crms(first, again_s=60)
        (pause,) = await scene.ledger.pauses.of(CRM)
        assert pause.reason == "outage"
        assert pause.until_ms <= clock() + 60_000  # over when the first tries again

        await open_crms(second, again_s=600)

        assert await scene.ledger.pauses.of(CRM) == [pause]
        assert first.shut == second.shut == {CRM}
        scene.vendors["hubspot"].faults.clear()
        await scene.ledger.pauses.lift(CRM, "outage")
        await open_crms(second)
        assert not second.shut


async def test_an_opening_reads_the_properties_of_each_object_once(scene: Scene) -> None:
    """Round trips of two seconds each must not shut a crm that is only slow."""
    async with open_runtime(scene.settings, scene.redis, owner="first") as runtime:
        await open_crms(runtime)
        assert not runtime.shut
    assert scene.asked("hubspot", "/properties/") == 2  # of contacts and companies


class Broken:
    """A connector with a fault of ours in it."""

    async def account(self) -> str:
        return ""

    async def properties(self, object: str) -> None:
        raise KeyError(object)


async def test_a_fault_of_ours_in_one_crm_shuts_it_alone(scene: Scene) -> None:
    async with open_runtime(scene.settings, scene.redis, owner="first") as runtime:
        whole = runtime.crms[CRM]
        runtime.crms[CRM] = Broken()  # type: ignore[index]  # it is a dict
        await open_crms(runtime)
        assert runtime.shut == {CRM}
        (pause,) = await scene.ledger.pauses.of(CRM)
        assert "KeyError" in pause.why
        runtime.crms[CRM] = whole  # type: ignore[index]
        await scene.ledger.pauses.lift(CRM, "outage")
        await open_crms(runtime)
        assert not runtime.shut


@pytest.mark.parametrize(("status", "reason"), [(401, "credentials"), (503, "outage")])
async def test_crm_that_cannot_be_opened_is_paused_without_a_break(scene: Scene, status: int, reason: str) -> None:
    scene.vendors["hubspot"].faults.add("status", times=None, params={"status": status})
    seen: list[tuple[str, str]] = []

    async def watch() -> None:
        while True:
            standing = [(one.reason, one.why) for one in await scene.ledger.pauses.of(CRM)]
            seen.append(standing[0] if standing else ("none", ""))

    async def nearly_over() -> bool:
        return any(one.until_ms - clock() < 1_000 for one in await scene.ledger.pauses.of(CRM))

    async with open_runtime(scene.settings, scene.redis, owner="first") as runtime:
        await open_crms(runtime, again_s=1.5)
        watching = asyncio.ensure_future(watch())
        for _ in range(4):
            await until(nearly_over, "the pause nearly over")
            await open_crms(runtime, again_s=1.5)
            assert runtime.shut == {CRM}
        watching.cancel()
        assert len(seen) > 20
        assert {one for one, _ in seen} == {reason}
        assert all(why for _, why in seen)

        scene.vendors["hubspot"].faults.clear()
        await open_crms(runtime)
        assert not runtime.shut
        assert not await scene.ledger.pauses.of(CRM)


async def test_reason_of_a_shut_crm_is_the_one_of_its_last_try(scene: Scene) -> None:
    faults = scene.vendors["hubspot"].faults
    async with open_runtime(scene.settings, scene.redis, owner="first") as runtime:
        for status, reason in ((503, "outage"), (401, "credentials")):
            faults.clear()
            faults.add("status", times=None, params={"status": status})
            await open_crms(runtime)
            assert [one.reason for one in await scene.ledger.pauses.of(CRM)] == [reason]
