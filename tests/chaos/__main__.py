"""``python -m tests.chaos``: storms over real processes, a table at the end, and exit code 1 if anything broke."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import replace

from sandbox.mistakes import LEVELS
from tests.chaos.audit import Verdict, carry_out
from tests.chaos.plan import Plan, Storm, draw
from tests.chaos.storm import undisturbed
from tests.chaos.table import table


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.plan:
        for rate in arguments.faults.split(","):
            _say(_whole(draw(_storm(arguments, int(rate)))))
        return
    verdicts = asyncio.run(_all(arguments))
    _say("\n" + table(verdicts))
    for verdict in verdicts:
        for fault in verdict.faults:
            _say(f"faults {verdict.plan.storm.faults} %: {fault}")
    sys.exit(any(verdict.faults for verdict in verdicts))


async def _all(arguments: argparse.Namespace) -> list[Verdict]:
    found: list[Verdict] = []
    storms = [_storm(arguments, int(rate)) for rate in arguments.faults.split(",")]
    expected = asyncio.create_task(undisturbed(replace(storms[0], pace=""), arguments.within))
    await expected
    for storm in storms:
        plan, began = draw(storm), time.monotonic()
        _say(plan.told())
        verdict = await carry_out(
            plan, expected, patience_s=arguments.patience, within_s=arguments.within, verdicts=arguments.verdicts
        )
        verdict.seconds = time.monotonic() - began
        found.append(verdict)
        _say(table([verdict]))
        _say(repr((verdict.seen, verdict.told, verdict.toxics, verdict.ended, verdict.errors)))
        for words in verdict.last_words:
            _say(words)
    return found


def _whole(plan: Plan) -> str:
    """Everything that was drawn but the faults of single exchanges, of which the digest knows the first ones."""
    rules = [f"{vendor}: {rule}" for vendor, some in plan.rules.items() for rule in some]
    return "\n".join([plan.told(), *(str(event) for event in plan.events), *rules])


def _storm(arguments: argparse.Namespace, faults: int) -> Storm:
    return Storm(
        seed=arguments.seed,
        faults=faults,
        records=arguments.records,
        kills=arguments.kills,
        open_kills=arguments.kills * 3 // 10,
        restarts=arguments.restarts,
        cuts=arguments.cuts,
        stops=arguments.stops,
        long_stops=arguments.long_stops,
        fulls=arguments.fulls,
        readonlys=arguments.readonlys,
        downs=arguments.downs,
        expiries=arguments.expiries,
        repeats=arguments.repeats,
        arrivals=arguments.arrivals,
        edits=arguments.edits,
        locks=arguments.locks,
        rules=arguments.rules,
        hides=arguments.hides,
        plans=arguments.plans,
        undos=arguments.undos,
        forgets=arguments.forgets,
        hang_s=arguments.hang,
        pace=arguments.pace,
        mistakes=arguments.mistakes,
        clock_s=arguments.clock,
    )


def _parser() -> argparse.ArgumentParser:
    drawn = Storm()
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, default=drawn.seed)
    add("--records", type=int, default=10_000, help="in both CRMs together")
    add("--faults", default="5,20,50", help="percent of exchanges; several rates are several storms")
    add("--kills", type=int, default=drawn.kills, help="three in ten of them with a paid call open")
    add("--restarts", type=int, default=drawn.restarts)
    add("--cuts", type=int, default=drawn.cuts)
    add("--stops", type=int, default=drawn.stops)
    add("--long-stops", type=int, default=drawn.long_stops, help="of 95 s, longer than a lease")
    add("--readonlys", type=int, default=drawn.readonlys)
    add("--fulls", type=int, default=drawn.fulls)
    add("--downs", type=int, default=drawn.downs)
    add("--expiries", type=int, default=drawn.expiries)
    add("--repeats", type=int, default=drawn.repeats)
    add("--arrivals", type=int, default=drawn.arrivals, help="of two companies with their people each")
    add("--edits", type=int, default=drawn.edits, help="blanks that people fill on rows while these are visited")
    add("--locks", type=int, default=drawn.locks, help="rounds of approvals that lock rows of the org")
    add("--rules", type=int, default=drawn.rules, help="times that rules of both CRMs begin or end")
    add("--hides", type=int, default=drawn.hides, help="times that a field is hidden for a moment")
    add("--plans", type=int, default=drawn.plans, help="plans that are saved and followed")
    add("--undos", type=int, default=drawn.undos, help="records taken back")
    add("--forgets", type=int, default=drawn.forgets, help="people forgotten")
    add("--mistakes", choices=sorted(LEVELS), default=drawn.mistakes, help="how much of the world is mistaken")
    add("--clock", type=float, default=drawn.clock_s, help="seconds that all vendors' clocks are ahead, or behind")
    add("--hang", type=float, default=drawn.hang_s, help="seconds that a hanging answer hangs at most")
    add("--pace", default=drawn.pace, help="what the paid providers are asked at most, such as 10/second")
    add("--patience", type=float, default=10.0, help="seconds to wait for a drawn step before striking anyway")
    add("--within", type=float, default=3_600.0, help="seconds to wait for the work to end")
    add("--plan", action="store_true", help="print what is drawn and do nothing")
    add("--verdicts", action="store_true", help="ask Forager's own log about uncertain lookups, two minutes later")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
