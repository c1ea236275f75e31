"""A walk over everything visits what its last visit would not leave as it is, however old the row; nothing else."""

from __future__ import annotations

from config.load import load
from tests.integration.scene import CRM, KIND, Scene, Worker
from tests.integration.scenery import Open, scene, stage
from worker.decide.handles import of_record
from worker.ledger.money.handle_lists import Suppressed
from worker.ledger.work.record_state import states
from worker.ledger.work.work import Lane
from worker.triggers.backfill import backfill, start_backfill
from worker.triggers.poll import due_rows

__all__ = ["scene", "stage"]
TITLE = '\nfields.job_title = { property = "jobtitle", from = ["forager"] }\n'


async def visited(scene: Scene, worker: Worker, *ids: str) -> None:
    """Visit records long after anybody has changed them."""
    scene.vendors["hubspot"].clock.advance(60)
    await worker.visit(*ids)


async def walked(worker: Worker, *, closed: bool = True) -> set[str]:
    """Returns what a walk brings into the work."""
    watch, found, after, done = worker.runtime.watches[CRM, KIND], set(), "", False
    while not done:
        page = await watch.vendor.walk(watch.watched, after)
        rows = await due_rows(watch, page.records, news=True, closed=closed)
        added = await watch.work.add(rows, lane=Lane.BACKFILL, run="sync-1")
        assert added.ignored == 0  # what was found to be due is not dropped after all
        found |= {one.id for one in rows}
        after, done = page.cursor.id, page.done
    return found


async def whole(scene: Scene, worker: Worker) -> None:
    """Bring everything in once, and visit it."""
    await walked(worker)
    await visited(scene, worker)


async def with_titles(scene: Scene, worker: Worker) -> tuple[Worker, set[str]]:
    """Fill titles, too, from now on, of rows that were read long after they were written: which of them lack one."""
    await whole(scene, worker)
    await visited(scene, worker, *scene.ids(3))
    await worker.die()
    config = scene.folder / "refill.toml"
    config.write_text(config.read_text(encoding="utf-8") + TITLE, encoding="utf-8")
    scene.settings = load(config, {})
    contacts = scene.portal.tables["contacts"]
    blank = {one for one in scene.ids(3) if not contacts.records[int(one)].values.get("jobtitle")}
    assert blank
    return await scene.worker(), blank


async def test_a_second_walk_visits_nothing(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    scene.edit(id_, hs_email_optout="true")
    await whole(scene, worker)
    for closed in (True, False):
        assert await walked(worker, closed=closed) == set()


def reads(scene: Scene) -> list[set[str]]:
    """Returns the ids of each batch that was read."""
    requests = scene.vendors["hubspot"].books.requests
    return [set(one.key.split(",")) for one in requests if one.route.endswith("batch/read")]


async def test_linked_companies_are_read_by_the_visits_together(scene: Scene) -> None:
    """A walk over rows that nobody has looked at reads none, visits under way at once read all in one call."""
    worker = await scene.worker()
    found = await walked(worker)
    assert reads(scene) == []
    contacts = scene.portal.tables["contacts"].records
    linked = {company for one in found if (company := contacts[int(one)].values.get("associatedcompanyid"))}
    await worker.visit()
    assert [one for one in reads(scene) if one & linked == linked] == [linked]


async def test_a_policy_that_changed_opens_rows_that_nobody_has_touched(stage: Open) -> None:
    scene = await stage()
    worker, blank = await with_titles(scene, await scene.worker())
    assert blank <= await walked(worker)
    await visited(scene, worker)
    assert await walked(worker) == set()


async def test_a_backfill_sees_a_policy_that_changed(stage: Open) -> None:
    scene = await stage()
    worker, blank = await with_titles(scene, await scene.worker())
    watch = worker.runtime.watches[CRM, KIND]
    await start_backfill(watch.work, scene.ledger.cursors, run="backfill-1")
    await backfill(watch, scene.ledger.cursors)
    where = await states(scene.ledger.scripts, CRM, KIND, sorted(blank))
    assert where == dict.fromkeys(blank, "due")


async def test_who_is_not_opted_out_any_more_is_looked_at(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    scene.edit(id_, hs_email_optout="true")
    await whole(scene, worker)
    assert scene.email(id_) == ""
    contacts = scene.portal.tables["contacts"]
    contacts.records[int(id_)].values["hs_email_optout"] = ""  # and no stamp tells
    assert await walked(worker) == {id_}
    await worker.visit()
    assert "@" in scene.email(id_)


async def test_who_is_taken_off_the_suppression_list_is_looked_at(scene: Scene) -> None:
    worker, id_ = await scene.begin()
    list_ = worker.runtime.lookups.suppressions
    (hash_,) = list_.hashes([of_record(CRM, KIND, id_)])
    await list_.add([Suppressed(hash_, "record", 0)])
    await whole(scene, worker)
    assert scene.email(id_) == ""
    assert await walked(worker) == set()
    await list_.remove([hash_])
    assert await walked(worker) == {id_}
    await worker.visit()
    assert "@" in scene.email(id_)
