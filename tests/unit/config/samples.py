"""The smallest configuration, and the example with the secrets it needs."""

from __future__ import annotations

from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "config" / "refill.example.toml"

EXAMPLE_SECRETS = {
    "REFILL_PROVIDERS__FORAGER__API_KEY": "forager-canary",
    "REFILL_PROVIDERS__KASPR__API_KEY": "kaspr-canary",
    "REFILL_PROVIDERS__OPENPROSPECT__API_KEY": "openprospect-canary",
    "REFILL_CRM__ACME_HUBSPOT__TOKEN": "hubspot-canary",
    "REFILL_CRM__ACME_SALESFORCE__CLIENT_ID": "client-canary",
    "REFILL_CRM__ACME_SALESFORCE__CLIENT_SECRET": "secret-canary",
}

SMALL = """\
[providers.forager]
account_id = 42
budget = { day = 500 }

[crm.acme_hubspot]
kind = "hubspot"

[crm.acme_hubspot.watch.contact]
"""
SMALL_SECRETS = {
    "REFILL_PROVIDERS__FORAGER__API_KEY": "forager-canary",
    "REFILL_CRM__ACME_HUBSPOT__TOKEN": "hubspot-canary",
}
