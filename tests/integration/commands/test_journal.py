"""``refill journal``: what the CRM's and the providers' own books say, told by ours; searched, exported, followed."""

from __future__ import annotations

import csv
import importlib
import io
import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.harness.installation import Ran, Refill
from tests.harness.until import until
from worker.decide.journal_line import cell


def lines(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


async def test_journal_tells_every_write_and_price_and_is_searched_and_exported(fresh: Refill, tmp_path: Path) -> None:
    done = (await fresh("sync", "--full", "--json", "--patience", "5")).json
    told = lines(await fresh("journal", "--json"))
    writes = fresh.vendors["hubspot"].control("books?kind=writes")["writes"]
    updated = {
        (one["id"], one["property"], one["after"])
        for one in writes
        if one["by"] == "integration" and one["action"] == "update" and one["after"]
    }
    changed = {
        (one["id"], one["property"], one["after"])
        for one in told
        if one["kind"] == "change" and one["state"] == "confirmed" and one["crm"] == "acme_hubspot"
    }
    assert changed
    assert changed <= updated
    spent = dict.fromkeys(done["credits"], 0)
    for one in told:
        if one["kind"] == "lookup":
            spent[one["provider"]] += one["credits"]
    assert spent == done["credits"]
    assert {name: fresh.vendors[name].control("summary")["credits"] for name in spent} == spent

    first = next(one for one in told if one["state"] == "confirmed")
    record = (first["crm"], first["object"], first["id"])
    picked: dict[tuple[str, ...], Callable[[dict[str, Any]], bool]] = {
        ("--run", first["run"]): lambda one: one["run"] == first["run"],
        ("--crm", "acme_salesforce"): lambda one: one["crm"] == "acme_salesforce",
        ("--provider", "kaspr"): lambda one: one["provider"] == "kaspr",
        ("--field", "job_title"): lambda one: one["field"] == "job_title",
        ("--reason", "DID NOT KNOW"): lambda one: "did not know" in one["reason"],
        ("--record", *record): lambda one: (one["crm"], one["object"], one["id"]) == record,
        ("--since", "1d"): bool,
        ("--until", "1d"): operator.not_,
        ("--since", "2020-01-01", "--provider", "forager"): lambda one: one["provider"] == "forager",
    }
    for words, fits in picked.items():
        assert lines(await fresh("journal", *words, "--json")) == [one for one in told if fits(one)], words

    sheet = list(csv.DictReader(io.StringIO((await fresh("journal", "--csv")).out, newline="")))
    assert [one["after"] for one in sheet] == [cell(one["after"]) for one in told]
    assert any(one["after"].startswith("'+") for one in sheet), "a number is no formula"
    file = tmp_path / "journal.parquet"
    assert (await fresh("journal", "--provider", "kaspr", "--parquet", str(file))).code == 0
    held = importlib.import_module("pyarrow.parquet").read_table(file).to_pylist()
    wanted = [one for one in told if one["provider"] == "kaspr"]
    assert [{**one, "at": int(one["at"].timestamp() * 1000 + 0.5)} for one in held] == wanted
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    again = await fresh("journal", "--parquet", str(file))
    assert (again.code, "is there already" in again.err) == (2, True)
    shown = (await fresh("journal", "--run", first["run"])).out.splitlines()
    assert len(shown) == len([one for one in told if one["run"] == first["run"]])
    assert f"(blank) -> {first['after']}" in "\n".join(shown)


async def test_audit_is_kept_verified_and_broken_by_an_edit(fresh: Refill) -> None:
    ended = await fresh("journal", "verify")
    assert (ended.code, "set journal.audit" in ended.err) == (2, True)
    fresh.change('data_dir = "data"\n', 'data_dir = "data"\n\n[journal]\narchive_dir = "audits"\naudit = true\n')
    assert (await fresh("sync", "--full", "--json", "--patience", "5")).code == 0
    with fresh.daemon("worker"):
        file = fresh.folder / "audits" / "audit.jsonl"
        await until(lambda: file.exists() and file.stat().st_size > 0, "the audit")
    verified = await fresh("journal", "verify", "--json")
    assert (verified.code, verified.json["whole"]) == (0, True)
    told = lines(await fresh("journal", "--json"))
    assert verified.json["lines"] + verified.json["pending"] == len(told)
    assert verified.json["lines"] > 10
    text = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join([*text[:3], *text[4:]]), "utf-8")
    broken = await fresh("journal", "verify")
    assert broken.code == 1
    assert "line 4 has number 5; 4 is missing" in broken.out


async def test_wrong_use_is_refused_with_what_is_known(refill: Refill) -> None:
    for words, said in {
        ("--since", "soon"): "`soon` is not a valid time for --since",
        ("--crm", "nobody"): 'no crm is called "nobody"',
        ("--csv", "--json"): "give one of --csv, --json and --parquet",
    }.items():
        ended = await refill("journal", *words)
        assert (ended.code, said in ended.err) == (2, True), ended.err


async def test_a_name_that_no_entry_bears_is_no_success(refill: Refill) -> None:
    for words in (("--field", "nosuch"), ("--provider", "nosuch", "--json"), ("--run", "nosuch", "--csv")):
        ended = await refill("journal", *words)
        assert (ended.code, ended.err.startswith("no journal entry matches")) == (1, True)
    assert (await refill("journal", "--since", "1h")).code == 0
