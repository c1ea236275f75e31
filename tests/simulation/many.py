"""Many seeds in several processes: figures and the coverage matrix of all of them together."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.simulation.matrix import table
from tests.simulation.playing import WORLDS, Played, simulate

CHUNK = 50


def main() -> int:
    """``--jobs N --seeds M`` and the first seed; with ``--each-port K`` a death on the first K calls of every port."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--each-port", type=int, default=0)
    parser.add_argument("--salesforce", action="store_true")
    options = parser.parse_args()
    every = WORLDS * max(1, round(options.seeds / CHUNK / WORLDS))  # a part has one world, and so many seeds
    calls: list[tuple[str, ...]] = [
        ("--first", str(options.first + part), "--every", str(every), "--seeds", str(count))
        for part in range(every)
        if (count := len(range(part, options.seeds, every)))
    ]
    if options.each_port:
        parts = WORLDS * options.each_port
        calls += [("--each-port", str(options.each_port), "--part", f"{part}/{parts}") for part in range(1, parts + 1)]
    if options.salesforce:
        calls = [("--salesforce", *words) for words in calls]
    began = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as threads:
        played = list(threads.map(_played, calls))
    return _told(played, time.monotonic() - began)


def _played(words: Sequence[str]) -> Played:
    one = simulate(*words, "--counts")
    if one.failed:
        sys.stdout.write("".join(f"{line}\n" for line in one.text.splitlines() if not line.startswith("{")))
        sys.stdout.flush()
    return one


def _told(played: Sequence[Played], seconds: float) -> int:
    figures: Counter[str] = Counter()
    matrix: Counter[tuple[str, str]] = Counter()
    failed: list[str] = []
    for one in played:
        figures.update({name: one.figures[name] for name in ("runs", "calls", "deaths", "uncertain", "dead")})
        matrix.update({(port, fault): count for port, fault, count in one.figures["matrix"]})
        failed += one.figures["failed"]
    sys.stdout.write(table(matrix))
    told = {"failed": failed, **figures, "seconds": round(seconds), "runs_per_s": round(figures["runs"] / seconds, 2)}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if failed else 0
