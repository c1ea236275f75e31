"""Takes back what deliveries wrote and made: none of it comes again before a replay."""

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


def work_of(desk: Desk, kind: str = "contact") -> Work:
    return desk.runtime.ledger.work(desk.name, kind)


async def keys(desk: Desk, part: str) -> list[str]:
    """Returns the journal's keys of entries that hold a text."""
    return [one.key for one in await desk.runtime.ledger.journal.since() if part in one.entry]


async def replayed(desk: Desk, id: str, undo: list[str] | None = None, kind: str = "contact") -> None:
    """Takes changes of a row back, or opens it again, to the end of its visit."""
    work, line = work_of(desk, kind), desk.runtime.lines[f"{desk.name}.{kind}"]
    await work.replay(id, "undo-x", **({"reopen": True} if undo is None else {"undo": undo}))
    for _ in range(20):
        await desk.runtime.visits.fill(line)
        if not await work.of_run.pending("undo-x", 2**53) and not (await work.counts()).leased:
            return
        await desk.runtime.ledger.all_work.wake([(desk.name, kind, id)])
    raise AssertionError("never settled")


async def claimed(work: Work, id: str) -> Lease:
    for _ in range(20):
        for lease in await work.claim("w", 10):
            if lease.id == id:
                return lease
    raise AssertionError("never due")


async def dies_with(desk: Desk, *intents: IntentEntry) -> None:
    """A visit of a delivery dies before it reads the row that it meant to write, and the next one follows."""
    await desk.runtime.ledger.deliveries.store_page(
        "order", [_DELIVERED_AGAIN], [desk.name], run="day-x", watermark="1"
    )
    work = work_of(desk, "delivery")
    lease = await claimed(work, _DELIVERED_AGAIN.key)
    assert await work.intend(lease, [one.text() for one in intents])
    await work.again(lease, "crashed", 0)
    await desk.visit()


async def names_told(desk: Desk) -> list[tuple[str, str]]:
    changes = [one for one in await desk.journal() if one["kind"] == "change" and one["field"] == "name"]
    return [(one["id"], one["state"]) for one in changes]


async def test_what_was_undone_is_not_delivered_again_until_a_replay(watching: Desk) -> None:
    row = watching.add(first="Ada", last="Lovelace", email="ada@acme.com")
    await watching.deliver(ada())
    assert watching.row(row)["title"] == "Analyst"
    await replayed(watching, row, await keys(watching, '"job_title"'))
    assert "title" not in watching.row(row)
    await watching.deliver(ada(title="Countess"))
    assert "title" not in watching.row(row)
    await replayed(watching, row)
    await watching.deliver(ada(title="Programmer"))
    assert watching.row(row)["title"] == "Programmer"


async def test_a_delivery_between_an_undos_write_and_its_settling_leaves_the_blank(watching: Desk) -> None:
    row, work = watching.add(first="Ada", last="Lovelace", email="ada@acme.com"), work_of(watching)
    await watching.deliver(ada())
    (ours,) = [one for one in await watching.runtime.ledger.journal.since() if '"job_title"' in one.entry]
    await work.replay(row, "undo-x", undo=[ours.key])
    lease = await claimed(work, row)
    (undo,) = undoables([json.loads(ours.entry)])
    assert await work.intend(lease, [undo_intent(undo, "undo-x", 1).text()])
    watching.edit("contact", row, title="")  # as the undo has written it

    await watching.deliver(ada(title="Countess"))
    assert "title" not in watching.row(row)
    await work.defer(lease, 2**52, "it was not written after all", VisitProgress(open_intents=()))
    await watching.deliver(ada(title="Programmer"))
    assert watching.row(row)["title"] == "Programmer"


async def test_a_made_row_that_was_archived_is_not_made_again_until_a_replay(watching: Desk) -> None:
    await watching.deliver(ada())
    (row,) = watching.rows()
    await replayed(watching, row, await keys(watching, '"made_object":"contact"'))
    assert watching.rows() == {}
    await watching.deliver(ada(title="Countess"))
    assert watching.rows() == {}
    await watching.runtime.ledger.creations.archiving(watching.name, "contact", row, undone=False)  # as a replay does
    await watching.deliver(ada(title="Countess of Lovelace"))
    ((again, values),) = watching.rows().items()
    assert (again == row, values["title"]) == (False, "Countess of Lovelace")


async def test_what_was_filled_on_a_company_goes_back_and_is_not_delivered_again(watching: Desk) -> None:
    row, acme = watching.add("company", name="Acme", domain="acme.com"), replace(ACME, country="Germany")

    def country() -> str | None:
        return watching.row(row, "company").get("country")

    await watching.deliver(ada(), company=acme)
    assert country() == "Germany"
    ours = await keys(watching, '"country"')
    await replayed(watching, row, ours, "company")
    assert country() is None
    await watching.deliver(ada(title="Countess"), company=replace(acme, country="France"))
    assert country() is None
    (undone,) = await keys(watching, '"undo"')
    await replayed(watching, row, [undone], "company")
    assert country() == "Germany"

    await replayed(watching, row, ours, "company")
    await replayed(watching, row, kind="company")
    await watching.deliver(ada(title="Programmer"), company=replace(acme, country="France"))
    assert country() == "France"


@pytest.mark.parametrize("crm", CRMS)
async def test_a_value_of_a_field_that_nobody_watches_goes_back_too(open_desk: Open, crm: str) -> None:
    only_emails = {"contact": {"fields": {"work_email": {"property": FIELDS[crm]["email"]}}}}
    async with open_desk(crm, watch=only_emails) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        await desk.deliver(ada())
        assert desk.row(row)["title"] == "Analyst"
        await replayed(desk, row, await keys(desk, '"job_title"'))
        assert "title" not in desk.row(row)


async def test_a_made_company_is_archived_only_without_people_and_not_made_again(watching: Desk) -> None:
    await watching.deliver(ada())
    (person,), (company,) = watching.rows(), watching.rows("company")
    made = {kind: await keys(watching, f'"made_object":"{kind}"') for kind in ("contact", "company")}
    await replayed(watching, company, made["company"], "company")
    assert list(watching.rows("company")) == [company], "Ada is at it"
    assert [one["state"] for one in await watching.journal() if one.get("rule") == "archived"] == ["linked"]

    await replayed(watching, person, made["contact"])
    await replayed(watching, company, made["company"], "company")
    assert (watching.rows(), watching.rows("company")) == ({}, {})
    bob = ada(id="p2", slug="bob-byte", first_name="Bob", last_name="Byte", full_name="Bob Byte", emails=())
    await watching.deliver(ada(title="Countess"), bob)
    assert watching.rows("company") == {}
    assert [(one["first"], one.get("account")) for one in watching.rows().values()] == [("Bob", None)]
    assert await watching.dead() == []

    await watching.runtime.ledger.creations.archiving(watching.name, "company", company, undone=False)
    await watching.deliver(ada(title="Countess of Lovelace"), bob)
    ((again, _),) = watching.rows("company").items()
    assert [(one["first"], one.get("account")) for one in watching.rows().values()] == [("Bob", again)]


async def test_a_visit_that_died_claims_nothing_that_another_deliverys_creation_brought(desk: Desk) -> None:
    await desk.deliver(ada())
    (company,) = desk.rows("company")
    await dies_with(
        desk, IntentEntry.of_row("company", company, "name", FIELDS[desk.crm]["name"], ACME.name, "day-x", 1, "c2")
    )
    assert await names_told(desk) == [(company, "seen")]


async def test_a_visit_that_died_claims_nothing_that_its_own_creation_brought(desk: Desk) -> None:
    await desk.deliver(ada())
    ((company, held),) = desk.rows("company").items()
    name = FIELDS[desk.crm]["name"]
    await dies_with(
        desk,
        IntentEntry.creation("company", ACME.id, "day-x", 1, {name: ACME.name}),
        IntentEntry.of_row("company", company, "name", name, ACME.name, "day-x", 2, ACME.id),
    )
    assert held["name"] == ACME.name
    assert await names_told(desk) == [(company, "seen")], "an undo of changes must not blank the row"


async def test_a_creation_that_was_never_sent_claims_no_row_that_somebody_else_made(desk: Desk) -> None:
    company = desk.add("company", name=ACME.name, domain="acme.com", external="c2")  # as a visit after it wrote
    await dies_with(desk, IntentEntry.creation("company", "c2", "day-x", 1, {FIELDS[desk.crm]["name"]: ACME.name}))
    assert company in desk.rows("company")
    assert not [one for one in await desk.journal() if one["kind"] == "created"], "an undo would archive it"


async def test_what_visits_made_that_failed_one_after_the_other_is_told_once(desk: Desk) -> None:
    grace = ada(id="p2", slug="grace-hopper", first_name="Grace", last_name="Hopper", full_name="", emails=())
    rule = {"times": 6, "params": {"status": 500}}  # a call and its repeats, twice
    desk.vendors[desk.crm].faults.add("status", match="grace-hopper", **rule)
    await desk.deliver(ada(), grace)
    told = [one["external_id"] for one in await desk.journal() if one["kind"] == "created"]
    assert sorted(told) == ["c1", "p1", "p2"]
