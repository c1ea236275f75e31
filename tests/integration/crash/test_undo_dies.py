"""A visit that takes a change back and dies is repeated: the old value stands, and the journal tells it once."""

from __future__ import annotations

import json

import pytest

from tests.integration.scene import CRM, KIND, Scene, Worker
from worker.visits.journal_entries import created_entry

RUN = "undo-x"


async def filled(scene: Scene, worker: Worker) -> tuple[str, list[str]]:
    """A record with an address of ours, and the journal keys of what wrote it."""
    (id_,) = scene.ids(1)
    await worker.visit(id_)
    assert scene.email(id_)
    return id_, [one.key for one in await scene.ledger.journal.since() if json.loads(one.entry)["kind"] == "change"]


async def states(scene: Scene) -> list[str]:
    entries = [json.loads(one.entry) for one in await scene.ledger.journal.since()]
    return [one["state"] for one in entries if one["kind"] == "change" and one.get("run") == RUN]


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize(
    "death", [{"before": "work_intend"}, {"after": "work_intend"}, {"before": "work_settle"}, {"after": "work_settle"}]
)
async def test_undo_that_dies_is_repeated_once(scene: Scene, death: dict[str, str], edited: bool) -> None:
    worker = await scene.worker()
    id_, keys = await filled(scene, worker)
    await scene.ledger.work(CRM, KIND).replay(id_, RUN, undo=keys)
    dying = await scene.worker(**death)
    await dying.visit()
    await dying.die()
    if edited:
        scene.edit(id_, email="typed@by-a-person.example")
    await scene.time_passes()
    await worker.upkeep()
    await worker.visit_again(id_)
    counts = await scene.counts()
    assert (counts.due, counts.leased) == (0, 0)
    assert scene.email(id_) == ("typed@by-a-person.example" if edited else "")
    assert (await states(scene)).count("confirmed") <= 1
    if not edited:
        assert [one for one in await states(scene) if one != "unsent"] == ["confirmed"]


async def test_undo_of_a_record_that_is_gone_is_told(scene: Scene) -> None:
    worker = await scene.worker()
    id_, keys = await filled(scene, worker)
    scene.delete(id_)
    await scene.ledger.work(CRM, KIND).replay(id_, RUN, undo=keys)
    await worker.visit()
    assert await states(scene) == ["gone"]


async def test_undo_of_a_record_that_was_merged_is_told_and_leaves_the_survivor(scene: Scene) -> None:
    worker = await scene.worker()
    id_, keys = await filled(scene, worker)
    other = scene.ids(2)[1]
    survivor = scene.merge(other, id_)
    held = scene.email(survivor)
    await scene.ledger.work(CRM, KIND).replay(id_, RUN, undo=keys)
    await worker.visit()
    assert await states(scene) == ["moved"]
    assert scene.email(survivor) == held, "what the survivor holds is not ours to take"
    counts = await scene.counts()
    assert (counts.leased, counts.dead) == (0, 0)


@pytest.mark.parametrize("death", [{"after": "work_intend"}, {"before": "work_gone"}, {"after": "work_gone"}])
async def test_archiving_that_dies_is_repeated_and_told_once(scene: Scene, death: dict[str, str]) -> None:
    id_ = scene.made("Lovelace")
    entry = created_entry("contact", id_, "prospect-1", 1, {})
    await scene.ledger.journal.append(CRM, "delivery", "d", "sync-x", [entry], token="once")
    keys = [one.key for one in await scene.ledger.journal.since()]
    await scene.ledger.work(CRM, KIND).replay(id_, RUN, undo=keys)
    dying = await scene.worker(**death)
    await dying.visit()
    await dying.die()
    worker = await scene.worker()
    await scene.time_passes()
    await worker.upkeep()
    await worker.visit_again(id_)
    counts = await scene.counts()
    assert (counts.due, counts.leased, counts.dead) == (0, 0, 0)
    assert scene.is_archived(id_)
    assert [one for one in await states(scene) if one != "unsent"] == ["archived"]
    assert await scene.ledger.creations.is_archived(CRM, KIND, id_)
