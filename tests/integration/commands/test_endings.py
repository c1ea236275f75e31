"""Ends a command with a sentence, a key and an exit code for everything left and everybody not asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.installation import Ran, Refill
from tests.harness.sandbox import Sandbox

CONTACTS = ("acme_hubspot", "contact")


async def passed(refill: Refill, *words: str) -> Ran:
    ran = await refill("sync", "--json", "--patience", "3", *words)
    assert {"left", "not_asked", "uncertain", "stopped"} <= ran.json.keys(), ran.err
    return ran


def missed(ran: Ran) -> list[str]:
    return sorted({one["vendor"] for one in ran.json["not_asked"]})


def somebody_in(hubspot: Sandbox) -> str:
    """Give the id of a contact to look up; it need not be the first, for other tests delete some."""
    wanted = ("firstname", "lastname", "hs_linkedin_url")
    rows = [row for row in hubspot.control("records/contacts") if not row["archived"]]
    return str(next(row["id"] for row in rows if all(row["properties"].get(name) for name in wanted)))


@pytest.fixture
def seeing(refill: Refill) -> Refill:
    """An installation whose passes look back far enough to see what is there."""
    for crm in ("acme_hubspot", "acme_salesforce"):
        refill.change(f"[crm.{crm}]\n", f'[crm.{crm}]\nlookback = "3650d"\n')
    return refill


async def test_a_vendor_that_refuses_the_look_is_named_and_the_others_are_looked_at(refill: Refill) -> None:
    openprospect, hubspot = refill.vendors["openprospect"], refill.vendors["hubspot"]
    openprospect.control("faults", {"kind": "status", "route": "*", "times": 1, "params": {"status": 429}})
    ran = await passed(refill)
    assert (ran.code, missed(ran)) == (1, ["openprospect"])
    assert "openprospect was not looked at, or not to the end: " in ran.err
    assert hubspot.requests()
    again = await passed(refill)
    assert missed(again) in ([], ["openprospect"])  # it is paused for as long as it said


async def test_an_object_whose_opt_outs_are_hidden_is_named_and_is_not_done(refill: Refill) -> None:
    what = {"object": "Lead", "field": "DoNotCall"}
    refill.vendors["salesforce"].control("hide", what)
    try:
        ran = await passed(refill)
    finally:
        refill.vendors["salesforce"].control("hide", {**what, "hidden": False})
    assert (ran.code, missed(ran)) == (1, ["acme_salesforce"])
    (one,) = ran.json["not_asked"]
    assert one["object"] == "lead"
    assert "DoNotCall of the lead is hidden from our user" in one["text"]


@pytest.mark.parametrize("status", [401, 503])
async def test_a_crm_that_cannot_be_opened_is_named(refill: Refill, status: int) -> None:
    refill.vendors["hubspot"].control(
        "faults", {"kind": "status", "route": "*", "times": None, "params": {"status": status}}
    )
    ran = await passed(refill)
    assert (ran.code, missed(ran)) == (1, ["acme_hubspot"])
    assert "acme_hubspot" in ran.err


@pytest.mark.parametrize("target", ["acme_hubspot", "openprospect"])
async def test_a_vendor_that_a_person_paused_is_named_with_the_persons_word(refill: Refill, target: str) -> None:
    await refill("pause", target, "--why", "a month of quiet")
    ran = await passed(refill)
    assert (ran.code, missed(ran)) == (1, [target])
    assert "a month of quiet" in ran.err


async def test_an_exhausted_budget_is_told_with_its_time(seeing: Refill) -> None:
    refill = seeing
    refill.change("budget = { day = 20000, month = 100000 }", "budget = { day = 20, month = 100000 }")
    ran = await passed(refill)
    held = {(one["why"], one["for"]) for one in ran.json["left"]}
    assert (ran.code, ("budget", "forager") in held) == (4, True)
    assert held <= {("budget", "forager"), ("rate", "forager")}  # other tests may have used the shared vendor's minute
    assert all(one["until"] and one["records"] for one in ran.json["left"])
    assert sum(one["records"] for one in ran.json["left"]) == ran.json["waiting"]
    assert "they wait for the budget of forager, until " in ran.err
    assert sum(ran.json["credits"].values()) == sum(
        row["credits"] for name in ("forager", "kaspr") for row in refill.vendors[name].charges()
    )


async def test_a_paused_provider_is_told_and_a_pass_without_one_goes_on(refill: Refill) -> None:
    await refill("pause", "kaspr", "--why", "no more of it")
    await refill("pause", "forager")
    hubspot = refill.vendors["hubspot"]
    id = somebody_in(hubspot)
    hubspot.control("edit", {"object": "contacts", "id": id, "properties": {"mobilephone": ""}})
    ran = await passed(refill, "--record", *CONTACTS, id)
    (left,) = ran.json["left"]
    assert (ran.code, left["records"], left["why"]) == (4, 1, "paused")
    await refill("resume", "all")
    assert (await passed(refill)).json["left"] == []  # what waited was let in before the look


async def test_a_budget_that_never_reaches_is_told(refill: Refill) -> None:
    refill.change("budget = { day = 20000, month = 100000 }", "budget = { day = 0, month = 100000 }")
    refill.change("budget = { day = 5000, month = 50000 }", "budget = { day = 0, month = 50000 }")
    hubspot = refill.vendors["hubspot"]
    id = somebody_in(hubspot)
    hubspot.control("edit", {"object": "contacts", "id": id, "properties": {"mobilephone": ""}})
    ran = await passed(refill, "--record", *CONTACTS, id)
    assert (ran.code, [one["why"] for one in ran.json["left"]]) == (4, ["price"])


# ---- records that do not exist ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("sync", "--record"), ("explain",), ("replay",), ("report", "--record")])
@pytest.mark.parametrize(
    ("crm", "kind", "id"),
    [("acme_hubspot", "contact", "999999999"), ("acme_salesforce", "lead", "00Q5g00000ZZZZZEA5")],
)
async def test_a_record_that_does_not_exist_is_an_error(
    refill: Refill, words: tuple[str, ...], crm: str, kind: str, id: str
) -> None:
    ran = await refill(*words, crm, kind, id)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"{crm} has no {kind} {id}: it was never there, was deleted, or our user may not see it\n"
    async with refill.ledger() as ledger:
        assert (await ledger.work(crm, kind).counts()).due == 0


@pytest.mark.parametrize("words", [("sync", "--record"), ("replay",)])
async def test_crm_that_cannot_say_whether_a_record_exists_is_an_error(refill: Refill, words: tuple[str, ...]) -> None:
    refill.vendors["hubspot"].fault("status", params={"status": 401})
    assert (await refill(*words, *CONTACTS, "1")).code == 1


async def test_a_deleted_record_that_something_is_kept_of_is_explained(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    id = somebody_in(hubspot)
    async with refill.ledger() as ledger:
        await ledger.journal.append(*CONTACTS, id, "sync-x", ['{"kind":"change","field":"phone"}'], token="t")
        hubspot.control("delete", {"object": "contacts", "id": id})
        told: dict[str, Any] = (await refill("explain", *CONTACTS, id, "--json")).json
    assert (told["record"]["fate"], len(told["changes"])) == ("gone", 1)
