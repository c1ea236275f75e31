"""Makes, writes and links nothing of a delivery in mode review before a person's word on exactly that."""

from __future__ import annotations

from msgspec import structs

from tests.integration.deliveries.desk import Desk, Open, ada
from worker.ledger.journal.reviews import Proposal, Reviews, Stand


def reviews(desk: Desk) -> Reviews:
    return Reviews(desk.runtime.ledger.scripts, desk.name, "delivery")


async def say(desk: Desk, stand: Stand) -> Proposal:
    """A person's word on all that is proposed."""
    (proposal,) = await reviews(desk).all()
    await reviews(desk).put(structs.replace(proposal, stand=stand))
    await desk.runtime.ledger.work(desk.name, "delivery").replay(proposal.id, "review-x")
    await desk.visit()
    return proposal


async def test_rows_are_made_once_they_are_approved_and_not_before(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, mode="review") as desk:
        await desk.deliver(ada())
        assert desk.rows() == desk.rows("company") == {}
        proposal = await say(desk, Stand.APPROVED)
        assert {one.row for one in proposal.changes} == {""}
        assert {one.object for one in proposal.changes} == {"company", "contact"}
        (company,), (person,) = desk.rows("company"), desk.rows().values()
        assert (person["email"], person["account"]) == ("ada@acme.com", company)
        assert (await reviews(desk).all(), await desk.dead()) == ([], [])
        assert await desk.runtime.ledger.deliveries.length() == 0


async def test_what_is_rejected_is_not_made_and_the_journal_says_so(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, mode="review") as desk:
        await desk.deliver(ada())
        await say(desk, Stand.REJECTED)
        assert desk.rows() == desk.rows("company") == {}
        assert await desk.runtime.ledger.deliveries.length() == 0
        assert {one["state"] for one in await desk.journal() if one["kind"] == "change"} == {"rejected"}
        assert (await reviews(desk).all(), await desk.dead()) == ([], [])


async def test_a_matched_row_is_shown_with_its_blanks_and_filled_is_asked_again(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, mode="review") as desk:
        company = desk.add("company", name="Acme", domain="acme.com")
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com", title="Countess")
        desk.link(row, company)
        before = desk.row(row)
        await desk.deliver(ada())
        (proposal,) = await reviews(desk).all()
        shown = {(one.field, one.row) for one in proposal.changes if one.object == "contact"}
        assert ("linkedin_url", row) in shown
        assert ("job_title", row) not in shown
        desk.edit("contact", row, title="")  # more would be written than was shown
        await say(desk, Stand.APPROVED)
        assert desk.row(row).get("linkedin") == before.get("linkedin")
        (again,) = await reviews(desk).all()
        assert ("job_title", row) in {(one.field, one.row) for one in again.changes}
        await say(desk, Stand.APPROVED)
        assert desk.row(row)["title"] == "Analyst"
        assert desk.row(row)["linkedin"]


async def test_a_delivery_that_writes_nothing_needs_no_word(open_desk: Open, crm: str) -> None:
    async with open_desk(crm, mode="review") as desk:
        await desk.deliver(ada())
        await say(desk, Stand.APPROVED)
        await desk.deliver(ada())
        assert await reviews(desk).all() == []
        assert await desk.runtime.ledger.deliveries.length() == 0
