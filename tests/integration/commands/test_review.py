"""Mode review: nothing is written before a person's word, and then what was approved and nothing else."""

from __future__ import annotations

import json
from typing import Any

from tests.harness.installation import Refill

CONTACT = ("acme_hubspot", "contact")


def written(refill: Refill) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = refill.vendors["hubspot"].control("books?kind=writes")["writes"]
    return [one for one in found if one["by"] == "integration" and one["object"] == "contacts"]


async def test_changes_wait_for_a_word_and_a_refused_value_is_never_proposed_again(fresh: Refill) -> None:
    fresh.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', 'deliver_to = ["acme_salesforce"]')
    fresh.change('kind = "hubspot"', 'kind = "hubspot"\nmode = "review"')
    done = await fresh("sync", "--full", "--json", "--patience", "5")
    assert done.code == 0
    assert written(fresh) == []
    proposals = (await fresh("review", "list", *CONTACT, "--json")).json
    assert len(proposals) > 2
    assert {one["stand"] for one in proposals} == {"proposed"}
    assert done.json["proposals"] == len((await fresh("review", "list", "--json")).json)
    waiting = (await fresh("status", "--json")).json["proposals"]
    assert waiting["acme_hubspot"]["contact"] == len(proposals)
    assert "changes await your approval" in (await fresh("status")).out
    sums = {by: (await fresh("review", "list", "--by", by, "--json")).json for by in ("field", "provider", "company")}
    lines = sum(len(one["changes"]) for one in (await fresh("review", "list", "--json")).json)
    assert {sum(one["values"] for one in rows) for rows in sums.values()} == {lines}
    assert {one["provider"] for one in sums["provider"]} <= {"forager", "kaspr", "openprospect"}

    asked = await fresh("review", "approve", *CONTACT)
    assert (asked.code, "nothing was decided" in asked.err) == (1, True)
    refused = await fresh("review", "approve", *CONTACT, proposals[0]["id"], "--field", "shoe_size")
    assert (refused.code, "no change of shoe_size is proposed there" in refused.err) == (2, True)
    approved, rejected, untouched = proposals[0], proposals[1], proposals[2]

    assert (await fresh("review", "approve", *CONTACT, approved["id"])).code == 0
    assert (await fresh("review", "reject", *CONTACT, rejected["id"])).code == 0
    again = await fresh("sync", "--json", "--patience", "5")
    assert sum(again.json["credits"].values()) == 0
    values = {(one["id"], one["property"], one["after"]) for one in written(fresh) if one["property"]}
    assert values >= {(approved["id"], one["property"], one["after"]) for one in approved["changes"]}
    assert {id_ for id_, _, _ in values} == {approved["id"]}
    left = {one["id"] for one in (await fresh("review", "list", *CONTACT, "--json")).json}
    assert untouched["id"] in left
    assert not {approved["id"], rejected["id"]} & left

    told = (await fresh("explain", *CONTACT, rejected["id"], "--json")).json
    assert set(told["remembered"]["rejected"]) == {one["field"] for one in rejected["changes"]}
    assert {one["state"] for one in told["changes"]} == {"rejected"}
    shown = (await fresh("explain", *CONTACT, rejected["id"])).out.replace("│", " ")
    assert "rejected in review" in " ".join(shown.split())
    await fresh("sync", "--record", *CONTACT, rejected["id"], "--json", "--patience", "5")
    assert rejected["id"] not in {one["id"] for one in (await fresh("review", "list", "--json")).json}


async def test_a_word_on_one_providers_values_leaves_the_others_waiting(fresh: Refill) -> None:
    fresh.change('kind = "hubspot"', 'kind = "hubspot"\nmode = "review"')
    assert (await fresh("sync", "--full", "--json", "--patience", "5")).code == 0
    proposals = (await fresh("review", "list", *CONTACT, "--json")).json
    mixed = next(one for one in proposals if len({line["provider"] for line in one["changes"]}) > 1)
    of = {line["field"]: line["provider"] for line in mixed["changes"]}
    provider = min(of.values())
    strange = await fresh("review", "approve", *CONTACT, mixed["id"], "--provider", "acme")
    assert (strange.code, "no value from acme is proposed there" in strange.err) == (2, True)
    assert (await fresh("review", "approve", *CONTACT, mixed["id"], "--provider", provider)).code == 0
    assert (await fresh("sync", "--json", "--patience", "5")).code == 0
    told = (await fresh("journal", "--record", *CONTACT, mixed["id"], "--json")).out.splitlines()
    lines = [json.loads(line) for line in told]
    written = {one["field"] for one in lines if one["kind"] == "change" and one["state"] == "confirmed"}
    assert written == {field for field, who in of.items() if who == provider}
    (left,) = [one for one in (await fresh("review", "list", *CONTACT, "--json")).json if one["id"] == mixed["id"]]
    assert {line["field"] for line in left["changes"]} == of.keys() - written
    assert left["stand"] == "proposed"

    deliveries = (await fresh("review", "list", "acme_hubspot", "delivery", "--json")).json
    named = ("acme_hubspot", "delivery", deliveries[0]["id"])
    part = await fresh("review", "approve", *named, "--field", deliveries[0]["changes"][0]["field"])
    assert (part.code, "a delivery is brought as a whole" in part.err) == (2, True)
    assert (await fresh("review", "approve", *named, "--provider", "openprospect")).code == 0


async def test_a_word_on_something_that_was_not_proposed_is_refused(refill: Refill) -> None:
    ended = await refill("review", "approve", *CONTACT, "1")
    assert ended.code == 1
    assert "nothing is proposed for acme_hubspot contact 1" in ended.err
