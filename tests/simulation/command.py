"""Plays seeds and says what a person needs: figures, the coverage matrix, and how to play a failing seed again."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from tests.simulation.run import Verdict, drawn, play


def main() -> int:
    """The command line."""
    options = _options()
    total: Counter[tuple[str, str]] = Counter()
    failed, calls, deaths, uncertain, dead = [], 0, 0, 0, 0
    for seed in range(options.first, options.first + options.seeds):
        verdict = play(drawn(seed), trace=options.trace)
        total += verdict.matrix
        calls, deaths = calls + verdict.calls, deaths + verdict.deaths
        uncertain, dead = uncertain + verdict.uncertain, dead + verdict.dead
        if options.trace:
            sys.stdout.write("\n".join(verdict.trace) + "\n")
        if verdict.breaches:
            failed.append(seed)
            _tell(verdict)
            if len(failed) >= options.failures:
                break
    told = {"failed": failed, "calls": calls, "deaths": deaths, "uncertain": uncertain, "dead": dead}
    sys.stdout.write(json.dumps(told) + "\n")
    if options.matrix:
        sys.stdout.write(matrix(total))
    return 1 if failed else 0


def matrix(total: Counter[tuple[str, str]]) -> str:
    """How often each fault struck each port."""
    faults = sorted({fault for _, fault in total} - {"call"})
    lines = ["port".ljust(44) + " ".join(fault.rjust(max(5, len(fault))) for fault in ["call", *faults])]
    for port in sorted({port for port, _ in total}):
        counts = [str(total[port, fault] or ".").rjust(max(5, len(fault))) for fault in ["call", *faults]]
        lines.append(port[:43].ljust(44) + " ".join(counts))
    return "\n".join(lines) + "\n"


def _tell(verdict: Verdict) -> None:
    case = verdict.case
    sys.stdout.write(f"seed {case.seed} (world {case.world}, {case.workers} workers, {case.terms}, {case.plan})\n")
    for breach in verdict.breaches:
        sys.stdout.write(f"  {breach}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--failures", type=int, default=5, help="stop after so many")
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--trace", action="store_true")
    return parser.parse_args()
