"""``refill plan`` buys and writes nothing and foretells the pass; ``sync --plan`` fills what was planned, no more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness.installation import Ran, Refill
from tests.harness.sandbox import Sandbox
from tests.harness.vendors import all_vendors
from tests.integration.commands.test_undo import Rows, edit, rows

NAMES = {"email", "phone", "mobilephone", "jobtitle", "Email", "Phone", "MobilePhone", "Title"}
FIELDS = {"email": "work_email", "phone": "phone", "mobilephone": "mobile_phone", "jobtitle": "job_title"}
FIELDS |= {"Email": "work_email", "Phone": "phone", "MobilePhone": "mobile_phone", "Title": "job_title"}
PROVIDERS = ("forager", "kaspr")
Planned = dict[tuple[str, str, str], dict[str, Any]]


def read(ran: Ran) -> tuple[Planned, dict[str, Any]]:
    """The planned records, and the totals."""
    assert ran.code == 0, ran.err
    *lines, last = [json.loads(line) for line in ran.out.splitlines()]
    return {(one["crm"], one["object"], one["id"]): one for one in lines}, last["totals"]


def spent(vendors: Mapping[str, Sandbox]) -> dict[str, int]:
    return {name: vendors[name].control("summary")["credits"] for name in PROVIDERS}


def changed(before: Rows, after: Rows) -> set[tuple[str, str, str]]:
    return {record for record in before if before[record] != after[record]}


def lies_in(told: dict[str, Any], credits: dict[str, int]) -> None:
    bands = {name: told["credits"].get(name, dict.fromkeys(("low", "high", "most"), 0)) for name in credits}
    for name, cost in credits.items():
        assert bands[name]["low"] <= cost <= bands[name]["high"] <= bands[name]["most"], (name, cost, bands)


async def test_a_plan_foretells_the_pass_and_a_saved_one_is_carried_out_alone(fresh: Refill, tmp_path: Path) -> None:
    fresh.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', "deliver_to = []")
    before, saved = rows(fresh.vendors, NAMES), tmp_path / "plan.jsonl"

    shown = await fresh("plan")
    assert "Plan: nothing was bought, nothing was written" in shown.out
    assert not set("┃│") & set(shown.out), "plain lines in a pipe"
    planned, totals = read(await fresh("plan", "--json", "--limit", "9", "--save", str(saved)))
    assert (len(planned), totals["visits"], totals["limited"]) == (9, 9, True)
    everybody, whole = read(await fresh("plan", "--json"))
    assert whole["visits"] == len(everybody) > 20
    assert (rows(fresh.vendors, NAMES), spent(fresh.vendors)) == (before, {"forager": 0, "kaspr": 0})
    block = await fresh("plan", "--record", *next(iter(planned)))
    assert " ".join(next(iter(planned))) in block.out
    assert "ask 1. " in block.out

    drifted = next(iter(planned))
    edit(fresh.vendors, drifted, "email" if drifted[0] == "acme_hubspot" else "Email", "typed@by-a-person.example")
    edited = rows(fresh.vendors, NAMES)
    ended = await fresh("sync", "--plan", str(saved), "--json", "--patience", "5")
    assert ended.code == 4, ended.err
    assert ended.json["drifted"] == [dict(zip(("crm", "object", "id"), drifted, strict=True))]
    assert "have changed since the plan was made" in ended.err
    after = rows(fresh.vendors, NAMES)
    assert changed(edited, after) <= planned.keys() - {drifted}
    assert changed(edited, after), "something was filled"
    for record in changed(edited, after):
        filled = {FIELDS[name] for name in NAMES if edited[record].get(name) != after[record].get(name)}
        one = planned[record]
        may = {line["field"] for line in one["write"]} | {name for step in one["ask"] for name in step["for"]}
        assert filled <= may, "no field but the planned ones"
    lies_in(totals, ended.json["credits"])
    told = (await fresh("journal", "--reason", "since the plan was made", "--json")).out.splitlines()
    assert [json.loads(line)["id"] for line in told] == [drifted[2]]

    _, rest = read(await fresh("plan", "--json"))
    assert rest["visits"] <= whole["visits"] - 8
    done = await fresh("sync", "--full", "--json", "--patience", "5")
    lies_in(rest, done.json["credits"])
    assert changed(edited, rows(fresh.vendors, NAMES)) <= everybody.keys()
    nothing, at_last = read(await fresh("plan", "--json"))
    assert (nothing, at_last["credits"]) == ({}, {})


async def test_what_the_run_of_a_plan_writes_itself_is_no_drift(fresh: Refill, tmp_path: Path) -> None:
    saved = tmp_path / "plan.jsonl"
    fresh.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', "deliver_to = []")
    (await fresh("plan", "--save", str(saved))).is_fit_to_be_seen()
    ended = await fresh("sync", "--plan", str(saved), "--json", "--patience", "90")
    assert (ended.json["drifted"], ended.json["filled"] > 40) == ([], True), ended.err
    assert "drifted" not in {one["why"] for one in ended.json["left"]}


async def test_a_plan_foretells_deliveries(fresh: Refill) -> None:
    planned, totals = read(await fresh("plan", "--json", "--object", "delivery"))
    deliveries = {record: one for record, one in planned.items() if record[1] == "delivery"}
    assert planned == deliveries
    before = {table: _count(fresh.vendors, table) for table in TABLES}
    await fresh("sync", "--json", "--patience", "5")
    for table, (vendor, what) in TABLES.items():
        told = totals["deliveries"][f"acme_{vendor}"]
        made = _count(fresh.vendors, table) - before[table]
        assert 0 < made <= told[what] <= made + 2, (table, "one person in two deliveries may be told twice")


TABLES = {
    "companies": ("hubspot", "companies"),
    "contacts": ("hubspot", "people"),
    "Account": ("salesforce", "companies"),
    "Contact": ("salesforce", "people"),
}


def _count(vendors: Mapping[str, Sandbox], table: str) -> int:
    return len(vendors[TABLES[table][0]].control(f"records/{table}"))


async def test_what_is_kept_is_written_and_a_reason_told(fresh: Refill) -> None:
    fresh.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', "deliver_to = []")
    run = (await fresh("sync", "--full", "--json", "--patience", "5")).json["run"]
    line = next(
        one
        for text in (await fresh("journal", "--run", run, "--json")).out.splitlines()
        if (one := json.loads(text))["kind"] == "change"
        and one["state"] == "confirmed"
        and one["crm"] == "acme_hubspot"
    )
    record = (line["crm"], line["object"], line["id"])
    edit(fresh.vendors, record, line["property"], "")
    refused = await fresh("plan", "--record", *record)
    assert f"{line['field']} stays: refused" in refused.out
    (await fresh("replay", *record)).is_fit_to_be_seen()
    planned, totals = read(await fresh("plan", "--json", "--record", *record))
    assert planned[record]["crm"] == "acme_hubspot"
    assert totals["visits"] + sum(totals["closed"].values()) >= 1


async def test_wrong_use_says_what_is_wrong(refill: Refill, tmp_path: Path) -> None:
    ended = await refill("plan", "--crm", "nobody")
    assert (ended.code, 'no crm is called "nobody"' in ended.err) == (2, True)
    (tmp_path / "p").write_text("{}", encoding="utf-8")
    ended = await refill("sync", "--plan", str(tmp_path / "p"))
    assert (ended.code, "is not a plan" in ended.err) == (2, True)
    line = {"crm": "acme_hubspot", "object": "contact", "id": "1", "fields": ["shoe_size"], "mark": "0" * 24}
    (tmp_path / "q").write_text('{"refill_plan":1}\n' + json.dumps(line), encoding="utf-8")
    ended = await refill("sync", "--plan", str(tmp_path / "q"))
    assert (ended.code, "fields that do not exist: shoe_size" in ended.err) == (2, True)
    (tmp_path / "q").write_text('{"refill_plan":1}\n' + json.dumps(line | {"fields": ["phone"]}), encoding="utf-8")
    ended = await refill("sync", "--plan", str(tmp_path / "q"), "--json", "--patience", "3")
    assert (ended.code, [one["id"] for one in ended.json["drifted"]]) == (4, ["1"]), "a record that is not there"
    ended = await refill("sync", "--plan", str(tmp_path / "p"), "--full")
    assert (ended.code, "--plan says which records" in ended.err) == (2, True)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_cost_of_a_thousand_records_lies_in_the_band(tmp_path: Path) -> None:
    with all_vendors("--records", "1000", "--companies", "160") as vendors:
        refill = Refill(tmp_path, vendors)
        refill.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', "deliver_to = []")
        _, first = read(await refill("plan", "--json", "--crm", "acme_hubspot", "--object", "contact"))
        assert first["records"] >= 950
        filled = (await refill("backfill", "acme_hubspot", "contact", "--json")).json
        lies_in(first, filled["credits"])
        _, second = read(await refill("plan", "--json"))
        assert all(one["by"] != "price list" for one in second["credits"].values())
        done = await refill("sync", "--full", "--json", "--patience", "10")
        lies_in(second, done.json["credits"])


async def test_of_a_crm_that_is_only_observed_a_plan_tells_what_review_would_do(refill: Refill) -> None:
    reviewed, whole = read(await refill("plan", "--json", "--crm", "acme_hubspot", "--object", "contact"))
    refill.set(REFILL_CRM__ACME_HUBSPOT__MODE="observe")
    observed, totals = read(await refill("plan", "--json", "--crm", "acme_hubspot", "--object", "contact"))
    assert (len(observed), totals["visits"]) == (len(reviewed), whole["visits"])
    assert (whole["observe"], totals["observe"]) == ([], ["acme_hubspot"])
    assert "crm.acme_hubspot.mode" in (await refill("plan", "--crm", "acme_hubspot")).out

    ran = await refill.alone("sync", "--record", *next(iter(observed)), "--json")
    assert (ran.code, sum(ran.json["credits"].values())) == (0, 0)
    assert "acme_hubspot is in the mode observe" in ran.err
