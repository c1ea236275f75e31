"""``worker``, ``sync``: the daemon and a single pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rich.live import Live
from rich.table import Table

from worker.commands.names import known_record, known_watch
from worker.commands.records import missing
from worker.commands.session import err, out, print_json, session, settings_of, with_work
from worker.manual.endings import Ending
from worker.manual.exit_codes import DONE, FAILED
from worker.manual.follow import Progress
from worker.manual.passes import Pass
from worker.manual.sync import Report, sync
from worker.service.heartbeat import beating
from worker.service.lifecycle import stop_on_signals, work, working_for


async def run_worker(config: Path | None) -> int:
    """Work until SIGTERM or Ctrl-C, then drain."""
    settings = with_work(settings_of(config, verbose=True))
    async with session(settings) as runtime:
        with beating(settings.data_dir) as heartbeat:
            await work(runtime, stop_on_signals(), heartbeat.beat)
    return DONE


async def run_sync(config: Path | None, wanted: Pass, *, as_json: bool, verbose: bool) -> int:
    """One pass with a worker of its own; others on the same Redis help."""
    settings, stop = with_work(settings_of(config, verbose=verbose)), stop_on_signals()
    if wanted.record is not None:
        crm, kind, id = wanted.record
        known_watch(settings, crm, kind)
        wanted = replace(wanted, record=(crm, kind, known_record(settings, crm, kind, id)))
    async with session(settings) as runtime:
        if wanted.record is not None and (sentence := await missing(runtime, *wanted.record)):
            return failed(sentence)
        with live(as_json=as_json) as show:
            report = await sync(runtime, wanted, show, working_for, stop)
    if as_json:
        print_json(report.as_json())
    else:
        out.print(summary(report))
    say(report.ending)
    return report.ending.code


def failed(sentence: str) -> int:
    """One sentence on standard error, and the exit code that goes with it."""
    err.say(sentence, style="red")
    return FAILED


def say(ending: Ending) -> None:
    """The sentences of an ending, on standard error."""
    for sentence in ending.sentences():
        err.say(sentence)


class _Shown:
    """A line that is kept up to date while a pass runs."""

    def __init__(self, live_: Live) -> None:
        self._live = live_

    def __call__(self, progress: Progress) -> None:
        figures = progress.figures
        credits = ", ".join(f"{name} {count}" for name, count in progress.credits.items()) or "none"
        self._live.update(
            f"records {figures.records}  open {progress.open}  waiting {progress.waiting}  "
            f"filled {sum(figures.filled.values())}  left {sum(figures.unfilled.values())}  credits: {credits}"
            + ("  looking for more" if progress.looking else "")
        )


def live(*, as_json: bool) -> _LiveShow | nullcontext[Callable[[Progress], None] | None]:
    """A live display on a terminal, nothing elsewhere."""
    if as_json or not err.is_terminal:
        return nullcontext(None)
    return _LiveShow()


class _LiveShow:
    def __enter__(self) -> Callable[[Progress], None]:
        self._live = Live("", console=err, refresh_per_second=8, transient=True)
        self._live.__enter__()
        return _Shown(self._live)

    def __exit__(self, *told: object) -> None:
        self._live.__exit__(None, None, None)


def summary(report: Report) -> Table:
    """The figures of a pass."""
    table = Table(title=f"pass {report.run}", show_header=False)
    table.add_row("records", str(report.records))
    table.add_row("gaps found", str(report.gaps))
    table.add_row("filled", str(report.filled))
    for reason, count in report.not_filled.items():
        table.add_row(f"left: {reason.replace('_', ' ')}", str(count))
    for name, credits in report.credits.items():
        table.add_row(f"credits at {name}", str(credits))
    for name, count in report.delivered.items():
        table.add_row(f"{name} delivered", str(count))
    table.add_row("waiting", str(report.waiting))
    table.add_row("dead letters", str(report.dead))
    table.add_row("seconds", str(report.seconds))
    return table
