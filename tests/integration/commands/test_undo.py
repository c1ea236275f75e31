"""Undo: what still stands as we wrote it goes back to the byte, what a person touched stays and is listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.vendors import all_vendors

KINDS = {
    "acme_hubspot": ("hubspot", {"contact": "contacts"}),
    "acme_salesforce": ("salesforce", {"contact": "Contact", "lead": "Lead"}),
}
NOTHING = ("hs_lastmodifieddate", "lastmodifieddate", "SystemModstamp", "LastModifiedDate", "LastModifiedById")
Rows = dict[tuple[str, str, str], dict[str, Any]]


def rows(vendors: Mapping[str, Sandbox], names: set[str]) -> Rows:
    """Returns what every watched row holds in the properties that ``names`` lists."""
    found: Rows = {}
    for crm, (vendor, tables) in KINDS.items():
        for kind, table in tables.items():
            for row in vendors[vendor].control(f"records/{table}"):
                values = row.get("properties") or row.get("values") or row
                held = {name: values.get(name) or None for name in names if name in values or vendor == "hubspot"}
                found[crm, kind, row.get("id") or row.get("Id")] = held
    return found


def edit(vendors: Mapping[str, Sandbox], record: tuple[str, str, str], property: str, value: str) -> None:
    vendor, tables = KINDS[record[0]]
    body = {"object": tables[record[1]], "id": record[2], "properties": {property: value}}
    vendors[vendor].control("edit", body | {"fields": {property: value}, "values": {property: value}})


async def changes(refill: Refill, run: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in (await refill("journal", "--run", run, "--json")).out.splitlines()]
    return [
        one for one in told if one["kind"] == "change" and one["state"] == "confirmed" and one["object"] != "company"
    ]


async def undone_but_for_what_people_edited(folder: Path, *options: str) -> int:
    """Run, let people edit a fifth of what was changed, undo, and compare; gives how many changes there were."""
    with all_vendors(*options) as vendors:
        refill = Refill(folder, vendors)
        refill.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', "deliver_to = []")
        names = {"email", "phone", "mobilephone", "jobtitle", "Email", "Phone", "MobilePhone", "Title"}
        before = rows(vendors, names)
        report = (await refill("sync", "--full", "--json", "--patience", "10")).json
        run = report["run"]
        made = await changes(refill, run)
        records = sorted({(one["crm"], one["object"], one["id"]) for one in made})
        edited = {record for number, record in enumerate(records) if number % 5 == 0}
        for record in edited:
            for one in made:
                if (one["crm"], one["object"], one["id"]) == record:
                    edit(vendors, record, one["property"], _other(one["after"]))
        after = rows(vendors, names)

        shown = (await refill("undo", "--run", run, "--dry-run", "--json")).json
        lines = (await refill("undo", "--run", run, "--dry-run")).out.splitlines()
        for one in [*shown["back"], *shown["left"]]:
            start = f"{one['crm']} {one['object']} {one['id']}  {one['field']}  "
            assert any(line.startswith(start) for line in lines), "an entry is on one line, whole"
        assert rows(vendors, names) == after, "a dry run writes nothing"
        asked = await refill("undo", "--run", run)
        assert (asked.code, "nothing was undone" in asked.err) == (1, True)
        ended = await refill("undo", "--run", run, "--yes", "--json")
        assert ended.code == 0, ended.err
        now = rows(vendors, names)
        untouched = [record for record in records if record not in edited]
        assert {record: now[record] for record in untouched} == {record: before[record] for record in untouched}
        assert {record: now[record] for record in edited} == {record: after[record] for record in edited}
        left = {(one["crm"], one["object"], one["id"], one["property"]) for one in ended.json["left"]}
        assert left == {
            (one["crm"], one["object"], one["id"], one["property"])
            for one in made
            if (one["crm"], one["object"], one["id"]) in edited
        }
        assert ended.json["undone"] == len(ended.json["back"]) == len(shown["back"]) == len(made) - len(left)
        spent = {name: vendors[name].control("summary")["credits"] for name in ("forager", "kaspr")}

        # An answer that another record has paid for meanwhile may fill what was blank before: that was not undone.
        undone = {(one["crm"], one["object"], one["id"], one["property"]) for one in ended.json["back"]}
        await refill("sync", "--full", "--json", "--patience", "5")
        assert held(rows(vendors, names), undone) == held(before, undone), "what was undone is never written again"
        assert spent == {name: vendors[name].control("summary")["credits"] for name in spent}

        again = await refill("undo", "--run", ended.json["run"], "--yes", "--json")
        taken = {(one["crm"], one["object"], one["id"], one["property"]) for one in again.json["left"]}
        assert {one["stands"] for one in again.json["left"]} <= {"refused"}, "an address that a twin row got meanwhile"
        assert (again.code, again.json["undone"] + len(taken)) == (0, ended.json["undone"]), again.err
        undone -= taken
        assert held(rows(vendors, names), undone) == held(after, undone), "an undo of an undo brings everything back"

        record = min(one[:3] for one in undone)
        mine = {one for one in undone if one[:3] == record}
        assert (await refill("undo", "--record", *record, "--yes", "--json")).code == 0
        await refill("sync", "--record", *record, "--json", "--patience", "5")
        assert held(rows(vendors, names), mine) == held(before, mine)
        await refill("replay", *record)
        await refill("sync", "--record", *record, "--json", "--patience", "5")
        assert held(rows(vendors, names), mine) == held(after, mine), "a replay opens what was undone"
        return len(made)


def held(found: Rows, properties: set[tuple[str, str, str, str]]) -> dict[tuple[str, str, str, str], Any]:
    return {(crm, kind, id, name): found[crm, kind, id][name] for crm, kind, id, name in properties}


def _other(value: str) -> str:
    if value.startswith("+"):
        return value[:-3] + ("999" if value[-3:] != "999" else "888")
    return f"New{value}".replace(" ", "")


async def test_undo_takes_back_all_but_what_people_edited_in_both_crms(tmp_path: Path) -> None:
    assert await undone_but_for_what_people_edited(tmp_path) > 30


@pytest.mark.slow
async def test_undo_takes_back_a_thousand_changes(tmp_path: Path) -> None:
    assert await undone_but_for_what_people_edited(tmp_path, "--records", "420", "--companies", "80") >= 1_000


async def test_wrong_use_says_what_to_name(refill: Refill) -> None:
    ended = await refill("undo", "--yes")
    assert (ended.code, "--run, --record or --since" in ended.err) == (2, True)
    ended = await refill("undo", "--run", "sync-nobody", "--yes")
    assert (ended.code, "no change of ours" in ended.err) == (1, True)
