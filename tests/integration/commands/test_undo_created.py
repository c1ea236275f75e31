"""``undo --created`` archives people that deliveries made and nobody touched; nothing makes them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.vendors import all_vendors
from tests.integration.commands.test_undo import edit

TABLES = {"acme_hubspot": ("hubspot", "contacts"), "acme_salesforce": ("salesforce", "Contact")}
Row = tuple[str, str, str]


def living(vendors: dict[str, Sandbox]) -> set[Row]:
    found = set()
    for crm, (vendor, table) in TABLES.items():
        for row in vendors[vendor].control(f"records/{table}"):
            if not row.get("archived") and not row.get("deleted"):
                found.add((crm, "contact", str(row.get("id") or row.get("Id"))))
    return found


async def made(refill: Refill, run: str) -> list[Row]:
    told = [json.loads(line) for line in (await refill("journal", "--run", run, "--json")).out.splitlines()]
    rows = [(one["crm"], one["object"], one["id"]) for one in told if one["kind"] == "created"]
    return sorted(row for row in rows if row[1] == "contact")


def outcome(listed: list[dict[str, Any]]) -> dict[Row, str]:
    return {(one["crm"], one["object"], one["id"]): one["stands"] for one in listed if not one["property"]}


async def test_created_rows_that_nobody_touched_are_archived_and_not_made_again(tmp_path: Path) -> None:
    with all_vendors() as vendors:
        refill = Refill(tmp_path, vendors)
        before = living(vendors)
        run = (await refill("sync", "--json", "--patience", "5")).json["run"]
        created = await made(refill, run)
        assert {row[0] for row in created} == TABLES.keys()
        assert set(created) <= living(vendors) - before
        touched = {next(row for row in created if row[0] == crm) for crm in TABLES}
        for row in touched:
            edit(vendors, row, "city" if row[0] == "acme_hubspot" else "MailingCity", "Typed by a person")

        without = (await refill("undo", "--run", run, "--dry-run", "--json")).json
        assert not outcome([*without["back"], *without["left"]])
        shown = (await refill("undo", "--run", run, "--created", "--dry-run", "--json")).json
        assert outcome(shown["left"]) == dict.fromkeys(touched, "touched")
        assert outcome(shown["back"]) == dict.fromkeys(set(created) - touched, "back")
        assert set(created) <= living(vendors)

        ended = await refill("undo", "--run", run, "--created", "--yes", "--json", "--patience", "5")
        assert ended.code == 0, ended.err
        assert outcome(ended.json["back"]) == dict.fromkeys(set(created) - touched, "undone")
        assert outcome(ended.json["left"]) == dict.fromkeys(touched, "touched")
        assert living(vendors) & set(created) == touched
        told = (await refill("journal", "--run", ended.json["run"], "--json")).out.splitlines()
        assert {"archived", "touched"} <= {json.loads(line)["state"] for line in told}

        again = await refill("undo", "--run", run, "--created", "--yes", "--json", "--patience", "5")
        assert again.code == 0, again.err
        assert set(outcome(again.json["left"]).values()) <= {"gone", "touched"}
        await refill("sync", "--full", "--json", "--patience", "5")
        assert living(vendors) & set(created) == touched
        row = min(set(created) - touched)
        replayed = await refill("replay", *row, "--json")
        assert (replayed.code, replayed.json["may_be_made_again"]) == (0, True), replayed.err
        assert not (await refill("replay", *row, "--json")).json["may_be_made_again"]
