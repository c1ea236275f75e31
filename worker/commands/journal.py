"""Implements ``journal``.

Every change, lookup and refusal, with its reason in words, its price, and the value before.
"""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins
from msgspec.structs import replace

from config.counts import counted
from config.plain import escaped, shown
from config.problems import ConfigError
from config.settings import Settings
from connectors.options import parse_duration
from worker.commands.journal_parquet import write_parquet
from worker.commands.meter import Meter
from worker.commands.names import known_crm, known_record
from worker.commands.options import Config, Json, Record, RunName, Since, as_command
from worker.commands.session import err, opened_ledger, out, print_json, settings_of
from worker.decide.journal_line import JournalFilter, JournalLine, cell
from worker.ledger.journal.audit_heads import AuditHeads
from worker.ledger.own_clock import clock
from worker.manual.exit_codes import DONE, FAILED
from worker.upkeep.audit import NAME, verify
from worker.upkeep.journal_reader import PAGE, journal_lines, newer

COLUMNS = tuple(one.name for one in dataclasses.fields(JournalLine))


HELP = "List every change, lookup and refusal: from whom, why, before and after, price."
app = typer.Typer(help=HELP, add_completion=False)


async def _list(settings: Settings, wanted: JournalFilter, form: str, parquet: Path | None, *, follow: bool) -> int:
    """Show or export the entries, oldest first; with ``follow`` go on with those that come, until Ctrl-C."""
    async with opened_ledger(settings) as ledger:
        latest = await ledger.journal.latest(1)
        lines = journal_lines(ledger.journal, wanted, settings.journal.archive_dir)
        if parquet is not None:
            count = await write_parquet(lines, parquet)
            out.say(f"{counted(count, 'entry', 'entries')} written to {parquet}")
            return DONE if count or not wanted.names_something else _nothing()
        is_whole = wanted == JournalFilter() and settings.journal.archive_dir is None
        total = await ledger.journal.length() if is_whole else None
        count = await _export(lines, form, head=True, total=total)
        if not follow and not count and wanted.names_something:
            return _nothing()
        if follow:
            rest = newer(ledger.journal, wanted, latest[0].key if latest else "")
            await _export(rest, form, head=False, quiet=True)
    return DONE


@as_command(app, "verify")
async def journal_verify(config: Config = None, as_json: Json = False) -> int:
    """Check audit.jsonl: exit code 1 when a line is missing or was altered."""
    settings = settings_of(config)
    folder = settings.journal.archive_dir
    if not settings.journal.audit or folder is None:
        raise ConfigError(["no audit is kept: set journal.audit and journal.archive_dir"])
    async with opened_ledger(settings) as ledger:
        found = await verify(AuditHeads(ledger.scripts), folder)
        first = await ledger.journal.since(after=found.last, limit=PAGE) if found.last else await ledger.journal.since()
    if as_json:
        print_json({"file": str(folder / NAME), "whole": not found.faults, "pending": len(first), **to_builtins(found)})
    else:
        for one in found.faults:
            out.say(f"{NAME}, line {one.line} {one.what}" if one.line else f"{NAME} {one.what}")
        many = len(first) == PAGE
        to_come = f"{PAGE}+ entries" if many else counted(len(first), "entry", "entries")
        more = f"{found.erased} with their values erased; {to_come} to come"
        out.say(f"{counted(found.lines, 'line')}, {'broken' if found.faults else 'whole'}, {more}")
    return FAILED if found.faults else DONE


def filter_of(settings: Settings, asked: JournalFilter, since: str = "", until: str = "") -> JournalFilter:
    """Return the filter, checked, with the times that a person writes.

    Raises:
        ConfigError: a crm, record or time cannot be meant.
    """
    if asked.crm:
        known_crm(settings, asked.crm)
    record = asked.record
    if record:
        known_crm(settings, record[0])
        record = (record[0], record[1], known_record(settings, *record))
    start, end = moment("since", since), moment("until", until)
    if start and end and start >= end:
        raise ConfigError([f"--since {since} is not before --until {until}: nothing lies between them"])
    return replace(asked, record=record, since=start, until=end)


def moment(name: str, text: str) -> int:
    """Return a time in ms: a day or instant in UTC, or how long ago it was; 0 for none.

    Raises:
        ConfigError: it is neither.
    """
    if not text:
        return 0
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    try:
        return clock() - parse_duration(text) // timedelta(milliseconds=1)
    except (ValueError, TypeError):
        known = "2026-11-28, 2026-11-28T09:30, 90m, 2d"
        raise ConfigError(
            [f"`{text}` is not a valid time for --{name}; use a time in UTC or an age: {known}"]
        ) from None


async def _export(
    lines: AsyncIterator[JournalLine], form: str, *, head: bool, total: int | None = None, quiet: bool = False
) -> int:
    sheet, done = csv.writer(sys.stdout, lineterminator="\n"), 0
    if head and form == "csv":
        sheet.writerow(COLUMNS)
    quiet = quiet or form == "json" or sys.stdout.isatty()  # a terminal shows by the entries how far it is
    with Meter("entries", err, quiet=quiet) as meter:
        async for one in lines:
            if form == "csv":
                sheet.writerow([cell(shown(str(value))) for value in dataclasses.asdict(one).values()])
            elif form == "json":
                sys.stdout.write(escaped(json.dumps(dataclasses.asdict(one), ensure_ascii=False)) + "\n")
            else:
                out.say(_sentence(one))
            sys.stdout.flush()
            done += 1
            meter.at(done, total)
    return done


def _nothing() -> int:
    err.say("no journal entry matches: is the name right? refill journal without it shows all")
    return FAILED


def _sentence(line: JournalLine) -> str:
    """Return an entry on one line, what is blank left out."""
    when = f"{datetime.fromtimestamp(line.at / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    change = f"{line.before or '(blank)'} -> {line.after or '(blank)'}" if line.kind == "change" else line.after
    price = counted(line.credits, "credit") if line.credits else ""
    where = f"{line.crm} {line.object} {line.id}"
    return "  ".join(
        one for one in (when, where, line.field, change, line.provider, line.reason, price, line.run) if one
    )


@app.callback(invoke_without_command=True)
def journal_list(
    context: typer.Context,
    run: RunName = "",
    record: Record = None,
    crm: Annotated[str, typer.Option(help="Only this crm's.")] = "",
    provider: Annotated[str, typer.Option(help="Only what came from this provider.")] = "",
    field: Annotated[str, typer.Option(help="Only this field, or this operation of a lookup.")] = "",
    reason: Annotated[str, typer.Option(help="Only entries whose reason contains these words.")] = "",
    since: Since = "",
    until: Annotated[str, typer.Option(help="Before this time, written as for --since.")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Follow new entries until Ctrl-C.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV; no cell of it is run as a formula.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write a Parquet file; needs pyarrow, an extra.")] = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")] = False,
) -> None:
    """List or export every change, lookup and refusal, oldest first, the archive's too."""
    if context.invoked_subcommand is not None:
        return

    if as_csv + as_json + (parquet is not None) > 1:
        raise ConfigError(["give one of --csv, --json and --parquet"])
    if parquet is not None and follow:
        raise ConfigError(["a Parquet file has an end: give --parquet without --follow"])
    form = "csv" if as_csv else "json" if as_json else "text"
    settings = settings_of(config)
    wanted = filter_of(settings, JournalFilter(run, record, crm, provider, field, reason), since, until)
    raise typer.Exit(asyncio.run(_list(settings, wanted, form, parquet, follow=follow)))
