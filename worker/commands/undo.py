"""Takes back a run's changes, if they are still there as we wrote them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from config.counts import counted
from config.problems import ConfigError
from worker.commands.journal import filter_of
from worker.commands.options import Config, GoOn, Json, Patience, Record, RunName, Since, as_command, one_command
from worker.commands.progress import failed, live, say
from worker.commands.session import err, out, print_json, session, settings_of
from worker.commands.terminal import agreed
from worker.commands.undo_plan import StandingChange, UndoPlan, ask, found, look, outcome
from worker.decide.journal_line import JournalFilter, JournalLine
from worker.decide.undo import UndoVerdict
from worker.ledger.money.answers import Ref
from worker.ledger.own_clock import clock
from worker.ledger.run import Run, RunKind
from worker.manual.endings import RunEnding
from worker.manual.exit_codes import DONE, FAILED
from worker.manual.follow import Show, follow
from worker.manual.left import Held
from worker.manual.passes import PATIENCE_S
from worker.service.lifecycle import stop_on_signals, working_for
from worker.service.opening import open_crms
from worker.service.runtime import Runtime
from worker.visits.archiving import ARCHIVED

app = one_command()


@as_command(app)
async def command(
    run: RunName = "",
    record: Record = None,
    since: Since = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go back; write nothing.")] = False,
    created: Annotated[
        bool, typer.Option("--created", help="Archive people and companies that deliveries made, too.")
    ] = False,
    yes: GoOn = False,
    patience: Patience = PATIENCE_S,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Undo a run, as far as our values are still there.

    A field goes back if it still holds our value and nobody else has written it since.
    An undone value is never written again until refill replay; an undo is a run, which can be undone.
    Exit codes: 0 done, what was left alone is listed; 1 nothing found; 4 records are left, for the workers.
    """
    if not (run or record or since):
        raise ConfigError(["say what to undo: --run, --record or --since"])
    settings, stop, began = settings_of(config), stop_on_signals(), time.monotonic()
    wanted = filter_of(settings, JournalFilter(run=run, record=record), since)
    async with session(settings) as runtime:
        await open_crms(runtime)
        plan = await found(runtime, wanted, created=created)
        if not plan.keys and not plan.unreached:
            return failed("no change of ours in the journal is one of these: see refill journal")
        await look(runtime, plan)
        left = [one for one in plan.standing if one.stands != UndoVerdict.BACK]
        going = len(plan.standing) - len(left)
        if dry_run:
            _tell(as_json, plan.standing, plan.unreached, {"dry_run": True})
            return DONE
        if not going:
            _tell(as_json, plan.standing, plan.unreached, {"undone": 0, "run": ""})
            return DONE
        what = f"{counted(going, 'change')} on {counted(len(plan.going), 'record')}"
        question = f"Take back {what}, and leave {counted(len(left), 'other')} alone?"
        if not yes and not agreed(question):
            err.say(f"nothing was undone: {what}; --yes undoes without asking")
            return FAILED
        run, since_ms = Run.new(RunKind.UNDO).name, clock() - 1_000
        with live(as_json=as_json) as show:
            held, reached = await _visited(runtime, plan, run, show, patience, stop)
        done = _done(plan, await outcome(runtime.ledger.journal, run, since_ms), reached)
        ending = RunEnding(left=tuple(held), stopped=stop.is_set())
        undone = sum(one.stands == "undone" for one in done)
        facts = {"undone": undone, "run": run, "seconds": round(time.monotonic() - began, 1)}
        _tell(as_json, done, plan.unreached, facts | ending.as_json())
        say(ending)
        return ending.code


async def _visited(
    runtime: Runtime, plan: UndoPlan, run: str, show: Show | None, patience_s: float, stop: asyncio.Event
) -> tuple[list[Held], set[Ref]]:
    """Lets visits take back the changes; returns what holds the rest back, and the records that were asked for."""
    works = [runtime.ledger.work(*name) for name in sorted({record[:2] for record in plan.going})]
    held, reached = list[Held](), set[Ref]()
    async with working_for(runtime, run):
        for records in plan.steps():
            await ask(runtime, plan, run, records)
            reached.update(records)
            held = await follow(runtime, run, works, patience_s=patience_s, looking=_no_look, show=show, stop=stop)
            if held or stop.is_set():
                break  # people are left at companies that would go
    return held, reached


async def _no_look() -> bool:
    return False


def _done(plan: UndoPlan, lines: Sequence[JournalLine], reached: Collection[Ref]) -> list[StandingChange]:
    """Tells the state of each change after the visits: their result, else that of the reading before them."""
    ends = {((line.crm, line.object, line.id), line.property): line.state for line in lines}
    done = []
    for one in plan.standing:
        end = ends.get((one.record, one.property))
        asked = one.stands
        if one.stands == UndoVerdict.BACK:
            asked = "asked" if one.record in reached else "put_off"
        done.append(replace(one, stands="undone" if end in {"confirmed", ARCHIVED} else end or asked))
    return done


def _tell(
    as_json: bool, changes: Sequence[StandingChange], unreached: Sequence[JournalLine], facts: dict[str, Any]
) -> None:
    kept = [one for one in changes if one.stands not in {UndoVerdict.BACK, "undone"}]
    back = [one for one in changes if one not in kept]
    if as_json:
        others = [{"crm": one.crm, "object": one.object, "id": one.id, "kind": one.kind} for one in unreached]
        print_json(
            facts | {"back": [_row(one) for one in back], "left": [_row(one) for one in kept], "unreached": others}
        )
        return
    _list("Would go back" if facts.get("dry_run") else "Went back", back)
    if kept:
        _list("Left alone", kept)
    if unreached:
        gone = counted(len(unreached), "change was", "changes were")
        err.say(f"{gone} left alone: created rows (--created), and objects not configured any more")
    if any(not one.property for one in back):
        err.say("archived rows come back from the CRM's own recycle bin only, and are not made again")
    if facts.get("run"):
        err.say(f"run {facts['run']}: refill undo --run {facts['run']} brings it back")


def _row(one: StandingChange) -> dict[str, Any]:
    crm, kind, id = one.record
    fields = asdict(one)
    del fields["record"]
    return {"crm": crm, "object": kind, "id": id} | fields


def _list(title: str, changes: Sequence[StandingChange]) -> None:
    out.say(f"{title}: {len(changes)}")
    for one in changes:
        words = str(one.stands).replace("_", " ")
        if not one.property:
            out.say("  ".join((" ".join(one.record), "the row, which a delivery made", words)))
            continue
        change = f"{one.after or '(blank)'} -> {one.before or '(blank)'}"
        out.say("  ".join((" ".join(one.record), one.field, change, words)))
