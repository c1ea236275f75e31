"""Each paid answer is in the journal, however the visit that paid went on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.scene import CRM, KIND, Scene

UPDATE = "*batch/update"


async def lookups(scene: Scene, id_: str) -> list[tuple[str, int]]:
    entries = [json.loads(one.entry) for one in await scene.ledger.journal.entries(CRM, KIND, id_)]
    return [(one["outcome"], one["credits"]) for one in entries if one["kind"] == "lookup"]


@pytest.mark.parametrize("status", [503, 423, 401])
async def test_a_push_that_fails_does_not_hide_what_was_paid_before(scene: Scene, status: int) -> None:
    worker, id_ = await scene.begin()
    scene.fault("status", "hubspot", UPDATE, times=None, params={"status": status})
    await worker.visit(id_)
    assert scene.bill() > 0
    assert not scene.writes()
    assert await lookups(scene, id_) == [("hit", scene.bill())]


async def test_a_record_deleted_before_the_push_leaves_what_was_paid_in_the_journal(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    scene.hold()
    await scene.due(id_)
    visiting = worker.visiting()
    await scene.held()
    scene.delete(id_)
    scene.release()
    await visiting
    assert await lookups(scene, id_) == [("hit", scene.bill())]
    assert (await scene.counts()).due == 0


async def test_a_record_that_stays_locked_waits_longer_each_time_and_ends_with_a_person(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    scene.fault("status", "hubspot", UPDATE, times=None, params={"status": 423})
    await worker.visit(id_)
    raw = await scene.redis.hget(f"refill:work:{CRM}:{KIND}:record:{id_}", "attempts")  # type: ignore[misc]  # redis-py
    assert (raw, (await scene.counts()).due) == (b"1", 1)


@pytest.mark.parametrize("fate", ["deleted", "opted out"])
async def test_what_was_proposed_for_a_record_goes_with_it(stage: Any, fate: str) -> None:
    scene = await stage(crm='mode = "review"')
    worker, id_ = await scene.begin()
    await worker.visit(id_)
    reviews = worker.runtime.watches[CRM, KIND].reviews
    assert [one.id for one in await reviews.all()] == [id_]
    if fate == "deleted":
        scene.delete(id_)
    else:
        scene.edit(id_, hs_email_optout="true")
    await scene.ledger.work(CRM, KIND).replay(id_, "run")
    await worker.visit()
    assert await reviews.all() == []
