"""A row that an address or a profile leads to is a delivered person's only where name or a second fact says so."""

from __future__ import annotations

import asyncio

import pytest

from connectors.models import Email, Grade, Person, Phone, PhoneKind
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


def seen(desk: Desk, held: dict[str, str], *, employed: bool) -> str:
    """A row that holds these values, at the person's employer or nowhere."""
    row = desk.add(**held)
    if employed:
        desk.link(row, desk.add("company", name="Acme", domain="acme.com"))
    return row


@pytest.mark.parametrize(
    ("held", "employed", "person"),
    [
        ({"email": "ada@acme.com"}, False, ada()),
        ({"mobile": NUMBER}, False, ada(emails=(), phones=(Phone(NUMBER, PhoneKind.MOBILE),))),
        ({}, True, ada()),
    ],
    ids=["address", "phone", "employer"],
)
async def test_row_without_a_name_is_written_where_a_second_fact_agrees(
    desk: Desk, held: dict[str, str], employed: bool, person: Person
) -> None:
    row = seen(desk, {"linkedin": PROFILE, **held}, employed=employed)
    await desk.deliver(person)
    assert desk.rows().keys() == {row}
    assert desk.row(row)["title"] == "Analyst"


@pytest.mark.parametrize(
    ("held", "employed", "is_theirs", "unproved"),
    [
        ({"linkedin": PROFILE}, False, False, 1),
        ({"email": "ada@acme.com"}, False, True, 1),
        ({"linkedin": PROFILE, "last": "Lovelace"}, True, True, 1),
        ({"linkedin": PROFILE, "last": "Lovelace", "email": "byron@acme.com"}, False, False, 1),
        ({"external": "p1", "first": "Grace", "last": "Hopper"}, False, False, 0),
    ],
    ids=["a profile", "their address", "half a name and the employer", "half a name and another's address", "our id"],
)
async def test_row_that_is_not_proved_to_be_theirs_is_no_double_and_gets_no_value(
    desk: Desk, held: dict[str, str], employed: bool, is_theirs: bool, unproved: int
) -> None:
    """It is told whom to ask about where somebody else's row would look the same."""
    row = seen(desk, held, employed=employed)
    before = desk.row(row)
    await desk.deliver(ada())
    assert desk.rows() == {row: before}
    assert named(await desk.dead(), row, "p1") is not is_theirs
    assert (await desk.tally()).get("unproved", 0) == unproved


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
