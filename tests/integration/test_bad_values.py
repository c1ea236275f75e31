"""What bounced or is wrong by the CRM's word is told once, never written again, and asked of the next provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.scene import CRM, KIND, Scene
from tests.integration.scenery import Open, stage
from worker.decide.odds import odds_of
from worker.decide.scorecard import scorecard
from worker.visits.watch import own_values

__all__ = ["stage"]
BAD = 'bad.contact.work_email = { hs_email_hard_bounce_reason_enum = ["UNKNOWN_USER"] }'
BOTH = (
    'fields.work_email = { property = "email", from = ["forager", "kaspr"], accept = ["valid", "risky", "unverified"] }'
)


def bounced(scene: Scene, id: str, reason: str = "UNKNOWN_USER") -> None:
    table = scene.portal.tables["contacts"]
    scene.portal.bounce(table, table.records[int(id)], reason)


def told(scene: Scene) -> list[dict[str, Any]]:
    return list(scene.vendors["forager"].account.feedbacks)


def with_two_addresses(scene: Scene) -> str:
    """A row of whose person Forager and Kaspr have different work addresses."""
    fit = [one for one in scene.blank() if one.person.kaspr.known and one.person.kaspr.work_email and one.company]
    own = [one for one in fit if one.person.kaspr.work_email not in dict(one.person.forager.work_emails)]
    return scene.id(next(iter(own or fit)))


async def visited(scene: Scene, worker: Any, id: str) -> None:
    await scene.due(id)
    await worker.visit()


async def test_a_hard_bounce_is_told_once_and_the_next_provider_is_asked(stage: Open) -> None:
    scene = await stage(crm=BAD, fields=BOTH)
    worker, id = await scene.worker(), with_two_addresses(scene)
    await visited(scene, worker, id)
    first = scene.email(id)
    assert "@" in first

    bounced(scene, id, "")  # for a while only
    await visited(scene, worker, id)
    assert (scene.email(id), told(scene)) == (first, [])
    assert not scene.asked("kaspr", "profile")

    bounced(scene, id)
    await visited(scene, worker, id)
    (feedback,) = told(scene)
    assert (feedback["kind"], feedback["email"], feedback["contact_status"]) == ("work_emails", first, "invalid")
    assert scene.asked("kaspr", "profile") == 1
    second = scene.email(id)

    # the mark of the first address stands in the portal: it is no word on the second, and nothing is told twice
    await visited(scene, worker, id)
    assert (scene.email(id), len(told(scene)), scene.asked("kaspr", "profile")) == (second, 1, 1)
    own = own_values((await scene.ledger.work(CRM, KIND).memory([id]))[id].own)["work_email"]
    assert len(own.bad) == 1

    entries = [json.loads(one.entry) for one in await scene.ledger.journal.entries(CRM, KIND, id)]
    (evidence,) = [one for one in entries if one.get("signal") == "bad_value"]
    assert (evidence["provider"], evidence["field"], evidence["after"]) == ("forager", "work_email", first)
    assert evidence["question"]
    odds = odds_of(await worker.runtime.lookups.yields.counted())
    (row,) = [one for one in scorecard(odds) if (one.provider, one.field, one.country) == ("forager", "", "")]
    assert row.bounced == 1
    await scene.accounted()


async def test_a_bounce_of_a_persons_own_address_is_none_of_ours(stage: Open) -> None:
    scene = await stage(crm=BAD, fields=BOTH)
    worker, id = await scene.worker(), with_two_addresses(scene)
    scene.edit(id, email="typed@example.com")
    bounced(scene, id)
    await visited(scene, worker, id)
    assert (scene.email(id), told(scene), scene.bill()) == ("typed@example.com", [], 0)


@pytest.mark.parametrize("script", ["work_settle", "creation_end"])
async def test_a_worker_that_dies_while_it_tells_tells_nothing_twice(stage: Open, script: str) -> None:
    scene = await stage(crm=BAD, fields=BOTH)
    worker, id = await scene.worker(), with_two_addresses(scene)
    await visited(scene, worker, id)
    await worker.die()
    bounced(scene, id)
    await scene.due(id)
    dying = await scene.worker(before=script)
    visiting = dying.visiting()
    await dying.life.over.wait()
    await dying.stopped(visiting)
    await scene.time_passes()
    await (await scene.worker()).visit()
    assert len(told(scene)) == 1
