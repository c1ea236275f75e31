"""Measures the cost of filling records, compared with other tools.

    make bench ARGS="S1 S1-one --records 2000 --rounds 3"

Every contender has its own environment and is run on a new world, one after the other, in rounds. CPU is that of
the contender's processes, start-up included; Redis' CPU is listed apart. Wall figures of a busy machine are luck.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

import machine  # noqa: E402 - the path above comes first
import results  # noqa: E402
import shares  # noqa: E402
from environments import REFILL  # noqa: E402
from rounds import medians, played  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402


def measured(name: str, records: int, count: int) -> dict[str, Any]:
    scenario = SCENARIOS[name]
    records = records or scenario.records
    before = machine.load()
    result: dict[str, Any] = {
        "scenario": name, "title": scenario.title, "records": records, "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine.described(), "steady": True,
    }  # fmt: skip
    if scenario.single:
        result["figures"] = scenario.single(records)
    else:
        rounds, result["steady"] = played(scenario, records, count)
        result |= {"medians": medians(rounds, scenario.base), "rounds": rounds}
    return result | {"load": [before, machine.load()]}


def sampled(name: str, records: int, stacks: Path) -> str:
    """Returns where the CPU of Refill's pass goes.

    Raises:
        SystemExit: the scenario is not one pass of Refill.
    """
    scenario = SCENARIOS[name]
    contender = next((one for one in scenario.contenders if one.name == REFILL), None)
    if contender is None:
        raise SystemExit(f"{name} is not one pass of Refill; use S1-one")
    return shares.sampled(contender, scenario.world(records or scenario.records), stacks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", help=f"default: all of {', '.join(SCENARIOS)}")
    parser.add_argument("--records", type=int, default=0, help="default: each scenario's own, small enough for minutes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="write bench/results")
    parser.add_argument("--shares", type=Path, metavar="FILE", help="sample Refill's pass instead; stacks go to FILE")
    wanted = parser.parse_args()
    if unknown := set(wanted.scenarios) - SCENARIOS.keys():
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; known: {', '.join(SCENARIOS)}")
    unsteady = False
    for name in wanted.scenarios or SCENARIOS:
        print(f"{name}: {SCENARIOS[name].title}", file=sys.stderr, flush=True)
        if wanted.shares:
            print(sampled(name, wanted.records, wanted.shares), flush=True)
            continue
        result = measured(name, wanted.records, wanted.rounds)
        print(results.told(result), flush=True)
        unsteady |= not result["steady"]
        if wanted.keep:
            results.keep(name, result)
    sys.exit(unsteady)


if __name__ == "__main__":
    main()
