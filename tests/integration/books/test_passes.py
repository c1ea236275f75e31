"""A pass over a crm that waits for a person."""

from __future__ import annotations

import asyncio

from tests.integration.scene import CRM, Scene
from worker.manual.exit_codes import FAILED
from worker.manual.passes import Pass
from worker.manual.sync import sync


async def test_a_pass_ends_though_the_records_of_a_paused_crm_stay_due(scene: Scene) -> None:
    worker = await scene.worker()
    first, second = scene.ids(2)
    scene.fault("status", "hubspot", "*", times=None, params={"status": 401})
    await worker.visit(first)
    assert [one.reason for one in await scene.ledger.pauses.of(CRM)] == ["credentials"]
    await scene.due(second)
    async with asyncio.timeout(20):
        report = await sync(worker.runtime, Pass(patience_s=0.5))
    (left,) = report.ending.left
    assert (left.records, left.why, left.waits_for, (await scene.counts()).due) == (2, "paused", CRM, 2)
    assert (report.ending.code, [one.vendor for one in report.ending.not_asked]) == (FAILED, [CRM])
