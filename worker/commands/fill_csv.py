"""Implements ``csv``: fills the blanks of a table, for people with provider keys and no CRM."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from config.counts import counted
from config.fields import EMAIL_FIELDS, PERSON_FIELDS, WATCHED, default_accept
from config.logs import configure_logs
from config.problems import ConfigError
from config.settings import Settings
from connectors.errors import AccessError, ConnectorError
from connectors.models import Grade, Record
from connectors.registry import NAMES
from worker.commands.csv_text import TableWriter, TextTable, read
from worker.commands.meter import Meter
from worker.commands.options import Config, Json, MaxCredits, Patience, as_command, one_command
from worker.commands.session import err, out, print_json, session, settings_of
from worker.decide import columns
from worker.decide.columns import Columns
from worker.decide.policy import FieldRule, Policy
from worker.ledger.own_clock import clock
from worker.ledger.run import Run, RunKind
from worker.manual.endings import until_word
from worker.manual.exit_codes import DONE, LEFT
from worker.manual.follow import perhaps_charged, run_credits
from worker.manual.left import cap_figures
from worker.manual.passes import PATIENCE_S
from worker.manual.shortages import short_of
from worker.service.lifecycle import stop_on_signals, working_for
from worker.service.runtime import Runtime
from worker.visits.budget_lines import set_cap
from worker.visits.fill_rows import CRM, FilledRow, TableRows

AT_ONCE = 50
TELL_S = 10.0  # interval of progress lines in a pipe
NOTE = "refill_note"
_AGAIN = "run it again"
_WAITS = {  # the reason, and the next step
    "cap": ("--max-credits is used up", "run it again with more"),
    "price": ("a budget is below the price of their next lookup", f"raise it, then {_AGAIN}"),
    "budget": ("the budget of the provider is used up", f"{_AGAIN} then, or raise it"),
    "rate": ("the rate of the provider is used up for now", f"{_AGAIN} later"),
    "verdict": ("a lookup may have been charged and is not sent again until that is known", _AGAIN),
    "outage": ("the provider does not answer", f"{_AGAIN} later"),
    "stopped": ("it was stopped", _AGAIN),
}

app = one_command()


class CsvAsked(Struct, frozen=True):
    file: Path
    output: Path | None
    columns: Sequence[str] = ()
    fields: Sequence[str] = ()
    accept: Sequence[str] = ()
    region: str = ""
    header: bool = True
    limit: int | None = None
    max_credits: int | None = None
    patience_s: float = 150.0
    dry_run: bool = False
    replace: bool = False


@dataclass(slots=True)
class _Sums:
    rows: int = 0
    gaps: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    not_filled: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)

    def add(self, row: FilledRow) -> None:
        self.rows += 1
        self.gaps += row.gaps
        self.filled.update(f"{name}|{provider}" for name, (_, provider) in row.filled.items())
        self.not_filled.update(str(why) for why in row.unfilled.values())
        self.waits.update({*row.waits.values(), *row.held})


@as_command(app)
async def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table with a header and a row for each person.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where the filled table is written.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="FIELD=COLUMN (name or number); may be repeated.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field to fill; may be repeated.")] = None,
    accept: Annotated[list[str] | None, typer.Option(help="Grades of e-mails to take; default: valid.")] = None,
    region: Annotated[str, typer.Option(help="Country of numbers without +, such as DE.")] = "",
    header: Annotated[
        bool, typer.Option("--header/--no-header", help="Whether the first row has column names.")
    ] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="Look up this many rows with gaps at most.")] = None,
    max_credits: MaxCredits = None,
    patience: Patience = PATIENCE_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked; send and write nothing.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an output that is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Fill the blanks of a CSV, with provider keys and no CRM.

    Run it again to go on; nothing is paid twice.
    Exit codes: 0 done, 1 failed, 2 wrong use, 4 rows are left: the sentence says what they wait for.
    """
    asked = CsvAsked(
        file=file,
        output=output,
        columns=column or (),
        fields=field or (),
        accept=accept or (),
        region=region,
        header=header,
        limit=limit,
        max_credits=max_credits,
        patience_s=patience,
        dry_run=dry_run,
        replace=replace,
    )
    return await _run(config, asked, as_json=as_json, quiet=quiet)


async def _run(config: Path | None, asked: CsvAsked, *, as_json: bool, quiet: bool) -> int:
    """Fill a table and write it completely; run again, it uses kept answers and pays nothing twice."""
    table, at, fields = _table(asked)
    output = None if asked.dry_run else _output(asked)
    settings = _alone(settings_of(config))
    configure_logs(level=logging.ERROR)
    rules = _policy(asked, at, fields, settings)
    if table.note and not quiet:
        err.say(f"{asked.file}: {table.note}", style="yellow")
    if not quiet:
        known = [f"{name} = {table.header[place]}" for name, place in at.places.items() if place < len(table.header)]
        err.say(f"columns: {', '.join(known)}")
    async with session(settings) as runtime:
        await _learn(runtime)
        run = Run.new(RunKind.CSV).name
        rows = TableRows(runtime.lookups, runtime.ledger.journal, rules, run, asked.patience_s, asyncio.Event())
        if output is None:
            return await _plan(rows, table, at, asked, as_json=as_json)
        if asked.max_credits is not None:
            await set_cap(runtime.ledger.cursors, run, asked.max_credits)
        began = time.monotonic()
        async with working_for(runtime, run):
            sums = await _fill(rows, table, at, asked, output, fields, quiet=quiet or as_json or err.hushed)
        credits = await run_credits(runtime, run)
        perhaps = await perhaps_charged(runtime, run)
        figures = {"cap": cap_figures(asked.max_credits, credits)}
        figures["budget"] = await _figures(runtime, rows.short, ends=True)
        figures["price"] = await _figures(runtime, rows.too_dear, ends=False)
    summary = {
        "rows": len(table.rows),
        "visited": sums.rows,
        "gaps": sums.gaps,
        "filled": sum(sums.filled.values()),
        "filled_by": _nested(sums.filled),
        "credits": credits,
        "not_filled": dict(sums.not_filled),
        "left": dict(sums.waits),
        "uncertain": perhaps,
        "seconds": round(time.monotonic() - began, 1),
        "output": str(output),
        "run": run,
    }
    _tell(summary, figures, as_json=as_json)
    return LEFT if sums.waits else DONE


# ---- the questions -----------------------------------------------------------------------------------------------


def _table(asked: CsvAsked) -> tuple[TextTable, Columns, tuple[str, ...]]:
    """Returns the table, its columns, and the fields to fill.

    Raises:
        ConfigError: one sentence about the fault of the files or the columns.
    """
    fields = tuple(asked.fields or WATCHED)
    if strange := [one for one in fields if one not in PERSON_FIELDS]:
        raise ConfigError([f"--field {strange[0]}: known are {', '.join(PERSON_FIELDS)}"])
    table = read(asked.file, header=asked.header)
    named: dict[str, str] = {}
    for text in asked.columns:
        name, equals, column = text.partition("=")
        if not equals or name not in columns.FIELDS:
            known = ", ".join(columns.FIELDS)
            raise ConfigError([f"--column {text}: write FIELD=COLUMN, where FIELD is one of {known}"])
        named[name] = column
    try:
        at = columns.found(table.header, named)
    except columns.ColumnError as error:
        raise ConfigError([f"{asked.file}: {error}"]) from None
    if not at.identifies:
        raise ConfigError(
            [
                f"{asked.file} has no column that tells who somebody is: name one with --column linkedin_url=COLUMN, "
                "--column work_email=COLUMN, or a name and a company_domain; "
                + (f"its header is {', '.join(table.header)}" if asked.header else "columns are numbered from 1")
            ]
        )
    return table, at.with_fields(fields, len(table.header)), fields


def _output(asked: CsvAsked) -> Path:
    """Returns where the filled table goes.

    Raises:
        ConfigError: nowhere, or to a place that may not be written.
    """
    output = asked.output
    if output is None:
        raise ConfigError(["--output is missing: where the filled table is written (or --dry-run)"])
    if output.exists() and output.resolve() == asked.file.resolve():
        raise ConfigError([f"{output} is the file that is read: give another name"])
    if output.is_dir():
        raise ConfigError([f"{output} is a folder: give a file name"])
    if output.exists() and not asked.replace:
        raise ConfigError(
            [f"{output} exists: --replace writes it anew; what was bought for it is kept and costs nothing"]
        )
    if not output.absolute().parent.is_dir():
        raise ConfigError([f"there is no folder {output.absolute().parent}"])
    return output


def _alone(settings: Settings) -> Settings:
    """Returns the configuration of the paid providers: no CRM and no delivery takes part.

    Raises:
        ConfigError: no provider is configured.
    """
    if not settings.providers.paid:
        raise ConfigError(
            [f"no provider is configured: add [providers.kaspr] with a budget (known: {', '.join(NAMES)})"]
        )
    providers = settings.providers.model_copy(update={"openprospect": None})
    return settings.model_copy(update={"crm": {}, "providers": providers})


def _policy(asked: CsvAsked, at: Columns, fields: Sequence[str], settings: Settings) -> Policy:
    if strange := [one for one in asked.accept if one not in list(Grade)]:
        raise ConfigError([f"--accept {strange[0]}: known are {', '.join(Grade)}"])
    providers = tuple(name for name in NAMES if name in settings.providers.paid)
    return Policy(
        crm=CRM,
        object=columns.OBJECT,
        rules=tuple(
            FieldRule(
                field=name,
                property=str(at.places[name]),
                providers=providers,
                accept=frozenset(Grade(one) for one in _accepted(name, asked.accept)),
                ordered=False,
            )
            for name in fields
        ),
        identity=at.identity,
        verify_person=settings.providers.verify_person,
        default_region=asked.region,
    )


def _accepted(name: str, accept: Sequence[str]) -> Sequence[str]:
    return accept if accept and name in EMAIL_FIELDS else default_accept(name)


async def _learn(runtime: Runtime) -> None:
    """Reads prices and balances.

    Raises:
        ConnectorError: a provider refuses our key.
    """
    for name, provider in runtime.providers.items():
        try:
            status = await provider.account_status()
        except AccessError:
            raise
        except ConnectorError:
            continue
        runtime.lookups.terms[name].reprice(status.prices)
        if status.credits is not None:
            runtime.budget_lines.balances[name] = (clock(), status.credits)


# ---- the rows ----------------------------------------------------------------------------------------------------


async def _plan(rows: TableRows, table: TextTable, at: Columns, asked: CsvAsked, *, as_json: bool) -> int:
    """Lists the first questions; nothing is sent or written."""
    gaps, kept, questions, visited = Counter[str](), 0, Counter[str](), 0
    prices: dict[str, int] = {}
    for place, cells in enumerate(table.rows):
        plan = await rows.plan(_record(at, place, cells))
        if not plan.gaps or (asked.limit is not None and visited >= asked.limit):
            continue
        visited += 1
        gaps.update(plan.gaps)
        kept += plan.kept
        questions.update(one.provider for one in plan.questions)
        prices |= {one.key: one.price for one in plan.questions}
    first = sum(prices.values())
    summary = {
        "rows": len(table.rows),
        "with_gaps": visited,
        "gaps": dict(gaps),
        "kept": kept,
        "first_questions": dict(questions),
        "first_credits": first,
    }
    if as_json:
        print_json(summary)
    else:
        out.say(f"rows {len(table.rows)}, with gaps {visited}")
        for name, count in gaps.items():
            out.say(f"{name}: {count} blank")
        out.say(f"filled from kept answers: {kept}")
        asks = ", ".join(f"{name} {count}" for name, count in questions.items()) or "none"
        most = counted(first, "credit")
        out.say(f"first questions: {asks}; at most {most}, and more where an answer leads to another question")
    return DONE


def _record(at: Columns, place: int, cells: Sequence[str]) -> Record:
    return at.record(str(place + 1), cells)


async def _fill(
    rows: TableRows, table: TextTable, at: Columns, asked: CsvAsked, output: Path, fields: Sequence[str], *, quiet: bool
) -> _Sums:
    sums, stop = _Sums(), stop_on_signals()
    width = max([len(table.header), *(place + 1 for place in at.places.values())])
    new = sorted((place, name) for name, place in at.places.items() if place >= len(table.header))
    under_way: deque[tuple[list[str], asyncio.Task[FilledRow] | None]] = deque()
    ended = asyncio.create_task(_follow(stop, rows.stopping))
    visited = done = 0
    try:
        with TableWriter(output, table.separator) as writer, Meter("rows", err, quiet=quiet) as meter:
            if asked.header:
                writer.write([*table.header, *(name for _, name in new), NOTE])

            async def finish() -> None:
                nonlocal done
                cells, task = under_way.popleft()
                row = await task if task else FilledRow()
                if task:
                    sums.add(row)
                writer.write([*_with(cells, width, at, row), _note(row)])
                done += 1
                meter.at(done, len(table.rows), counted(sum(sums.filled.values()), "value"))

            for place, cells in enumerate(table.rows):
                blank = any(len(cells) <= at.places[name] or not cells[at.places[name]].strip() for name in fields)
                visits = blank and (asked.limit is None or visited < asked.limit)
                visited += visits
                task = asyncio.create_task(rows.fill(_record(at, place, cells))) if visits else None
                under_way.append((cells, task))
                while len(under_way) >= AT_ONCE:
                    await finish()
            while under_way:
                await finish()
    finally:
        ended.cancel()
        left = [task for _, task in under_way if task]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, ended, return_exceptions=True)
    return sums


async def _follow(stop: asyncio.Event, stopping: asyncio.Event) -> None:
    await stop.wait()
    stopping.set()


def _with(cells: Sequence[str], width: int, at: Columns, row: FilledRow) -> list[str]:
    found = [*cells, *([""] * (width - len(cells)))]
    for name, (value, _) in row.filled.items():
        found[at.places[name]] = value
    return found


def _note(row: FilledRow) -> str:
    words = [f"{name} by {provider}" for name, (_, provider) in row.filled.items()]
    words += [f"{name}: {str(why).replace('_', ' ')}" for name, why in row.unfilled.items()]
    words += [f"{name}: waits" for name in row.waits]
    return "; ".join(words)


def _nested(filled: Mapping[str, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for key, count in sorted(filled.items()):
        name, _, provider = key.partition("|")
        found.setdefault(name, {})[provider] = count
    return found


# ---- telling -----------------------------------------------------------------------------------------------------


async def _figures(runtime: Runtime, prices: Mapping[str, int], *, ends: bool) -> str:
    """Names each provider whose budget is below a price, with its figures, and its next start if known."""
    now, sentences = clock(), []
    for name, price in prices.items():
        if short := await short_of(runtime, name, CRM, now, need=price):
            sentences.append(short[1] + (until_word(short[0] or None) if ends else ""))
    return "; ".join(sentences)


def _tell(summary: Mapping[str, Any], figures: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(summary)
    else:
        gaps, rows = counted(summary["gaps"], "gap"), counted(summary["visited"], "row")
        out.say(f"{summary['output']}: {summary['filled']} of {gaps} filled in {rows}")
        for name, by in summary["filled_by"].items():
            out.say(f"{name}: " + ", ".join(f"{provider} {count}" for provider, count in by.items()))
        for name, credits in summary["credits"].items():
            out.say(f"{name}: {counted(credits, 'credit')}")
        for why, count in summary["not_filled"].items():
            out.say(f"not filled, {why.replace('_', ' ')}: {count}")
    for why, count in summary["left"].items():
        text, step = _WAITS.get(why, (why.rstrip("."), _AGAIN))
        more = f" ({figures[why]})" if figures.get(why) else ""
        err.say(f"{counted(count, 'row is', 'rows are')} not finished: {text}{more}. Next: {step}", style="yellow")
    for name, credits in summary["uncertain"].items():
        err.say(f"{counted(credits, 'credit')} at {name} may not have been charged: refill uncertain list")
