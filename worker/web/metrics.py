"""Serves the figures of ``/metrics``.

A registry of its own per scrape, filled from Redis, so that every worker is counted.

Labels are names of the configuration, of fields and of providers; never an id.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from connectors.telemetry import BOUNDS_S, CallName
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import WorkName
from worker.ledger.rates.calls import Called
from worker.ledger.work.work import Counts
from worker.reports.overview import Overview

__all__ = ["CONTENT_TYPE", "text"]

_WORK, _PROVIDER = ("crm", "object"), ("provider",)
_Rows = Iterable[tuple[tuple[str, ...], float]]


def text(
    found: Overview,
    *,
    spooled: int,
    broken: int = 0,
    answered: Mapping[tuple[str, int], int] | None = None,
    refused: Mapping[tuple[str, str], int] | None = None,
) -> bytes:
    """Makes what Prometheus reads. ``spooled`` are paid replies on this machine's disk that Redis does not have yet.

    ``broken`` are those of them that were set aside, because nobody can load them. ``answered`` counts the requests
    that this web process has answered, by (route, status), ``refused`` the posts that it refused, by (door, reason).
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(found, spooled, broken))
    registry.register(_Doors(answered or {}, refused or {}))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, found: Overview, spooled: int, broken: int) -> None:
        self._found, self._spooled, self._broken = found, spooled, broken

    def collect(self) -> Iterator[Metric]:
        yield from _work(self._found.work, self._found.now_ms)
        yield from _money(self._found)
        yield from _events(self._found)
        yield from _life(self._found)
        yield from _today(self._found)
        yield from _calls(self._found.calls)
        yield from _machine(self._found)
        yield _one("refill_spool_files", "Paid replies on the disk that Redis does not have yet.", self._spooled)
        yield _one("refill_spool_broken_files", "Paid replies that cannot be loaded and were set aside.", self._broken)


class _Doors(Collector):
    """Gives what this web process alone knows."""

    def __init__(self, answered: Mapping[tuple[str, int], int], refused: Mapping[tuple[str, str], int]) -> None:
        self._answered, self._refused = answered, refused

    def collect(self) -> Iterator[Metric]:
        answers = [((route, str(status)), count) for (route, status), count in sorted(self._answered.items())]
        refusals, door = sorted(self._refused.items()), ("door", "reason")
        yield _counter("refill_web_answers", "Requests this web process has answered.", ("route", "status"), answers)
        yield _counter("refill_webhook_refusals", "Webhooks and orders this web process has refused.", door, refusals)


def _work(work: Mapping[WorkName, Counts], now_ms: int) -> Iterator[Metric]:
    rows = work.items()
    backlog = [((*name, "live"), one.due - one.due_backfill) for name, one in rows]
    backlog += [((*name, "backfill"), one.due_backfill) for name, one in rows]
    yield _gauge("refill_backlog", "Records due, deferred ones among them.", (*_WORK, "lane"), backlog)
    ages = [(n, max(0, now_ms - one.oldest_due_ms) / 1000 if one.oldest_due_ms else 0) for n, one in rows]
    tables: tuple[tuple[str, str, _Rows], ...] = (
        ("refill_leased", "Records being visited.", [(name, one.leased) for name, one in rows]),
        ("refill_waiting", "Records waiting for a provider.", [(name, one.waiting) for name, one in rows]),
        ("refill_dead", "Dead letters.", [(name, one.dead) for name, one in rows]),
        ("refill_settled", "Records remembered and not in the work.", [(name, one.settled) for name, one in rows]),
        ("refill_oldest_due_seconds", "How long the oldest due record has been due.", ages),
    )
    for metric, help_, figures in tables:
        yield _gauge(metric, help_, _WORK, figures)


def _money(found: Overview) -> Iterator[Metric]:
    filled = [((*name, *pair), count) for name, pairs in found.filled.items() for pair, count in pairs.items()]
    yield _counter("refill_filled", "Values written.", (*_WORK, "field", "provider"), filled)
    spent = [((name,), totals.spent) for name, totals in found.totals.items()]
    yield _counter("refill_credits_spent", "Credits spent.", _PROVIDER, spent)
    credits = [((name,), one) for name, one in found.credits.items()]
    day = [(name, one.cap.day) for name, one in credits if one.cap.day is not None]
    month = [(name, one.cap.month) for name, one in credits if one.cap.month is not None]
    drifts = [((name,), books["drift"]) for name, books in found.reconciled.items() if books.get("drift") is not None]
    waiting = [((name,), count) for name, count in found.waiting.items()]
    tables: tuple[tuple[str, str, _Rows], ...] = (
        ("refill_waiting_for_provider", "Records in the queue for a provider.", waiting),
        ("refill_credits_today", "Credits spent today.", [(name, one.today) for name, one in credits]),
        ("refill_credits_month", "Credits spent this month.", [(name, one.month) for name, one in credits]),
        ("refill_credits_reserved", "Credits reserved or uncertain.", [(name, one.reserved) for name, one in credits]),
        ("refill_budget_day", "Credits allowed a day.", day),
        ("refill_budget_month", "Credits allowed a month.", month),
        ("refill_drift_credits", "Credits a provider billed beyond anything our ledger explains.", drifts),
    )
    for metric, help_, figures in tables:
        yield _gauge(metric, help_, _PROVIDER, figures)
    yield _one("refill_tickets_uncertain", "Lookups that may have been charged.", found.uncertain)
    yield _one("refill_redis_unsafe", "Reasons for which Redis may forget what it stores.", len(found.unsafe))


def _events(found: Overview) -> Iterator[Metric]:
    tables = (
        ("refill_events_announced", "Records that webhooks named.", found.announced),
        ("refill_events_replayed", "Records in signed posts that had come before.", found.replayed),
        ("refill_events_recovered", "Records a sweep found that no webhook had named.", found.recovered),
    )
    for name, help_, counts in tables:
        works = [work for work in sorted({*found.work, *counts}) if work[1] != DELIVERY]
        yield _counter(name, help_, _WORK, [(work, counts.get(work, 0)) for work in works])


def _life(found: Overview) -> Iterator[Metric]:
    pauses = [((one.target, one.reason), 1) for one in found.pauses]
    yield _gauge("refill_paused", "1 while a reason stands.", ("target", "reason"), pauses)
    polled = {name: found.polls.get(name) for name in found.work if name[1] != DELIVERY}
    ages = [(name, max(0, found.now_ms - at) / 1000 if at else math.inf) for name, at in polled.items()]
    yield _gauge("refill_poll_age_seconds", "Since the last successful poll; +Inf before the first.", _WORK, ages)
    age = max(0, found.now_ms - found.collected_ms) / 1000 if found.collected_ms else None
    yield _one("refill_collect_age_seconds", "Since deliveries were last pulled.", age)
    clocks = [((name,), one.ms / 1000) for name, one in found.clocks.items()]
    yield _gauge("refill_clock_offset_seconds", "How far a vendor's clock is ahead of ours.", ("vendor",), clocks)
    free = [int(beat.info["disk_free"]) for beat in found.workers if "disk_free" in beat.info]
    yield _one("refill_disk_free_bytes", "Free on the disk of the worker that has least.", min(free, default=None))
    proposed = [(name, found.proposals.get(name, 0)) for name in sorted({*found.work, *found.proposals})]
    yield _gauge("refill_proposals", "Records whose changes await a person's approval.", _WORK, proposed)
    yield _one("refill_workers_alive", "Workers with a sign of life in the last minute.", len(found.workers))
    yield _one("refill_journal_entries", "Entries of the journal.", found.journal)
    yield _one("refill_deliveries", "Delivered rows that are being brought into a crm.", found.deliveries)


def _today(found: Overview) -> Iterator[Metric]:
    """Yields the results of the day's runs; the series start again with each day of the budgets' time zone."""
    runs, gap = found.today.items(), ("crm", "field", "reason")
    gaps = [((crm, *pair), count) for crm, run in runs for pair, count in run.unfilled.items()]
    outcomes = [((crm, name), count) for crm, run in runs for name, count in run.outcomes.items()]
    yield _gauge("refill_unfilled_today", "Gaps that visits of today left open, by reason.", gap, gaps)
    yield _gauge("refill_outcomes_today", "Visits of today, by how they ended.", ("crm", "outcome"), outcomes)


def _calls(calls: Mapping[CallName, Called]) -> Iterator[Metric]:
    names = ("vendor", "operation")
    ends = [((*name, end), count) for name, called in calls.items() for end, count in called.ends.items()]
    yield _counter("refill_vendor_calls", "Calls of vendors, by how they ended.", (*names, "end"), ends)
    took = HistogramMetricFamily("refill_vendor_call_seconds", "How long calls of vendors took.", labels=names)
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    for name, called in calls.items():
        took.add_metric(name, list(zip(bounds, accumulate(called.ranges), strict=True)), called.seconds)
    yield took
    unsent = [(name, called.unsent) for name, called in calls.items() if called.unsent]
    help_ = "Writes not sent, because the read behind each was too slow."
    yield _counter("refill_vendor_writes_unsent", help_, names, unsent)


def _machine(found: Overview) -> Iterator[Metric]:
    build = [((version("refill"), platform.python_version()), 1)]
    yield _gauge("refill_build_info", "1; which version this is.", ("version", "python"), build)
    lags = [int(beat.info["lag_ms"]) for beat in found.workers if "lag_ms" in beat.info]
    lag = max(lags) / 1000 if lags else None
    yield _one("refill_loop_lag_seconds", "Longest delay of a worker's timers in its last beat.", lag)
    used, limit = (found.memory.used, found.memory.limit or None) if found.memory else (None, None)
    yield _one("refill_redis_used_bytes", "Memory that Redis uses.", used)
    yield _one("refill_redis_limit_bytes", "Memory that Redis may use.", limit)


def _gauge(name: str, help_: str, labels: tuple[str, ...], rows: _Rows) -> Metric:
    gauge = GaugeMetricFamily(name, help_, labels=labels)
    for values, figure in rows:
        gauge.add_metric(values, figure)
    return gauge


def _counter(name: str, help_: str, labels: tuple[str, ...], rows: _Rows) -> Metric:
    counter = CounterMetricFamily(name, help_, labels=labels)
    for values, count in rows:
        counter.add_metric(values, count)
    return counter


def _one(name: str, help_: str, figure: float | None) -> Metric:
    """Returns a family that is there from the start, with no sample while its figure is not known."""
    return GaugeMetricFamily(name, help_, value=figure)
