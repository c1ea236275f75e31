"""Pins the stable keys of ``status --json`` and the names of ``/metrics``."""

from __future__ import annotations

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from connectors.telemetry import CallEnd
from worker.ledger.journal.figures import RunFigures
from worker.ledger.money.budgets import Totals
from worker.ledger.rates.calls import Called
from worker.ledger.rates.pauses import Pause
from worker.ledger.rates.timetable import Beat
from worker.ledger.redis_memory import MemoryUse
from worker.ledger.work.work import Counts
from worker.reports.overview import Credits, Overview
from worker.visits.budget_lines import Cap
from worker.web import metrics

NOW = 1_800_000_000_000
FOUND = Overview(
    now_ms=NOW,
    work={
        ("one", "contact"): Counts(7, 4, 2, 3, 1, 9, NOW - 5_000),
        ("one", "delivery"): Counts(0, 0, 0, 0, 0, 0, 0),
    },
    waiting={"forager": 3},
    filled={("one", "contact"): {("work_email", "forager"): 5}},
    uncertain=2,
    credits={"forager": Credits(11, 12, 13, Cap(100, None))},
    crm_credits={"one": Credits(1, 2, 3, Cap(None, 50))},
    totals={"forager": Totals(12, 1, 1, 1)},
    pauses=[Pause("forager:main", "429", NOW + 1_000, NOW, "wait", probe=False)],
    polls={("one", "contact"): NOW - 30_000},
    collected_ms=NOW - 60_000,
    workers=[Beat("w1", NOW, {"visits": 3, "disk_free": 9_000_000_000, "lag_ms": 20}), Beat("w2", NOW, {"visits": 0})],
    today={"one": RunFigures(4, 5, {("work_email", "forager"): 3}, {("phone", "not_found"): 1}, {"settled": 4})},
    journal=17,
    deliveries=6,
    memory=MemoryUse(100, 400),
    calls={
        ("forager", "person"): Called({CallEnd.OK: 3, CallEnd.LIMITED: 1}, (0, 3, 0, 0, 0, 0, 0, 0, 1), 62.5, unsent=2)
    },
)
ANSWERED = {("/webhooks/hubspot/{crm}", 401): 2}
REFUSED = {("webhooks.hubspot", "signature"): 2}


def test_status_has_its_stable_keys() -> None:
    told = FOUND.as_json()
    contact = told["work"]["one"]["contact"]
    assert {name: contact[name] for name in ("due", "leased", "waiting", "dead", "settled")} == {
        "due": 7, "leased": 2, "waiting": 3, "dead": 1, "settled": 9,
    }  # fmt: skip
    assert contact["lanes"] == {"live": 3, "backfill": 4}
    assert told["tickets"] == {"uncertain": 2}
    assert told["credits"]["forager"] == {
        "today": 11, "month": 12, "reserved": 13, "budget_day": 100, "budget_month": None,
    }  # fmt: skip
    assert told["filled"]["one"]["contact"]["work_email"]["forager"] == 5
    assert told["paused"]["forager:main"]["429"]["why"] == "wait"
    assert told["today"]["one"]["fill_rate"] == 0.75
    assert told["polls"]["one"]["contact"] == 30
    assert told["workers"].keys() == {"w1", "w2"}


def samples() -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(
        metrics.text(FOUND, spooled=8, answered=ANSWERED, refused=REFUSED).decode()
    ):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_metrics_tell_the_same_figures() -> None:
    told = samples()
    contact = (("crm", "one"), ("object", "contact"))
    assert told["refill_backlog"][("crm", "one"), ("lane", "backfill"), ("object", "contact")] == 4
    assert told["refill_backlog"][("crm", "one"), ("lane", "live"), ("object", "contact")] == 3
    for name, figure in (("leased", 2), ("waiting", 3), ("dead", 1), ("settled", 9), ("poll_age_seconds", 30)):
        assert told[f"refill_{name}"][contact] == figure
    assert told["refill_oldest_due_seconds"][contact] == 5
    forager = (("provider", "forager"),)
    for name, figure in (("today", 11), ("month", 12), ("reserved", 13), ("spent_total", 12)):
        assert told[f"refill_credits_{name}"][forager] == figure
    assert told["refill_budget_day"][forager] == 100
    assert "refill_budget_month" not in told  # no budget is no figure
    assert told["refill_waiting_for_provider"][forager] == 3
    assert list(told["refill_filled_total"].values()) == [5]
    assert told["refill_paused"][("reason", "429"), ("target", "forager:main")] == 1
    for name, figure in (("workers_alive", 2), ("journal_entries", 17), ("spool_files", 8), ("tickets_uncertain", 2)):
        assert told[f"refill_{name}"][()] == figure


def test_every_configured_work_has_its_series_of_proposals_from_the_start() -> None:
    told = metrics.text(replace(FOUND, proposals={}), spooled=0).decode()
    for crm, kind in FOUND.work:
        assert f'refill_proposals{{crm="{crm}",object="{kind}"}} 0.0' in told


def test_labels_are_names_of_the_configuration_and_never_ids() -> None:
    labels = {name for rows in samples().values() for row in rows for name, _ in row}
    assert labels == {
        *("crm", "object", "lane", "provider", "field", "target", "reason", "outcome", "vendor", "operation", "end"),
        *("le", "route", "status", "door", "version", "python"),
    }


def test_calls_of_vendors_are_counted_by_end_and_by_duration() -> None:
    told = samples()
    name = (("operation", "person"), ("vendor", "forager"))
    assert told["refill_vendor_calls_total"][("end", "429"), *name] == 1
    assert told["refill_vendor_call_seconds_bucket"][("le", "0.1"), *name] == 0
    assert told["refill_vendor_call_seconds_bucket"][("le", "0.25"), *name] == 3
    assert told["refill_vendor_call_seconds_bucket"][("le", "+Inf"), *name] == 4
    assert told["refill_vendor_call_seconds_sum"][name] == 62.5
    assert told["refill_vendor_writes_unsent_total"][name] == 2
    assert told["refill_unfilled_today"][("crm", "one"), ("field", "phone"), ("reason", "not_found")] == 1
    assert told["refill_web_answers_total"][("route", "/webhooks/hubspot/{crm}"), ("status", "401")] == 2
    assert told["refill_webhook_refusals_total"][("door", "webhooks.hubspot"), ("reason", "signature")] == 2
    assert told["refill_redis_limit_bytes"][()] == 400
    assert list(told["refill_build_info"].values()) == [1]
