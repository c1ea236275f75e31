"""A person is forgotten whatever dies on the way: the same step again, or the next visit, goes on with it."""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

import pytest

from tests.harness.until import until
from tests.integration.scene import CRM, KIND, Scene, Worker
from worker.decide.handles import Handle
from worker.decide.mentions import mentions
from worker.ledger.money.answers import Answers
from worker.ledger.scripts import LedgerUnavailableError
from worker.upkeep.archive import archive
from worker.upkeep.forget import Eraser, Forgotten
from worker.upkeep.traces import traces

PATIENCE_S = 20.0


async def filled(scene: Scene) -> tuple[str, Handle]:
    """A record that a visit has filled, and the address it got."""
    worker, id_ = await scene.begin()
    await worker.visit(id_)
    email = scene.email(id_)
    assert email
    return id_, Handle("email", email.lower())


async def forget(worker: Worker, who: Handle, id: str) -> Forgotten:
    runtime = worker.runtime
    eraser = Eraser(runtime.ledger, runtime.lookups.suppressions, runtime.spool, None, patience_s=PATIENCE_S)
    return await eraser.forget(frozenset({who}), mentions([who]), [(CRM, KIND, id)])


async def nothing_is_left(scene: Scene, who: Handle, id: str) -> None:
    assert not await traces(scene.ledger, mentions([who]), None)
    assert (await scene.ledger.work(CRM, KIND).memory([id])) == {}
    assert [key async for key, _ in Answers(scene.ledger.scripts).walk()] == []
    assert await scene.ledger.erasures.is_rewritten()


@pytest.mark.parametrize("script", ["suppression_add", "work_forget", "erasure_journal", "erasure_rebuild"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_a_step_the_same_command_again_leaves_nothing(scene: Scene, script: str, when: str) -> None:
    id_, who = await filled(scene)
    first = await scene.worker(**{when: script})
    with pytest.raises(LedgerUnavailableError):
        await forget(first, who, id_)
    assert first.life.over.is_set()
    second = await scene.worker()
    assert (await forget(second, who, id_)).is_done
    await nothing_is_left(scene, who, id_)
    await second.visit(id_)
    assert scene.asked() == 1
    await scene.accounted()


async def test_killed_before_anything_is_erased_the_next_visit_of_the_record_erases_it(scene: Scene) -> None:
    id_, who = await filled(scene)
    first = await scene.worker(before="work_forget")
    with pytest.raises(LedgerUnavailableError):
        await forget(first, who, id_)
    worker = await scene.worker()
    assert await scene.ledger.erasures.pending(2**53) == [(CRM, KIND, id_)]
    await worker.visit(id_)
    assert await scene.ledger.erasures.pending(2**53) == []
    assert not await traces(scene.ledger, mentions([who]), None)
    assert (await scene.ledger.work(CRM, KIND).memory([id_])) == {}


async def test_a_visit_that_is_under_way_ends_first_and_leaves_nothing(scene: Scene) -> None:
    row = scene.blank()[0]
    id_, who = scene.id(row), Handle("slug", row.person.slug)
    worker = await scene.worker()
    await scene.due(id_)
    visiting = await worker.held_at()
    other = await scene.worker()
    forgetting = asyncio.ensure_future(forget(other, who, id_))

    async def is_asked() -> bool:
        return await scene.ledger.erasures.is_asked((CRM, KIND, id_))

    await until(is_asked, "the note of whom to forget")
    assert not forgetting.done()
    scene.release()
    await visiting
    assert (await forgetting).is_done
    await nothing_is_left(scene, who, id_)
    assert scene.email(id_) == ""
    await scene.accounted()


async def test_an_archive_that_somebody_writes_in_is_waited_for(scene: Scene, tmp_path: Path) -> None:
    id_, who = await filled(scene)
    ledger = scene.ledger
    await archive(ledger.journal, tmp_path, await ledger.scripts.now() + 1)
    runtime = (await scene.worker()).runtime
    lists = (runtime.ledger, runtime.lookups.suppressions, runtime.spool)
    with (tmp_path / "journal.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        hasty = Eraser(*lists, tmp_path, patience_s=0.5)
        ended = await hasty.forget(frozenset({who}), mentions([who]), [(CRM, KIND, id_)])
        assert (ended.is_done, ended.unarchived) == (False, "a worker writes in it")
        again = Eraser(*lists, tmp_path, patience_s=PATIENCE_S)
        patient = asyncio.ensure_future(again.forget(frozenset({who}), mentions([who]), [(CRM, KIND, id_)]))
        await asyncio.sleep(0)
    assert (await patient).is_done
    assert who.value not in "".join(path.read_text("utf-8").lower() for path in tmp_path.glob("*.jsonl"))


async def test_a_record_that_says_nothing_of_its_person_is_not_looked_up_once_they_are_forgotten(scene: Scene) -> None:
    id_, _ = await filled(scene)
    worker, asked = await scene.worker(), scene.asked()
    runtime = worker.runtime
    eraser = Eraser(runtime.ledger, runtime.lookups.suppressions, runtime.spool, None, patience_s=PATIENCE_S)
    assert (await eraser.forget(frozenset(), mentions([]), [(CRM, KIND, id_)])).is_done  # borne by nothing we know of
    scene.edit(id_, email="")
    await worker.visit(id_)
    assert (scene.asked(), scene.email(id_)) == (asked, "")
    await scene.accounted()
