"""Fills with Celery and requests: a task per record, a prefork pool of two; each reads, asks, writes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import requests
from celery import Celery

told = json.loads(os.environ.get("BENCH_TOLD") or sys.argv[1])
app = Celery("celery_tasks", broker=told["redis"])
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
session = requests.Session()
crm = {"authorization": f"Bearer {told['token']}"}


@app.task(autoretry_for=(requests.HTTPError,), retry_backoff=1, max_retries=8)
def fill(id: str) -> None:
    url = f"{told['hubspot']}/crm/v3/objects/contacts/{id}"
    read = session.get(url, params={"properties": "email,hs_linkedin_url"}, headers=crm, timeout=60)
    read.raise_for_status()
    slug = read.json()["properties"]["hs_linkedin_url"].rsplit("/", 1)[-1]
    found = session.post(
        f"{told['forager']}/api/42/datastorage/person_contacts_lookup/work_emails/",
        json={"linkedin_public_identifier": slug}, headers={"x-api-key": told["key"]}, timeout=60,
    )  # fmt: skip
    found.raise_for_status()
    body = {"properties": {"email": found.json()[0]["email"]}}
    session.patch(url, json=body, headers=crm, timeout=60).raise_for_status()


def main() -> None:
    environment = {**os.environ, "BENCH_TOLD": json.dumps(told)}
    words = [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "-c", str(told["pool"]), "-l", "ERROR"]
    worker = subprocess.Popen(
        [*words, "--without-gossip", "--without-mingle"], cwd=Path(__file__).resolve().parent, env=environment
    )
    last, sent = "0", 0
    while True:
        filters = [
            {"propertyName": "hs_object_id", "operator": "GT", "value": last},
            {"propertyName": "email", "operator": "NOT_HAS_PROPERTY"},
        ]
        body = {"limit": 200, "properties": ["hs_linkedin_url"], "filterGroups": [{"filters": filters}]}
        answer = session.post(f"{told['hubspot']}/crm/v3/objects/contacts/search", json=body, headers=crm, timeout=60)
        if answer.status_code == 429:
            time.sleep(1)
            continue
        page = answer.json()["results"]
        if not page:
            break
        last = page[-1]["id"]
        for row in page:
            fill.delay(row["id"])
        sent += len(page)
        if len(page) < 200:
            break
    while requests.get(f"{told['hubspot']}/_bench/books", timeout=60).json()["filled"] < told["records"]:
        time.sleep(0.5)
    worker.terminate()
    worker.wait(60)


if __name__ == "__main__":
    main()
