"""Alerts and the board speak of figures that /metrics has; docs/metrics.md tells them all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.commands.test_figures import ANSWERED, FOUND, REFUSED
from worker.reports.overview import Overview
from worker.web import metrics

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
SUFFIXES = r"(_bucket|_sum|_count)$"


def families(found: Overview = FOUND) -> dict[str, str]:
    """Every family of /metrics with its help, by the name that a query takes."""
    text = metrics.text(found, spooled=1, broken=1, answered=ANSWERED, refused=REFUSED).decode()
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: family.documentation
        for family in text_string_to_metric_families(text)
    }


def named(text: str) -> set[str]:
    return {re.sub(SUFFIXES, "", name) for name in re.findall(r"\brefill_\w+", text)}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    board = json.loads((ROOT / "deploy" / "grafana" / "board.json").read_text(encoding="utf-8"))
    yield from (target["expr"] for panel in board["panels"] for target in panel.get("targets", ()))


def test_alerts_and_board_name_figures_that_there_are() -> None:
    assert named(" ".join(expressions())) <= families().keys()


def test_every_figure_is_there_before_anything_has_happened() -> None:
    assert families(replace(FOUND, workers=(), collected_ms=0, memory=None, calls={}, pauses=())) == families()


def test_every_alert_says_what_to_do_and_has_a_fault_that_fires_it() -> None:
    tried = yaml.safe_load((PROMETHEUS / "alerts_test.yaml").read_text(encoding="utf-8"))["tests"]
    calm = {one["alertname"] for case in tried for one in case["alert_rule_test"] if not one["exp_alerts"]}
    fired = {one["alertname"] for case in tried for one in case["alert_rule_test"] if one["exp_alerts"]}
    alerts = {rule["alert"] for rule in rules()}
    assert (fired, calm) == (alerts, alerts)
    for rule in rules():
        assert rule["annotations"].keys() == {"summary", "action"}
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_page_of_figures_tells_every_one() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", page, flags=re.MULTILINE))
    assert told == families()
