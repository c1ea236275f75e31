"""A visit that learns whom it has found ends without them when they are suppressed, whatever the record says."""

from __future__ import annotations

from tests.integration.scene import CRM, KIND, Scene
from worker.decide.handles import read
from worker.ledger.money.handle_lists import Suppressed
from worker.service.runtime import Runtime


async def suppress(runtime: Runtime, text: str) -> None:
    handle, list_ = read(text), runtime.lookups.suppressions
    assert handle is not None
    await list_.add([Suppressed(list_.hashes([handle])[0], handle.kind, 5)])


async def test_an_address_that_was_found_and_is_suppressed_is_not_written(scene: Scene) -> None:
    row, other = scene.blank()[:2]
    found = [email for email, grade in row.person.forager.work_emails if grade in {"valid", "risky"}]
    worker = await scene.worker()
    for email in found:
        await suppress(worker.runtime, email)
    await worker.visit(scene.id(row), scene.id(other))
    assert (scene.email(scene.id(row)), bool(scene.email(scene.id(other)))) == ("", True)
    work = scene.ledger.work(CRM, KIND)
    assert (await work.counts()).settled == 2


async def test_who_is_suppressed_while_their_lookup_is_under_way_is_paid_for_and_not_kept(scene: Scene) -> None:
    row = scene.blank()[0]
    worker = await scene.worker()
    await scene.due(scene.id(row))
    visiting = await worker.held_at()
    await suppress(worker.runtime, f"https://www.linkedin.com/in/{row.person.slug}")
    scene.release()
    await visiting
    assert (scene.email(scene.id(row)), scene.bill()) == ("", 5)
    assert await scene.redis.keys("refill:answer:*") == []
    await scene.accounted()
    await worker.visit(scene.id(row))
    assert (scene.asked(), scene.email(scene.id(row))) == (1, "")
