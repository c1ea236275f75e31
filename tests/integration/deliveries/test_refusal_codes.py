"""Any code a CRM refuses a delivery with ends as its kind does, and what is refused for a while is made once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.holds import Hold
from tests.integration.deliveries.desk import Desk, ada, named

WORDS = "The org said no."
PASSING = [
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "TXN_SECURITY_METERING_ERROR",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "SOME_LIMIT_EXCEEDED",
    "NEVER_HEARD_OF",
]


def refuse(desk: Desk, status: int, body: Any, **rule: Any) -> None:
    desk.vendors[desk.crm].faults.add("status", times=None, params={"status": status, "body": body}, **rule)


def allow(desk: Desk) -> None:
    desk.vendors[desk.crm].faults.clear()


def org_error(code: str, *fields: str) -> dict[str, Any]:
    return {"errorCode": code, "statusCode": code, "message": WORDS, "fields": list(fields)}


# ---- rows that cannot be made ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*PASSING, "INACTIVE_OWNER_OR_USER"])
async def test_a_contact_that_an_org_does_not_take_now_waits_and_is_made_once(org: Desk, code: str) -> None:
    refuse(org, 400, [org_error(code)], method="PATCH", match="/Contact/")
    await org.deliver(ada())
    assert not org.rows()
    assert not await org.dead()
    (waits,) = await org.waiting()
    assert f"({code}: {WORDS})" in waits
    allow(org)
    await org.days_later()
    ((_, row),) = org.rows().items()
    assert row["account"] in org.rows("company")
    assert not await org.waiting()


@pytest.mark.parametrize("code", ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "REQUIRED_FIELD_MISSING"])
async def test_a_contact_that_an_org_never_takes_is_a_dead_letter_with_its_word(org: Desk, code: str) -> None:
    refuse(org, 400, [org_error(code, "LeadSource")], method="PATCH", match="/Contact/")
    await org.deliver(ada())
    assert named(await org.dead(), "p1", code, WORDS, "LeadSource")


@pytest.mark.parametrize("category", ["OBJECT_LIMIT_EXCEEDED", "USER_LACKS_PERMISSION"])
async def test_a_company_that_a_portal_does_not_take_now_waits_with_its_people(hub: Desk, category: str) -> None:
    body = {"status": "error", "category": category, "message": WORDS}
    refuse(hub, 400, body, method="POST", match="Acme")
    await hub.deliver(ada())
    assert not hub.rows()
    assert f"({category}: {WORDS})" in (await hub.waiting())[0]
    allow(hub)
    await hub.days_later()
    ((_, row),) = hub.rows().items()
    assert row["account"] in hub.rows("company")


# ---- rows that are there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*PASSING, "ENTITY_IS_LOCKED", "INSUFFICIENT_ACCESS_OR_READONLY"])
async def test_a_contact_that_cannot_be_filled_now_is_filled_and_linked_later(org: Desk, code: str) -> None:
    row = org.add(first="Ada", last="Lovelace", email="ada@acme.com")
    answer = [{"success": False, "errors": [org_error(code)]}]
    refuse(org, 200, answer, method="PATCH", match=row)
    await org.deliver(ada())
    assert "title" not in org.row(row)
    assert not await org.dead()
    assert f"({code}: {WORDS})" in (await org.waiting())[0]
    allow(org)
    await org.days_later()
    assert (org.row(row)["title"], org.row(row)["account"]) == ("Analyst", *org.rows("company"))
    told = [one for one in await org.told("contact", row) if one.get("state") == "refused"]
    assert all(f"({code}: {WORDS})" in one["cause"] for one in told)
    assert len({one["property"] for one in told}) == len(told) > 0


@pytest.mark.parametrize("code", ["STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS", "FIELD_INTEGRITY_EXCEPTION"])
async def test_a_value_that_an_org_names_is_left_out_and_told(org: Desk, code: str) -> None:
    row = org.add(first="Ada", last="Lovelace", email="ada@acme.com")
    answer = [{"success": False, "errors": [org_error(code, "Title")]}]
    refuse(org, 200, answer, method="PATCH", match='"Title"')
    await org.deliver(ada())
    assert "title" not in org.row(row)
    assert org.row(row)["linkedin"]
    assert not await org.dead()
    assert not await org.waiting()
    (told,) = [one for one in await org.told("contact", row) if one.get("state") == "refused"]
    assert (told["property"], told["cause"]) == ("Title", f"invalid value ({code}: {WORDS})")


async def test_a_row_that_is_gone_when_it_is_filled_is_looked_for_again(org: Desk) -> None:
    row = org.add(first="Ada", last="Lovelace", email="ada@acme.com")
    answer = [{"success": False, "errors": [org_error("ENTITY_IS_DELETED")]}]
    faults = org.vendors["salesforce"].faults
    faults.add("status", method="PATCH", match='"Title"', params={"status": 200, "body": answer})
    await org.deliver(ada())
    assert org.row(row)["title"] == "Analyst"
    assert not await org.dead()


@pytest.mark.parametrize(
    "told",
    [
        org_error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Title"),
        {
            "errorCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "message": "Keep: execution of BeforeInsert caused by: DmlException: first error: "
            "FIELD_INTEGRITY_EXCEPTION, no such title: [Title]",
            "fields": [],
        },
        {"errorCode": "STRING_TOO_LONG", "message": "data value too large (max length=40): [Title]", "fields": []},
    ],
    ids=["listed", "by a trigger", "spelled"],
)
async def test_a_new_contact_is_made_without_the_value_that_an_org_names(org: Desk, told: dict[str, Any]) -> None:
    refuse(org, 400, [told], method="PATCH", match='"Title"')
    await org.deliver(ada())
    ((_, row),) = org.rows().items()
    assert "title" not in row
    assert row["account"] in org.rows("company")
    assert not await org.dead()
    assert not await org.waiting()


@pytest.mark.parametrize(
    ("crm", "route", "match"),
    [
        ("hubspot", "*/search", "hs_additional_domains"),
        ("hubspot", "*/search", "CONTAINS_TOKEN"),
        ("hubspot", "*/batch/read", "idProperty"),
        ("salesforce", "*/query", ""),
    ],
    ids=["companies by domain", "people by profile", "rows by a unique property", "rows of an org"],
)
async def test_a_search_that_a_crm_refuses_buries_nobody_and_is_made_again(desk: Desk, route: str, match: str) -> None:
    """A value of the delivered row may be at fault, or nobody knows what."""
    bodies = {
        "hubspot": {"status": "error", "category": "VALIDATION_ERROR", "message": "There was a problem."},
        "salesforce": [{"errorCode": "NEVER_HEARD_OF", "message": "There was a problem."}],
    }
    refuse(desk, 400, bodies[desk.crm], route=route, match=match)
    await desk.deliver(ada())
    assert not await desk.dead()
    (waits,) = await desk.waiting()
    assert waits.startswith("refused_by_crm: ")
    assert not await desk.runtime.ledger.pauses.of(desk.name)
    allow(desk)
    await desk.days_later()
    assert len(desk.rows()) == 1
    assert not await desk.dead()


async def test_a_look_for_doubles_that_a_crm_refuses_is_a_dead_letter_with_the_row_that_was_made(org: Desk) -> None:
    holds = org.vendors["salesforce"].holds
    holds.rules.append(Hold(match="/Contact/", effect=True))  # the contact is there, and its answer is not
    delivering = asyncio.create_task(org.deliver(ada()))
    await holds.until(1)
    refuse(org, 400, [org_error("NEVER_HEARD_OF")], route="*/query")
    holds.release()
    await delivering
    (row,) = org.rows()
    assert named(await org.dead(), row, "p1", "NEVER_HEARD_OF")
