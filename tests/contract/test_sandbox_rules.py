"""Meets what administrators, approvals and limits of the imitated CRMs forbid, and their end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.sandbox_client import Answer, Client, client_of, org_of
from tests.contract.test_sandbox_hubspot import DATED, V3
from tests.contract.test_sandbox_salesforce import DATA, code

CONTACT = f"{DATA}/sobjects/Contact"


@pytest.fixture
async def org() -> AsyncIterator[Client]:
    async with org_of(records=10, companies=4) as client:
        yield client


@pytest.fixture
async def portal() -> AsyncIterator[Client]:
    async with client_of("hubspot", records=10, companies=4) as client:
        yield client


async def contact(org: Client, **values: Any) -> str:
    made = await org.control("POST", "records/Contact", {"properties": {"LastName": "Ek", **values}})
    return str(made["id"])


async def stamped(org: Client, id_: str) -> str:
    return str((await org.get(f"{CONTACT}/{id_}")).json["SystemModstamp"])


async def many(org: Client, ids: list[str]) -> list[str]:
    """The code of every row of one call, "" for one that was written."""
    records = [{"attributes": {"type": "Contact"}, "id": id_, "Title": "Head"} for id_ in ids]
    answer = await org.ask("PATCH", f"{DATA}/composite/sobjects", {"allOrNone": False, "records": records})
    return ["" if row["success"] else row["errors"][0]["statusCode"] for row in answer.json]


def portal_codes(answer: Answer) -> list[str]:
    return [one["code"] for one in answer.json.get("errors", [])]


async def test_a_row_in_an_approval_is_locked_for_us_alone_and_its_end_edits_it(org: Client) -> None:
    one = await contact(org)
    await org.control("POST", "approval", {"object": "Contact", "ids": [one]})
    assert code(await org.ask("PATCH", f"{CONTACT}/{one}", {"Title": "x"})) == (400, "ENTITY_IS_LOCKED")
    assert await many(org, [one]) == ["ENTITY_IS_LOCKED"]
    await org.control("POST", "edit", {"object": "Contact", "id": one, "properties": {"Phone": "+4681"}})
    await org.control("POST", "clock", {"advance": 5})
    before = await stamped(org, one)
    await org.control("POST", "approval", {"object": "Contact", "ids": [one], "ended": True})
    assert await stamped(org, one) > before
    assert (await org.ask("PATCH", f"{CONTACT}/{one}", {"Title": "x"})).status == 204


@pytest.mark.parametrize("at_field", [False, True])
async def test_a_validation_rule_asks_for_another_field_and_may_name_its_own(org: Client, at_field: bool) -> None:
    one = await contact(org)
    rule = {"object": "Contact", "field": "Title", "needs": "LeadSource", "at_field": at_field}
    await org.control("POST", "rules", {"validations": [rule]})
    refused = await org.ask("PATCH", f"{CONTACT}/{one}", {"Title": "x"})
    assert code(refused) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert refused.json[0].get("fields", []) == (["Title"] if at_field else [])
    assert (await org.ask("PATCH", f"{CONTACT}/{one}", {"Phone": "+46812345678"})).status == 204
    assert (await org.ask("PATCH", f"{CONTACT}/{one}", {"Title": "x", "LeadSource": "Web"})).status == 204


async def test_triggers_fail_the_whole_call_that_is_too_big_for_them(org: Client) -> None:
    ids = [await contact(org) for _ in range(4)]
    await org.control("POST", "rules", {"trigger_rows": {"Contact": 3}})
    assert await many(org, ids) == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"] * 4
    assert await many(org, ids[:3]) == [""] * 3


async def test_rows_of_an_inactive_owner_are_refused(org: Client) -> None:
    one = await contact(org)
    owner = (await org.get(f"{CONTACT}/{one}")).json["OwnerId"]
    await org.control("POST", "rules", {"inactive_users": [owner]})
    assert code(await org.ask("PATCH", f"{CONTACT}/{one}", {"Title": "x"})) == (400, "INACTIVE_OWNER_OR_USER")
    await org.control("POST", "rules", {"inactive_users": []})
    assert (await org.ask("PATCH", f"{CONTACT}/{one}", {"Title": "x"})).status == 204


async def test_a_full_org_takes_no_new_row_and_every_change(org: Client) -> None:
    one = await contact(org)
    await org.control("POST", "rules", {"storage_full": True})
    assert code(await org.post(CONTACT, LastName="Ek")) == (400, "STORAGE_LIMIT_EXCEEDED")
    assert (await org.ask("PATCH", f"{CONTACT}/{one}", {"Title": "x"})).status == 204


async def test_a_property_that_needs_another_one_refuses_the_dated_paths_only(portal: Client) -> None:
    await portal.control("POST", "settings", {"required_beside": {"contacts": {"jobtitle": "seniority"}}})
    made = await portal.control("POST", "records/contacts", {"properties": {"lastname": "Ek"}})
    inputs = [{"id": made["id"], "properties": {"jobtitle": "Head"}}]
    refused = await portal.post(f"{DATED}/contacts/batch/update", inputs=inputs)
    assert (refused.status, portal_codes(refused)) == (400, ["MISSING_CONDITIONAL_REQUIRED_PROPERTY"])
    new = await portal.post(f"{DATED}/contacts", properties={"lastname": "Ek", "jobtitle": "Head"})
    assert portal_codes(new) == ["MISSING_CONDITIONAL_REQUIRED_PROPERTY"]
    inputs[0]["properties"] |= {"seniority": "senior"}
    assert (await portal.post(f"{DATED}/contacts/batch/update", inputs=inputs)).status == 200
    old = [{"id": made["id"], "properties": {"jobtitle": "Boss", "seniority": ""}}]
    assert (await portal.post(f"{V3}/contacts/batch/update", inputs=old)).status == 200


async def test_a_value_can_be_refused_and_taken_again(portal: Client) -> None:
    refusal = {"object": "contacts", "property": "email", "value": "ada@acme.example"}
    values = {"email": "ada@acme.example"}
    await portal.control("POST", "refuse", refusal)
    assert portal_codes(await portal.post(f"{DATED}/contacts", properties=values)) == ["INVALID_EMAIL"]
    await portal.control("POST", "refuse", {**refusal, "code": ""})
    assert (await portal.post(f"{DATED}/contacts", properties=values)).status == 201


async def test_a_record_can_be_full_of_links(portal: Client) -> None:
    company = await portal.post(f"{DATED}/companies", properties={"name": "Acme"})
    end = {"object": "companies", "ids": [company.json["id"]]}
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    link = {"to": {"id": company.json["id"]}, "types": types}
    body = {"properties": {"lastname": "Ek"}, "associations": [link]}
    await portal.control("POST", "fill-links", end)
    refused = await portal.ask("POST", f"{DATED}/contacts", body)
    assert refused.json["subCategory"] == "crm.associations.LIMIT_EXCEEDED"
    await portal.control("POST", "fill-links", {**end, "ended": True})
    assert (await portal.ask("POST", f"{DATED}/contacts", body)).status == 201
