"""Plays seeds and says what a person needs: figures, the coverage matrix, and how to play a failing seed again."""

from __future__ import annotations

import argparse
import gc
import json
import pickle
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.simulation.matrix import table
from tests.simulation.playing import ORGS, WORLDS
from tests.simulation.ports import Plan
from tests.simulation.run import Case, Run, Verdict, drawn, drawn_in_org, play
from tests.simulation.seams import cpu_s
from tests.simulation.store import Step


def main() -> int:
    """The command line."""
    options = _options()
    total: Counter[tuple[str, str]] = Counter()
    told: Counter[str] = Counter(runs=0, calls=0, deaths=0, uncertain=0, dead=0)
    failed: list[str] = []
    gc.collect()
    gc.freeze()  # what is loaded stays: a run's own garbage is all that is looked through after it
    digest, began = 0, cpu_s()
    tapes: list[Sequence[Step]] = []
    for name, case in _cases(options):
        verdict = play(case, trace=options.trace, taped=bool(options.tape))
        tapes.append(verdict.tape)
        total += verdict.matrix
        digest ^= int(verdict.digest, 16)
        told.update(runs=1, calls=verdict.calls, deaths=verdict.deaths, uncertain=verdict.uncertain, dead=verdict.dead)
        if options.trace:
            sys.stdout.write("\n".join(verdict.trace) + "\n")
        if verdict.breaches:
            failed.append(name)
            _tell(name, verdict)
            if len(failed) >= options.failures:
                break
    if options.tape:
        options.tape.write_bytes(pickle.dumps(tapes))
    speed = round(told["runs"] / max(0.001, cpu_s() - began), 2)
    figures = {"failed": failed, "digest": f"{digest:08x}", **told, "runs_per_cpu_s": speed}
    if options.counts:
        figures["matrix"] = [[port, fault, count] for (port, fault), count in sorted(total.items())]
    if options.matrix:
        sys.stdout.write(table(total))
    sys.stdout.write(json.dumps(figures) + "\n")
    return 1 if failed else 0


def _cases(options: argparse.Namespace) -> Iterator[tuple[str, Case]]:
    if options.each_port:
        first, worlds = (WORLDS, ORGS) if options.salesforce else (0, WORLDS)
        yield from _each_port(options.each_port, options.part, options.together, range(first, first + worlds))
        return
    draw, words = (drawn_in_org, "--salesforce ") if options.salesforce else (drawn, "")
    seeds = [first + place * options.every for first in options.first for place in range(options.seeds)]
    for seed in seeds:
        name = f"{words}--first {seed}"
        yield f"{name} --only {options.only}" if options.only else name, draw(seed, options.only)


def _each_port(times: int, part: str, together: int, worlds: Sequence[int]) -> Iterator[tuple[str, Case]]:
    """A death on the first ``times`` calls of every port, on both sides, with one and with two workers.

    ``together`` so many of them are in one run, and then with one or with two workers.
    """
    number, of = (int(one) for one in part.split("/"))
    ports = sorted({port for world in worlds[:2] for port, _ in Run(Case(0, world)).play().matrix})
    deaths = [(nth, side, port) for nth in range(1, times + 1) for side in ("before", "after") for port in ports]
    groups = [deaths[first : first + together] for first in range(0, len(deaths), together)]
    cases = [(group, workers) for group in groups for workers in (1, 2)]
    if together > 1:
        cases = [(group, 1 + place % 2) for place, group in enumerate(groups)]
    for place, (group, workers) in enumerate(cases):
        if place % of == number - 1:
            plan = Plan(deaths={(port, nth): side for nth, side, port in group})
            name = " and ".join(f"{side} call {nth} of {port}" for nth, side, port in group)
            yield name, Case(place + 1, worlds[place % len(worlds)], plan=plan, workers=workers)


def _tell(name: str, verdict: Verdict) -> None:
    case = verdict.case
    sys.stdout.write(f"{name} (world {case.world}, {case.workers} workers, {case.terms}, {case.plan})\n")
    for breach in verdict.breaches:
        sys.stdout.write(f"  {breach}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--first", type=int, nargs="+", default=[1], help="one seed, or several")
    parser.add_argument("--seeds", type=int, default=1, help="so many from each first one on")
    parser.add_argument("--every", type=int, default=1, help="take only every so many-th seed")
    parser.add_argument("--together", type=int, default=1, help="with --each-port: so many deaths in a run")
    parser.add_argument("--each-port", type=int, default=0, help="die on the first so many calls of every port instead")
    parser.add_argument("--part", default="1/1", help="of the deaths on every port, such as 2/5")
    parser.add_argument("--failures", type=int, default=5, help="stop after so many")
    parser.add_argument("--mutant", default="", help="with this planted bug")
    parser.add_argument(
        "--only", default="", help="one kind: crashes, pages read, vendors, busy, pages, frozen, tight, people"
    )
    parser.add_argument("--salesforce", action="store_true", help="the worlds whose CRM is Salesforce")
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--counts", action="store_true", help="the matrix with the figures, for adding up")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--tape", type=Path, help="a file to keep every step of the store in, pickled")
    return parser.parse_args()
