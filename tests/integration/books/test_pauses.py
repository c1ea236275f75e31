"""Pauses for every worker by one mechanism: what one of them hears, all of them keep to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.scene import PROFILE, Scene, Worker
from worker.ledger.money.budgets import Totals
from worker.service.jobs import admit


async def pair(scene: Scene) -> tuple[Worker, Worker]:
    return await scene.worker(), await scene.worker()


async def standing(scene: Scene) -> list[tuple[str, str]]:
    return [(one.target, one.reason) for one in await scene.ledger.pauses.all()]


async def admitted(scene: Scene, worker: Worker) -> None:
    await scene.redis.delete("refill:wait:gates")
    await admit(worker.runtime)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"status": 429, "headers": {"Retry-After": "60"}}, "429"),
        ({"status": 429, "headers": {"Retry-After": "Fri, 20 Nov 2099 10:00:00 GMT"}}, "429"),
        ({"status": 429}, "429"),
        ({"status": 402}, "credits"),
        ({"status": 401}, "credentials"),
        ({"status": 403}, "credentials"),
    ],
)
async def test_what_one_worker_is_told_the_other_never_asks(scene: Scene, params: dict[str, Any], reason: str) -> None:
    one, other = await pair(scene)
    first, second, third = scene.ids(3)
    scene.fault("status", times=1, params=params)
    await one.visit(first)
    assert await standing(scene) == [("forager", reason)]
    await other.visit(second, third)
    assert (scene.asked(), (await scene.counts()).waiting, await scene.totals()) == (1, 3, Totals())
    await admitted(scene, other)
    assert (await scene.counts()).waiting == 3
    await scene.ledger.pauses.lift("forager", reason)
    await admitted(scene, other)
    await other.visit()
    assert all(scene.email(id_) for id_ in (first, second, third))


async def test_an_operator_pauses_every_worker_and_each_reason_is_lifted_alone(scene: Scene) -> None:
    one, other = await pair(scene)
    await scene.ledger.pauses.pause("forager", "operator", why="a person said so")
    await one.visit(*scene.ids(2))
    await other.visit()
    scene.fault("status", times=1, params={"status": 402})
    await scene.ledger.pauses.lift("forager", "operator")
    await admitted(scene, one)
    await one.visit()
    assert await standing(scene) == [("forager", "credits")]
    await scene.ledger.pauses.pause("forager", "operator")
    await scene.ledger.pauses.lift("forager", "credits")
    await admitted(scene, other)
    await other.visit()
    assert await standing(scene) == [("forager", "operator")]
    assert scene.bill() <= 5


async def test_an_outage_is_tried_by_one_probe_of_all_workers_and_its_success_opens_for_all(scene: Scene) -> None:
    one, other = await pair(scene)
    ids = scene.ids(3)
    for worker in (one, other, one, other, one):  # five failures between them
        await worker.runtime.limiters["forager"].slot("forager")
        await worker.runtime.limiters["forager"].failed("forager")
    assert await standing(scene) == [("forager", "outage")]
    await scene.ledger.scripts.call("HSET", "refill:rate:forager", "probe_at", 2**53)  # not yet
    await one.visit(*ids)
    await other.visit()
    assert (scene.asked(), (await scene.counts()).waiting) == (0, 3)
    await scene.ledger.scripts.call("HSET", "refill:rate:forager", "probe_at", 1)  # its time has come
    scene.hold()
    await admitted(scene, one)
    await admitted(scene, other)
    one.visiting()
    await scene.held()
    await other.visit()
    assert scene.asked() == 1
    scene.release()
    await one.tasks[0]
    assert await standing(scene) == []
    await admitted(scene, other)
    await other.visit()
    assert scene.asked() == 3


async def test_a_record_does_not_wait_out_a_bad_credential_for_ever(scene: Scene) -> None:
    one, _ = await pair(scene)
    (id_,) = scene.ids(1)
    scene.fault("status", times=None, params={"status": 401})
    await one.visit(id_)
    at_latest = await scene.redis.zscore("refill:wait:latest", f"acme_hubspot:contact:{id_}")
    assert abs(float(at_latest or 0) - await scene.ledger.scripts.now() - 3_600_000) < 10_000  # skip_after


async def test_an_empty_pool_of_credits_pauses_its_provider(stage: Any) -> None:
    """A pause of the pool's own name would hold nobody: the record would ask again each second."""
    scene = await stage(fields='fields.work_email = { property = "email", from = ["kaspr"], accept = ["unverified"] }')
    worker = await scene.worker()
    headers = {
        "remaining-work-email-credits": "10",
        "remaining-direct-email-credits": "10",
        "remaining-phone-credits": "0",
    }
    scene.fault("status", "kaspr", PROFILE, times=None, params={"status": 402, "headers": headers})
    await worker.visit(*scene.known_to_kaspr(1))
    for _ in range(3):
        await admitted(scene, worker)
        await worker.visit()
    assert (await standing(scene), scene.asked("kaspr", "profile")) == ([("kaspr", "credits")], 1)
