"""New rows are whole, or a dead letter says what is missing; one that cannot be made stops no other."""

from __future__ import annotations

import dataclasses

import pytest

from connectors.errors import AccessError
from connectors.models import Email, Grade
from sandbox.salesforce.fields import Field
from sandbox.salesforce.lifecycle import convert
from sandbox.salesforce.store import PERSON, DuplicateRule
from tests.integration.deliveries.desk import ACME, Desk, Open, ada, named
from worker.decide.kept import TRIES

GRACE = ada(
    id="p2",
    slug="grace-hopper",
    first_name="Grace",
    last_name="Hopper",
    full_name="Grace Hopper",
    emails=(Email("grace@acme.com", Grade.VALID),),
)
BOTH_SPELLINGS = pytest.mark.parametrize("spelling", ["duplicateResult", "duplicateResut"])


def only(rows: dict[str, dict[str, str]], first: str) -> dict[str, str]:
    (row,) = (row for row in rows.values() if row.get("first") == first)
    return row


def ruled(desk: Desk, *rules: DuplicateRule) -> None:
    desk.vendors["salesforce"].store.duplicate_rules = list(rules)


def salesforce_field(desk: Desk, object: str, name: str, **changes: object) -> None:
    store = desk.vendors["salesforce"].store
    held = store.schema.field(object, name)
    store.define(object, dataclasses.replace(held, **changes) if held else Field(name, "string", 80, **changes))  # type: ignore[arg-type]  # fields of Field


# ---- crm.md, row 1: at the company, in one call ---------------------------------------------------------------------


async def test_contact_is_made_at_its_company_in_the_same_call(desk: Desk) -> None:
    await desk.deliver(ada(), GRACE)
    (company,) = desk.rows("company")
    assert {row["account"] for row in desk.rows().values()} == {company}
    assert not [one for one in desk.vendors[desk.crm].books.requests if "associate" in one.route]


async def test_contacts_do_not_end_in_household_accounts_that_a_trigger_makes(org: Desk) -> None:
    org.vendors["salesforce"].store.households = True
    await org.deliver(ada(), GRACE)
    (company,) = org.rows("company")
    assert {row["account"] for row in org.rows().values()} == {company}
    assert not await org.dead()


async def test_contacts_are_made_where_the_org_requires_an_account(org: Desk) -> None:
    salesforce_field(org, "Contact", "AccountId", required=True)
    await org.deliver(ada(), GRACE)
    assert len(org.rows()) == 2
    assert not await org.dead()


async def test_company_that_takes_no_more_links_stops_no_contact_and_is_named(hub: Desk) -> None:
    company = hub.add("company", name="Acme", domain="acme.com")
    hub.vendors["hubspot"].portal.full.add(("companies", company))
    await hub.deliver(ada(), GRACE)
    assert sorted(row["first"] for row in hub.rows().values()) == ["Ada", "Grace"]
    assert (await hub.waiting())[0].startswith("org_limit: ")
    await days(hub)
    letters = await hub.dead()
    assert all(named(letters, id_, company) for id_ in hub.rows())


async def test_contact_that_takes_no_more_links_keeps_no_other_from_the_company(hub: Desk) -> None:
    full = hub.add(first="Ada", last="Lovelace", email="ada@acme.com")
    free = hub.add(first="Grace", last="Hopper", email="grace@acme.com")
    hub.vendors["hubspot"].portal.full.add(("contacts", full))
    await hub.deliver(ada(), GRACE)
    assert hub.row(free)["account"] in hub.rows("company")
    assert "account" not in hub.row(full)
    await days(hub)
    assert named(await hub.dead(), full)


async def days(desk: Desk) -> None:
    """All the time that a limit is waited for."""
    for _ in range(TRIES):
        assert not await desk.dead()
        await desk.days_later()


# ---- crm.md, rows 2 and 3: duplicate rules --------------------------------------------------------------------------


@BOTH_SPELLINGS
async def test_duplicate_rule_that_names_a_lead_ends_in_the_lead_being_filled(org: Desk, spelling: str) -> None:
    lead = org.add("lead", first="Ada", last="Lovelace", email="ada@acme.com", phone="")
    ruled(org, DuplicateRule("Contact", "Email", blocking=True, against="Lead", key=spelling))
    await org.deliver(ada())
    assert not org.rows()
    assert org.row(lead, "lead")["title"] == "Analyst"
    assert not await org.dead()


@BOTH_SPELLINGS
async def test_duplicate_rule_that_names_a_stranger_is_a_dead_letter_with_both(org: Desk, spelling: str) -> None:
    other = org.add("lead", first="Byron", last="King", title="Analyst")
    ruled(org, DuplicateRule("Contact", "Title", blocking=True, against="Lead", key=spelling))
    await org.deliver(ada(), dataclasses.replace(GRACE, title="Admiral"))
    assert [row["first"] for row in org.rows().values()] == ["Grace"]
    assert named(await org.dead(), "p1", other, "Sandbox_Title_Rule")


@BOTH_SPELLINGS
async def test_duplicate_rule_that_names_the_persons_own_contact_ends_in_a_match(org: Desk, spelling: str) -> None:
    row = org.add(first="Ada", last="Lovelace", title="Analyst")
    ruled(org, DuplicateRule("Contact", "LastName", blocking=True, key=spelling))
    await org.deliver(ada())
    assert org.rows().keys() == {row}
    assert org.row(row)["email"] == "ada@acme.com"


@pytest.mark.parametrize(("setting", "made"), [("respect", 1), ("allow", 2)])
async def test_rule_that_only_warns_is_passed_over_on_an_operators_word(
    open_desk: Open, setting: str, made: int
) -> None:
    async with open_desk("salesforce", duplicate_rule=setting) as desk:
        desk.add(first="Byron", last="King", title="Analyst")
        ruled(desk, DuplicateRule("Contact", "Title", blocking=False))
        await desk.deliver(ada())
        assert len(desk.rows()) == made
        assert bool(await desk.dead()) == (setting == "respect")


async def test_account_that_a_rule_takes_for_another_domains_is_not_filled(org: Desk) -> None:
    other = org.add("company", name="Acme", domain="https://acme.org")
    ruled(org, DuplicateRule("Account", "Name", blocking=True))
    await org.deliver(ada())
    assert org.rows("company") == {other: {"name": "Acme", "domain": "https://acme.org"}}
    assert named(await org.dead(), "c1", other, "p1")
    assert only(org.rows(), "Ada")


# ---- crm.md, row 4: refused values and required fields --------------------------------------------------------------


async def test_refused_value_of_a_company_is_left_out_and_told(org: Desk) -> None:
    salesforce_field(org, "Account", "BillingCountry", refused=("Germany",))
    await org.deliver(ada(), GRACE, company=dataclasses.replace(ACME, country="Germany"))
    ((company, row),) = org.rows("company").items()
    assert row == {"name": "Acme", "domain": "https://acme.com", "external": "c1"}
    assert len(org.rows()) == 2
    assert not await org.dead()
    told = [one for one in await org.journal() if one.get("state") == "refused"]
    assert [(one["property"], one["id"]) for one in told] == [("BillingCountry", company)]


async def test_refused_address_of_one_person_leaves_the_others_and_the_person_whole(hub: Desk) -> None:
    hub.vendors["hubspot"].portal.refused_values["contacts", "email", "ada@acme.com"] = "INVALID_EMAIL"
    await hub.deliver(ada(), GRACE)
    assert "email" not in only(hub.rows(), "Ada")
    assert only(hub.rows(), "Ada")["linkedin"]
    assert only(hub.rows(), "Grace")["email"] == "grace@acme.com"
    assert not await hub.dead()


async def test_required_field_that_is_not_delivered_is_named_with_the_person_and_stops_nobody_else(desk: Desk) -> None:
    known = desk.add(first="Grace", last="Hopper", email="grace@acme.com")
    name = require(desk, "contact")
    await desk.deliver(ada(), GRACE)
    assert desk.rows().keys() == {known}
    assert desk.row(known)["title"] == "Analyst"
    assert named(await desk.dead(), "p1", name)


async def test_required_field_of_companies_is_named_and_people_are_made_without_one(desk: Desk) -> None:
    name = require(desk, "company")
    await desk.deliver(ada())
    assert not desk.rows("company")
    assert only(desk.rows(), "Ada")
    assert named(await desk.dead(), "c1", name, "p1")


@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
async def test_constants_of_the_configuration_fill_what_is_required(open_desk: Open, crm: str) -> None:
    property = {"hubspot": "lifecyclestage", "salesforce": "LeadSource"}[crm]
    value = {"hubspot": "lead", "salesforce": "OpenProspect"}[crm]
    async with open_desk(crm, create={"contact": {property: value}}) as desk:
        require(desk, "contact", property)
        await desk.deliver(ada())
        (row,) = desk.rows()
        assert desk.held(row)[property] == value
        assert not await desk.dead()


async def test_constants_are_for_new_rows_only(open_desk: Open) -> None:
    async with open_desk("salesforce", create={"contact": {"LeadSource": "Web"}}) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com")
        await desk.deliver(ada())
        assert desk.held(row)["LeadSource"] is None


@pytest.mark.parametrize(
    ("property", "why"), [("Nothing__c", "no such property"), ("Name", "read-only"), ("Status", "this value")]
)
async def test_constant_that_a_crm_does_not_take_is_named_at_the_start(
    open_desk: Open, property: str, why: str
) -> None:
    with pytest.raises(AccessError) as refused:
        async with open_desk("salesforce", deliver_as="lead", create={"lead": {property: "x"}}):
            pass
    assert f"create.lead.{property}" in refused.value.hint
    assert why in refused.value.hint


def require(desk: Desk, kind: str, property: str = "") -> str:
    """An administrator requires a property of new rows; its name."""
    if desk.crm == "hubspot":
        table = {"contact": "contacts", "company": "companies"}[kind]
        name = property or "state"
        desk.vendors["hubspot"].settings.required_on_create[table] = [name]
        return name
    name = property or "Region__c"
    salesforce_field(desk, {"contact": "Contact", "company": "Account"}[kind], name, required=True)
    return name


@pytest.mark.parametrize(("kind", "external_id"), [("Contact", "p1"), ("Account", "c1")])
async def test_duplicate_rule_without_a_row_is_a_dead_letter_with_it(org: Desk, kind: str, external_id: str) -> None:
    """The matched row is of another owner, and our user may not see it."""
    result = {"duplicateRule": "Standard_Rule", "matchResults": [{"entityType": kind, "matchRecords": []}]}
    error = {"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "duplicateResult": result}
    params = {"status": 400, "body": [error]}
    org.vendors["salesforce"].faults.add("status", times=None, params=params, match=f"/{kind}/")
    await org.deliver(ada())
    assert named(await org.dead(), external_id, "Standard_Rule")


async def test_duplicate_rule_that_names_a_converted_lead_ends_in_the_contact_that_it_became(org: Desk) -> None:
    store = org.vendors["salesforce"].store
    lead = org.add("lead", first="Ada", last="Lovelace", title="Analyst")
    row = convert(store, store.live("Lead", lead), PERSON).id
    ruled(org, DuplicateRule("Contact", "Title", blocking=True, against="Lead"))
    await org.deliver(ada())
    assert org.rows().keys() == {row}
    assert org.row(row)["email"] == "ada@acme.com"
    assert not await org.dead()
