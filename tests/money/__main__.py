"""Prints what each order of questions costs on seeded worlds: ``make money ARGS="--records 300 --seeds 1 2 3"``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

import structlog

from sandbox.mistakes import FRIENDLY, HARD, Mistakes
from sandbox.options import Options
from sandbox.seeding import build_world
from tests.money.market import market
from tests.money.measure import STRATEGIES, Bill, measure

WORLDS = {
    "no mistaken link": FRIENDLY,
    "5 % mistaken links": Mistakes(links=0.05, namesakes=0.5),
    "15 % mistaken links": Mistakes(links=0.15, namesakes=0.5),
    "hard": HARD,
}
HEAD = "| strategy | questions | credits | right fills | wrong values | credits a right fill | times the bound |"


async def table(name: str, mistakes: Mistakes, records: int, seeds: list[int]) -> None:
    """One world's rows, added up over its seeds."""
    bills = dict.fromkeys(STRATEGIES, Bill())
    for seed in seeds:
        options = Options(
            vendors=("forager", "kaspr", "hubspot"),
            seed=seed,
            records=records,
            companies=max(4, round(records * 80 / 300)),
            mistakes=mistakes,
        )
        async with market(options, build_world(options)) as found:
            for strategy, change in STRATEGIES.items():
                bills[strategy] += await measure(found, change(found.policy()))
    rows = [f"\n{name}\n", HEAD, "|---|---:|---:|---:|---:|---:|---:|"]
    rows += [
        f"| {strategy} | {one.questions} | {one.credits} | {one.right} | {one.wrong} | {one.per_fill:.2f} "
        f"| {one.times_bound:.2f} |"
        for strategy, one in bills.items()
    ]
    sys.stdout.write("\n".join(rows) + "\n")
    sys.stdout.flush()


async def run() -> None:
    """Measure every world that is asked for."""
    parser = argparse.ArgumentParser(prog="make money", description=__doc__)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS)[:3], choices=list(WORLDS))
    asked = parser.parse_args()
    for name in asked.worlds:
        await table(name, WORLDS[name], asked.records, asked.seeds)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(run())
