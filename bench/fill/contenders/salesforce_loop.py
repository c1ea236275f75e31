"""Fills with simple-salesforce: one SOQL query, the provider by requests, sObject Collections of 200."""

from __future__ import annotations

import json
import sys

import requests
from simple_salesforce import Salesforce

told = json.loads(sys.argv[1])
token = requests.post(
    f"{told['salesforce']}/services/oauth2/token", timeout=60,
    data={"grant_type": "client_credentials", "client_id": told["client_id"], "client_secret": told["client_secret"]},
).json()["access_token"]  # fmt: skip
sf = Salesforce(instance="bench", session_id=token, version=told["version"])
sf.base_url = f"{told['salesforce']}/services/data/v{told['version']}/"
provider = requests.Session()
provider.headers.update({"x-api-key": told["key"], "user-agent": "bench"})

page = sf.query("SELECT Id, LinkedIn_URL__c FROM Contact WHERE Email = null AND LinkedIn_URL__c != null")
rows = list(page["records"])
while not page["done"]:
    url = told["salesforce"] + page["nextRecordsUrl"]
    page = sf._call_salesforce("GET", url).json()  # noqa: SLF001
    rows += page["records"]
asked = (rows * (told["lookups"] // max(1, len(rows)) + 1))[: told["lookups"]]
found = {}
for row in asked:
    url = f"{told['forager']}/api/42/datastorage/person_contacts_lookup/work_emails/"
    slug = row["LinkedIn_URL__c"].rstrip("/").rsplit("/", 1)[-1]
    answer = provider.post(url, json={"linkedin_public_identifier": slug}, timeout=60)
    found[row["Id"]] = answer.status_code
inputs = [
    {"attributes": {"type": "Contact"}, "Id": id, "Description": f"asked {status}"} for id, status in found.items()
]
for start in range(0, len(inputs), 200):
    body = {"allOrNone": False, "records": inputs[start : start + 200]}
    sf.restful("composite/sobjects", method="PATCH", json=body)
