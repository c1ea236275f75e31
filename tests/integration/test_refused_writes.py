"""A paid value is never paid for again because a write was refused, and is written once the CRM takes it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.integration.scene import CRM, KIND, Scene, Worker
from tests.integration.scenery import scene
from worker.reports.explain import seen

__all__ = ["scene"]
UPDATE = "*batch/update"
RULE = {
    "category": "VALIDATION_ERROR",
    "message": "Property values were not valid",
    "errors": [
        {
            "message": "Please state where this contact came from.",
            "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
            "context": {"propertyName": ["lead_origin"]},
        }
    ],
}
TAKEN = {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 4711"}
UNHEARD = {"category": "SOMETHING_NEW", "message": "No."}


async def refused(scene: Scene, worker: Worker, body: dict[str, Any], status: int = 400) -> str:
    """A record whose e-mail was bought and refused."""
    (id_,) = scene.ids(1)
    scene.fault("status", "hubspot", UPDATE, times=None, params={"status": status, "body": body})
    await worker.visit(id_)
    scene.vendors["hubspot"].faults.clear()
    counts = await scene.counts()
    assert (counts.due, counts.dead, scene.bill(), scene.email(id_)) == (0, 0, 5, "")
    return id_


async def causes(scene: Scene, id_: str) -> list[str]:
    entries = [json.loads(one.entry) for one in await scene.ledger.journal.entries(CRM, KIND, id_)]
    return [one["cause"] for one in entries if one.get("state") == "refused"]


async def test_what_a_portal_rule_refused_is_written_for_nothing_once_the_record_changes_years_on(scene: Scene) -> None:
    worker = await scene.worker()
    id_ = await refused(scene, worker, RULE)
    assert await causes(scene, id_) == [
        "portal rule (MISSING_CONDITIONAL_REQUIRED_PROPERTY: Please state where this contact came from.)"
    ]
    await scene.answers_lapse()
    written = len(scene.vendors["hubspot"].books.requests)
    await worker.visit(id_)
    assert not any("update" in one.route for one in list(scene.vendors["hubspot"].books.requests)[written:])

    scene.edit(id_, jobtitle="now it says where it came from")
    await worker.visit(id_)
    assert "@" in scene.email(id_)
    assert scene.bill() == 5


async def test_the_journal_has_the_portals_own_id_of_a_write_and_of_a_refusal(scene: Scene) -> None:
    worker, (taken, other) = await scene.worker(), scene.ids(2)
    rows = [{"id": taken, "properties": {}, "updatedAt": "2026-11-20T09:00:00Z"}]
    for id_, status, body in ((taken, 200, {"status": "COMPLETE", "results": rows}), (other, 409, TAKEN)):
        params = {"status": status, "body": body, "headers": {"X-HubSpot-Correlation-Id": f"request-{status}"}}
        scene.fault("status", "hubspot", UPDATE, times=1, params=params)
        await worker.visit(id_)
        scene.vendors["hubspot"].faults.clear()
    found = {}
    for id_ in (taken, other):
        lines = [json.loads(one.entry) for one in await scene.ledger.journal.entries(CRM, KIND, id_)]
        found[id_] = {(one["state"], one.get("request")) for one in lines if one["kind"] == "change"}
    assert found == {taken: {("confirmed", "request-200")}, other: {("refused", "request-409")}}


async def test_an_email_that_another_contact_has_names_that_contact_everywhere(scene: Scene) -> None:
    worker = await scene.worker()
    id_ = await refused(scene, worker, TAKEN, 409)
    assert await causes(scene, id_) == ["duplicate of 4711 (CONFLICT: Contact already exists. Existing ID: 4711)"]
    told = await seen(worker.runtime, CRM, KIND, id_, frozenset())
    assert told["would_write"] == told["would_ask"] == []
    assert told["refused_by_crm"]["work_email"].startswith("duplicate of 4711")


@pytest.mark.parametrize("times", [1, 2])
async def test_a_refusal_nobody_has_heard_of_is_tried_again_after_growing_waits(scene: Scene, times: int) -> None:
    worker = await scene.worker()
    id_ = await refused(scene, worker, UNHEARD)
    if times == 2:
        scene.fault("status", "hubspot", UPDATE, times=None, params={"status": 400, "body": UNHEARD})
        scene.edit(id_, jobtitle="changed")
        await worker.visit(id_)
    left_s = (await scene.memory(id_)).look_at / 1000 - time.time()
    assert (0 < left_s <= 600) if times == 1 else (600 < left_s <= 2_400)
    assert scene.bill() == 5
    assert len(await causes(scene, id_)) == 1  # the same word is told once
