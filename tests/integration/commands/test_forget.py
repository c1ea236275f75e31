"""Shows and erases on a person's word everything held about them, and buys them nowhere again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from config.load import load
from tests.harness.browsing import browsing
from tests.harness.installation import Refill
from tests.harness.redis import Server
from tests.harness.sandbox import Sandbox
from tests.integration.commands.test_csv import people, table
from tests.integration.erased import apart, dumped, found, on_disk
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.journal.audit_heads import AuditHeads
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Answers
from worker.ledger.work.work import Due, Lane
from worker.upkeep.archive import archive
from worker.upkeep.audit import audit

CONTACT = ("acme_hubspot", "contact")
TOKEN = "page-token-canary"


@pytest.fixture
def held(refill: Refill, searched: Server) -> Refill:
    """An installation with an archive, on a Redis whose bytes can be searched."""
    refill.change('data_dir = "data"\n', 'data_dir = "data"\n\n[journal]\narchive_dir = "archive"\naudit = true\n')
    refill.set(REFILL_REDIS__URL=f"unix://{searched.socket}", REFILL_SECRET_KEY="k")
    return refill


async def everything(redis: Redis, refill: Refill) -> bytes:
    """All bytes that are kept anywhere: Redis' memory and files, what is packed in it, the installation's folder."""
    ledger = Ledger.over(redis)
    answers = [kept.reply.body async for _, kept in Answers(ledger.scripts).walk()]
    rows = [row.json.encode() for row in await ledger.deliveries.all()]
    files = [path.read_bytes() for path in sorted(refill.folder.rglob("*")) if path.is_file()]
    return b"\n".join([await dumped(redis), await on_disk(redis), *answers, *rows, *files])


async def archived(ledger: Ledger, refill: Refill) -> None:
    """The journal goes to the audit, its older half to the archive."""
    folder = load(refill.config, {}).journal.archive_dir
    assert folder is not None
    await audit(ledger.journal, AuditHeads(ledger.scripts), folder)
    entries = await ledger.journal.since(limit=10_000)
    await archive(ledger.journal, folder, entries[len(entries) // 2].at_ms)
    assert list(folder.glob("*.jsonl"))


async def filled(ledger: Ledger) -> tuple[str, dict[str, str]]:
    """A HubSpot contact that got an e-mail and a number, with what was written by field."""
    values: dict[str, dict[str, str]] = {}
    for entry in await ledger.journal.since(limit=10_000):
        told = json.loads(entry.entry)
        if (entry.crm, entry.object) == CONTACT and told.get("state") == "confirmed" and told.get("after"):
            values.setdefault(entry.id, {})[told["field"]] = told["after"]
    return next((id, one) for id, one in values.items() if {"work_email", "mobile_phone"} <= one.keys())


def contact(hubspot: Sandbox, id: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = hubspot.control("records/contacts")
    return next(one for one in rows if one["id"] == id)


async def test_after_forget_no_byte_of_the_person_is_left_nor_bought_again(held: Refill, searched: Server) -> None:
    refill, hubspot = held, held.vendors["hubspot"]
    assert (await refill("sync", "--full", "--json", "--patience", "10")).code == 0
    async with Redis(unix_socket_path=str(searched.socket)) as redis:
        ledger = Ledger.over(redis)
        id, written = await filled(ledger)
        row = contact(hubspot, id)["properties"]
        secrets = [written["work_email"], written["mobile_phone"]]
        slug = (row.get("hs_linkedin_url") or "").rstrip("/").rsplit("/", 1)[-1]
        await archived(ledger, refill)
        await redis.bgsave()
        assert found(secrets, await everything(redis, refill)) == secrets

        shown = (await refill("report", written["work_email"], "--json")).json
        (mine,) = [one for one in shown["records"] if (one["crm"], one["object"], one["id"]) == (*CONTACT, id)]
        assert shown["answers"]
        assert [line["entry"] for line in shown["archived"] if line["id"] == id]
        assert all({"value", "from", "why", "credits", "at", "run"} <= line.keys() for line in mine["values"])
        bills = {name: refill.vendors[name].control("summary")["credits"] for name in ("forager", "kaspr")}

        ended = await refill("forget", written["work_email"], "--yes", "--json")
        assert ended.code == 0, ended.err
        assert ended.json["done"] is True
        assert ended.json["left"] == {}
        assert found([*secrets, *([slug] if slug else [])], await everything(redis, refill)) == []

        verified = await refill("journal", "verify", "--json")
        assert (verified.code, verified.json["faults"]) == (0, [])
        assert verified.json["erased"] > 0
        again = (await refill("report", "--record", *CONTACT, id, "--json")).json
        assert again["suppressed"] is True
        assert (again["answers"], again["archived"], again["deliveries"]) == ([], [], [])
        hubspot.control("edit", {"object": "contacts", "id": id, "properties": {"jobtitle": "", "mobilephone": ""}})
        assert (await refill("sync", "--full", "--json", "--patience", "10")).code in {0, 3}
        assert not contact(hubspot, id)["properties"].get("mobilephone")
        assert bills == {name: refill.vendors[name].control("summary")["credits"] for name in bills}
        assert found(secrets[1:], await everything(redis, refill)) == []
        assert await ledger.erasures.pending(2**53) == []
        assert id not in {one["id"] for one in (await refill("notices", "--json")).json}


async def test_plans_sessions_logs_and_tables_say_nothing_of_the_person_either(
    searched: Server, unfilled: dict[str, Sandbox], tmp_path: Path
) -> None:
    home, desk = tmp_path / "home", tmp_path / "desk"
    home.mkdir()
    desk.mkdir()
    refill = Refill(home, unfilled)
    refill.change('data_dir = "data"\n', 'data_dir = "data"\n\n[journal]\narchive_dir = "archive"\naudit = true\n')
    refill.set(REFILL_REDIS__URL=f"unix://{searched.socket}", REFILL_SECRET_KEY="k", REFILL_WEB__TOKEN=TOKEN)
    person = next(iter(people(unfilled, 1)))
    table(unfilled, desk / "people.csv", 3)
    async with Redis(unix_socket_path=str(searched.socket)) as redis:
        ledger = Ledger.over(redis)
        (await refill("plan", "--save", str(home / "plan.jsonl"))).is_fit_to_be_seen()
        assert (await refill("sync", "--plan", str(home / "plan.jsonl"), "--json", "--patience", "10")).json["filled"]
        bought = await refill("csv", str(desk / "people.csv"), "-o", str(desk / "filled.csv"), "--json")
        assert bought.code == 0, bought.err
        table_says = (desk / "filled.csv").read_text(encoding="utf-8")
        id, written = await filled(ledger)
        secrets = [written["work_email"], written["mobile_phone"], person["slug"]]
        assert found(secrets, await everything(redis, refill)) == secrets

        with refill.daemon("web") as web:
            async with browsing(await web.url(), TOKEN, name="Ann") as browser:
                place = f"/records/acme_hubspot/contact/{id}"
                assert written["work_email"] in (await browser.get(place)).text
                assert (await browser.get("/live")).status_code == 200
                await archived(ledger, refill)
                add = await browser.fields("/suppression", "/suppression/add")
                await browser.post("/suppression/add", add | {"value": written["work_email"], "why": "asked us"})
                await browser.post("/forget/look", await browser.fields(place, "/forget/look"))
                for whom in (written["work_email"], f"linkedin.com/in/{person['slug']}"):
                    ended = await refill("forget", whom, "--yes", "--json")
                    assert (ended.code, ended.json["done"]) == (0, True), ended.err
                assert "of a person" not in (await browser.get(place)).text
                kept = await everything(redis, refill)
        assert all([await redis.keys(name) for name in ("refill:session:*", "refill:run:*:planned")])
        assert {"plan.jsonl", "web.log"} <= {path.name for path in home.rglob("*")}
        assert apart(secrets, kept, [one["slug"] for one in unfilled["kaspr"].world["people"]]) == []
        assert (desk / "filled.csv").read_text(encoding="utf-8") == table_says, "a user's own table is theirs to erase"


async def test_what_is_on_its_way_or_dead_goes_too(held: Refill, searched: Server) -> None:
    refill = held
    async with Redis(unix_socket_path=str(searched.socket)) as redis:
        ledger = Ledger.over(redis)
        person = {"id": "p1", "slug": "ada-q", "first_name": "Ada", "last_name": "Quist", "full_name": "Ada Quist"}
        mail = [{"address": "ada.quist@quist-mill.com", "grade": "valid", "kind": ""}]
        colleague = {"id": "p2", "slug": "bob-q", "last_name": "Quist"}
        row = {"company": {"id": "c1", "name": "Mill"}, "people": [person | {"emails": mail}, colleague]}
        await ledger.deliveries.store_page(
            "search", [DeliveredRow("search/c1", "d1", json.dumps(row))], ["acme_hubspot"], run="day-x", watermark="1"
        )
        for id in ("77", "78"):
            work = ledger.work(*CONTACT)
            await work.add([Due(id)], lane=Lane.LIVE, run="day-x")
            (lease,) = await work.claim("w1", 1)
            value = "ada.quist@quist-mill.com" if id == "77" else "cleo@quist-mill.com"
            await work.intend(lease, [json.dumps({"field": "work_email", "after": value})])
            await work.bury(lease, "given up")
        await ledger.creations.claim(
            "acme_hubspot", "contact", "p1", ["email:ada.quist@quist-mill.com", "slug:ada-q"], "w1", 60_000
        )
        hers = ["ada.quist@quist-mill.com", "ada-q"]
        assert found(hers, await everything(redis, refill)) == hers
        ended = await refill("forget", "ada.quist@quist-mill.com", "linkedin.com/in/ada-q", "--yes", "--json")
        assert ended.json["erased"]["deliveries"] == 1
        kept = await everything(redis, refill)
        assert found(hers, kept) == []
        assert found(["bob-q", "cleo@quist-mill.com"], kept) == ["bob-q", "cleo@quist-mill.com"]
        assert [one.id for one in await ledger.work(*CONTACT).letters.page()] == ["78"]


async def test_a_row_that_only_the_archive_tells_of_is_theirs_too(held: Refill, searched: Server) -> None:
    async with Redis(unix_socket_path=str(searched.socket)) as redis:
        ledger, folder = Ledger.over(redis), load(held.config, {}).journal.archive_dir
        assert folder is not None
        mail = "ada.quist@quist-mill.com"
        change = {"kind": "change", "state": "confirmed", "field": "work_email", "property": "Email", "after": mail}
        where = ("acme_salesforce", "contact", "0035g000000000bAAA", "day-x")
        await ledger.journal.append(*where, [json.dumps(change)], token="ada")
        await audit(ledger.journal, AuditHeads(ledger.scripts), folder)
        await archive(ledger.journal, folder, await ledger.scripts.now() + 1)
        assert found([mail], await everything(redis, held)) == [mail]
        ended = await held("forget", mail, "--yes", "--json")
        assert (ended.code, ended.json["erased"]["archived"]) == (0, 2), ended.err
        assert found([mail], await everything(redis, held)) == []
        assert (await held("journal", "verify")).code == 0


async def test_a_mistaken_profile_link_joins_nobody_else_to_the_person(held: Refill) -> None:
    refill, hubspot = held, held.vendors["hubspot"]
    profile = "https://www.linkedin.com/in/adaeze-obi-71"
    people = [("Adaeze", "Obi", "adaeze@obi-partners.de"), ("Adaeze", "Vega", ""), ("Tomás", "Vega", "tv@vega-bau.de")]
    ids = []
    for first, last, address in people:
        row = {"firstname": first, "lastname": last, "email": address or None, "hs_linkedin_url": profile}
        made = hubspot.control("records/contacts", {"properties": {name: text for name, text in row.items() if text}})
        ids.append(made["id"])
    mine, married, strangers = ids

    for who in ("adaeze@obi-partners.de", profile):
        shown = await refill("report", who, "--json")
        assert {one["id"] for one in shown.json["records"]} == {mine, married}, who
        assert f"contact {strangers} bears the same profile address" in shown.err
    shown = await refill("report", "tv@vega-bau.de", "--json")
    assert {one["id"] for one in shown.json["records"]} == {strangers}
    assert {"kind": "slug", "value": "adaeze-obi-71"} not in shown.json["person"]

    ended = await refill("forget", "adaeze@obi-partners.de", "--yes", "--json")
    assert (ended.code, ended.json["done"]) == (0, True)
    assert {one["id"] for one in ended.json["records"]} == {mine, married}
    assert (await refill("report", "tv@vega-bau.de", "--json")).json["suppressed"] is False


async def test_nothing_is_erased_without_a_word(held: Refill) -> None:
    said = await held("forget", "ada.quist@quist-mill.com")
    assert (said.code, "nothing was erased" in said.err) == (1, True)
    assert (await held("suppress", "list", "--json")).json == []
    for words in (("forget",), ("forget", "quist-mill.com"), ("report", "nobody at all")):
        assert (await held(*words)).code == 2


async def test_people_whose_data_was_bought_are_listed_and_noted_as_informed(refill: Refill) -> None:
    async with refill.ledger():
        assert (await refill("sync", "--full", "--json", "--patience", "10")).code == 0
        listed = (await refill("notices", "acme_hubspot", "--json")).json
        assert len(listed) > 2
        assert all(one["providers"] and one["inform_by"] - one["bought_at"] == 30 * 86_400_000 for one in listed)
        assert {one["crm"] for one in listed} == {"acme_hubspot"}
        first = (listed[0]["crm"], listed[0]["object"], listed[0]["id"])

        asked = await refill("notices", "acme_hubspot", "--mark", "informed")
        assert (asked.code, "nothing was noted" in asked.err) == (1, True)
        assert (await refill("notices", "--record", *first, "--mark", "informed")).code == 0
        left = (await refill("notices", "acme_hubspot", "--open", "--json")).json
        assert len(left) == len(listed) - 1
        assert first not in {(one["crm"], one["object"], one["id"]) for one in left}
        shown = (await refill("report", "--record", *first, "--json")).json
        assert [one["informed_at"] is not None for one in shown["records"] if one["id"] == first[2]] == [True]
        assert (await refill("notices", "acme_hubspot", "--mark", "informed", "--yes")).code == 0
        assert (await refill("notices", "acme_hubspot", "--open", "--json")).json == []

        of_first = [one for one in shown["records"] if one["id"] == first[2]]
        assert [one["bought_at"] for one in of_first] == [listed[0]["bought_at"]]
        assert (await refill("forget", "--record", *first, "--yes")).code == 0
        after = (await refill("report", "--record", *first, "--json")).json
        assert [(one["bought_at"], one["informed_at"]) for one in after["records"]] == [(None, None)] * len(
            after["records"]
        )
