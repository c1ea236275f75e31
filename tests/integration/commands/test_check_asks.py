"""``check`` asks what the daemon asks: whatever a busy pass reads or writes of a CRM is named once it is hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.http_engine import HttpEngine
from connectors.models import Reply
from connectors.salesforce.wire import Call, Lines
from tests.harness.installation import Refill

_SELECT = re.compile(r"SELECT (?P<fields>.+?) FROM (?P<table>\w+)(?: WHERE (?P<where>.+?))?(?: ORDER BY .*)?$")
_NAMED = re.compile(r"\b([A-Z]\w*(?:\.\w+)?)\s*(?:=|!=|>|<|IN\b|LIKE\b|NOT\b)")
NEVER_HIDDEN = {"Id", "IsDeleted", "LastModifiedById", "MasterRecordId", "SystemModstamp"}  # by any administrator
Used = set[tuple[str, str]]  # (object, property), by the vendor's words


def of_portal(url: str, content: bytes) -> Iterator[tuple[str, str]]:
    """Yields what a call to HubSpot names of an object."""
    parts = urlsplit(url)
    match = re.search(r"/objects/(?:\d{4}-\d{2}/)?(contacts|companies)\b", parts.path)
    if match is None:
        return
    body = json.loads(content) if content else {}
    names = [*body.get("properties", ()), *body.get("propertiesWithHistory", ()), body.get("idProperty", "")]
    names += ",".join(parse_qs(parts.query).get("properties", ())).split(",")
    names += [one["propertyName"] for group in body.get("filterGroups", ()) for one in group["filters"]]
    names += [name for row in body.get("inputs", ()) for name in row.get("properties", ())]
    yield from ((match[1], name) for name in names if name)


def of_org(call: Call) -> Iterator[tuple[str, str]]:
    """Yields what a call to Salesforce names of an object."""
    if select := _SELECT.match((call.params or {}).get("q", "")):
        names = [*select["fields"].split(", "), *_NAMED.findall(select["where"] or "")]
        yield from ((select["table"], name) for name in (one.strip() for part in names for one in part.split(",")))
    for row in (call.json or {}).get("records", ()) if isinstance(call.json, dict) else ():
        yield from ((row["attributes"]["type"], name) for name in row if name not in {"attributes", "id"})
    if match := re.match(r"/?sobjects/(\w+)(?:/(\w+)/|$)", call.path):
        yield from ((match[1], name) for name in (*(call.json or {}), match[2] or "") if name)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Used:
    """Collects what is named in calls to either CRM from now on."""
    found: Used = set()
    send, ask = HttpEngine.exchange, Lines.exchange

    async def exchange(
        self: HttpEngine, method: str, url: str, headers: object, content: bytes, *more: object
    ) -> Reply:
        found.update(of_portal(url, content))
        return await send(self, method, url, headers, content, *more)  # type: ignore[arg-type]

    async def line(self: Lines, call: Call, *more: object) -> Reply:
        found.update(of_org(call))
        return await ask(self, call, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(HttpEngine, "exchange", exchange)
    monkeypatch.setattr(Lines, "exchange", line)
    return found


def hide(refill: Refill, names: Used, *, hidden: bool) -> None:
    """Take the rights to properties: a portal's to be written, an org's to be seen."""
    for object, name in names:
        if object[0].isupper():
            refill.vendors["salesforce"].control("hide", {"object": object, "field": name, "hidden": hidden})
        else:
            refill.vendors["hubspot"].control(f"properties/{object}", {"name": name, "read_only": hidden})


async def test_what_a_busy_pass_reads_or_writes_is_asked_for_or_named_when_hidden(fresh: Refill, used: Used) -> None:
    assert (await fresh("check", "--json")).code == 0
    asked = set(used)
    used.clear()
    ran = await fresh("sync", "--full", "--json")
    assert ran.json["filled"] > 0
    assert ran.json["delivered"]["contacts"] > 0
    assert {"contacts", "companies", "Contact", "Lead", "Account"} == {object for object, _ in used}
    # In no question of ``check``: it goes by what the CRM says of its properties.
    left = {one for one in used - asked if one[1] not in NEVER_HIDDEN}
    assert len(left) > 5
    hide(fresh, left, hidden=True)
    try:
        told = [one for one in (await fresh("check", "--json")).json["checks"] if one["level"] == "failed"]
    finally:
        hide(fresh, left, hidden=False)
    words = {word for one in told for word in re.findall(r"\w+", one["told"])}
    assert {name for _, name in left} - words == set()


async def test_a_lead_whose_contact_is_not_shown_is_warned_of_and_started(refill: Refill) -> None:
    hide(refill, {("Lead", "ConvertedContactId")}, hidden=True)
    try:
        ran = await refill("check", "--json")
    finally:
        hide(refill, {("Lead", "ConvertedContactId")}, hidden=False)
    told = [one["told"] for one in ran.json["checks"] if one["level"] == "warning" and one["part"].endswith(" lead")]
    assert (ran.code, told) == (
        0,
        ["ConvertedContactId of the lead is hidden from our user, so a lead that is converted leads to no contact"],
    )
