"""Fills with dlt: a resource over its REST client, and a destination that asks and updates in batches of 100."""

from __future__ import annotations

import json
import os
import sys
import tempfile

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
from dlt.sources.helpers import requests
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

told = json.loads(sys.argv[1])
provider = requests.Client().session
provider.headers.update({"x-api-key": told["key"], "user-agent": "bench"})
crm = RESTClient(base_url=told["hubspot"], auth=BearerTokenAuth(token=told["token"]))


@dlt.resource
def contacts():  # noqa: ANN201
    last = "0"
    while True:
        filters = [
            {"propertyName": "hs_object_id", "operator": "GT", "value": last},
            {"propertyName": "email", "operator": "NOT_HAS_PROPERTY"},
        ]
        body = {"limit": 100, "properties": ["email", "hs_linkedin_url"], "filterGroups": [{"filters": filters}]}
        body["sorts"] = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        page = crm.post("/crm/v3/objects/contacts/search", json=body).json()["results"]
        if not page:
            return
        last = page[-1]["id"]
        yield [{"id": row["id"], "url": row["properties"]["hs_linkedin_url"]} for row in page]


@dlt.destination(batch_size=100)
def fill(rows, table) -> None:  # noqa: ANN001
    del table
    inputs = []
    for row in rows:
        url = f"{told['forager']}/api/42/datastorage/person_contacts_lookup/work_emails/"
        body = {"linkedin_public_identifier": row["url"].rsplit("/", 1)[-1]}
        found = provider.post(url, json=body, timeout=60).json()
        inputs.append({"id": row["id"], "properties": {"email": found[0]["email"]}})
    crm.post("/crm/v3/objects/contacts/batch/update", json={"inputs": inputs}).raise_for_status()


with tempfile.TemporaryDirectory(prefix="bench-dlt-") as folder:
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=fill)
    pipeline.run(contacts(), table_name="contacts")
