"""Skips nothing by polls: equal stamps beyond a page and a ceiling, late indexes and commits, rows that move or go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from connectors.hubspot.options import OVERLAP_S
from tests.integration.triggers.floor import HUBSPOT, SALESFORCE, Floor, opened

DECADE_MS = 3650 * 86_400_000
ALWAYS = {"fields": {"job_title": {"property": "jobtitle", "write": "always"}}}
ALWAYS_SF = {"fields": {"job_title": {"property": "Title", "write": "always"}}}
WATCHES: dict[str, Any] = {
    "crm": {HUBSPOT: {"watch": {"contact": ALWAYS}}, SALESFORCE: {"watch": {"contact": ALWAYS_SF, "lead": ALWAYS_SF}}}
}


async def _living(floor: Floor, crm: str) -> set[str]:
    vendor, object = ("hubspot", "contacts") if crm == HUBSPOT else ("salesforce", "Contact")
    rows = await _rows(floor, vendor, object)
    return {row["id"] for row in rows if not (row.get("archived") or row.get("deleted"))}


async def _rows(floor: Floor, vendor: str, object: str) -> Any:
    """Every row with its history takes the sandbox a while."""
    url = f"{floor.vendors.told[vendor]['control_url']}/records/{object}"
    return (await floor.http.get(url, timeout=120)).json()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("crm", "version", "seeded", "records", "equal"),
    [
        pytest.param(HUBSPOT, "2026-09", 27_500, 25_000, 12_000, marks=pytest.mark.slow),
        (HUBSPOT, "v3", 3_300, 3_000, 1_500),
        (SALESFORCE, "66.0", 4_400, 3_000, 2_400),
        pytest.param(SALESFORCE, "66.0", 34_000, 25_000, 12_000, marks=pytest.mark.slow),
    ],
)
async def test_every_record_is_seen_however_many_share_a_stamp(
    redis: Redis, tmp_path: Path, crm: str, version: str, seeded: int, records: int, equal: int
) -> None:
    config = {"crm": {**WATCHES["crm"], crm: {**WATCHES["crm"][crm], "api_version": version}}}
    async with opened(redis, tmp_path, config, records=seeded, companies=400) as floor:
        vendor, object = ("hubspot", "contacts") if crm == HUBSPOT else ("salesforce", "Contact")
        living = await _living(floor, crm)
        assert len(living) >= records
        body = {"object": object, "ids": sorted(living)[:equal], "seconds_ago": 60}
        await floor.control(vendor, "same-stamp", body)
        await floor.time_passes(crm, 5)
        floor.vendors[vendor].calm()

        polled = await floor.poll(crm, lookback_ms=DECADE_MS)

        assert polled.seen == len(living)
        assert await floor.due(crm) >= living - await _opted_out(floor, crm)
        assert len(floor.vendors[vendor].requests()) < records / 50

        again = await floor.poll(crm, lookback_ms=DECADE_MS)
        assert again.added == 0
        assert len(await floor.due(crm)) == polled.added


async def _opted_out(floor: Floor, crm: str) -> set[str]:
    if crm == HUBSPOT:
        rows = await _rows(floor, "hubspot", "contacts")
        return {row["id"] for row in rows if row["properties"].get("hs_email_optout") == "true"}
    rows = await _rows(floor, "salesforce", "Contact")
    return {row["id"] for row in rows if row["properties"].get("HasOptedOutOfEmail")}


async def _followed(floor: Floor, crm: str, kind: str = "contact") -> list[str]:
    """Ids that may be edited, with polls that have seen everything so far."""
    await floor.time_passes(crm, 600)
    await floor.poll(crm, kind, lookback_ms=0)
    assert await floor.due(crm, kind) == set()
    return sorted(await _living(floor, crm) - await _opted_out(floor, crm))


async def test_row_that_the_index_shows_late_is_seen_by_a_later_poll(redis: Redis, tmp_path: Path) -> None:
    async with opened(redis, tmp_path, WATCHES) as floor:
        (one, other, *_) = await _followed(floor, HUBSPOT)
        await floor.control("hubspot", "settings", {"index_lag": OVERLAP_S - 50})
        await floor.edit("hubspot", "contacts", one, city="Ghent")
        await floor.time_passes(HUBSPOT, 5)
        await floor.poll()
        assert await floor.due() == set()
        await floor.edit("hubspot", "contacts", other, city="Ghent")
        await floor.time_passes(HUBSPOT, OVERLAP_S)
        await floor.poll()
        assert await floor.due() == {one, other}


@pytest.mark.parametrize("crm", [HUBSPOT, SALESFORCE])
async def test_commit_that_comes_late_under_an_old_stamp_is_seen(redis: Redis, tmp_path: Path, crm: str) -> None:
    vendor, object = ("hubspot", "contacts") if crm == HUBSPOT else ("salesforce", "Contact")
    name = "city" if crm == HUBSPOT else "MailingCity"
    async with opened(redis, tmp_path, WATCHES) as floor:
        (one, other, *_) = await _followed(floor, crm)
        await floor.time_passes(crm, OVERLAP_S)
        await floor.edit(vendor, object, other, **{name: "Ghent"})
        await floor.time_passes(crm, OVERLAP_S / 3)
        await floor.poll(crm)
        late = {"object": object, "id": one, "properties": {name: "Ghent"}, "seconds_ago": 2 * OVERLAP_S / 3}
        await floor.control(vendor, "commit-late", late)
        await floor.time_passes(crm, 3)
        newest = await floor.newest(crm)
        await floor.poll(crm)
        assert await floor.due(crm) == {one, other}
        assert await floor.newest(crm) == newest > 0, "an old stamp is not the newest change"


@pytest.mark.parametrize("crm", [HUBSPOT, SALESFORCE])
async def test_deleted_rows_are_no_work_and_merged_ones_their_survivors(redis: Redis, tmp_path: Path, crm: str) -> None:
    vendor, object = ("hubspot", "contacts") if crm == HUBSPOT else ("salesforce", "Contact")
    name = "city" if crm == HUBSPOT else "MailingCity"
    async with opened(redis, tmp_path, WATCHES) as floor:
        (deleted, primary, loser, *_) = await _followed(floor, crm)
        for id in (deleted, primary, loser):
            await floor.edit(vendor, object, id, **{name: "Ghent"})
        await floor.control(vendor, "delete", {"object": object, "id": deleted})
        merge = {"object": object, "id": primary} | ({"other": loser} if crm == HUBSPOT else {"losers": [loser]})
        survivor = (await floor.control(vendor, "merge", merge))["id"]
        await floor.time_passes(crm, 3)
        await floor.poll(crm)
        assert await floor.due(crm) == {survivor}


async def test_converted_lead_is_seen_as_its_contact(redis: Redis, tmp_path: Path) -> None:
    async with opened(redis, tmp_path, WATCHES) as floor:
        await _followed(floor, SALESFORCE)
        await floor.poll(SALESFORCE, "lead")
        leads = [row for row in await floor.control("salesforce", "records/Lead") if not row["deleted"]]
        lead = next(
            row["id"]
            for row in leads
            if not row["properties"].get("IsConverted") and not row["properties"].get("HasOptedOutOfEmail")
        )
        contact = (await floor.control("salesforce", "convert", {"id": lead}))["id"]
        await floor.time_passes(SALESFORCE, 3)
        await floor.poll(SALESFORCE, "lead")
        await floor.poll(SALESFORCE)
        assert lead not in await floor.due(SALESFORCE, "lead")
        assert contact in await floor.due(SALESFORCE)


async def test_windows_go_by_the_vendors_clock_not_ours(redis: Redis, tmp_path: Path) -> None:
    async with opened(redis, tmp_path, WATCHES) as floor:
        (one, *_) = await _followed(floor, HUBSPOT)
        await floor.time_passes(HUBSPOT, 86_400)  # the vendor is a day ahead of us
        await floor.poll()
        await floor.edit("hubspot", "contacts", one, city="Ghent")
        await floor.time_passes(HUBSPOT, 3)
        await floor.poll()
        assert await floor.due() == {one}


async def test_first_activation_does_not_fire_on_history(redis: Redis, tmp_path: Path) -> None:
    async with opened(redis, tmp_path, WATCHES) as floor:
        await floor.time_passes(HUBSPOT, 2 * 86_400)
        assert (await floor.poll(lookback_ms=86_400_000)).seen == 0
        await floor.time_passes(HUBSPOT, 3_600)
        await floor.poll()
        found = await floor.swept()
        assert (found.done, found.seen, await floor.recovered(), await floor.due()) == (True, 0, 0, set())
