"""The health of a crm or provider is one word, and a person is told what to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.load import load
from config.settings import Settings
from worker.ledger.rates.pauses import Pause
from worker.ledger.rates.timetable import Beat
from worker.reports.health import Health, alerts, forecast, standings
from worker.reports.overview import Credits, Overview
from worker.reports.record_links import ids_in
from worker.visits.budget_lines import Cap

NOW = 1_800_000_000_000
TOML = """
[providers.forager]
account_id = 42
budget = { day = 500 }
[crm.acme_hubspot]
kind = "hubspot"
watch.contact = {}
"""
SECRETS = {"REFILL_PROVIDERS__FORAGER__API_KEY": "f-canary", "REFILL_CRM__ACME_HUBSPOT__TOKEN": "t-canary"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "refill.toml"
    path.write_text(TOML, encoding="utf-8")
    return load(path, SECRETS)


def seen(**more: Any) -> Overview:
    calm: dict[str, Any] = {
        "now_ms": NOW,
        "work": {},
        "waiting": {},
        "filled": {},
        "uncertain": 0,
        "credits": {"forager": Credits(today=3, cap=Cap(500))},
        "crm_credits": {},
        "totals": {},
        "pauses": (),
        "polls": {("acme_hubspot", "contact"): NOW - 60_000},
        "collected_ms": 0,
        "workers": (Beat("one", NOW, {"shut": []}),),
        "today": {},
        "journal": 0,
        "deliveries": 0,
    }
    return Overview(**calm | more)


def pause(target: str, reason: str, until_ms: int = 0, why: str = "", *, probe: bool = False) -> Pause:
    return Pause(target, reason, until_ms, NOW - 1_000, why, probe)


@pytest.mark.parametrize(
    ("more", "crm", "provider"),
    [
        ({}, Health.HEALTHY, Health.HEALTHY),
        ({"polls": {("acme_hubspot", "contact"): NOW - 900_000}}, Health.DEGRADED, Health.HEALTHY),
        ({"polls": {}}, Health.RETRY_PENDING, Health.HEALTHY),
        ({"workers": ()}, Health.DEGRADED, Health.HEALTHY),
        ({"workers": (Beat("one", NOW, {"shut": ["acme_hubspot"]}),)}, Health.SHUT, Health.HEALTHY),
        ({"pauses": (pause("acme_hubspot", "operator"),)}, Health.SHUT, Health.HEALTHY),
        ({"pauses": (pause("acme_hubspot:search", "429", NOW + 9_000),)}, Health.RETRY_PENDING, Health.HEALTHY),
        ({"pauses": (pause("forager:main", "credits"),)}, Health.HEALTHY, Health.DEGRADED),
        ({"pauses": (pause("forager", "outage", NOW + 9_000, probe=True),)}, Health.HEALTHY, Health.RETRY_PENDING),
        ({"credits": {"forager": Credits(today=500, cap=Cap(500))}}, Health.HEALTHY, Health.RETRY_PENDING),
    ],
)
def test_one_word_says_how_each_does(settings: Settings, more: Any, crm: Health, provider: Health) -> None:
    words = {one.name: one.health for one in standings(seen(**more), settings)}
    assert words == {"acme_hubspot": crm, "forager": provider}


def test_worst_of_several_reasons_is_told_with_its_sentence(settings: Settings) -> None:
    reasons = (pause("forager", "429", NOW + 5_000), pause("forager", "credentials", why="forager refuses our key"))
    told = next(one for one in standings(seen(pauses=reasons), settings) if one.name == "forager")
    assert (told.health, told.sentence) == (Health.SHUT, "Forager refuses our key.")
    told = next(one for one in standings(seen(pauses=reasons[:1]), settings) if one.name == "forager")
    assert told.sentence == "Paused: 429. Next try in 5s."


def test_alerts_are_few_and_a_pending_retry_is_none() -> None:
    assert not alerts(seen(pauses=(pause("forager", "429", NOW + 5_000),)), {})
    assert alerts(seen(workers=(), uncertain=1), {}) == ["No worker is alive.", "1 lookup may have been charged."]
    over = {"forager": forecast(300, 500, 10, 30), "kaspr": forecast(100, 500, 10, 30)}
    assert [one.expected for one in over.values()] == [900, 300]
    assert alerts(seen(), over) == ["At this pace forager's budget will not last the month."]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("101", ["101"]),
        ("https://app.hubspot.com/contacts/49547190/record/0-1/101?x=1", ["101"]),
        ("https://acme.lightning.force.com/lightning/r/Contact/0035g00000AbCdEAAV/view", ["0035g00000AbCdEAAV"]),
        ("https://[broken", []),
    ],
)
def test_record_is_known_by_its_id_or_the_address_of_its_page(text: str, ids: list[str]) -> None:
    assert ids_in(text) == ids
