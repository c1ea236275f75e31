"""Takes a table through the waterfall by ``csv``, with the vendors' own books as witness."""

from __future__ import annotations

import asyncio
import csv
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.until import until
from tests.harness.workers import Process

NOTE = "=1+1\nsecond; line"
HEADER = ["First Name", "Last Name", "LinkedIn", "E-mail", "Mobile", "Notes"]


def people(vendors: Mapping[str, Sandbox], count: int = 12) -> list[dict[str, Any]]:
    found = [one for one in vendors["kaspr"].world["people"] if one["kaspr"]["known"] and one["forager"]["detail"]]
    return found[:count]


def table(vendors: Mapping[str, Sandbox], file: Path, count: int = 12) -> list[list[str]]:
    """Writes people who are known to both providers, with blanks; gives the rows."""
    rows = [
        [
            one["first_name"],
            one["last_name"],
            f"https://www.linkedin.com/in/{one['slug']}",
            "",
            "",
            "=1+1\nsecond; line",
        ]
        for one in people(vendors, count)
    ]
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened, delimiter=";").writerows([HEADER, *rows])
    return rows


def filled(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=";"))


def charged(vendors: Mapping[str, Sandbox]) -> dict[str, int]:
    return {name: sum(int(one["credits"]) for one in vendors[name].charges()) for name in ("kaspr", "forager")}


async def test_blanks_are_filled_once_and_a_second_run_costs_nothing(refill: Refill, tmp_path: Path) -> None:
    source, target = tmp_path / "people.csv", tmp_path / "filled.csv"
    rows = table(refill.vendors, source)
    words = ("csv", str(source), "-o", str(target), "--field", "work_email", "--field", "mobile_phone")

    ran = await refill(*words, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["with_gaps"] == len(rows)
    assert ran.json["first_credits"] > 0
    assert not target.exists()
    assert charged(refill.vendors) == {"kaspr": 0, "forager": 0}

    ran = await refill(*words, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["filled"] > 0
    assert ran.json["filled"] + sum(ran.json["not_filled"].values()) == ran.json["gaps"]
    assert ran.json["credits"] == charged(refill.vendors)
    found = filled(target)
    assert [row["LinkedIn"] for row in found] == [row[2] for row in rows]
    assert {row["Notes"] for row in found} == {"'=1+1\nsecond; line"}
    truth = {one["slug"]: one for one in people(refill.vendors)}
    for row in found:
        person = truth[row["LinkedIn"].rpartition("/")[2]]
        assert row["E-mail"] in {"", person["work_email"]}
        assert row["Mobile"] in {"", person["mobile"], person["phone"]}
    assert sum(bool(row["E-mail"]) + bool(row["Mobile"]) for row in found) == ran.json["filled"]

    before = target.read_bytes()
    assert (await refill(*words)).code == 2
    assert target.read_bytes() == before
    cost = charged(refill.vendors)
    again = await refill(*words, "--replace", "--json")
    assert again.code == 0
    assert again.json["credits"] == {"kaspr": 0, "forager": 0}
    assert charged(refill.vendors) == cost
    assert target.read_bytes() == before


async def test_a_cap_and_a_limit_leave_the_rest_and_the_suppressed_alone(refill: Refill, tmp_path: Path) -> None:
    source, target = tmp_path / "people.csv", tmp_path / "filled.csv"
    rows = table(refill.vendors, source)
    assert (await refill("suppress", "add", rows[0][2])).code == 0
    words = ("csv", str(source), "-o", str(target), "--json", "--quiet", "--replace")
    ran = await refill(*words, "--limit", "1")
    assert (ran.code, ran.json["visited"]) == (0, 1)
    assert set(ran.json["not_filled"]) == {"suppressed"}
    assert sum(charged(refill.vendors).values()) == 0
    ran = await refill(*words, "--max-credits", "3")
    assert ran.code == 4
    assert "cap" in ran.json["left"]
    spent = sum(ran.json["credits"].values())
    assert f"--max-credits is used up (limit 3 credits, {spent} spent). Next: run it again with more" in ran.err
    assert sum(charged(refill.vendors).values()) <= 3
    assert len(filled(target)) == len(rows)


async def test_a_budget_that_is_used_up_says_limit_spent_end_and_what_is_next(refill: Refill, tmp_path: Path) -> None:
    refill.change("budget = { day = 5000, month = 50000 }", "budget = { day = 1, month = 50000 }")
    refill.change("budget = { day = 20000, month = 100000 }", "budget = { day = 0, month = 100000 }")
    source, target = tmp_path / "people.csv", tmp_path / "filled.csv"
    table(refill.vendors, source)
    ran = await refill("csv", str(source), "-o", str(target), "--json", "--quiet", "--patience", "1")
    assert ran.code == 4
    assert re.search(r"kaspr's budget of the day: limit 1 credit, 1 spent, .*, until 20\d\d-.* UTC", ran.err), ran.err
    assert ". Next: run it again then, or raise it" in ran.err


async def test_what_is_left_of_a_budget_is_said_where_it_is_too_little(refill: Refill, tmp_path: Path) -> None:
    refill.change("budget = { day = 5000, month = 50000 }", "budget = { day = 0, month = 50000 }")
    refill.change("budget = { day = 20000, month = 100000 }", "budget = { day = 7, month = 100000 }")
    refill.set(REFILL_PROVIDERS__FORAGER__VERIFY_PERSON="false")
    source, target = tmp_path / "people.csv", tmp_path / "filled.csv"
    table(refill.vendors, source)
    words = ("csv", str(source), "-o", str(target), "--field", "work_email", "--json", "--quiet", "--patience", "1")
    ran = await refill(*words)
    told = r"forager's budget of the day: limit 7 credits, \d spent, 0 reserved, 5 needed, until 20\d\d-.* UTC"
    assert (ran.code, bool(re.search(told, ran.err))) == (4, True), ran.err


async def test_a_budget_below_one_lookup_is_said_and_ends_as_rows_left(refill: Refill, tmp_path: Path) -> None:
    refill.change("budget = { day = 5000, month = 50000 }", "budget = { day = 5000, month = 0 }")
    refill.change("budget = { day = 20000, month = 100000 }", "budget = { day = 0, month = 100000 }")
    source, target = tmp_path / "people.csv", tmp_path / "filled.csv"
    rows = table(refill.vendors, source)
    ran = await refill("csv", str(source), "-o", str(target), "--json", "--quiet", "--field", "work_email")
    assert (ran.code, ran.json["left"], ran.json["not_filled"]) == (4, {"price": len(rows)}, {"budget": len(rows)})
    assert f"{len(rows)} rows are not finished: a budget is below the price of their next lookup" in ran.err
    assert re.search(r"kaspr's budget of the month: limit 0 credits, 0 spent, 0 reserved, \d+ needed", ran.err), ran.err
    assert re.search(r"forager's budget of the day: limit 0 credits, 0 spent, 0 reserved, \d+ needed", ran.err), ran.err
    assert "Next: raise it, then run it again" in ran.err
    assert sum(charged(refill.vendors).values()) == 0


async def test_a_kill_costs_nothing_twice_and_the_next_run_completes_the_file(refill: Refill, tmp_path: Path) -> None:
    source, target = tmp_path / "people.csv", tmp_path / "filled.csv"
    rows = table(refill.vendors, source, 20)
    for name in ("kaspr", "forager"):
        refill.vendors[name].control("latency", {"median_s": 0.3, "sigma": 0.1, "cap_s": 1})
    words = ("csv", str(source), "-o", str(target))
    try:
        process = Process.start(refill.config, *words, log=tmp_path / "csv.log")
        await until(lambda: len(refill.vendors["kaspr"].charges()) >= 3, "some lookups are charged")
        process.process.kill()
        await asyncio.to_thread(process.process.wait)
        assert not target.exists()
    finally:
        for name in ("kaspr", "forager"):
            refill.vendors[name].control("latency", {"median_s": 0})
    ran = await refill(*words, "--patience", "2", "--json")
    assert ran.code in {0, 4}, ran.err  # 4: a lookup in flight at the kill waits for its verdict
    assert len(filled(target)) == len(rows)
    for name in ("kaspr", "forager"):
        asked = Counter((one["operation"], one["identity"]) for one in refill.vendors[name].charges())
        assert set(asked.values()) <= {1}, asked


async def test_files_that_cannot_be_filled_are_told_before_anything_is_asked(refill: Refill, tmp_path: Path) -> None:
    source, target = tmp_path / "people.csv", tmp_path / "filled.csv"

    async def told(text: str, *words: str) -> str:
        source.write_bytes(text.encode("latin-1"))
        ran = await refill("csv", str(source), "-o", str(target), *words)
        assert ran.code == 2, ran
        assert not target.exists()
        return ran.err

    assert "is empty" in await told("")
    assert "no column that tells who somebody is" in await told("a;b\n1;2\n")
    assert "there is no column Mail" in await told("E-Mail;City\n;Köln\n", "--column", "work_email=Mail")
    assert "known are" in await told("E-Mail;City\n;Köln\n", "--field", "shoe_size")
    assert "is the file that is read" in (await refill("csv", str(source), "-o", str(source))).err
    assert "there is no folder" in (await refill("csv", str(source), "-o", str(tmp_path / "no" / "x.csv"))).err
