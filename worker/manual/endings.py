"""Tells how a run ended: a sentence for everything it left and for everybody it did not ask, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from config.counts import counted
from worker.ledger.own_clock import clock
from worker.manual.exit_codes import DEAD_LETTERS, DONE, FAILED, LEFT
from worker.manual.left import Held
from worker.manual.look import NotAsked

_HELD = {
    "cap": "the cap of this run does not cover their next lookup; the next run goes on with them",
    "price": "a budget of a day or a month is below the price of their next lookup",
    "drifted": "they have changed since the plan was made and were left alone",
    "taken": "another run has taken them over",
    "walk": "not all of them were looked at",
    "rate": "they wait for the rate of {waits_for}",
    "slow_reads": "{waits_for} answers reads too slowly for safe writes",
    "budget": "they wait for the budget of {waits_for}",
    "reconcile": "they wait until the books of {waits_for} are compared with ours",
    "paused": "{waits_for} is paused: {hint}",
    "record": "they wait until {waits_for} lets their record be changed: {hint}",
    "crm": "{waits_for} does not take them now: {hint}",
    "observe": "{waits_for} is in the mode observe",
    "verdict": "they wait for the outcome of a lookup that may have been charged",
    "retry": "their last visit failed ({hint})",
    "leased": "they are being visited",
    "due": "nobody has visited them",
}
# What a person can do about it: a command or a key, after the sentence that says what holds it.
_NEXT = {
    "cap": "run it again, with a larger --max-credits if the cap was too low",
    "price": "raise the budget of the provider or the crm (refill plan tells what a lookup costs)",
    "drifted": "refill plan --save FILE, then refill sync --plan FILE",
    "taken": "refill status",
    "walk": "run it again",
    "rate": "run it again then, or leave it to refill worker",
    "slow_reads": "refill check",
    "budget": "run it again then, or raise providers.{waits_for}.budget",
    "reconcile": "refill reconcile",
    "paused": "refill status shows the pause; when its cause is fixed, refill resume {waits_for}",
    "record": "refill explain {crm} {object} ID, and free the record in the CRM",
    "crm": "refill check, and fix what the CRM names",
    "observe": "set crm.{waits_for}.mode to review or auto, then run it again",
    "verdict": "refill uncertain list",
    "retry": "refill explain {crm} {object} ID; run it again, or leave it to refill worker",
    "leased": "run it again, or leave it to refill worker",
    "due": "run it again, or leave it to refill worker",
}


_FIGURES = frozenset({"budget", "cap"})  # its hint names limit and spending


class RunEnding(Struct, frozen=True):
    """Holds what a run left: records, vendors it did not ask, dead letters, and whether a person stopped it."""

    left: Sequence[Held] = ()
    not_asked: Sequence[NotAsked] = ()
    uncertain: Mapping[str, int] | None = None
    dead: int = 0
    stopped: bool = False

    @property
    def code(self) -> int:
        """Returns the exit code: the worst of what there is to tell."""
        if self.not_asked:
            return FAILED
        if self.left or self.stopped:
            return LEFT
        return DEAD_LETTERS if self.dead else DONE

    def sentences(self) -> Iterator[str]:
        """Yields one line for each thing that a person should know besides the figures."""
        for missed in self.not_asked:
            yield _missed(missed)
        if self.stopped:
            yield "stopped before the end: run it again to go on"
        for row in self.left:
            yield _row(row)
        for name, credits in (self.uncertain or {}).items():
            yield f"{counted(credits, 'credit')} at {name} may not have been charged: refill uncertain list"

    def as_json(self) -> dict[str, Any]:
        return {
            "left": [
                {
                    "crm": row.crm,
                    "object": row.object,
                    "records": row.records,
                    "why": row.why,
                    "for": row.waits_for or None,
                    "until": row.until_ms,
                    "text": _row(row),
                }
                for row in self.left
            ],
            "not_asked": [
                {"vendor": one.vendor, "object": one.object or None, "until": one.until_ms, "text": _missed(one)}
                for one in self.not_asked
            ],
            "uncertain": dict(self.uncertain or {}),
            "stopped": self.stopped,
        }


def _row(row: Held) -> str:
    text = _HELD[row.why].format(waits_for=row.waits_for, hint=row.hint.rstrip("."))
    figures = f" ({row.hint})" if row.why in _FIGURES and row.hint else ""
    step = _NEXT[row.why].format(waits_for=row.waits_for, crm=row.crm, object=row.object)
    return f"{_records(row)}: {text}{until_word(row.until_ms)}{figures}. Next: {step}"


def _records(row: Held) -> str:
    one, many = ("delivery", "deliveries") if row.object == "delivery" else (row.object, f"{row.object}s")
    if not row.records:
        return f"{row.crm} {many}"
    return f"{row.records} {one if row.records == 1 else many} of {row.crm}"


def _missed(missed: NotAsked) -> str:
    who = f"{missed.vendor} {missed.object}".strip()
    why = f"{missed.why.rstrip('.')}{until_word(missed.until_ms)}"
    step = "" if "refill " in missed.why else ". Next: refill check, then run it again"
    return f"{who} was not looked at, or not to the end: {why}{step}"


def until_word(at_ms: int | None) -> str:
    """Returns the end as a text, if it is still ahead."""
    if at_ms is None or at_ms <= clock():
        return ""
    return f", until {datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
