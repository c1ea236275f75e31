"""The page on which people play with an imitation: forms do what they say, and only for people at this machine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from sandbox.options import VENDORS, Options
from sandbox.serve import running
from sandbox.vendor import Vendor


@asynccontextmanager
async def listening(name: str) -> AsyncIterator[Vendor]:
    async with running(Options(vendors=(name,), records=8, companies=4)) as vendors:
        yield vendors[name]


@pytest.fixture(params=VENDORS)
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    async with listening(request.param) as found:
        yield found


async def sent(vendor: Vendor, action: str, origin: str = "", **fields: str) -> tuple[int, str]:
    """Sends a form as a browser does, and follows it to the page."""
    headers = {"Origin": origin or vendor.origin}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{vendor.origin}/_sandbox/play/{action}", data=fields, headers=headers) as reply,
    ):
        return reply.status, await reply.text()


async def test_every_vendor_has_a_page_whose_forms_break_and_mend_it(vendor: Vendor) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{vendor.origin}/_sandbox/") as reply:
        page = await reply.text()
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in page
    actions = set(re.findall(r'action="/_sandbox/play/(\w+)"', page))
    assert {"fault", "outage", "calm"} <= actions
    assert (await sent(vendor, "fault", kind="500, server error", times="2"))[0] == 200
    assert [(one.kind, one.times) for one in vendor.faults.rules] == [("status", 2)]
    assert "Not done" in (await sent(vendor, "fault", kind="earthquake", times="2"))[1]
    await sent(vendor, "outage")
    async with aiohttp.ClientSession() as session, session.get(f"{vendor.origin}/whatever") as reply:
        assert reply.status in {500, 503}
    assert "as usual again" in (await sent(vendor, "calm"))[1]
    assert vendor.faults.rules == []
    for action in actions - {"fault", "outage", "calm"}:  # a form without its fields is no traceback
        status, text = await sent(vendor, action)
        assert (status, "Not done" in text) == (200, True)


async def test_pages_elsewhere_cannot_send_its_forms(vendor: Vendor) -> None:
    assert (await sent(vendor, "outage", origin="https://elsewhere.example"))[0] == 403
    assert vendor.faults.rules == []
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{vendor.origin}/_sandbox/", headers={"Host": "elsewhere.example"}) as reply,
    ):
        assert reply.status == 403


@pytest.mark.parametrize(("name", "property"), [("hubspot", "jobtitle"), ("salesforce", "Title")])
async def test_an_edit_on_the_page_is_a_person_s(name: str, property: str) -> None:
    async with listening(name) as vendor:
        id_ = next(iter(vendor.some_people()))[0]
        fields = {"property": property, "field": property, "id": id_, "value": "Head of <Tests>"}
        status, page = await sent(vendor, "edit", **fields)
        assert status == 200
        assert "is edited" in page
        assert "Head of &lt;Tests&gt;" in page
        assert "Not done" in (await sent(vendor, "edit", **{**fields, "id": "999999"}))[1]
