"""Implements ``sync``: a single pass."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from config.fields import PERSON_FIELDS
from config.problems import ConfigError
from config.settings import Settings
from worker.commands.names import known_record, known_watch
from worker.commands.options import Config, Json, MaxCredits, OneRecord, Patience, Verbose, as_command, one_command
from worker.commands.progress import failed, live, say, say_observed
from worker.commands.records import missing
from worker.commands.session import out, print_json, session, settings_of, with_work
from worker.commands.terminal import Listing
from worker.decide.journal_line import JournalFilter
from worker.manual.exit_codes import DONE, LEFT
from worker.manual.passes import PATIENCE_S, Pass
from worker.manual.plan_file import saved_plan
from worker.manual.sync import PassReport, sync
from worker.service.lifecycle import stop_on_signals, working_for
from worker.service.runtime import Runtime
from worker.upkeep.journal_reader import journal_lines
from worker.visits.visit_notes import DRIFTED

app = one_command()


@as_command(app)
async def command(
    config: Config = None,
    full: Annotated[
        bool, typer.Option("--full", help="Look at every watched record, not only the changed ones.")
    ] = False,
    record: OneRecord = None,
    max_credits: MaxCredits = None,
    patience: Patience = PATIENCE_S,
    plan: Annotated[Path | None, typer.Option(help="Fill exactly this saved plan.")] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Run one pass: take in changed records, fill them, report what is done and left.

    Exit codes: 0 done, 1 a vendor was not asked, 3 dead letters remain, 4 work is left.
    """
    if plan is not None and (full or record is not None):
        raise ConfigError(["--plan says which records are looked at: give it without --full and --record"])
    wanted = Pass(full, record, max_credits, patience, plan)
    settings, stop = with_work(settings_of(config, verbose=verbose), without_crm=False), stop_on_signals()
    if wanted.record is not None:
        crm, kind, id = wanted.record
        known_watch(settings, crm, kind)
        wanted = replace(wanted, record=(crm, kind, known_record(settings, crm, kind, id)))
    if wanted.plan is not None:
        _refuse_strangers(settings, wanted.plan)
    async with session(settings) as runtime:
        if wanted.record is not None and (sentence := await missing(runtime, *wanted.record)):
            return failed(sentence)
        with live(as_json=as_json) as show:
            report = await sync(runtime, wanted, show, working_for, stop)
        drifted = await _drifted(runtime, report.run) if wanted.plan is not None else []
    if as_json:
        print_json(report.as_json() | ({"drifted": drifted} if wanted.plan is not None else {}))
    else:
        out.print(summary(report))
        for one in drifted:
            out.say(f"left alone: {one['crm']} {one['object']} {one['id']} has changed since the plan was made")
    say(report.ending)
    say_observed(settings, [wanted.record[0]] if wanted.record else sorted(settings.crm))
    return report.ending.code or (LEFT if drifted else DONE)


def _refuse_strangers(settings: Settings, plan: Path) -> None:
    """Refuses a plan of names that nothing has here.

    Raises:
        ConfigError: the message says which.
    """
    rows = [(row.crm, row.object, row.fields) for row in saved_plan(plan)]
    for crm, kind in sorted({(crm, kind) for crm, kind, _ in rows}):
        known_watch(settings, crm, kind)
    if strange := sorted({name for *_, fields in rows for name in fields} - {*PERSON_FIELDS}):
        raise ConfigError([f"{plan} names fields that do not exist: {', '.join(strange)}"])


async def _drifted(runtime: Runtime, run: str) -> list[dict[str, str]]:
    """Lists the records that a plan's run left alone because they had changed since."""
    wanted = JournalFilter(run=run)
    lines = [line async for line in journal_lines(runtime.ledger.journal, wanted) if line.state == DRIFTED]
    found = dict.fromkeys((one.crm, one.object, one.id) for one in lines if one.kind == "signal")
    return [{"crm": crm, "object": kind, "id": id} for crm, kind, id in found]  # a revisit tells it once more


def summary(report: PassReport) -> Listing:
    table = Listing(title=f"pass {report.run}", show_header=False)
    table.add_row("records", str(report.records))
    table.add_row("gaps found", str(report.gaps))
    table.add_row("filled", str(report.filled))
    for reason, count in report.not_filled.items():
        table.add_row(f"left: {reason.replace('_', ' ')}", str(count))
    for cause, count in report.refused.items():
        table.add_row(f"refused: {cause}", str(count))
    for name, credits in report.credits.items():
        table.add_row(f"credits at {name}", str(credits))
    for name, count in report.delivered.items():
        table.add_row(f"{name} delivered", str(count))
    table.add_row("waiting", str(report.waiting))
    if report.proposals:
        table.add_row("to review", f"{report.proposals} (refill review list)")
    table.add_row("dead letters", str(report.dead))
    table.add_row("seconds", str(report.seconds))
    return table
