"""Tells by the check all that an installation depends on: hosts, sign-ins, versions."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from config import retirements
from config.load import load
from connectors.hubspot.options import HubSpotOptions
from connectors.hubspot.paths import PATHS
from worker.commands.check_platform import hosts, redis_place, sign_in

TEXT = """
[providers.forager]
account_id = 42
budget = { day = 1 }
[providers.kaspr]
budget = { day = 1 }
base_url = "http://127.0.0.1:9101"
[providers.openprospect]
[crm.a]
kind = "hubspot"
[crm.b]
kind = "salesforce"
base_url = "https://b.my.salesforce.com"
login_base = "https://login.salesforce.com"
auth = "refresh_token"
"""
SECRETS = {
    "REFILL_PROVIDERS__FORAGER__API_KEY": "k", "REFILL_PROVIDERS__KASPR__API_KEY": "k",
    "REFILL_PROVIDERS__OPENPROSPECT__API_KEY": "k", "REFILL_CRM__A__TOKEN": "t", "REFILL_CRM__B__CLIENT_ID": "c",
    "REFILL_CRM__B__REFRESH_TOKEN": "r",
}  # fmt: skip


def test_every_host_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "refill.toml").write_text(TEXT, encoding="utf-8")
    settings = load(tmp_path / "refill.toml", {**SECRETS, "REFILL_REDIS__URL": "redis://:pw@redis.acme.com/0"})
    assert set(hosts(settings)) == {
        "127.0.0.1:9101", "api-v2.forager.ai", "api.openprospect.io", "api.hubapi.com", "b.my.salesforce.com",
        "login.salesforce.com", "redis.acme.com:6379",
    }  # fmt: skip
    assert sign_in(settings.crm["a"]) == "signs in by the token of a service key or private app; API version 2026-09"
    assert sign_in(settings.crm["b"]) == "signs in by a refresh token; API version 66.0"
    assert redis_place(load(tmp_path / "refill.toml", SECRETS)) == ""


def test_every_version_of_hubspot_has_its_paths_and_its_end() -> None:
    known = set(get_args(HubSpotOptions.model_fields["api_version"].annotation))
    assert set(PATHS) == known == set(retirements.HUBSPOT_VERSIONS)
