"""Implements ``demo``: the whole of Refill against the vendor imitations, nothing needed from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from config.counts import counted
from config.load import load
from config.logs import configure_logs
from worker.commands import trial
from worker.commands.options import Json, People, Seed, as_command, one_command
from worker.commands.progress import live, say
from worker.commands.session import err, out, print_json, session
from worker.commands.terminal import Listing
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.journal import Entry
from worker.manual.passes import Pass
from worker.manual.sync import PassReport, sync
from worker.service.lifecycle import stop_on_signals, working_for
from worker.service.runtime import Runtime

EXAMPLES = 5

PATIENCE_S = 30.0

app = one_command()


@as_command(app)
async def command(
    records: People = 300,
    seed: Seed = 1,
    as_json: Json = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep everything running afterwards.")] = False,
) -> int:
    """See it work: imitated vendors, a seeded CRM, a pass, and a second one that costs nothing."""
    configure_logs(level=40)
    folder = Path(tempfile.mkdtemp(prefix="refill-demo-"))
    try:
        async with trial.serve(records=records, seed=seed, latency="demo") as served:
            text, secrets = trial.configuration(served, "data", 0)
            path = trial.write(folder, text, secrets)
            settings = load(path, {})  # a demonstration ignores the configuration here
            if not as_json:
                people = counted(records, "person", "people")
                err.say(f"{people} in two CRMs, five vendors on loopback, a Redis and a worker in {folder}")
            async with session(settings) as runtime:
                code = await _show(runtime, served, as_json=as_json)
            if keep:
                async with _worker(path, folder):
                    err.say(f"All stays up until Ctrl-C. Have a look: refill status --config {path}")
                    await stop_on_signals().wait()
            return code
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _worker(config: Path, folder: Path) -> AsyncIterator[None]:
    """Yields a worker as its own process, its log in the folder."""
    with (folder / "worker.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker.cli", "worker", "--config", str(config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={name: value for name, value in os.environ.items() if not name.startswith("REFILL_")},
            start_new_session=True,
        )
        try:
            yield
        finally:
            if process.returncode is None:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 30)
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _show(runtime: Runtime, served: trial.Served, *, as_json: bool) -> int:
    began = time.monotonic()
    with live(as_json=as_json) as show:
        first = await sync(runtime, Pass(full=True, patience_s=PATIENCE_S), show, working_for)
        writes, credits = await served.writes(), await served.credits()
        second = await sync(runtime, Pass(full=True, patience_s=PATIENCE_S), show, working_for)
    again = {
        "credits": await served.credits() - credits,
        "writes": await served.writes() - writes,
        "records": second.records,
    }
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        print_json({**first.as_json(), "seconds": seconds, "second_pass": again})
    else:
        entries = await _changes(runtime, first.run)
        for table in (_gaps(first), _reasons(first), _money(first, credits), _examples(entries), _delivered(first)):
            out.print(table)
        out.say(
            f"The second pass looked at every record again: {counted(again['credits'], 'credit')}, "
            f"{counted(again['writes'], 'write')}, {counted(again['records'], 'record')} visited. "
            f"All of it took {seconds} s."
        )
    say(first.ending)
    return first.ending.code


async def _changes(runtime: Runtime, run: str) -> list[tuple[Entry, Mapping[str, Any]]]:
    """Returns every confirmed change of the run, oldest first."""
    lines = [(one, json.loads(one.entry)) async for one in runtime.ledger.journal.walk() if one.run == run]
    return [(one, line) for one, line in lines if line["kind"] == "change" and line["state"] == "confirmed"]


# ---- tables --------------------------------------------------------------------------------------------------------


def _gaps(report: PassReport) -> Listing:
    table = Listing("CRM", "object", "field", "gaps", "filled", "share", "by", title="Gaps found and filled")
    for (crm, kind), figures in report.by_work.items():
        if kind == DELIVERY:
            continue
        fields = sorted({name for name, _ in (*figures.filled, *figures.unfilled)})
        for name in fields:
            filled = {provider: count for (one, provider), count in figures.filled.items() if one == name}
            left = sum(count for (one, _), count in figures.unfilled.items() if one == name)
            gaps = sum(filled.values()) + left
            by = ", ".join(f"{provider} {count}" for provider, count in sorted(filled.items()))
            share = f"{sum(filled.values()) / gaps:.0%}" if gaps else ""
            table.add_row(crm, kind, name.replace("_", " "), str(gaps), str(sum(filled.values())), share, by)
    return table


def _reasons(report: PassReport) -> Listing:
    table = Listing("reason", "gaps", title="Why the rest was not filled")
    for reason, count in sorted(report.not_filled.items(), key=lambda row: -row[1]):
        table.add_row(reason.replace("_", " "), str(count))
    table.add_row("waiting records", str(report.waiting))
    table.add_row("dead letters", str(report.dead))
    return table


def _money(report: PassReport, charged: int) -> Listing:
    table = Listing("provider", "credits", "fields filled", "credits per field", title="What it cost")
    for name, credits in report.credits.items():
        filled = sum(
            count
            for figures in report.by_work.values()
            for (_, provider), count in figures.filled.items()
            if provider == name
        )
        table.add_row(name, str(credits), str(filled), f"{credits / filled:.1f}" if filled else "")
    total = sum(report.credits.values())
    table.add_row("all", str(total), str(report.filled), f"{total / report.filled:.1f}" if report.filled else "")
    table.caption = f"The providers' own books say {counted(charged, 'credit')}."
    return table


def _examples(changes: Sequence[tuple[Entry, Mapping[str, Any]]]) -> Listing:
    """Returns the records that gained the most, before and after."""
    table = Listing("record", "field", "before", "after", "from", "grade", title="Five records, before and after")
    by_record: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for entry, line in changes:
        if entry.object != DELIVERY:
            by_record.setdefault((entry.crm, entry.object, entry.id), []).append(line)
    richest = sorted(by_record.items(), key=lambda item: -len(item[1]))[:EXAMPLES]
    for (crm, kind, id_), lines in richest:
        for place, line in enumerate(lines):
            name = f"{crm} {kind} {id_}" if place == 0 else ""
            field = str(line["field"]).replace("_", " ")
            table.add_row(name, field, line["before"] or "(blank)", line["after"], line["provider"], line["grade"])
        table.add_section()
    return table


def _delivered(report: PassReport) -> Listing:
    table = Listing("CRM", "companies", "contacts", "companies created", "contacts created", title="Delivered")
    for (crm, kind), figures in report.by_work.items():
        if kind == DELIVERY:
            tally = figures.tally
            made = sum(count for name, count in tally.items() if name in {"created.contact", "created.lead"})
            row = [tally.get("companies", 0), tally.get("contacts", 0), tally.get("created.company", 0), made]
            table.add_row(crm, *(str(count) for count in row))
    return table
