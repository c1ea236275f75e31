"""A field that a person edited is not looked up and not written while its lock holds, and is filled once it opens."""

from __future__ import annotations

import pytest

from connectors.batching import Batcher
from tests.harness.until import until
from tests.integration.scene import CRM, KIND, Scene
from tests.integration.scenery import Open

FIELDS = (
    'fields.work_email = {{ property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"], '
    'lock = "{lock}" }}'
)


async def cleared(scene: Scene) -> tuple[str, str]:
    """Two records: a person filled and cleared the first one's address."""
    one, other = scene.ids(2)
    scene.edit(one, email="typed@quist-mill.com")
    scene.edit(one, email="")
    return one, other


async def test_a_cleared_field_is_left_alone_and_nothing_is_paid_for_it(stage: Open) -> None:
    scene = await stage(fields=FIELDS.format(lock="9 months"))
    one, other = await cleared(scene)
    worker = await scene.worker()
    await worker.visit(one, other)
    assert (scene.email(one), bool(scene.email(other))) == ("", True)
    assert (scene.asked(), scene.bill()) == (1, 5)
    work = scene.ledger.work(CRM, KIND)
    memory = (await work.memory([one, other]))[one]
    assert (await work.counts()).settled == 2
    assert memory.look_at > 0


async def test_histories_are_read_once_for_a_batch_of_records(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("linger_s", "longest_s"):  # a batch that leaves by the clock, on a busy machine, is read in parts
        monkeypatch.setitem(vars(Batcher)["__init__"].__kwdefaults__, name, 50)
    reads = []
    for lock in ("off", "9 months"):
        scene = await stage(fields=FIELDS.format(lock=lock))
        await scene.redis.flushall()
        worker = await scene.worker()
        await worker.visit(*scene.ids(3))
        assert all(scene.email(one) for one in scene.ids(3))
        reads.append(sum("batch/read" in one.route for one in scene.vendors["hubspot"].books.requests))
    assert reads[1] - reads[0] == 1


async def test_a_lock_that_opens_brings_the_record_back(stage: Open) -> None:
    scene = await stage(fields=FIELDS.format(lock="3s"))
    one, _ = await cleared(scene)
    worker = await scene.worker()
    work = scene.ledger.work(CRM, KIND)
    await worker.visit(one)
    assert scene.email(one) == ""

    async def filled() -> bool:
        await work.recheck("day-acme_hubspot-x", buckets=4096)
        await worker.visit()
        return bool(scene.email(one))

    await until(filled, "the end of the lock")
    assert scene.bill() == 5


async def test_without_a_lock_a_blank_is_a_blank(stage: Open) -> None:
    scene = await stage(fields=FIELDS.format(lock="off"))
    one, _ = await cleared(scene)
    worker = await scene.worker()
    await worker.visit(one)
    assert scene.email(one)
