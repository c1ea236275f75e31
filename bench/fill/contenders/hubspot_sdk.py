"""Fills with HubSpot's SDK in batches of 100 and requests, one call after the other as their pages show."""

from __future__ import annotations

import json
import sys

import requests
from hubspot import HubSpot
from hubspot.crm.contacts import BatchInputSimplePublicObjectBatchInput, PublicObjectSearchRequest
from urllib3.util.retry import Retry

told = json.loads(sys.argv[1])
retry = Retry(total=8, backoff_factor=0.3, status_forcelist=(429, 502, 504), allowed_methods=None)
contacts = HubSpot(access_token=told["token"], host=told["hubspot"], retry=retry).crm.contacts
search, batch = contacts.search_api, contacts.batch_api  # each access makes a new client: keep them
provider = requests.Session()
provider.headers.update({"x-api-key": told["key"], "user-agent": "bench"})


def ask(slug: str) -> str:
    url = f"{told['forager']}/api/42/datastorage/person_contacts_lookup/work_emails/"
    found = provider.post(url, json={"linkedin_public_identifier": slug}, timeout=60).json()
    return found[0]["email"] if found else ""


last = "0"
while True:
    filters = [
        {"propertyName": "hs_object_id", "operator": "GT", "value": last},
        {"propertyName": "email", "operator": "NOT_HAS_PROPERTY"},
    ]
    wanted = PublicObjectSearchRequest(
        filter_groups=[{"filters": filters}], properties=["email", "hs_linkedin_url"], limit=100,
        sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
    )  # fmt: skip
    page = search.do_search(public_object_search_request=wanted).results
    if not page:
        break
    last = page[-1].id
    inputs = [
        {"id": row.id, "properties": {"email": ask(row.properties["hs_linkedin_url"].rsplit("/", 1)[-1])}}
        for row in page
    ]
    batch.update(batch_input_simple_public_object_batch_input=BatchInputSimplePublicObjectBatchInput(inputs=inputs))
