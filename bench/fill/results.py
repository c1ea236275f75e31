"""Keeps measurements: one JSON per scenario, and one page of tables made from all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import plot

RESULTS = Path(__file__).resolve().parents[1] / "results"
COLUMNS = (
    ("cpu_ms_per_1000", "CPU ms / 1,000", ".0f"),
    ("cpu_ms_per_lookup", "CPU ms / paid call", ".2f"),
    ("times_base", "x base", ".1f"),
    ("crm_calls_per_1000", "CRM calls / 1,000", ".1f"),
    ("asked", "paid calls", ".0f"),
    ("charged", "charged", ".0f"),
    ("refused", "429", ".0f"),
    ("peak_mb", "peak MB", ".0f"),
    ("records_per_s", "records/s", ".0f"),
    ("scripts_per_lookup", "scripts / paid call", ".2f"),
    ("slow_scripts", "scripts > 4 ms", ".0f"),
    ("reads_per_lookup", "round trips / paid call", ".2f"),
    ("commands_per_record", "Redis commands / record", ".0f"),
    ("redis_bytes_per_record", "bytes to and from Redis / record", ".0f"),
    ("redis_kept_per_record", "bytes kept / record", ".0f"),
    ("redis_cpu_ms_per_1000", "Redis CPU ms / 1,000", ".0f"),
    ("asked_again", "people asked twice", ".0f"),
)


def keep(name: str, result: dict[str, Any]) -> None:
    """Writes one scenario's JSON, and the whole page."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
    text = "# Results\n\nWritten by `make bench ARGS=--keep`; what the columns mean is in ../README.md.\n\n"
    (RESULTS / "README.md").write_text(text + "\n".join(map(told, kept)), encoding="utf-8")
    if curves := grown(kept):
        plot.PICTURE.write_text(plot.drawn(curves), encoding="utf-8")


def grown(kept: list[dict[str, Any]]) -> dict[str, list[plot.Point]]:
    """Returns CPU seconds by size, by contender and share of blanks."""
    curves: dict[str, list[plot.Point]] = {}
    for result in kept:
        for point in result.get("figures", {}).get("points", ()):
            titles = {"refill": "Refill"} if point["full"] else {"refill": "Refill", "floor": "bare loop"}
            for name, title in titles.items():
                way = f"{point['blank']:.0%} filled" + (", all walked" if point["full"] else "")
                curve = curves.setdefault(f"{title}, {way}", [])
                curve.append((point["records"], point[name]["cpu_s"]))
    return curves


def told(result: dict[str, Any]) -> str:
    """Returns one scenario as Markdown."""
    machine = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    verdict = "" if result["steady"] else " **Refused: the base drifted by more than 15 %.**"
    lines = [f"## {result['scenario']}: {result['title']}", ""]
    lines += [f"{result['date']}; {machine}; load {result['load']} before and after.{verdict}", ""]
    if "medians" in result:
        lines += table(result["medians"])
    if "points" in result.get("figures", {}):
        lines += growth(result["figures"]["points"])
    elif "figures" in result:
        lines += [f"- {key}: {value}" for key, value in result["figures"].items()]
    return "\n".join([*lines, ""])


def table(medians: dict[str, dict[str, float]]) -> list[str]:
    columns = [one for one in COLUMNS if any(one[0] in figures for figures in medians.values())]
    rows = [("contender", "records", *(head for _, head, _ in columns))]
    for name, figures in medians.items():
        cells = (format(figures[key], form) if key in figures else "-" for key, _, form in columns)
        rows.append((name, f"{figures['records']:.0f}", *cells))
    return [f"| {' | '.join(rows[0])} |", "|---" + "|---:" * (len(rows[0]) - 1) + "|"] + [
        f"| {' | '.join(row)} |" for row in rows[1:]
    ]


def growth(points: list[dict[str, Any]]) -> list[str]:
    lines = ["| records | blank | CPU s | CPU ms / record | base CPU s | wall s | peak MB | Redis bytes / record |"]
    lines += ["|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for point in points:
        ours, base, size = point["refill"], point["floor"], point["records"]
        lines.append(
            f"| {size} | {point['blank']:.0%} | {ours['cpu_s']:.1f} | {1000 * ours['cpu_s'] / size:.2f} | "
            f"{base['cpu_s']:.1f} | {ours['wall_s']:.0f} | {ours['peak_mb']:.0f} | "
            f"{ours['redis_kept'] / size:.0f} |"
        )
    return lines
