"""Finds works, watches and targets by the names that a person types."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import load
from config.problems import ConfigError
from config.settings import Settings
from worker.commands import names
from worker.reports.overview import works

TOML = """
[providers.kaspr]
budget = { day = 10 }
[providers.openprospect]
deliver_to = ["one"]
[crm.one]
kind = "hubspot"
[crm.one.watch.contact]
[crm.two]
kind = "salesforce"
base_url = "https://two.my.salesforce.com"
[crm.two.watch.lead]
"""
SECRETS = {
    "REFILL_PROVIDERS__KASPR__API_KEY": "k", "REFILL_PROVIDERS__OPENPROSPECT__API_KEY": "o",
    "REFILL_CRM__ONE__TOKEN": "t", "REFILL_CRM__TWO__CLIENT_ID": "i", "REFILL_CRM__TWO__CLIENT_SECRET": "s",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "refill.toml"
    path.write_text(TOML, encoding="utf-8")
    return load(path, SECRETS)


def test_works_are_what_is_watched_and_where_deliveries_go(settings: Settings) -> None:
    assert works(settings) == [("one", "contact"), ("two", "lead"), ("one", "delivery")]


def test_one_crms_works_or_all_can_be_chosen(settings: Settings) -> None:
    ever = [("old", "contact")]
    assert names.chosen_works(settings, "one", None, ever) == [("one", "contact"), ("one", "delivery")]
    assert names.chosen_works(settings, None, None, ever)[0] == ("old", "contact")
    assert names.chosen_works(settings, "old", "contact", ever) == ever  # gone from the configuration, not from Redis


@pytest.mark.parametrize(
    ("crm", "object", "sentence"),
    [
        ("three", None, 'no crm is called "three"; known: one, two'),
        ("three", "contact", 'no crm is called "three"; known: one, two'),
        ("two", "contact", 'two has no "contact" in its work; known: lead'),
    ],
)
def test_unknown_work_is_answered_with_known(settings: Settings, crm: str, object: str | None, sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        names.chosen_works(settings, crm, object, [])
    assert raised.value.problems == (sentence,)


@pytest.mark.parametrize("object", ["delivery", "company", "webhook_secret", "watch", ""])
def test_only_watched_objects_are_watched(settings: Settings, object: str) -> None:
    assert names.known_watch(settings, "one", "contact") == ("one", "contact")
    with pytest.raises(ConfigError, match="watched: contact"):
        names.known_watch(settings, "one", object)


def test_what_can_be_paused_is_every_crm_and_provider_and_what_is_paused(settings: Settings) -> None:
    assert names.pausable(settings) == ["one", "two", "kaspr", "openprospect"]
    assert names.known_target(settings, "all") == "all"
    assert names.known_target(settings, "kaspr:phone", ["kaspr:phone"]) == "kaspr:phone"
    with pytest.raises(ConfigError, match="known: one, two, kaspr, openprospect, all"):
        names.known_target(settings, "forager")
