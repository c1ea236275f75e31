"""Fills with a bare loop of aiohttp that keeps nothing. Its argument is what to call, as JSON.

`lookups`, if given, is how many paid calls to make in all: as many as Refill made on the same world.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import aiohttp
import orjson

HELD = 10_000  # rows at a time, so that a million of them take no more memory


async def main(told: dict) -> None:
    flight = asyncio.Semaphore(told["flight"])
    portal, forager, crm = told["hubspot"], told["forager"], {"authorization": f"Bearer {told['token']}"}

    async def blanks() -> AsyncIterator[list[dict]]:
        rows, last = [], "0"
        while last:
            filters = [{"propertyName": "hs_object_id", "operator": "GT", "value": last}]
            filters.append({"propertyName": "email", "operator": "NOT_HAS_PROPERTY"})
            body = {"limit": 200, "properties": ["email", "hs_linkedin_url"], "filterGroups": [{"filters": filters}]}
            body["sorts"] = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
            async with session.post(f"{portal}/crm/v3/objects/contacts/search", json=body, headers=crm) as answer:
                page = orjson.loads(await answer.read())
            rows += page["results"]
            last = page["results"][-1]["id"] if page["results"] and "paging" in page else ""
            if rows and (not last or (len(rows) >= HELD and not told.get("lookups"))):
                yield [row for row in rows if row["properties"].get("hs_linkedin_url")]
                rows = []

    async def ask(row: dict) -> tuple[str, str]:
        slug = row["properties"]["hs_linkedin_url"].rstrip("/").rsplit("/", 1)[-1]
        url = f"{forager}/api/42/datastorage/person_contacts_lookup/work_emails/"
        body, key = {"linkedin_public_identifier": slug}, {"x-api-key": told["key"]}
        async with flight, session.post(url, json=body, headers=key) as answer:
            found = orjson.loads(await answer.read())
        return row["id"], found[0]["email"] if found else ""

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=told["flight"])) as session:
        async for rows in blanks():
            lookups = told.get("lookups") or len(rows)
            asked = (rows * (lookups // len(rows) + 1))[:lookups]
            found = dict(await asyncio.gather(*map(ask, asked)))
            # on a world of its own making addresses collide and are refused: a city costs the same
            name = "city" if told.get("lookups") else "email"
            inputs = [{"id": id, "properties": {name: email}} for id, email in found.items()]
            for start in range(0, len(inputs), 100):
                url, body = f"{portal}/crm/v3/objects/contacts/batch/update", {"inputs": inputs[start : start + 100]}
                async with session.post(url, json=body, headers=crm) as answer:
                    orjson.loads(await answer.read())


asyncio.run(main(json.loads(sys.argv[1])))
