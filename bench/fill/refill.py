"""Makes Refill a contender: its configuration for a world, and the command that fills it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from environments import REFILL, python_of

PORTAL = "portal"
OPEN = "6000000/minute"  # of a window so long that a busy machine loses no slot of it
PUBLISHED = "190/10 seconds"
FORAGER = """
[providers.forager]
base_url = "{forager}"
account_id = 42
rate = "{rate}"
verify_person = false
budget = {{ day = 100000000, month = 100000000 }}
"""
KASPR = """
[providers.kaspr]
base_url = "{kaspr}"
rate = "{rate}"
budget = {{ day = 100000000, month = 100000000 }}
"""
HUBSPOT = """
[crm.{name}]
kind = "hubspot"
base_url = "{url}"
lookback = "{lookback}"
poll_every = "{poll}"
rate = "{portal_rate}"
{more}
[crm.{name}.watch.contact]
fields.{field}
"""
SALESFORCE = """
[crm.org]
kind = "salesforce"
base_url = "{salesforce}"
lookback = "3650d"

[crm.org.watch.contact]
identity.linkedin_url = "LinkedIn_URL__c"
fields.work_email = {{ property = "Email", from = ["forager"], accept = ["valid", "risky", "unverified"] }}
"""
EMAIL = 'work_email = { property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }'
PHONE = 'mobile_phone = { property = "mobilephone", from = ["kaspr"] }'


def configured(
    folder: Path,
    told: Mapping[str, Any],
    redis_url: str,
    *,
    rate: str = OPEN,
    portal_rate: str = PUBLISHED,
    poll: str = "1m",
    lookback: str = "3650d",
    also: Mapping[str, str] | None = None,
    more: str = "",
) -> dict[str, str]:
    """Writes refill.toml; returns the variables of its process. `also` are further portals, by name.

    HubSpot's published limits hold unless `portal_rate` opens them.
    """
    text = 'data_dir = "data"\n'
    phones = told.get("gap") == "mobilephone"
    text += (KASPR if phones else FORAGER).format(**told, rate=rate)
    portals = {PORTAL: told["hubspot"], **(also or {})} if "hubspot" in told else {}
    for name, url in portals.items():
        text += HUBSPOT.format(
            name=name,
            url=url,
            field=PHONE if phones else EMAIL,
            poll=poll,
            lookback=lookback,
            more=more,
            portal_rate=portal_rate,
        )
    if "salesforce" in told:
        text += SALESFORCE.format(**told)
    (folder / "refill.toml").write_text(text, encoding="utf-8")
    secrets = {f"REFILL_CRM__{name.upper()}__TOKEN": told["token"] for name in portals}
    if "salesforce" in told:
        secrets |= {f"REFILL_CRM__ORG__{name.upper()}": told[name] for name in ("client_id", "client_secret")}
    provider = "KASPR" if phones else "FORAGER"
    return {
        "REFILL_REDIS__URL": redis_url, f"REFILL_PROVIDERS__{provider}__API_KEY": told["key"],
        "REFILL_CONFIG": str(folder / "refill.toml"), **secrets,
    }  # fmt: skip


def words(*command: str) -> list[str]:
    """Returns a command of Refill in the environment that the bench made for it."""
    return [str(python_of(REFILL)), "-m", "worker.cli", *command]


def report(output: str, said: str, done: Sequence[int], code: int) -> dict[str, Any]:
    """Reads a pass's own report.

    Raises:
        SystemExit: it failed.
    """
    if code not in done:
        raise SystemExit(f"refill ended with {code}: {said[-2000:]}")
    told: dict[str, Any] = json.loads(output)
    return told
