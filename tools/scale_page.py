"""Computes the tables of docs/scale.md from the kept measurements (``bench/results``) and what the page assumes.

The page's prose is written by hand around them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PAGE, RESULTS = ROOT / "docs" / "scale.md", ROOT / "bench" / "results"
SIZES = {"1 million": 10**6, "100 million": 10**8, "1 billion": 10**9}

# What is assumed; the page says so in the same order.
LACK, CREDITS = 0.5, 5
DAYS, CHANGED = 30, 0.01
WINDOW_CALLS_PER_S, DAY_CALLS = 190 / 10, 650_000 * 4 // 5
FORAGER_PER_S, KASPR_PER_DAY = 10, 500
CELL_GB = 25
PACKED, UNPACKED_B = 2_100_000, 154  # records of a crm whose hashes Redis packs; what one takes more beyond

BLOCK = re.compile(r"(<!-- made by make references: (\w+) -->).*?(<!-- made -->)", re.DOTALL)


class Spent(NamedTuple):
    """Holds what something takes: CPU of the worker and of Redis, bytes left in Redis, calls of HubSpot."""

    cpu_s: float
    redis_cpu_s: float
    kept_b: float
    calls: float

    @classmethod
    def measured(cls, point: dict[str, Any]) -> Spent:
        one = point["refill"]
        return cls(one["cpu_s"], one["redis_cpu_s"], one["redis_kept"], one["crm_calls"])


class Line(NamedTuple):
    """Holds what a pass takes: its start, and each filled record."""

    start: Spent
    record: Spent

    @classmethod
    def through(cls, points: Sequence[dict[str, Any]]) -> Line:
        """Draws the line through the smallest and the largest pass that was measured."""
        first, last = points[0], points[-1]
        more = last["refill"]["asked"] - first["refill"]["asked"]
        ends = zip(Spent.measured(first), Spent.measured(last), strict=True)
        record = Spent(*((high - low) / more for low, high in ends))
        count = first["refill"]["asked"]
        return cls(Spent(*(low - count * one for low, one in zip(Spent.measured(first), record, strict=True))), record)

    def at(self, filled: int) -> Spent:
        return Spent(*(start + filled * one for start, one in zip(self.start, self.record, strict=True)))


def text() -> str:
    """Returns the page with its tables made again."""
    tables = {"measured": _measured, "sizes": _sizes, "checked": _checked}

    def made(block: re.Match[str]) -> str:
        return "\n\n".join([block[1], "\n".join(tables[block[2]]()), block[3]])

    return BLOCK.sub(made, PAGE.read_text(encoding="utf-8"))


def _points(scenario: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _kept(scenario)["figures"]["points"]
    return found


def _kept(scenario: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{scenario}.json").read_text(encoding="utf-8"))
    return found


def _line() -> Line:
    return Line.through(_points("S7"))


def _webhook_calls() -> float:
    return float(_kept("S5")["figures"]["HubSpot calls for 1,000 records announced once"])


def _measured() -> Iterable[str]:
    """Yields what one filled record takes, by the scenarios that measured it."""
    points, record = _points("S7"), _line().record
    between = f"S7, slope from {points[0]['records']:,} to {points[-1]['records']:,} records"
    yield from ("| a filled record takes | | measured by |", "|---|---:|---|")
    yield f"| CPU of the worker | {1000 * record.cpu_s:.2f} ms | {between} |"
    yield f"| CPU of Redis | {1000 * record.redis_cpu_s:.2f} ms | the same |"
    yield f"| bytes in Redis | {record.kept_b:.0f} | the same |"
    yield f"| HubSpot calls, first pass | {record.calls:.4f} | the same |"
    yield f"| HubSpot calls, by webhook | {_webhook_calls() / 1000:.4f} | S5 |"


def _sizes() -> Iterable[str]:
    yield f"| | {' | '.join(SIZES)} |"
    yield "|---|" + "---:|" * len(SIZES)
    columns = [_size(records) for records in SIZES.values()]
    for name in columns[0]:
        yield f"| {name} | {' | '.join(column[name] for column in columns)} |"


def _size(records: int) -> dict[str, str]:
    filled = int(records * LACK)
    record, month_s = _line().record, DAYS * 86_400
    calls = filled * record.calls
    kept_gb = filled * (record.kept_b + (UNPACKED_B if filled > PACKED else 0)) / 10**9
    cores, redis_cores = filled * record.cpu_s / month_s, filled * record.redis_cpu_s / month_s
    return {
        "lookups": _said(filled),
        "credits": _said(filled * CREDITS),
        "HubSpot calls of the first pass": _said(calls),
        "... hours at 190 in 10 s": _said(calls / WINDOW_CALLS_PER_S / 3_600),
        "... days of 520,000 calls": _said(calls / DAY_CALLS),
        "HubSpot calls a day afterwards": _said(records * CHANGED * _webhook_calls() / 1000),
        "days at Forager's 10 a second": _said(filled / FORAGER_PER_S / 86_400),
        "... keys for 30 days": _said(ceil(filled / FORAGER_PER_S / month_s)),
        "days at Kaspr's 500 a day": _said(filled / KASPR_PER_DAY),
        "GB in Redis": _said(kept_gb),
        "... cells": _said(ceil(kept_gb / CELL_GB)),
        "core hours of workers": _said(filled * record.cpu_s / 3_600),
        "... cores over 30 days": f"{cores:.4f}",
        "Redis' cores over 30 days": f"{redis_cores:.4f}",
    }


def _checked() -> Iterable[str]:
    """Yields passes that did not draw the line, beside what the line says of them."""
    line = _line()
    yield "| measured | records | filled | CPU s, line / pass | Redis MB, line / pass | HubSpot calls, line / pass |"
    yield "|---|---:|---:|---:|---:|---:|"
    for scenario, points in (("S7", _points("S7")[1:-1]), ("S7-sparse", _points("S7-sparse")[1:])):
        date = _kept(scenario)["date"]
        for point in points:
            filled = point["refill"]["asked"]
            said, seen = line.at(filled), Spent.measured(point)
            yield (
                f"| {scenario}, {date} | {point['records']:,} | {filled:,} | {said.cpu_s:.1f} / {seen.cpu_s:.1f} "
                f"| {said.kept_b / 1e6:.1f} / {seen.kept_b / 1e6:.1f} | {said.calls:.0f} / {seen.calls:.0f} |"
            )


def _said(number: float) -> str:
    """Returns a number in words of two digits or three."""
    for size, word in ((10**9, " billion"), (10**6, " million")):
        if number >= size:
            return f"{number / size:.3g}{word}"
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
