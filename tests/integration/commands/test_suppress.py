"""Suppressed people are not looked up, not written and not made, and come back once taken off the list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.harness.installation import Refill
from tests.integration.commands.byhand import somebody

CONTACT = ("acme_hubspot", "contact")


def asked(refill: Refill) -> str:
    """Everything that was sent to both paid providers."""
    return json.dumps(
        [refill.vendors[name].control("books?kind=requests")["requests"] for name in ("forager", "kaspr")]
    )


def rows(refill: Refill, vendor: str, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = refill.vendors[vendor].control(f"records/{table}")
    return found


async def test_a_suppressed_person_is_left_alone_everywhere_and_comes_back_when_taken_off(fresh: Refill) -> None:
    row = next(
        one
        for one in rows(fresh, "hubspot", "contacts")
        if "/in/" in (one["properties"].get("hs_linkedin_url") or "")
        and not one["properties"].get("mobilephone")
        and one["properties"].get("hs_email_optout") != "true"
    )
    profile = row["properties"]["hs_linkedin_url"]
    assert (await fresh("suppress", "add", profile, "--why", "asked us")).code == 0

    done = await fresh("sync", "--full", "--json", "--patience", "10")
    assert done.code == 0, done.err
    assert done.json["not_filled"]["suppressed"] > 0
    told = (await fresh("explain", *CONTACT, row["id"], "--json")).json
    assert (told["record"]["skipped"], told["changes"], told["questions"]) == ("suppressed", [], [])
    assert profile.rsplit("/in/")[1].strip("/") not in asked(fresh)

    assert (await fresh("suppress", "remove", profile)).code == 0
    again = await fresh("sync", "--record", *CONTACT, row["id"], "--json", "--patience", "10")
    assert sum(again.json["credits"].values()) > 0


async def test_the_list_is_shown_moved_and_shortened(refill: Refill, tmp_path: Path) -> None:
    said = await refill("suppress", "add", "ada@acme.test.com", "linkedin.com/in/ada-lovelace", "+49 151 23456789")
    assert said.out == "3 values added\n"
    assert (await refill("suppress", "add", "ADA@acme.test.com")).out == "0 values added, 1 already on the list\n"
    shown = (await refill("suppress", "list", "--json")).json
    assert sorted(one["kind"] for one in shown) == ["email", "phone", "slug"]
    listed = (await refill("suppress", "list")).out
    assert ("@" in listed, "lovelace" in listed) == (False, False)

    exported = (await refill("suppress", "export")).out
    assert (await refill("suppress", "remove", shown[0]["hash"][:12], "linkedin.com/in/ada-lovelace")).code == 0
    file = tmp_path / "list.jsonl"
    file.write_text(exported, "utf-8")
    assert (await refill("suppress", "import", str(file))).code == 0
    assert {one["hash"] for one in (await refill("suppress", "list", "--json")).json} == {one["hash"] for one in shown}

    file.write_text("email,why\nbob@acme.test.com,asked\nacme-test.com,\n", "utf-8")
    assert (await refill("suppress", "import", str(file))).out == "2 values added, 0 already on the list\n"
    file.write_text("email\ncleo@acme.test.com\nnobody at all\n", "utf-8")
    refused = await refill("suppress", "import", str(file))
    assert (refused.code, "line 3; nothing was added" in refused.err) == (2, True)
    assert len((await refill("suppress", "list", "--json")).json) == 5


async def test_what_names_nobody_is_refused_with_a_word_on_it(refill: Refill) -> None:
    for value in ("gmail.com", "0151 23456789", "nobody at all"):
        refused = await refill("suppress", "add", value)
        assert (refused.code, f'"{value}" is not a valid' in refused.err) == (2, True)
    absent = await refill("suppress", "remove", "ada@acme.test.com")
    assert (absent.code, absent.err) == (
        1,
        "not on the list, so nothing was removed: value 1. Next: refill suppress list\n",
    )


async def test_another_secret_key_refuses_to_work_at_all(refill: Refill) -> None:
    refill.set(REFILL_SECRET_KEY="the-first-key")
    assert (await refill("suppress", "add", "ada@acme.test.com")).code == 0
    refill.set(REFILL_SECRET_KEY="the-second-key")
    for words in (("suppress", "add", "bob@acme.test.com"), ("sync", "--patience", "1")):
        refused = await refill(*words)
        assert refused.code == 2
        assert "the suppression list was made with another REFILL_SECRET_KEY" in refused.err


async def test_a_lookup_by_hand_is_refused_before_anything_is_sent(refill: Refill) -> None:
    slug = somebody(refill.vendors["forager"])["slug"]
    assert (await refill("suppress", "add", slug, "--kind", "slug")).code == 0
    ran = await refill("forager", "person", f"linkedin.com/in/{slug}", "--yes")
    assert ran.code == 1, ran
    assert "is on the suppression list" in ran.err
    assert slug not in asked(refill)
