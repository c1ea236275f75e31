"""Runs commands around real work: what a pass leaves is shown, told, reopened and walked over."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.until import until
from worker.ledger.ledger import Ledger
from worker.triggers.backfill import backfill_state, start_backfill, stop_backfill

CONTACTS = ("acme_hubspot", "contact")


async def filled_by_us(ledger: Ledger, field: str) -> tuple[str, dict[str, Any]]:
    """A HubSpot contact in which ``field`` was filled, and the journal's line of it."""
    for entry in await ledger.journal.latest(1000):
        told = json.loads(entry.entry)
        if (entry.crm, entry.object) == CONTACTS and told.get("field") == field and told.get("state") == "confirmed":
            return entry.id, told
    pytest.fail(f"no {field} was filled")


def value(hubspot: Sandbox, id: str, property: str) -> str | None:
    (found,) = [row for row in hubspot.control("records/contacts") if row["id"] == id]
    told: str | None = found["properties"].get(property)
    return told


def blank(hubspot: Sandbox, *properties: str) -> None:
    """Make gaps: other tests of the session fill and archive rows of the same portal."""
    for row in hubspot.control("records/contacts"):
        if not row["archived"]:
            changes = dict.fromkeys(properties, "")
            hubspot.control("edit", {"object": "contacts", "id": row["id"], "properties": changes})


async def test_a_pass_is_shown_by_status_told_by_explain_and_reopened_by_replay(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    blank(hubspot, "mobilephone", "phone")
    async with refill.ledger() as ledger:
        done = await refill("sync", "--full", "--json", "--patience", "10")
        assert done.code == 0

        status = (await refill("status", "--json")).json
        for provider in ("forager", "kaspr"):
            assert status["credits"][provider]["today"] == done.json["credits"][provider]
            assert status["credits"][provider]["reserved"] == 0
            assert status["credits"][provider]["budget_day"] > 0
        values = [
            count
            for kinds in status["filled"].values()
            for fields in kinds.values()
            for by in fields.values()
            for count in by.values()
        ]
        assert sum(values) == done.json["filled"] > 0
        contacts = status["work"]["acme_hubspot"]["contact"]
        assert contacts["settled"] > 0
        assert (contacts["due"], contacts["leased"], contacts["waiting"], contacts["dead"]) == (0, 0, 0, 0)

        id, change = await filled_by_us(ledger, "mobile_phone")
        told = (await refill("explain", *CONTACTS, id, "--json")).json
        assert told["place"] == {"state": "settled"}
        assert [(one["field"], one["provider"]) for one in told["changes"] if one.get("field") == "mobile_phone"] == [
            ("mobile_phone", change["provider"])
        ]
        assert "mobile_phone" in told["remembered"]["ours"]
        assert told["questions"]
        assert "mobile_phone" not in told["record"]["gaps"]

        # a person clears it: it is refused, and stays so
        hubspot.control("edit", {"object": "contacts", "id": id, "properties": {"mobilephone": ""}})
        assert (await refill("sync", "--record", *CONTACTS, id, "--patience", "10")).code == 0
        assert not value(hubspot, id, "mobilephone")
        told = (await refill("explain", *CONTACTS, id, "--json")).json
        assert told["remembered"]["refused"] == ["mobile_phone"]
        assert told["record"]["closed"]["mobile_phone"] == "refused"

        # until a person wants it back; the answer is kept
        assert (await refill("replay", *CONTACTS, id)).code == 0
        again = await refill("sync", "--json", "--patience", "10")
        assert sum(again.json["credits"].values()) == 0
        assert value(hubspot, id, "mobilephone") == change["after"]
        told = (await refill("explain", *CONTACTS, id, "--json")).json
        assert told["remembered"]["refused"] == []
        assert "mobile_phone" in told["remembered"]["ours"]


# ---- backfill ----------------------------------------------------------------------------------------------------


async def test_a_backfill_without_a_worker_does_the_work_itself(refill: Refill) -> None:
    ran = await refill.alone("backfill", "acme_salesforce", "lead", "--json")
    assert ran.code == 0
    assert ran.json["done"] is True
    assert ran.json["open"] == 0
    assert ran.json["seen"] > 0


async def test_a_backfill_spends_no_more_than_it_may(refill: Refill) -> None:
    blank(refill.vendors["hubspot"], "mobilephone", "phone", "jobtitle")
    ran = await refill.alone("backfill", *CONTACTS, "--json", "--max-credits", "3")
    assert 0 < sum(ran.json["credits"].values()) <= 3
    assert (ran.code, [one["why"] for one in ran.json["left"]]) == (4, ["cap"])
    assert "the next run goes on with them" in ran.err


async def test_a_limit_lets_no_more_records_in(refill: Refill) -> None:
    ran = await refill.alone("backfill", *CONTACTS, "--json", "--limit", "2", "--max-credits", "0")
    assert (ran.json["records"], ran.json["done"], ran.json["stopped"]) == (2, False, True)


@pytest.mark.parametrize(
    ("crm", "table", "property"),
    [("hubspot", "contacts", "mobilephone"), ("salesforce", "Contact", "MobilePhone")],
)
async def test_backfills_with_a_limit_visit_that_many_and_go_on_until_all_were_visited(
    refill: Refill, crm: str, table: str, property: str
) -> None:
    vendor = refill.vendors[crm]
    rows = [
        str(one["id"]) for one in vendor.control(f"records/{table}") if not (one.get("archived") or one.get("deleted"))
    ]
    for id in rows[:9]:
        vendor.control("edit", {"object": table, "id": id, "properties": {property: ""}})
    async with refill.ledger() as ledger:
        visited: list[set[str]] = [set()]
        for _ in range(len(rows)):
            ran = await refill.alone("backfill", f"acme_{crm}", "contact", "--json", "--limit", "4")
            assert ran.code == 0
            remembered = await ledger.work(f"acme_{crm}", "contact").memory(rows)
            visited.append(set(remembered))
            if ran.json["done"]:
                break
            assert len(visited[-1] - visited[-2]) == 4
        assert ran.json["done"]
        assert len(visited) > 3
        assert visited[-2] < visited[-1]
        again = await refill.alone("backfill", f"acme_{crm}", "contact", "--json", "--limit", "4")
        assert (again.json["records"], again.json["done"]) == (0, True)  # nothing is new: nothing uses the limit up


async def test_a_stopped_backfill_goes_on_where_it_stood_under_its_own_run(refill: Refill) -> None:
    async with refill.ledger() as ledger:
        work = ledger.work(*CONTACTS)
        first = await start_backfill(work, ledger.cursors, run="backfill-first")
        said = await refill("backfill", *CONTACTS, "--stop")
        assert "goes on from there" in said.out
        state = await backfill_state(work, ledger.cursors)
        assert state is not None
        assert (state.stopped, state.run, state.after) == (True, first.run, first.after)
        await refill("pause", "forager")
        await refill("pause", "kaspr")
        ran = await refill.alone("backfill", *CONTACTS, "--json")
        assert (ran.json["run"], ran.json["done"]) == ("backfill-first", True)
        assert "no backfill" in (await refill("backfill", *CONTACTS, "--stop")).out
        ran = await refill.alone("backfill", *CONTACTS, "--json", "--max-credits", "0")
        assert ran.json["run"] != "backfill-first"  # one that is done begins anew


async def test_starting_twice_follows_the_one_under_way(refill: Refill) -> None:
    async with refill.ledger() as ledger:
        work = ledger.work(*CONTACTS)
        first = await start_backfill(work, ledger.cursors, run="one", limit=5)
        assert await start_backfill(work, ledger.cursors, run="two") == first
        await stop_backfill(work, ledger.cursors)
        on = await start_backfill(work, ledger.cursors, run="three", limit=7)
        assert (on.run, on.left, on.stopped) == ("one", 7, False)
        assert await start_backfill(work, ledger.cursors, run="four", limit=9, renamed=True) == on


async def test_taken_up_with_another_bound_of_credits_it_is_another_run(refill: Refill) -> None:
    async with refill.ledger() as ledger:
        work = ledger.work(*CONTACTS)
        first = await start_backfill(work, ledger.cursors, run="one")
        await stop_backfill(work, ledger.cursors)
        on = await start_backfill(work, ledger.cursors, run="two", renamed=True)
        assert (on.run, on.after, on.seen) == ("two", first.after, first.seen)


async def test_ctrl_c_ends_in_good_order_and_keeps_what_was_paid(refill: Refill) -> None:
    kaspr = refill.vendors["kaspr"]
    blank(refill.vendors["hubspot"], "mobilephone", "phone")
    kaspr.control("hold", {"route": "/profile/*", "count": None})
    with refill.daemon("backfill", *CONTACTS) as walking:
        await until(kaspr.charges, "a paid call on the wire")  # it is charged, and its answer held; of others none is
        walking.process.send_signal(signal.SIGINT)

        def released() -> bool:
            kaspr.control("release", {})
            return walking.process.poll() is not None

        await until(released, "the end")
        assert await walking.ended() == 0
    async with refill.ledger() as ledger:
        totals = await ledger.budgets.totals("kaspr")
        assert totals.spent == sum(row["credits"] for row in kaspr.charges()) > 0
        assert (totals.uncertain, totals.sent) == (0, 0)


async def test_commands_beside_a_daemon_share_its_salesforce_connection(refill: Refill) -> None:
    """Spent twice, a refresh token costs the connection: neither the daemon nor a command may spend a dead one."""
    org = refill.vendors["salesforce"]
    org.control("settings", {"rotate_refresh_tokens": True})
    refill.change('kind = "salesforce"\n', 'kind = "salesforce"\nauth = "refresh_token"\npoll_every = "1s"\n')
    refill.set(REFILL_CRM__ACME_SALESFORCE__REFRESH_TOKEN=org.control("connect", {})["refresh_token"])
    try:
        with refill.daemon("worker") as daemon:
            await until(lambda: org.requests("/services/data/{version}/query"), "a poll")
            for _ in range(3):
                org.control("expire-tokens", {})
                assert (await refill("check", "--json")).json["ok"]
            org.control("reset-books", {})
            await until(lambda: org.requests("/services/data/{version}/query"), "a poll after all that")
            assert not daemon.events("crm.paused")
            assert not daemon.events("vendor.paused")
            await daemon.drained()
        assert (await refill("check", "--json")).json["ok"]
    finally:
        org.control("settings", {"rotate_refresh_tokens": False})
