"""A delivery never writes again what was undone on a row; after a replay it does."""

from __future__ import annotations

import json

import pytest

from tests.integration.deliveries.desk import CRMS, Desk, Open, ada
from worker.decide.undo import undoables
from worker.ledger.work.work import Lease, Work
from worker.visits.visit_ends import undo_intent


async def _visit(desk: Desk, work: Work, id: str) -> None:
    line = desk.runtime.lines[f"{desk.name}.contact"]
    for _ in range(20):
        await desk.runtime.visits.fill(line)
        if not await work.pending("undo-x", 2**53) and not (await work.counts()).leased:
            return
        await desk.runtime.ledger.all_work.wake([(desk.name, "contact", id)])
    raise AssertionError("never settled")


@pytest.mark.parametrize("crm", CRMS)
async def test_what_was_undone_is_not_delivered_again_until_a_replay(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, watch={"contact": {}}) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        work = desk.runtime.ledger.work(desk.name, "contact")
        await desk.deliver(ada())
        assert desk.row(row)["title"] == "Analyst"
        ours = [one for one in await desk.runtime.ledger.journal.since() if '"job_title"' in one.entry]

        await work.replay(row, "undo-x", undo=[one.key for one in ours])
        await _visit(desk, work, row)
        assert "title" not in desk.row(row)
        await desk.deliver(ada(title="Countess"))
        assert "title" not in desk.row(row)

        await work.replay(row, "undo-x", reopen=True)
        await _visit(desk, work, row)
        await desk.deliver(ada(title="Programmer"))
        assert desk.row(row)["title"] == "Programmer"


@pytest.mark.parametrize("crm", CRMS)
async def test_a_delivery_between_an_undos_write_and_its_settling_leaves_the_blank(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, watch={"contact": {}}) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        work = desk.runtime.ledger.work(desk.name, "contact")
        await desk.deliver(ada())
        (ours,) = [one for one in await desk.runtime.ledger.journal.since() if '"job_title"' in one.entry]
        await work.replay(row, "undo-x", undo=[ours.key])
        lease = await _claimed(work, row)
        (undo,) = undoables([json.loads(ours.entry)])
        assert await work.intend(lease, [undo_intent(undo, "undo-x", 1).text()])
        desk.edit("contact", row, title="")  # as the undo has written it

        await desk.deliver(ada(title="Countess"))
        assert "title" not in desk.row(row)
        await work.defer(lease, 2**52, "it was not written after all", close_intents=True)
        await desk.deliver(ada(title="Programmer"))
        assert desk.row(row)["title"] == "Programmer"


@pytest.mark.parametrize("crm", CRMS)
async def test_a_made_row_that_was_archived_is_not_made_again_until_a_replay(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, watch={"contact": {}}) as desk:
        work = desk.runtime.ledger.work(desk.name, "contact")
        await desk.deliver(ada())
        (row,) = desk.rows()
        entries = await desk.runtime.ledger.journal.since()
        (made,) = [one for one in entries if '"made_object":"contact"' in one.entry]
        await work.replay(row, "undo-x", undo=[made.key])
        await _visit(desk, work, row)
        assert desk.rows() == {}
        await desk.deliver(ada(title="Countess"))
        assert desk.rows() == {}
        await desk.runtime.ledger.creations.archiving(desk.name, "contact", row, undone=False)  # as refill replay does
        await desk.deliver(ada(title="Countess of Lovelace"))
        ((again, values),) = desk.rows().items()
        assert (again == row, values["title"]) == (False, "Countess of Lovelace")


async def _claimed(work: Work, id: str) -> Lease:
    for _ in range(20):
        for lease in await work.claim("w", 10):
            if lease.id == id:
                return lease
    raise AssertionError("never due")
