"""Deliveries meet rules, approvals, owners who left and limits: dead letters say who is kept back, and why."""

from __future__ import annotations

import pytest

from connectors.models import Person
from sandbox.salesforce.rules import Rules, Validation
from sandbox.salesforce.store import PERSON, PERSON_USER
from tests.integration.deliveries.desk import Desk, Open, ada, named


def zoe() -> Person:
    """Somebody of whom only the name and the title are known."""
    return ada(id="p9", slug="", first_name="Zoe", last_name="Zed", full_name="Zoe Zed", emails=())


def rules(desk: Desk) -> Rules:
    found: Rules = desk.vendors["salesforce"].store.rules
    return found


async def replayed(desk: Desk) -> None:
    """A person has cleared the way and replays the dead letters."""
    for letter in await desk.dead():
        await desk.runtime.ledger.work(desk.name, "delivery").replay(letter.id, "day-x")
    await desk.visit()


async def test_a_full_org_is_named_with_everybody_it_keeps_back_and_takes_them_once_there_is_room(
    open_desk: Open,
) -> None:
    async with open_desk("salesforce") as desk:
        rules(desk).storage_full = True
        await desk.deliver(ada())
        assert not desk.rows()
        assert named(await desk.dead(), "c1", "p1", "STORAGE_LIMIT_EXCEEDED")
        rules(desk).storage_full = False
        await replayed(desk)
        (company,) = desk.rows("company")
        assert [row["account"] for row in desk.rows().values()] == [company]
        assert not await desk.dead()


async def test_an_approval_keeps_back_only_the_row_it_locks_and_what_was_delivered_comes_once_it_ends(
    open_desk: Open,
) -> None:
    async with open_desk("salesforce") as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        rules(desk).approvals.add(row)
        await desk.deliver(ada(), zoe())
        assert sorted(one["first"] for one in desk.rows().values()) == ["Ada", "Zoe"]
        assert "title" not in desk.row(row)
        assert named(await desk.dead(), row, "ENTITY_IS_LOCKED")
        rules(desk).approvals.clear()
        await replayed(desk)
        assert desk.row(row)["title"] == "Analyst"
        assert {one["account"] for one in desk.rows().values()} == desk.rows("company").keys()
        assert not await desk.dead()


@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
async def test_a_rule_of_the_crm_leaves_out_the_value_of_a_row_that_is_there_and_names_who_cannot_be_made(
    open_desk: Open, crm: str
) -> None:
    async with open_desk(crm) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        if crm == "salesforce":
            rules(desk).validations = (Validation("Contact", "Title", "LeadSource"),)
        else:
            desk.vendors["hubspot"].settings.required_beside = {"contacts": {"jobtitle": "seniority"}}
        await desk.deliver(ada(), zoe())
        assert desk.rows().keys() == {row}
        assert "title" not in desk.row(row)
        assert desk.row(row)["linkedin"]
        assert named(await desk.dead(), "p9")


async def test_an_owner_who_left_is_named_and_the_rest_comes_once_the_owner_is_back(open_desk: Open) -> None:
    async with open_desk("salesforce") as desk:
        store = desk.vendors["salesforce"].store
        owner = store.any("User", PERSON_USER)
        store.force(owner, {"IsActive": False}, PERSON)
        await desk.deliver(ada(), zoe())
        assert not desk.rows()
        assert named(await desk.dead(), "c1", "p1", "p9", "INACTIVE_OWNER_OR_USER")
        store.force(owner, {"IsActive": True}, PERSON)
        await replayed(desk)
        assert len(desk.rows()) == 2
        assert not await desk.dead()
