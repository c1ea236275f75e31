"""``undo --created`` archives rows that deliveries made and nobody touched; nothing makes them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.vendors import all_vendors
from tests.integration.commands.test_undo import edit

TABLES = {"acme_hubspot": ("hubspot", "contacts"), "acme_salesforce": ("salesforce", "Contact")}
COMPANIES = {"acme_hubspot": ("hubspot", "companies"), "acme_salesforce": ("salesforce", "Account")}
Row = tuple[str, str, str]


def living(vendors: Mapping[str, Sandbox], kind: str = "contact") -> set[Row]:
    found = set()
    for crm, (vendor, table) in (TABLES if kind == "contact" else COMPANIES).items():
        for row in vendors[vendor].control(f"records/{table}"):
            if not row.get("archived") and not row.get("deleted"):
                found.add((crm, kind, str(row.get("id") or row.get("Id"))))
    return found


async def made(refill: Refill, run: str, kind: str = "contact") -> list[Row]:
    told = [json.loads(line) for line in (await refill("journal", "--run", run, "--json")).out.splitlines()]
    rows = [(one["crm"], one["object"], one["id"]) for one in told if one["kind"] == "created"]
    return sorted(row for row in rows if row[1] == kind)


async def written(refill: Refill, run: str) -> set[Row]:
    """Returns the rows that visits of the run wrote on: an undo visits them, archived or not."""
    told = [json.loads(line) for line in (await refill("journal", "--run", run, "--json")).out.splitlines()]
    return {(one["crm"], one["object"], one["id"]) for one in told if one["state"] == "confirmed"}


def company_of(vendors: Mapping[str, Sandbox], row: Row) -> str:
    """Returns the id of the company that a contact is at."""
    vendor, table = TABLES[row[0]]
    (found,) = [one for one in vendors[vendor].control(f"records/{table}") if str(one.get("id")) == row[2]]
    return str(found["properties"].get("associatedcompanyid") or found["properties"].get("AccountId") or "")


def hire(vendors: Mapping[str, Sandbox], company: Row) -> None:
    """A person adds a contact at a company, without writing on it."""
    crm, _, id = company
    vendor = vendors[TABLES[crm][0]]
    if crm == "acme_hubspot":
        contact = vendor.control("records/contacts", {"properties": {"email": "new@by-a-person.example"}})["id"]
        vendor.control("link", {"contact": contact, "company": id})
        return
    vendor.control("records/Contact", {"properties": {"LastName": "Newcomer", "AccountId": id}})


def type_on(vendors: Mapping[str, Sandbox], company: Row) -> None:
    vendor, table = COMPANIES[company[0]]
    city = "city" if vendor == "hubspot" else "BillingCity"
    vendors[vendor].control("edit", {"object": table, "id": company[2], "properties": {city: "Typed by a person"}})


def outcome(listed: list[dict[str, Any]]) -> dict[Row, str]:
    return {(one["crm"], one["object"], one["id"]): one["stands"] for one in listed if not one["property"]}


async def test_created_rows_that_nobody_touched_are_archived_and_not_made_again(fresh: Refill) -> None:
    before = living(fresh.vendors)
    run = (await fresh("sync", "--json", "--patience", "5")).json["run"]
    created = await made(fresh, run)
    assert {row[0] for row in created} == TABLES.keys()
    assert set(created) <= living(fresh.vendors) - before
    filled = await written(fresh, run)
    touched = {next(row for row in created if row[0] == crm and row in filled) for crm in TABLES}
    for row in touched:
        edit(fresh.vendors, row, "city" if row[0] == "acme_hubspot" else "MailingCity", "Typed by a person")

    hired = {row: company_of(fresh.vendors, row) for row in touched}
    companies = set(await made(fresh, run, "company"))
    kept = {(row[0], "company", id) for row, id in hired.items()} & companies
    free = companies - kept

    without = (await fresh("undo", "--run", run, "--dry-run", "--json")).json
    assert not outcome([*without["back"], *without["left"]])
    shown = (await fresh("undo", "--run", run, "--created", "--dry-run", "--json")).json
    assert outcome(shown["left"]) == dict.fromkeys(touched, "touched") | dict.fromkeys(kept, "linked")
    assert outcome(shown["back"]) == dict.fromkeys((set(created) - touched) | free, "back")
    assert set(created) <= living(fresh.vendors)

    ended = await fresh("undo", "--run", run, "--created", "--yes", "--json", "--patience", "5")
    assert ended.code == 0, ended.err
    assert outcome(ended.json["back"]) == dict.fromkeys((set(created) - touched) | free, "undone")
    assert outcome(ended.json["left"]) == dict.fromkeys(touched, "touched") | dict.fromkeys(kept, "linked")
    assert living(fresh.vendors) & set(created) == touched
    assert living(fresh.vendors, "company") & companies == kept
    told = (await fresh("journal", "--run", ended.json["run"], "--json")).out.splitlines()
    assert {"archived", "touched"} <= {json.loads(line)["state"] for line in told}

    again = await fresh("undo", "--run", run, "--created", "--yes", "--json", "--patience", "5")
    assert again.code == 0, again.err
    assert set(outcome(again.json["left"]).values()) <= {"gone", "touched", "linked"}
    await fresh("sync", "--full", "--json", "--patience", "5")
    assert living(fresh.vendors) & set(created) == touched
    assert living(fresh.vendors, "company") & companies == kept
    row = min(set(created) - touched)
    replayed = await fresh("replay", *row, "--json")
    assert (replayed.code, replayed.json["may_be_made_again"]) == (0, True), replayed.err
    assert not (await fresh("replay", *row, "--json")).json["may_be_made_again"]


async def test_a_created_company_stays_while_somebody_has_written_on_it_or_is_at_it(tmp_path: Path) -> None:
    with all_vendors("--delivered-companies", "12") as vendors:
        refill = Refill(tmp_path, vendors)
        people_before, before = living(vendors), living(vendors, "company")
        run = (await refill("sync", "--json", "--patience", "5")).json["run"]
        companies = await made(refill, run, "company")
        by_crm = {crm: [row for row in companies if row[0] == crm] for crm in TABLES}
        assert all(len(rows) >= 3 for rows in by_crm.values()), by_crm
        typed, hired = ({rows[place] for rows in by_crm.values()} for place in (0, 1))
        for row in typed:
            type_on(vendors, row)
        for row in hired:
            hire(vendors, row)
        account = next(row for row in by_crm["acme_salesforce"] if row not in typed | hired)
        sold = {"properties": {"Name": "A deal", "AccountId": account[2]}}
        vendors["salesforce"].control("records/Opportunity", sold)
        bought = next(row for row in by_crm["acme_hubspot"] if row not in typed | hired)
        counted = {"object": "companies", "id": bought[2], "property": "num_associated_deals"}
        vendors["hubspot"].control("count", counted)

        ended = await refill("undo", "--run", run, "--created", "--yes", "--json", "--patience", "5")
        assert ended.code == 0, ended.err
        stands = {row: word for row, word in outcome(ended.json["left"]).items() if row[1] == "company"}
        assert stands == dict.fromkeys(typed, "touched") | dict.fromkeys({*hired, account, bought}, "linked")
        assert living(vendors, "company") & set(companies) == stands.keys()
        assert before <= living(vendors, "company")
        assert people_before <= living(vendors), "nobody went with their company"
        told = [
            json.loads(one) for one in (await refill("journal", "--run", ended.json["run"], "--json")).out.splitlines()
        ]
        assert {one["state"] for one in told if one["object"] == "company"} >= {"archived"}

        await refill("sync", "--full", "--json", "--patience", "5")
        assert living(vendors, "company") & set(companies) == stands.keys(), "none is made again"
        assert living(vendors, "company") - set(companies) == before
        row = min(set(companies) - stands.keys())
        replayed = await refill("replay", *row, "--json")
        assert (replayed.code, replayed.json["may_be_made_again"]) == (0, True), replayed.err
