"""A delivered person is found wherever the CRM holds them: in contacts and leads, however the profile is spelled."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from sandbox.salesforce import lifecycle
from sandbox.salesforce.store import PERSON
from tests.integration.deliveries.desk import Desk, Open, ada

SPELLINGS = (
    "https://www.linkedin.com/in/{encoded}",
    "http://linkedin.com/in/{slug}/",
    "https://de.linkedin.com/in/{encoded}/en",
    "https://www.linkedin.com/in/{encoded}?trk=people-guest_people_search-card",
    "www.linkedin.com/in/{slug}/detail/contact-info/",
    "https://www.linkedin.com/in/{lower}#experience",
    "linkedin.com/in/{upper}",
)


@pytest.mark.parametrize("slug", ["ada-lovelace", "jürgen-groß-7b"])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_profile_is_found_however_its_address_is_spelled(desk: Desk, spelling: str, slug: str) -> None:
    encoded = quote(slug, safe="")
    url = spelling.format(slug=slug, encoded=encoded, lower=encoded.lower(), upper=encoded.upper())
    row = desk.add(first="Ada", last="Lovelace", linkedin=url)
    await desk.deliver(ada(slug=slug))
    assert desk.rows().keys() == {row}
    assert desk.row(row)["email"] == "ada@acme.com"


async def test_longer_slug_is_another_profile(desk: Desk) -> None:
    near = desk.add(first="Ada", last="Lovelace", linkedin="https://www.linkedin.com/in/ada-lovelace-2")
    await desk.deliver(ada(emails=()))
    assert len(desk.rows()) == 2
    assert "title" not in desk.row(near)


@pytest.mark.parametrize("found_by", [{"email": "ada@acme.com"}, {"linkedin": "linkedin.com/in/ada-lovelace?x=1"}])
async def test_person_who_is_an_open_lead_is_filled_there_and_not_made(org: Desk, found_by: dict[str, str]) -> None:
    lead = org.add("lead", first="Ada", last="Lovelace", **found_by)
    await org.deliver(ada())
    assert not org.rows()
    assert org.row(lead, "lead")["title"] == "Analyst"
    assert (await org.tally())["contacts"] == 1


async def test_person_who_is_a_contact_is_filled_there_where_people_are_delivered_as_leads(open_desk: Open) -> None:
    async with open_desk("salesforce", deliver_as="lead") as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        await desk.deliver(ada())
        assert not desk.rows("lead")
        assert desk.row(row)["title"] == "Analyst"


async def test_converted_leads_contact_counts(org: Desk) -> None:
    store = org.vendors["salesforce"].store
    lead = org.add("lead", first="Ada", last="Lovelace", email="ada@acme.com")
    contact = lifecycle.convert(store, store.live("Lead", lead), PERSON, None)
    org.edit("contact", contact.id, email="ada@other.com")
    await org.deliver(ada())
    assert org.rows().keys() == {contact.id}
    assert org.row(contact.id)["title"] == "Analyst"


async def test_strangers_lead_with_the_persons_profile_is_left_alone(org: Desk) -> None:
    lead = org.add("lead", first="Grace", last="Hopper", linkedin="https://linkedin.com/in/ada-lovelace")
    before = org.row(lead, "lead")
    await org.deliver(ada())
    assert org.row(lead, "lead") == before
    assert [row["first"] for row in org.rows().values()] == ["Ada"]


async def test_leads_that_this_user_may_not_see_keep_no_delivery_back(open_desk: Open) -> None:
    async with open_desk("salesforce", before=lambda org: org.store.schema.hidden_objects.add("Lead")) as desk:
        await desk.deliver(ada())
        assert [row["first"] for row in desk.rows().values()] == ["Ada"]


# ---- by name, at a company that was there -------------------------------------------------------------------------


async def test_person_whom_the_company_has_by_name_only_is_not_made_again(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace")
    desk.link(row, desk.add("company", name="Acme", domain="acme.com"))
    await desk.deliver(ada())
    assert desk.rows().keys() == {row}
    assert desk.row(row)["email"] == "ada@acme.com"


async def test_namesake_at_the_company_with_another_profile_is_somebody_else(desk: Desk) -> None:
    other = desk.add(first="Ada", last="Lovelace", linkedin="https://www.linkedin.com/in/ada-2")
    desk.link(other, desk.add("company", name="Acme", domain="acme.com"))
    before = desk.row(other)
    await desk.deliver(ada())
    assert len(desk.rows()) == 2
    assert desk.row(other) == before


async def test_two_of_the_name_at_the_company_are_nobody(desk: Desk) -> None:
    company = desk.add("company", name="Acme", domain="acme.com")
    twins = [desk.add(first="Ada", last="Lovelace") for _ in range(2)]
    for twin in twins:
        desk.link(twin, company)
    await desk.deliver(ada())
    assert len(desk.rows()) == 3
    assert all("title" not in desk.row(twin) for twin in twins)
    assert not await desk.dead()  # they stood there before


async def test_person_at_the_company_is_found_by_name_although_a_stranger_carries_their_profile(desk: Desk) -> None:
    company = desk.add("company", name="Acme", domain="acme.com")
    stranger = desk.add(first="Grace", last="Hopper", linkedin="https://www.linkedin.com/in/ada-lovelace")
    mine = desk.add(first="Ada", last="Lovelace")
    desk.link(mine, company)
    before = desk.row(stranger)
    await desk.deliver(ada())
    assert desk.rows().keys() == {stranger, mine}
    assert desk.row(mine)["title"] == "Analyst"
    assert desk.row(stranger) == before
    assert not await desk.dead()


async def test_two_of_the_name_are_not_told_as_made_meanwhile_where_a_stranger_carries_the_profile(desk: Desk) -> None:
    company = desk.add("company", name="Acme", domain="acme.com")
    desk.add(first="Grace", last="Hopper", linkedin="https://www.linkedin.com/in/ada-lovelace")
    for _ in range(2):
        desk.link(desk.add(first="Ada", last="Lovelace"), company)
    await desk.deliver(ada())
    assert len(desk.rows()) == 4
    assert not await desk.dead()


async def test_one_person_delivered_by_address_here_and_by_profile_there_is_one_row(desk: Desk) -> None:
    await desk.deliver(ada(slug=""))
    await desk.deliver(ada(id="p2", emails=()), source="order")
    ((_, row),) = desk.rows().items()
    assert row["email"] == "ada@acme.com"
    assert row["linkedin"] == "https://www.linkedin.com/in/ada-lovelace"
    assert not await desk.dead()


async def test_two_people_of_one_name_at_one_company_are_two_rows(desk: Desk) -> None:
    await desk.deliver(ada(emails=()), ada(id="p2", slug="ada-2", emails=()))
    assert len(desk.rows()) == 2
    assert not await desk.dead()


@pytest.mark.parametrize("field", ["Email", "LastName", "LinkedIn_URL__c"])
async def test_what_an_org_encrypts_is_not_asked_for_and_the_rest_finds_the_row(open_desk: Open, field: str) -> None:
    def encrypt(org: Any) -> None:
        org.store.schema.encrypted.add(("Contact", field))

    async with open_desk("salesforce", before=encrypt) as desk:
        known = {"email": "ada@acme.com", "linkedin": "https://www.linkedin.com/in/ada-lovelace"}
        row = desk.add(first="Ada", last="Lovelace", **known)
        await desk.deliver(ada())
        assert desk.rows().keys() == {row}
        assert desk.row(row)["title"] == "Analyst"
        assert not await desk.runtime.ledger.pauses.of(desk.name)
