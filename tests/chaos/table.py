"""The figures of several runs side by side, as a Markdown table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from tests.chaos.audit import Verdict
from tests.chaos.terminal import KINDS

_IDS = re.compile(r"\b(?:[0-9a-f]{8}-[0-9a-f-]{27}|00[13Q]\w{15}|\d{5,})\b")


def _reasons(one: Verdict) -> str:
    """The reasons of dead letters, counted without the ids they name."""
    told = Counter[str]()
    for reason, count in one.dead.items():
        told[_IDS.sub("…", reason)] += count
    return ", ".join(f"{count} {reason}" for reason, count in told.most_common()) or "none"


_ROWS: tuple[tuple[str, Callable[[Verdict], object]], ...] = (
    ("records, lost", lambda one: f"{one.records}, {one.lost}"),
    (
        "exchanges, spoiled on the wire, by the vendor",
        lambda one: f"{one.exchanges}, {sum(one.toxics.values())}, {one.faulty}",
    ),
    ("SIGKILLs, with a paid call open", lambda one: f"{one.told.done['kill']}, {one.told.open_kills}"),
    ("SIGSTOPs past a lease", lambda one: one.told.done["stop"]),
    (
        "Redis killed, full, read-only",
        lambda one: f"{one.told.done['restart']}, {one.told.done['full']}, {one.told.done['readonly']}",
    ),
    ("power cuts, bytes lost", lambda one: f"{one.told.done['cut']}, {sum(one.told.cut_bytes)}"),
    ("settled, dead letters", lambda one: f"{one.settled}, {sum(one.dead.values())}"),
    ("... reasons", _reasons),
    ("tokens expired, triggers repeated", lambda one: f"{one.told.done['expire']}, {one.told.done['repeat']}"),
    ("uncertain lookups: left to a person, judged by the provider's log", lambda one: f"{one.uncertain}, {one.by_log}"),
    ("credits billed", lambda one: sum(bill for _, bill in one.judged.values())),
    ("spent after judging by the bill", lambda one: sum(ours.spent for ours, _ in one.judged.values())),
    ("checks of the bounds, broken", lambda one: f"{one.checks}, {len(one.broken)}"),
    ("questions charged twice", lambda one: len(one.twice)),
    (
        "approvals, rules, hidden fields, arrivals",
        lambda one: ", ".join(str(one.told.done[name]) for name in ("lock", "rule", "hide", "arrive")),
    ),
    (
        "plans followed, records taken back, people forgotten; orders killed",
        lambda one: ", ".join(str(one.orders[name]) for name in KINDS) + f"; {one.orders_killed}",
    ),
    ("blanks that people filled on rows being visited", lambda one: one.edits),
    ("values overwritten, overtaken within the window", lambda one: f"{len(one.overwritten)}, {one.overtaken}"),
    ("companies and people delivered to each CRM", lambda one: f"{one.brought.companies}, {one.brought.people}"),
    (
        "... doubled, missing, at no or another company",
        lambda one: f"{len(one.brought.doubled)}, {len(one.brought.missing)}, {len(one.brought.unlinked)}",
    ),
    ("... of whom no proof could be had, undisturbed neither", lambda one: one.unproved),
    (
        "strangers' values, those of a colleague of the same name",
        lambda one: f"{len(one.brought.strangers)}, {one.brought.namesakes}",
    ),
    ("rows other than undisturbed", lambda one: one.differing),
    ("... that people took back or forgot", lambda one: one.ordered),
    ("... that people edited", lambda one: one.edited),
    ("... of people whose row said too little when they were delivered", lambda one: one.late),
    ("... that wait for a look at a field that was hidden", lambda one: one.closed),
    ("... with an uncertain lookup", lambda one: one.doubtful),
    ("... with an answer spoiled once paid", lambda one: one.spoiled),
    ("... that were led to other questions", lambda one: one.otherwise),
    ("... whose address the person's other row got first", lambda one: one.shared),
    ("... with another number of the same person's", lambda one: one.own),
    ("... with what a delivery without a last name told", lambda one: one.nameless),
    ("... unexplained", lambda one: len(one.unexplained)),
    ("workers without a Redis to start on", lambda one: len(one.last_words)),
    ("seconds", lambda one: round(one.seconds)),
)


def table(verdicts: Sequence[Verdict]) -> str:
    """One column per run."""
    heads = [f"faults {one.plan.storm.faults} %, plan {one.plan.digest}" for one in verdicts]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(verdicts)]
    lines += [f"| {name} | " + " | ".join(str(value(one)) for one in verdicts) + " |" for name, value in _ROWS]
    return "\n".join(lines)
