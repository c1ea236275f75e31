"""Fills with arq and httpx: a job per record, enqueued and worked off in one process."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Retry, Worker

told = json.loads(sys.argv[1])
crm = {"authorization": f"Bearer {told['token']}"}
contacts = f"{told['hubspot']}/crm/v3/objects/contacts"
logging.getLogger("httpx").setLevel(logging.WARNING)


async def fill(context: dict, id: str, slug: str) -> None:
    http: httpx.AsyncClient = context["http"]
    url = f"{told['forager']}/api/42/datastorage/person_contacts_lookup/work_emails/"
    found = await http.post(url, json={"linkedin_public_identifier": slug}, headers={"x-api-key": told["key"]})
    written = await http.patch(
        f"{contacts}/{id}", json={"properties": {"email": found.json()[0]["email"]}}, headers=crm
    )
    if written.status_code == 429:
        raise Retry(defer=context["job_try"])


async def main() -> None:
    settings = RedisSettings.from_dsn(told["redis"])
    redis = await create_pool(settings)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as http:
        last = "0"
        while True:
            filters = [
                {"propertyName": "hs_object_id", "operator": "GT", "value": last},
                {"propertyName": "email", "operator": "NOT_HAS_PROPERTY"},
            ]
            body = {"limit": 200, "properties": ["hs_linkedin_url"], "filterGroups": [{"filters": filters}]}
            answer = await http.post(f"{contacts}/search", json=body, headers=crm)
            if answer.status_code == 429:
                await asyncio.sleep(1)
                continue
            page = answer.json()["results"]
            if not page:
                break
            last = page[-1]["id"]
            for row in page:
                slug = row["properties"]["hs_linkedin_url"].rsplit("/", 1)[-1]
                await redis.enqueue_job("fill", row["id"], slug)
        worker = Worker(
            functions=[fill], redis_settings=settings, burst=True, max_jobs=told["jobs"], max_tries=50, keep_result=0,
            ctx={"http": http}, handle_signals=False,
        )  # fmt: skip
        await worker.main()
        await worker.close()


asyncio.run(main())
