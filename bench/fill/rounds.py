"""Rounds of all contenders one after the other, and their medians; refused where the bare loop itself drifts."""

from __future__ import annotations

import statistics
import sys
from typing import Any

from running import Figures, run
from scenarios import Scenario

DRIFT = 1.15
MORE = 3  # rounds beyond those asked for, on a machine that others use
Round = dict[str, Figures]


def played(scenario: Scenario, records: int, count: int) -> tuple[list[Round], bool]:
    """Returns the rounds that count, and whether their base was steady.

    A round is played again, a few times, until the requested number is within the allowed drift.
    """
    rounds: list[Round] = []
    for _ in range(count + (MORE if scenario.base and count > 1 else 0)):
        rounds.append(_round(scenario, records))
        if not scenario.base:
            if len(rounds) == count:
                return rounds, True
        elif steady := closest(rounds, scenario.base, count):
            return steady, True
    return rounds, False


def closest(rounds: list[Round], base: str, count: int) -> list[Round]:
    """Returns that many rounds whose base took nearly the same CPU; none if there are fewer."""
    ordered = sorted(rounds, key=lambda one: one[base]["cpu_s"])
    for at in range(len(ordered) - count + 1):
        part = ordered[at : at + count]
        if part[-1][base]["cpu_s"] <= DRIFT * part[0][base]["cpu_s"]:
            return part
    return []


def _round(scenario: Scenario, records: int) -> Round:
    done: Round = {}
    for contender in scenario.contenders:
        lookups = done["refill"]["asked"] if scenario.vendors and "refill" in done else 0
        done[contender.name] = run(contender, scenario.world(records), lookups)
        figures = done[contender.name]
        print(
            f"  {contender.name}: {figures['records']} records, {figures['cpu_s']:.2f} s of CPU, "
            f"{figures['wall_s']:.1f} s", file=sys.stderr, flush=True,
        )  # fmt: skip
    return done


def medians(rounds: list[Round], base: str) -> dict[str, dict[str, float]]:
    """Returns the figures that are shown, by contender."""
    shown = [{name: derived(one, played_.get(base)) for name, one in played_.items()} for played_ in rounds]
    return {
        name: {key: statistics.median(one[name][key] for one in shown) for key in figures}
        for name, figures in shown[0].items()
    }


def derived(figures: Figures, base: Figures | None) -> dict[str, float]:
    """Returns figures per record and per paid call that was sent, out of one run."""
    records, asked = figures["records"], max(1, figures["asked"])
    cpu_ms = 1000 * figures["cpu_s"]
    shown = {
        "records": records, "cpu_ms_per_1000": 1000 * cpu_ms / records, "cpu_ms_per_lookup": cpu_ms / asked,
        "asked": figures["asked"], "charged": figures["charged"], "refused": figures["refused"],
        "crm_calls_per_1000": 1000 * figures["crm_calls"] / records, "peak_mb": figures["peak_mb"],
        "records_per_s": records / figures["wall_s"], "wall_s": figures["wall_s"],
    }  # fmt: skip
    if base is not None:
        base_ms = 1000 * base["cpu_s"] / max(1, base["asked"])
        shown["times_base"] = shown["cpu_ms_per_lookup"] / base_ms
    if "redis_scripts" in figures:
        shown |= {
            "slow_scripts": figures["slow_scripts"],
            "scripts_per_lookup": figures["redis_scripts"] / asked, "reads_per_lookup": figures["redis_reads"] / asked,
            "commands_per_record": figures["redis_commands"] / records,
            "redis_bytes_per_record": figures["redis_bytes"] / records,
            "redis_kept_per_record": figures["redis_kept"] / records,
            "redis_cpu_ms_per_1000": 1e6 * figures["redis_cpu_s"] / records,
        }  # fmt: skip
    books: dict[str, Any] = figures["books"]
    if "asked_again" in books:
        shown["asked_again"] = books["asked_again"]
    if books.get("provider_mean_s"):
        shown |= {"asked_per_s": books["asked_per_s"], "provider_mean_s": books["provider_mean_s"]}
    return shown
