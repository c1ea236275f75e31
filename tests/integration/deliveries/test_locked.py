"""A delivery writes nothing on a blank that a person made a while ago."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.deliveries.desk import Desk, Open, ada


async def test_a_blank_that_a_person_made_is_left_alone_while_the_lock_holds(open_desk: Open) -> None:
    async with open_desk("hubspot", lock=timedelta(days=90)) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com", title="Countess")
        desk.edit("contact", row, title="")
        await desk.deliver(ada())
        assert "title" not in desk.row(row)
        assert desk.row(row)["linkedin"]
        assert (await desk.tally())["locked"] == 1


async def test_an_org_tells_it_of_the_fields_that_it_tracks(open_desk: Open) -> None:
    async with open_desk(
        "salesforce", lambda org: org.store.track("Contact", ["Title"]), lock=timedelta(days=90)
    ) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com", title="Countess")
        desk.edit("contact", row, title="")
        await desk.deliver(ada())
        assert "title" not in desk.row(row)
        assert (await desk.tally())["locked"] == 1


async def test_without_a_lock_it_is_filled(hub: Desk) -> None:
    row = hub.add(first="Ada", last="Lovelace", email="ada@acme.com", title="Countess")
    hub.edit("contact", row, title="")
    await hub.deliver(ada())
    assert hub.row(row)["title"] == "Analyst"
