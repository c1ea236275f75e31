"""A row that an address or a profile leads to is a delivered person's only where name or a second fact says so."""

from __future__ import annotations

import asyncio

import pytest

from connectors.models import Email, Grade, Phone, PhoneKind
from sandbox.holds import Hold
from tests.integration.deliveries.desk import ACME, Desk, ada, named

PROFILE = "https://www.linkedin.com/in/ada-lovelace"
NUMBER = "+4915123456789"


async def test_row_with_the_persons_profile_and_name_gets_what_it_lacks(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", linkedin=PROFILE)
    await desk.deliver(ada())
    assert desk.rows().keys() == {row}
    assert desk.row(row)["email"] == "ada@acme.com"
    assert desk.row(row)["title"] == "Analyst"
    assert desk.row(row)["account"] in desk.rows("company")


async def test_namesakes_row_with_the_persons_profile_gets_nothing_and_they_a_row_of_their_own(desk: Desk) -> None:
    other = desk.add(first="Grace", last="Lovelace", linkedin=PROFILE)
    before = desk.row(other)
    await desk.deliver(ada())
    assert desk.row(other) == before
    (mine,) = desk.rows().keys() - {other}
    assert desk.row(mine)["first"] == "Ada"
    assert desk.row(mine)["linkedin"] == PROFILE
    assert not await desk.dead()
    assert (await desk.tally())["wrong_person"] == 1


async def test_explain_tells_of_the_row_that_it_was_another_persons(desk: Desk) -> None:
    other = desk.add(first="Grace", last="Lovelace", linkedin=PROFILE)
    await desk.deliver(ada())
    (signal,) = await desk.told("contact", other)
    assert (signal["signal"], signal["external_id"]) == ("wrong_person", "p1")


async def test_persons_own_row_is_found_beside_a_strangers_with_the_same_profile(desk: Desk) -> None:
    other = desk.add(first="Grace", last="Hopper", linkedin=PROFILE)
    mine = desk.add(first="Ada", last="Lovelace", linkedin=PROFILE)
    before = desk.row(other)
    await desk.deliver(ada())
    assert desk.rows().keys() == {other, mine}
    assert desk.row(mine)["email"] == "ada@acme.com"
    assert desk.row(other) == before


async def test_two_deliveries_of_a_person_whose_profile_a_stranger_carries_make_one_row(desk: Desk) -> None:
    other = desk.add(first="Grace", last="Hopper", linkedin=PROFILE)
    await desk.deliver(ada(emails=()))
    await desk.deliver(ada(id="p2", emails=()), source="order")
    assert len(desk.rows().keys() - {other}) == 1
    assert not await desk.dead()


async def test_row_without_a_name_is_written_where_a_second_fact_agrees(desk: Desk) -> None:
    row = desk.add(linkedin=PROFILE, email="ada@acme.com")
    await desk.deliver(ada())
    assert desk.rows().keys() == {row}
    assert desk.row(row)["title"] == "Analyst"


async def test_phone_is_a_second_fact(desk: Desk) -> None:
    row = desk.add(linkedin=PROFILE, mobile=NUMBER)
    await desk.deliver(ada(emails=(), phones=(Phone(NUMBER, PhoneKind.MOBILE),)))
    assert desk.rows().keys() == {row}
    assert desk.row(row)["title"] == "Analyst"


async def test_the_linked_company_is_a_second_fact(desk: Desk) -> None:
    company = desk.add("company", name="Acme", domain="acme.com")
    row = desk.add(linkedin=PROFILE)
    desk.link(row, company)
    await desk.deliver(ada())
    assert desk.rows().keys() == {row}
    assert desk.row(row)["title"] == "Analyst"


async def test_row_without_a_name_and_a_second_fact_is_no_double_and_gets_no_value(desk: Desk) -> None:
    row = desk.add(linkedin=PROFILE)
    before = desk.row(row)
    await desk.deliver(ada())
    assert desk.rows() == {row: before}
    assert named(await desk.dead(), row, "p1")
    assert (await desk.tally())["unproved"] == 1


@pytest.mark.parametrize("known", [{}, {"first": "Ada"}, {"last": "Lovelace"}], ids=["no name", "first", "last"])
async def test_it_is_delivered_when_the_row_is_named(desk: Desk, known: dict[str, str]) -> None:
    row = desk.add(linkedin=PROFILE, **known)
    await desk.seconds_pass()
    await desk.deliver(ada())
    assert named(await desk.dead(), row, "p1")
    await desk.look_at_rows()
    assert len(await desk.dead()) == 1
    await desk.seconds_pass()
    desk.edit("contact", row, first="Ada", last="Lovelace")
    await desk.seconds_pass()
    await desk.look_at_rows()
    assert desk.row(row)["email"] == "ada@acme.com"
    assert not await desk.dead()


async def test_row_with_half_the_name_and_a_profile_may_be_a_namesakes_and_somebody_has_to_say(desk: Desk) -> None:
    row = desk.add(last="Lovelace", linkedin=PROFILE)  # Byron's, who was given her profile
    await desk.deliver(ada())
    assert named(await desk.dead(), row, "p1")
    await desk.seconds_pass()
    desk.edit("contact", row, first="Byron")
    await desk.seconds_pass()
    await desk.look_at_rows()
    assert not await desk.dead()
    (mine,) = desk.rows().keys() - {row}
    assert desk.row(mine)["first"] == "Ada"


async def test_row_with_the_persons_own_address_is_theirs_and_gets_no_value_yet(desk: Desk) -> None:
    id_ = desk.add(email="ada@acme.com")
    before = desk.row(id_)
    await desk.deliver(ada())
    assert desk.rows() == {id_: before}
    assert not await desk.dead()
    assert (await desk.tally())["unproved"] == 1


async def test_row_with_half_the_name_the_profile_and_the_employer_is_theirs_and_gets_no_value(desk: Desk) -> None:
    company = desk.add("company", name="Acme", domain="acme.com")
    row = desk.add(last="Lovelace", linkedin=PROFILE)
    desk.link(row, company)
    before = desk.row(row)
    await desk.deliver(ada())
    assert desk.rows() == {row: before}
    assert not await desk.dead()
    assert (await desk.tally())["unproved"] == 1


async def test_half_a_name_is_none_beside_an_address_of_somebody_else_at_the_company(desk: Desk) -> None:
    row = desk.add(last="Lovelace", linkedin=PROFILE, email="byron@acme.com")
    before = desk.row(row)
    await desk.deliver(ada())
    assert desk.rows() == {row: before}
    assert named(await desk.dead(), row, "p1")


async def test_likelier_of_two_rows_is_the_one_that_is_asked_about(desk: Desk) -> None:
    blank, half = desk.add(linkedin=PROFILE), desk.add(first="Ada", linkedin=PROFILE)
    await desk.deliver(ada())
    assert desk.rows().keys() == {blank, half}
    assert named(await desk.dead(), half, "p1")


async def test_role_address_leads_to_nobody(desk: Desk) -> None:
    office = desk.add(last="Office", email="info@acme.com")
    before = desk.row(office)
    await desk.deliver(ada(slug="", emails=(Email("info@acme.com", Grade.UNVERIFIED),)))
    assert desk.row(office) == before
    (mine,) = desk.rows().keys() - {office}
    assert desk.row(mine)["last"] == "Lovelace"


async def test_others_of_the_company_are_delivered_beside_one_who_cannot_be(desk: Desk) -> None:
    row = desk.add(linkedin=PROFILE)
    grace = ada(id="p2", slug="grace", first_name="Grace", full_name="Grace Hopper", last_name="Hopper", emails=())
    await desk.deliver(ada(), grace)
    (mine,) = desk.rows().keys() - {row}
    assert desk.row(mine)["first"] == "Grace"
    assert desk.row(mine)["account"] in desk.rows("company")
    assert (await desk.tally())["contacts"] == 1


async def test_row_that_carries_our_id_and_another_name_is_a_dead_letter_that_names_both(desk: Desk) -> None:
    row = desk.add(first="Grace", last="Hopper", external="p1")
    before = desk.row(row)
    await desk.deliver(ada())
    assert desk.rows() == {row: before}
    assert named(await desk.dead(), row, "p1")


async def test_who_shares_an_address_with_somebody_we_delivered_gets_a_row_of_their_own(desk: Desk) -> None:
    """HubSpot takes an address once: there it is a dead letter."""
    joint = (Email("lovelace@acme.com", Grade.VALID),)
    await desk.deliver(ada(slug="", emails=joint))
    (first,) = desk.rows()
    await desk.deliver(ada(id="p2", slug="", first_name="Byron", full_name="Byron Lovelace", emails=joint), source="o")
    if desk.crm == "hubspot":
        assert desk.rows().keys() == {first}
        assert named(await desk.dead(), first, "p2")
    else:
        assert sorted(row["first"] for row in desk.rows().values()) == ["Ada", "Byron"]
        assert not await desk.dead()
    assert desk.row(first)["first"] == "Ada"


async def test_name_typed_between_the_match_and_the_write_is_seen(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", linkedin=PROFILE)
    holds = desk.vendors[desk.crm].holds
    holds.rules.append(Hold(match=row, effect=False))  # the read that the write goes by
    delivering = asyncio.create_task(desk.deliver(ada()))
    await holds.until(1)
    desk.edit("contact", row, first="Grace", last="Hopper")
    holds.release()
    await delivering
    assert "title" not in desk.row(row)
    (mine,) = desk.rows().keys() - {row}
    assert desk.row(mine)["first"] == "Ada"


async def test_company_is_still_matched_by_its_domain(desk: Desk) -> None:
    company = desk.add("company", name="Acme Inc", domain="acme.com")
    await desk.deliver(ada(), company=ACME)
    assert desk.rows("company").keys() == {company}
