"""``check`` asks what the daemon asks: each thing that is missing is named, with what to set, and ends with 1."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.harness.installation import Ran, Refill
from tests.harness.sandbox import Sandbox
from tests.integration.commands.test_check import failed, settled

ONLY = 'deliver_to = ["acme_hubspot", "acme_salesforce"]'
OWNER = {"active": "0055g0000000001AAA", "inactive": "0055g0000000002AAA"}


@contextlib.contextmanager
def taken(org: Sandbox, **what: object) -> Iterator[None]:
    """A right, or a field to be written, that the integration user lacks."""
    org.control("hide", what)
    try:
        yield
    finally:
        org.control("hide", {**what, "hidden": False})


def lines(ran: Ran, part: str) -> str:
    """Everything that failed in one part, in one text."""
    found = [one for one in ran.json["checks"] if one["level"] == "failed" and one["part"] == part]
    return " | ".join(f"{one['told']}: {one['do']}" for one in found)


def users(org: Sandbox) -> list[str]:
    return [str(row["id"]) for row in org.control("records/User")]


def constant(refill: Refill, crm: str, kind: str, name: str, value: str) -> None:
    head = f"[crm.{crm}]\n"
    refill.change(head, f'{head}create.{kind} = {{ {name} = "{value}" }}\n')


# ---- rights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "part"),
    [("crm.objects.contacts.write", "acme_hubspot contact"), ("crm.objects.companies.write", "acme_hubspot company")],
)
async def test_a_write_scope_that_the_token_lacks_is_named(refill: Refill, scope: str, part: str) -> None:
    hubspot = refill.vendors["hubspot"]
    scopes = [one for one in hubspot.control("settings", {})["scopes"] if one != scope]
    with settled(hubspot, scopes=scopes):
        ran = await refill("check", "--json")
    assert ran.code == 1
    assert f"give the token the scope {scope}" in lines(ran, part)


async def test_every_scope_that_the_token_lacks_is_named_at_once(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    with settled(hubspot, scopes=["crm.objects.contacts.read"]):
        ran = await refill("check", "--json")
    assert ran.code == 1
    wanted = "crm.objects.companies.read, crm.objects.companies.write, crm.objects.contacts.write"
    assert f"it lacks {wanted}: give the token the scopes {wanted}" in lines(ran, "acme_hubspot scopes")


async def test_a_scope_that_only_setup_needs_is_told_and_is_no_failure(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    scopes = [one for one in hubspot.control("settings", {})["scopes"] if not one.startswith("crm.schemas")]
    with settled(hubspot, scopes=scopes):
        ran = await refill("check", "--json")
    assert ran.code == 0
    (told,) = [one["told"] for one in ran.json["checks"] if one["part"] == "acme_hubspot scopes"]
    assert told.endswith("refill setup would also need crm.schemas.companies.write, crm.schemas.contacts.write")


async def test_an_owner_for_new_rows_takes_the_scope_of_owners(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    constant(refill, "acme_hubspot", "contact", "hubspot_owner_id", "1")
    scopes = [one for one in hubspot.control("settings", {})["scopes"] if one != "crm.objects.owners.read"]
    with settled(hubspot, scopes=scopes):
        ran = await refill("check", "--json")
    assert "give the token the scopes crm.objects.owners.read" in lines(ran, "acme_hubspot scopes")


@pytest.mark.parametrize(
    ("right", "todo"), [("createable", 'the right "Create" on Contact'), ("updateable", 'the right "Edit" on Contact')]
)
async def test_a_right_that_the_user_lacks_is_named(refill: Refill, right: str, todo: str) -> None:
    with taken(refill.vendors["salesforce"], object="Contact", right=right):
        ran = await refill("check", "--json")
    assert ran.code == 1
    assert todo in lines(ran, "acme_salesforce contact")


async def test_a_right_that_only_deliveries_need_is_not_asked_for_without_them(refill: Refill) -> None:
    refill.change(ONLY, 'deliver_to = ["acme_hubspot"]')
    with taken(refill.vendors["salesforce"], object="Contact", right="createable"):
        assert (await refill("check", "--json")).code == 0


@pytest.mark.parametrize(
    ("more", "told"), [({}, "is hidden from our user"), ({"read_only": True}, "is read-only for our user")]
)
async def test_a_field_that_only_deliveries_write_is_named(refill: Refill, more: dict[str, bool], told: str) -> None:
    with taken(refill.vendors["salesforce"], object="Account", field="Industry", **more):
        ran = await refill("check", "--json")
        assert ran.code == 1
        found = lines(ran, "acme_salesforce company")
        assert f"Industry {told}" in found
        key = 'crm.acme_salesforce.watch.company.fields.industry = { property = "Industry", write = "never" }'
        assert key in found
        refill.change("[crm.acme_salesforce]\n", f"[crm.acme_salesforce]\n{key.removeprefix('crm.acme_salesforce.')}\n")
        if more:
            assert (await refill("check", "--json")).code == 0


# ---- questions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crm", "route", "match"),
    [("hubspot", "*/{object}", "limit="), ("salesforce", "*/query", "BY+Id+ASC+LIMIT")],
)
async def test_what_a_backfill_asks_is_asked(refill: Refill, crm: str, route: str, match: str) -> None:
    refill.vendors[crm].fault("status", route, times=None, match=match, params={"status": 400})
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert f"acme_{crm} contact" in failed(ran)


async def test_a_find_query_that_an_object_refuses_is_named(refill: Refill) -> None:
    with taken(refill.vendors["salesforce"], object="Lead", field="OpenProspect_Id__c"):
        assert (await refill("check", "--json")).code == 0  # leads are then known by address and profile
    salesforce = refill.vendors["salesforce"]
    salesforce.fault("status", "*/query", times=None, match="refill-check", params={"status": 403})
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert failed(ran).keys() == {"acme_salesforce delivery"}


# ---- constants of creations --------------------------------------------------------------------------------------


async def test_an_owner_that_does_not_exist_is_named_with_its_key(refill: Refill) -> None:
    constant(refill, "acme_salesforce", "contact", "OwnerId", "0055g0000000ZZZAAA")
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert "change or drop crm.acme_salesforce.create.contact.OwnerId" in lines(ran, "acme_salesforce contact")


async def test_an_owner_who_is_not_active_is_named_in_either_spelling(refill: Refill) -> None:
    org = refill.vendors["salesforce"]
    owner = users(org)[0]
    constant(refill, "acme_salesforce", "company", "OwnerId", owner[:15])
    assert (await refill("check", "--json")).code == 0
    org.control("rules", {"inactive_users": [owner]})
    try:
        ran = await refill("check", "--json")
    finally:
        org.control("rules", {"inactive_users": []})
    assert ran.code == 1
    assert "OwnerId: it is not active" in lines(ran, "acme_salesforce company")


async def test_a_record_type_of_another_object_is_named(refill: Refill) -> None:
    org = refill.vendors["salesforce"]
    kind = str(org.control("records/RecordType")[0]["id"])  # one of contacts
    constant(refill, "acme_salesforce", "company", "RecordTypeId", kind)
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert "RecordTypeId: it is of another object" in lines(ran, "acme_salesforce company")


async def test_an_archived_owner_of_a_portal_is_named(refill: Refill) -> None:
    constant(refill, "acme_hubspot", "contact", "hubspot_owner_id", "1002")
    assert (await refill("check", "--json")).code == 0
    with settled(refill.vendors["hubspot"], archived_owners=["1002"]):
        ran = await refill("check", "--json")
    assert ran.code == 1
    assert "hubspot_owner_id: this owner is not active" in lines(ran, "acme_hubspot contact")


async def test_an_option_that_a_portal_does_not_have_is_named(refill: Refill) -> None:
    constant(refill, "acme_hubspot", "contact", "lifecyclestage", "nobody")
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert "crm.acme_hubspot.create.contact.lifecyclestage" in lines(ran, "acme_hubspot contact")


async def test_a_field_that_an_org_encrypts_is_named_with_what_comes_of_it(refill: Refill) -> None:
    org = refill.vendors["salesforce"]
    entry = {"object": "Contact", "field": "Email", "encrypted": True}
    org.control("hide", entry)
    try:
        ran = await refill("check", "--json")
    finally:
        org.control("hide", entry | {"hidden": False})
    assert ran.code == 1
    assert "Email cannot be searched, so deliveries find no row by it" in lines(ran, "acme_salesforce contact")
