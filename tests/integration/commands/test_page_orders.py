"""An order on the page is carried out as the command of the same name does it, and stands in the journal."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.harness.browsing import Browser, browsing, hidden
from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.harness.until import until

TOKEN = "page-token-canary"


@pytest.fixture
def vendors(unfilled: dict[str, Sandbox]) -> dict[str, Sandbox]:
    """A world in which a daemon finds something to fill."""
    return unfilled


@pytest.fixture
async def admin(refill: Refill) -> AsyncIterator[Browser]:
    """An admin at the page of a whole daemon, that has filled something."""
    refill.set(REFILL_WEB__TOKEN=TOKEN)
    with refill.daemon("up") as up:
        async with browsing(await up.url(), TOKEN, name="Ann") as browser:
            yield browser


async def changes(refill: Refill) -> list[dict[str, Any]]:
    lines = (await refill("journal", "--crm", "acme_hubspot", "--json")).out.splitlines()
    told = [json.loads(line) for line in lines]
    return [one for one in told if one["kind"] == "change" and one["state"] == "confirmed" and one["rule"] != "undo"]


async def words(refill: Refill, *states: str) -> list[dict[str, Any]]:
    """Returns what people said that stands in the journal, by what they said."""
    told = [json.loads(line) for line in (await refill("journal", "--json")).out.splitlines()]
    return [one for one in told if one["kind"] == "word" and one["state"] in states]


def held(vendors: dict[str, Sandbox], id: str, property: str) -> str:
    row = next(one for one in vendors["hubspot"].control("records/contacts") if one["id"] == id)
    return row["properties"].get(property) or ""


async def test_orders_of_the_page_go_by_what_was_shown(
    admin: Browser, refill: Refill, vendors: dict[str, Sandbox]
) -> None:
    one = (await until(lambda: changes(refill), "a change", look_s=0.5))[0]
    record = {name: one[name] for name in ("crm", "object", "id")}
    place = f"/records/{one['crm']}/{one['object']}/{one['id']}"

    # A pause holds everything of a crm until it is lifted.
    await admin.post("/pauses/pause", await admin.fields("/pauses", "/pauses/pause") | {"why": "a look"})
    paused = (await refill("status", "--json")).json["paused"]["acme_hubspot"]["operator"]
    assert paused["why"] == "Paused on the page by Ann (admin): a look"
    await admin.post("/pauses/resume", await admin.fields("/pauses", "/pauses/resume"))
    assert "acme_hubspot" not in (await refill("status", "--json")).json["paused"]

    # An undo shows what it would do; what was not shown is not undone.
    (form,) = [found for found in hidden((await admin.get(place)).text, "/undo/look") if found["id"] == one["id"]]
    shown = await admin.post("/undo/look", form)
    assert "would go back" in shown.text
    (order,) = hidden(shown.text, "/undo")
    await admin.post("/undo", order | {"seen": "0" * 64})
    assert held(vendors, one["id"], one["property"]) == one["after"]
    gone = await admin.post("/undo", order)
    assert "back with the next visits." in (await admin.get(gone.headers["location"])).text
    await until(lambda: not held(vendors, one["id"], one["property"]), "the blank again")
    (word, *_) = await words(refill, "undone")
    assert ({name: word[name] for name in record}, word["reason"]) == (record, "undone by a person: Ann (admin)")

    # Whoever is suppressed is on the list by a hash.
    add = await admin.fields("/suppression", "/suppression/add")
    await admin.post("/suppression/add", add | {"value": "ada@example.com", "why": "asked us"})
    text = (await admin.get("/suppression")).text
    assert ("asked us" in text, "ada@example.com" in text) == (True, False)
    assert len((await refill("suppress", "list", "--json")).json) == 1
    wrong = await admin.post("/suppression/add", add | {"value": "nobody at all"})
    assert (wrong.status_code, "is not a valid" in wrong.text) == (400, True)

    # An erasure shows whose records it has found; other ones than shown are not erased.
    # Whoever a record is about is suppressed by all that names them; it changes nothing of the record.
    by_record = await admin.fields(place, "/suppression/record")
    done = await admin.post("/suppression/record", by_record)
    assert done.headers["location"].startswith(f"{place}?said=The+person+is+on+the+suppression+list+by+e-mail")
    why = [one["why"] for one in (await refill("suppress", "list", "--json")).json]
    assert why.count("from the page of a record") >= 1
    assert record in [{name: one[name] for name in record} for one in await words(refill, "suppressed")]
    again = await admin.post("/suppression/record", by_record)
    assert "0+new+entries" in again.headers["location"]

    shown = await admin.post("/forget/look", await admin.fields(place, "/forget/look"))
    (order,) = hidden(shown.text, "/forget")
    await admin.post("/forget", order | {"seen": "0" * 64})
    assert (await admin.get(place)).status_code == 200
    done = await admin.post("/forget", order)
    assert done.status_code == 303, done.text
    assert "of a person" not in (await admin.get(place)).text
    said = [one["reason"] for one in await words(refill, "forgotten", "paused", "resumed", "suppressed")]
    assert sorted(set(said)) == [
        f"{what} by a person: Ann (admin)" for what in ("forgotten", "paused", "resumed", "suppressed")
    ]
