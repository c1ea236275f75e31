"""``python -m tests.chaos``: storms over real processes, a table at the end, and exit code 1 if anything broke."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import fields, replace

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
    given = {one.name: getattr(arguments, one.name) for one in fields(Storm) if one.name in arguments}
    return Storm(**given | {"faults": faults, "open_kills": arguments.kills * 3 // 10})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    add, drawn = parser.add_argument, {one.name: one.default for one in fields(Storm)} | {"records": 10_000}
    add("--faults", default="5,20,50", help="percent of exchanges; several rates are several storms")
    for name in [one for one in drawn if one not in {"faults", "open_kills"}]:
        option = "--" + name.removesuffix("_s").replace("_", "-")
        choices = sorted(LEVELS) if name == "mistakes" else None
        add(option, dest=name, type=type(drawn[name]), default=drawn[name], choices=choices, help=HELP.get(name))
    add("--patience", type=float, default=10.0, help="seconds to wait for a drawn step before striking anyway")
    add("--within", type=float, default=3_600.0, help="seconds to wait for the work to end")
    add("--plan", action="store_true", help="print what is drawn and do nothing")
    add("--verdicts", action="store_true", help="ask Forager's own log about uncertain lookups, two minutes later")
    return parser


HELP = {
    "records": "in both CRMs together",
    "kills": "three in ten of them with a paid call open",
    "long_stops": "of 95 s, longer than a lease",
    "arrivals": "of two companies with their people each",
    "edits": "blanks that people fill on rows while these are visited",
    "locks": "rounds of approvals that lock rows of the org",
    "rules": "times that rules of both CRMs begin or end",
    "hides": "times that a field is hidden for a moment",
    "plans": "plans that are saved and followed",
    "undos": "records taken back",
    "forgets": "people forgotten",
    "mistakes": "how much of the world is mistaken",
    "clock_s": "seconds that all vendors' clocks are ahead, or behind",
    "hang_s": "seconds that a hanging answer hangs at most",
    "pace": "what the paid providers are asked at most, such as 10/second",
}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
