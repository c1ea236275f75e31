"""Times `look` at a record and each `decide` of its visit, on realistic data.

    python bench/rules.py [--records 400] [--check]

A seeded world is visited once; every call of a visit is kept with the answers it had and timed afterwards, first with
every cache empty (a new record, whose values are all read for the first time) and then again (as in a pass
over known records). Medians of the calls; beside them a loop of plain arithmetic, so that a slow or busy
machine shows. Goal: a ``decide`` takes at most 150 us; ``--check`` exits 1 above it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from posting import ROOT, print_table

sys.path.insert(0, str(ROOT))

from connectors.models import Answer, Record
from sandbox.mistakes import HARD
from sandbox.options import Options
from sandbox.seeding import build_world
from tests.money.market import Market, market
from worker.decide.knowledge import finders
from worker.decide.plan import decide
from worker.decide.policy import Policy
from worker.decide.record import look
from worker.decide.waterfall import Supply

GOAL_US = 150
LOOPS = 20_000
Call = dict[str, Answer]


async def visits(records: int) -> tuple[Market, Policy, list[tuple[Record, list[Call]]]]:
    """Returns every record with the answers known at each of its calls."""
    options = Options(
        vendors=("forager", "kaspr", "hubspot"), seed=1, records=records, companies=records * 27 // 100, mistakes=HARD
    )
    async with market(options, build_world(options)) as found:
        rules = found.policy()
        told = []
        for row in found.rows:
            view, calls, answers = look(row.record, rules), [], {}
            while True:
                calls.append(dict(answers))
                asked = decide(view, rules, Supply(found.offers), answers, schema=found.schema).questions
                if not asked:
                    break
                answers |= {one.question.key: await found.book.ask(one.question) for one in asked}
            if not view.skip and view.gaps:
                told.append((row.record, calls))
        return found, rules, told


def caches() -> list[Any]:
    """Returns the bounded caches of the rules: tables that are read once stay."""
    found = [one for one in gc.get_objects() if isinstance(one, type(finders))]
    return [one for one in found if one.__module__.startswith("worker.decide") and one.cache_parameters()["maxsize"]]


def timed(call: Callable[..., object], *given: Any, **named: Any) -> float:
    """Microseconds of one call."""
    began = time.perf_counter_ns()
    call(*given, **named)
    return (time.perf_counter_ns() - began) / 1_000


def measured(found: Market, rules: Policy, told: list[tuple[Record, list[Call]]]) -> Iterator[float]:
    """Medians in microseconds: a look, a decide, all of a visit's, and the arithmetic."""
    looks, calls, whole, plain, supply = [], [], [], [], Supply(found.offers)
    for record, asked in told:
        looks.append(timed(look, record, rules))
        view = look(record, rules)
        each = [timed(decide, view, rules, supply, answers, schema=found.schema) for answers in asked]
        calls += each
        whole.append(sum(each))
        plain.append(timed(lambda: sum(range(LOOPS))))
    return map(statistics.median, (looks, calls, whole, plain))


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=400)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found, rules, told = asyncio.run(visits(args.records))
    empty = caches()
    gc.collect()
    gc.freeze()
    rows, worst = [], 0.0
    for name in ("never seen", "seen before"):
        if name == "never seen":
            for one in empty:
                one.cache_clear()
        a_look, a_call, a_visit, plain = measured(found, rules, told)
        worst = max(worst, a_call)
        rows.append([name, f"{a_look:.0f}", f"{a_call:.0f}", f"{a_visit:.0f}", f"{plain:.0f}"])
    print_table([("record", "look us", "decide us", "a visit's decides us", f"sum(range({LOOPS:,})) us"), *rows])
    print(f"goal: a decide takes at most {GOAL_US} us: {'met' if worst <= GOAL_US else 'missed'}")
    return int(args.check and worst > GOAL_US)


if __name__ == "__main__":
    sys.exit(main())
