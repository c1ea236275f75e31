"""Checks what the daemon asks: each thing that is missing is named, with what to set, and ends with 1."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.harness.installation import Refill
from tests.integration.commands.checking import (
    added,
    checked,
    constant,
    delivering_to,
    hidden,
    settled,
    together,
    without_scopes,
)

SCOPES = "crm.objects.companies.read, crm.objects.companies.write, crm.objects.contacts.write"
PORTAL, ORG = "acme_hubspot contact", "acme_salesforce contact"
Wrong = Callable[[Refill], AbstractContextManager[Any]]


def scopes(*names: str, **more: Wrong) -> Wrong:
    return lambda refill: together(*(one(refill) for one in more.values()), without_scopes(refill, *names))


def rights(**what: object) -> Wrong:
    return lambda refill: hidden(refill, **what)


def reads(**what: str) -> Wrong:
    """Hides something of an org to which nothing is delivered."""
    return lambda refill: together(delivering_to(refill, "acme_hubspot"), hidden(refill, **what))


def value(*of: str) -> Wrong:
    return lambda refill: constant(refill, *of)


def record_type_of_contacts(refill: Refill) -> AbstractContextManager[Any]:
    kind = str(refill.vendors["salesforce"].control("records/RecordType")[0]["id"])
    return constant(refill, "acme_salesforce", "company", "RecordTypeId", kind)


def unknown_properties(refill: Refill) -> AbstractContextManager[Any]:
    lines = ('job_title = { property = "no_such_title" }', 'phone = { property = "createdate" }')
    where = 'where = { no_such_stage = "lead" }'
    return added(refill, "crm.acme_hubspot.watch.contact", *(f"fields.{one}" for one in lines), where)


def owner_by_no_id(refill: Refill) -> AbstractContextManager[Any]:
    return added(refill, "crm.acme_salesforce.watch.lead", 'where = { OwnerId = "0055g0000000PERAAB" }')


WRONG: dict[str, tuple[Wrong, str, *tuple[str, ...]]] = {
    "scope of contacts": (scopes("crm.objects.contacts.write"), PORTAL, "the scope crm.objects.contacts.write"),
    "scope of companies": (
        scopes("crm.objects.companies.write"), "acme_hubspot company", "the scope crm.objects.companies.write"
    ),
    "scope of companies that are only read": (
        scopes("crm.objects.companies", to=lambda refill: delivering_to(refill, "acme_salesforce")),
        PORTAL, "crm.objects.companies.read",
    ),
    "every scope but one": (
        lambda refill: settled(refill, "hubspot", scopes=["crm.objects.contacts.read"]),
        "acme_hubspot scopes", f"it lacks {SCOPES}: give the token the scopes {SCOPES}",
    ),
    "scope of owners of new rows": (
        scopes("crm.objects.owners.read", of=value("acme_hubspot", "contact", "hubspot_owner_id", "1")),
        "acme_hubspot scopes", "give the token the scopes crm.objects.owners.read",
    ),
    "right to make rows": (rights(object="Contact", right="createable"), ORG, 'the right "Create" on Contact'),
    "right to edit rows": (rights(object="Contact", right="updateable"), ORG, 'the right "Edit" on Contact'),
    "search by a field": (
        rights(object="Contact", field="Email", encrypted=True),
        ORG, "Email cannot be searched, so deliveries find no row by it",
    ),
    "website of accounts": (reads(object="Account", field="Website"), ORG, "Website", "read access"),
    "name of accounts": (reads(object="Account", field="Name"), ORG, "Name", "read access"),
    "account of contacts": (reads(object="Contact", field="AccountId"), ORG, "AccountId", "read access"),
    "accounts": (reads(object="Account"), ORG, "Account", "read access"),
    "version in service": (
        lambda refill: settled(refill, "salesforce", retired_below=67.0),
        "acme_salesforce", "set crm.acme_salesforce.api_version to 67.0",
    ),
    "property": (
        unknown_properties, PORTAL, "no_such_title", "crm.acme_hubspot.watch.contact.fields.job_title", "read-only",
        "fields.phone", "no_such_stage", "crm.acme_hubspot.watch.contact.where",
    ),
    "id to select by": (owner_by_no_id, "acme_salesforce lead", "crm.acme_salesforce.watch.lead.where.OwnerId"),
    "owner": (
        value("acme_salesforce", "contact", "OwnerId", "0055g0000000ZZZAAA"),
        ORG, "change or drop crm.acme_salesforce.create.contact.OwnerId",
    ),
    "record type of the object": (
        record_type_of_contacts, "acme_salesforce company", "RecordTypeId: it is of another object"
    ),
    "option of a portal": (
        value("acme_hubspot", "contact", "lifecyclestage", "nobody"),
        PORTAL, "crm.acme_hubspot.create.contact.lifecyclestage",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lacking", WRONG)
async def test_what_is_lacking_is_named_with_what_to_do(refill: Refill, lacking: str) -> None:
    wrong, part, *words = WRONG[lacking]
    with wrong(refill):
        failed = (await checked(refill, 1)).failed
    assert [one for one in words if one not in failed[part]] == []


async def test_a_scope_that_only_setup_needs_is_told_and_is_no_failure(refill: Refill) -> None:
    with without_scopes(refill, "crm.schemas"):
        told = (await checked(refill)).told["acme_hubspot scopes"]
    assert told.endswith("refill setup would also need crm.schemas.companies.write, crm.schemas.contacts.write")


async def test_a_right_that_only_deliveries_need_is_not_asked_for_without_them(refill: Refill) -> None:
    with delivering_to(refill, "acme_hubspot"), hidden(refill, object="Contact", right="createable"):
        await checked(refill)


@pytest.mark.parametrize("field", ["HasOptedOutOfEmail", "DoNotCall"])
async def test_consent_that_cannot_be_read_is_a_failure_unless_it_is_accepted(refill: Refill, field: str) -> None:
    with hidden(refill, object="Contact", field=field):
        found = (await checked(refill, 1)).failed["acme_salesforce contact"]
        assert field in found
        assert 'crm.acme_salesforce.consent_unreadable = "accept"' in found
        refill.change('kind = "salesforce"\n', 'kind = "salesforce"\nconsent_unreadable = "accept"\n')
        await checked(refill)


@pytest.mark.parametrize(
    ("more", "told"), [({}, "is hidden from our user"), ({"read_only": True}, "is read-only for our user")]
)
async def test_a_field_that_only_deliveries_write_is_named(refill: Refill, more: dict[str, bool], told: str) -> None:
    with hidden(refill, object="Account", field="Industry", **more):
        found = (await checked(refill, 1)).failed["acme_salesforce company"]
        assert f"Industry {told}" in found
        key = 'crm.acme_salesforce.watch.company.fields.industry = { property = "Industry", write = "never" }'
        assert key in found
        with added(refill, "crm.acme_salesforce", key.removeprefix("crm.acme_salesforce.")):
            await checked(refill, 0 if more else 1)


@pytest.mark.parametrize(
    ("crm", "route", "match"), [("hubspot", "*/{object}", "limit="), ("salesforce", "*/query", "BY+Id+ASC+LIMIT")]
)
async def test_what_a_backfill_asks_is_asked(refill: Refill, crm: str, route: str, match: str) -> None:
    refill.vendors[crm].fault("status", route, times=None, match=match, params={"status": 400})
    assert f"acme_{crm} contact" in (await checked(refill, 1)).failed


async def test_a_find_query_that_an_object_refuses_is_named(refill: Refill) -> None:
    with hidden(refill, object="Lead", field="OpenProspect_Id__c"):
        await checked(refill)  # leads are then known by address and profile
    salesforce = refill.vendors["salesforce"]
    salesforce.fault("status", "*/query", times=None, match="refill-check", params={"status": 403})
    assert (await checked(refill, 1)).failed.keys() == {"acme_salesforce delivery"}


async def test_an_owner_who_is_not_active_is_named_in_either_spelling(refill: Refill) -> None:
    org = refill.vendors["salesforce"]
    owner = str(org.control("records/User")[0]["id"])
    with constant(refill, "acme_salesforce", "company", "OwnerId", owner[:15]):
        await checked(refill)
    org.control("rules", {"inactive_users": [owner]})
    try:
        failed = (await checked(refill, 1)).failed
    finally:
        org.control("rules", {"inactive_users": []})
    assert "OwnerId: it is not active" in failed["acme_salesforce company"]


async def test_an_archived_owner_of_a_portal_is_named(refill: Refill) -> None:
    with constant(refill, "acme_hubspot", "contact", "hubspot_owner_id", "1002"):
        await checked(refill)
        with settled(refill, "hubspot", archived_owners=["1002"]):
            failed = (await checked(refill, 1)).failed
    assert "hubspot_owner_id: this owner is not active" in failed["acme_hubspot contact"]
