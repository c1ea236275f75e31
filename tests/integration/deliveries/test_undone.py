"""A delivery never writes again what was undone on a row; after a replay it does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from connectors.openprospect.read import DeliveredCompany
from tests.integration.deliveries.desk import ACME, CRMS, FIELDS, Desk, Open, ada
from worker.decide.undo import undoables
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.work.work import Lease, VisitProgress, Work
from worker.visits.journal_entries import IntentEntry
from worker.visits.visit_ends import undo_intent

_AGAIN = DeliveredCompany(replace(ACME, id="c2"), (), "order")
_DELIVERED_AGAIN = DeliveredRow("order/c2", "d2", TypeAdapter(DeliveredCompany).dump_json(_AGAIN).decode())


async def _visit(desk: Desk, work: Work, id: str) -> None:
    line = desk.runtime.lines[f"{desk.name}.{work.object}"]
    for _ in range(20):
        await desk.runtime.visits.fill(line)
        if not await work.of_run.pending("undo-x", 2**53) and not (await work.counts()).leased:
            return
        await desk.runtime.ledger.all_work.wake([(desk.name, work.object, id)])
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
        await work.defer(lease, 2**52, "it was not written after all", VisitProgress(open_intents=()))
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


@pytest.mark.parametrize("crm", CRMS)
async def test_what_was_filled_on_a_company_goes_back_and_is_not_delivered_again(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, watch={"contact": {}}) as desk:
        row = desk.add("company", name="Acme", domain="acme.com")
        work, acme = desk.runtime.ledger.work(desk.name, "company"), replace(ACME, country="Germany")
        await desk.deliver(ada(), company=acme)
        assert desk.row(row, "company")["country"] == "Germany"
        (ours,) = [one for one in await desk.runtime.ledger.journal.since() if '"country"' in one.entry]

        await work.replay(row, "undo-x", undo=[ours.key])
        await _visit(desk, work, row)
        assert "country" not in desk.row(row, "company")
        await desk.deliver(ada(title="Countess"), company=replace(acme, country="France"))
        assert "country" not in desk.row(row, "company")
        (undone,) = [one for one in await desk.runtime.ledger.journal.since() if '"undo"' in one.entry]
        await work.replay(row, "undo-y", undo=[undone.key])
        await _visit(desk, work, row)
        assert desk.row(row, "company")["country"] == "Germany"

        await work.replay(row, "undo-z", undo=[ours.key])
        await _visit(desk, work, row)
        await work.replay(row, "replay-x", reopen=True)
        await _visit(desk, work, row)
        await desk.deliver(ada(title="Programmer"), company=replace(acme, country="France"))
        assert desk.row(row, "company")["country"] == "France"


@pytest.mark.parametrize("crm", CRMS)
async def test_a_value_of_a_field_that_nobody_watches_goes_back_too(open_desk: Open, crm: str) -> None:
    async with open_desk(
        crm, watch={"contact": {"fields": {"work_email": {"property": FIELDS[crm]["email"]}}}}
    ) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        work = desk.runtime.ledger.work(desk.name, "contact")
        await desk.deliver(ada())
        (ours,) = [one for one in await desk.runtime.ledger.journal.since() if '"job_title"' in one.entry]
        assert desk.row(row)["title"] == "Analyst"
        await work.replay(row, "undo-x", undo=[ours.key])
        await _visit(desk, work, row)
        assert "title" not in desk.row(row)


@pytest.mark.parametrize("crm", CRMS)
async def test_a_made_company_is_archived_only_without_people_and_not_made_again(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, watch={"contact": {}}) as desk:
        works = {kind: desk.runtime.ledger.work(desk.name, kind) for kind in ("contact", "company")}
        await desk.deliver(ada())
        (person,), (company,) = desk.rows(), desk.rows("company")
        entries = await desk.runtime.ledger.journal.since()
        made = {kind: [one.key for one in entries if f'"made_object":"{kind}"' in one.entry] for kind in works}

        await works["company"].replay(company, "undo-x", undo=made["company"])
        await _visit(desk, works["company"], company)
        assert list(desk.rows("company")) == [company], "Ada is at it"
        assert [one["state"] for one in await desk.journal() if one.get("rule") == "archived"] == ["linked"]

        for kind, id in (("contact", person), ("company", company)):
            await works[kind].replay(id, "undo-x", undo=made[kind])
            await _visit(desk, works[kind], id)
        assert (desk.rows(), desk.rows("company")) == ({}, {})
        bob = ada(id="p2", slug="bob-byte", first_name="Bob", last_name="Byte", full_name="Bob Byte", emails=())
        await desk.deliver(ada(title="Countess"), bob)
        assert desk.rows("company") == {}
        assert [(one["first"], one.get("account")) for one in desk.rows().values()] == [("Bob", None)]
        assert await desk.dead() == []

        await desk.runtime.ledger.creations.archiving(desk.name, "company", company, undone=False)
        await desk.deliver(ada(title="Countess of Lovelace"), bob)
        ((again, _),) = desk.rows("company").items()
        assert [(one["first"], one.get("account")) for one in desk.rows().values()] == [("Bob", again)]


@pytest.mark.parametrize("crm", CRMS)
async def test_a_visit_that_died_claims_nothing_that_another_deliverys_creation_brought(
    open_desk: Open, crm: str
) -> None:
    async with open_desk(crm) as desk:
        await desk.deliver(ada())
        ((company, _),) = desk.rows("company").items()
        ledger = desk.runtime.ledger
        await ledger.deliveries.store_page("order", [_DELIVERED_AGAIN], [desk.name], run="day-x", watermark="1")
        work = ledger.work(desk.name, "delivery")
        lease = await _claimed(work, _DELIVERED_AGAIN.key)
        noted = IntentEntry.of_row("company", company, "name", FIELDS[crm]["name"], ACME.name, "day-x", 1, "c2")
        assert await work.intend(lease, [noted.text()])  # and dies before it reads the row
        await work.again(lease, "crashed", 0)

        await desk.visit()
        (told,) = [one for one in await desk.journal() if one["kind"] == "change" and one["field"] == "name"]
        assert (told["id"], told["state"]) == (company, "seen")


@pytest.mark.parametrize("crm", CRMS)
async def test_a_visit_that_died_claims_nothing_that_its_own_creation_brought(open_desk: Open, crm: str) -> None:
    async with open_desk(crm) as desk:
        await desk.deliver(ada())
        ((company, held),) = desk.rows("company").items()
        ledger, name = desk.runtime.ledger, FIELDS[crm]["name"]
        await ledger.deliveries.store_page("order", [_DELIVERED_AGAIN], [desk.name], run="day-x", watermark="1")
        work = ledger.work(desk.name, "delivery")
        lease = await _claimed(work, _DELIVERED_AGAIN.key)
        intents = [
            IntentEntry.creation("company", ACME.id, "day-x", 1, {name: ACME.name}),
            IntentEntry.of_row("company", company, "name", name, ACME.name, "day-x", 2, ACME.id),
        ]
        assert await work.intend(lease, [one.text() for one in intents])  # and dies before it reads the row
        await work.again(lease, "crashed", 0)

        await desk.visit()
        told = [one["state"] for one in await desk.journal() if one["kind"] == "change" and one["field"] == "name"]
        assert (held["name"], told) == (ACME.name, ["seen"]), "an undo of changes must not blank the row"


@pytest.mark.parametrize("crm", CRMS)
async def test_a_creation_that_was_never_sent_claims_no_row_that_somebody_else_made(open_desk: Open, crm: str) -> None:
    async with open_desk(crm) as desk:
        company = desk.add("company", name=ACME.name, domain="acme.com", external="c2")  # as a visit after it wrote
        ledger, name = desk.runtime.ledger, FIELDS[crm]["name"]
        await ledger.deliveries.store_page("order", [_DELIVERED_AGAIN], [desk.name], run="day-x", watermark="1")
        work = ledger.work(desk.name, "delivery")
        lease = await _claimed(work, _DELIVERED_AGAIN.key)
        assert await work.intend(lease, [IntentEntry.creation("company", "c2", "day-x", 1, {name: ACME.name}).text()])
        await work.again(lease, "crashed", 0)

        await desk.visit()
        assert company in desk.rows("company")
        assert not [one for one in await desk.journal() if one["kind"] == "created"], "an undo would archive it"


async def test_what_visits_made_that_failed_one_after_the_other_is_told_once(desk: Desk) -> None:
    grace = ada(id="p2", slug="grace-hopper", first_name="Grace", last_name="Hopper", full_name="", emails=())
    rule = {"times": 6, "params": {"status": 500}}  # a call and its repeats, twice
    desk.vendors[desk.crm].faults.add("status", match="grace-hopper", **rule)
    await desk.deliver(ada(), grace)
    told = [one["external_id"] for one in await desk.journal() if one["kind"] == "created"]
    assert sorted(told) == ["c1", "p1", "p2"]


async def _claimed(work: Work, id: str) -> Lease:
    for _ in range(20):
        for lease in await work.claim("w", 10):
            if lease.id == id:
                return lease
    raise AssertionError("never due")
