"""``worker``, ``sync``: the daemon and a single pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rich.live import Live
from rich.table import Table

from worker.commands.names import known_record
from worker.commands.session import err, out, print_json, session, settings_of, working
from worker.engine import stop_on_signals, work
from worker.heartbeat import beating
from worker.sync import Pass, Progress, Report, sync

DONE, FAILED, WRONG_USE, DEAD_LETTERS = 0, 1, 2, 3


async def run_worker(config: Path | None) -> int:
    """Work until SIGTERM or Ctrl-C, then drain."""
    settings = settings_of(config, verbose=True)
    async with session(settings) as runtime:
        with beating(settings.data_dir) as heartbeat:
            await work(runtime, stop_on_signals(), heartbeat.beat)
    return DONE


async def run_sync(config: Path | None, wanted: Pass, *, as_json: bool, verbose: bool) -> int:
    """One pass with a worker of its own; others on the same Redis help."""
    settings = settings_of(config, verbose=verbose)
    if wanted.record is not None:
        crm, kind, id = wanted.record
        wanted = replace(wanted, record=(crm, kind, known_record(settings, crm, kind, id)))
    async with session(settings) as runtime:
        await runtime.open_crms()
        if wanted.record is not None and wanted.record[:2] not in runtime.watches:
            crm, kind, _ = wanted.record
            known = ", ".join(" ".join(name) for name in sorted(runtime.watches)) or "none"
            err.print(f"{crm} {kind} is not watched, or its crm could not be opened; watched are: {known}")
            return WRONG_USE
        with live(as_json=as_json) as show:
            report = await sync(runtime, wanted, show, working(runtime))
    if as_json:
        print_json(report.as_json())
    else:
        out.print(summary(report))
    if report.left:
        err.print(
            f"{report.left} records are still due and nobody takes them: refill status shows why", highlight=False
        )
        return FAILED
    return DEAD_LETTERS if report.dead else DONE


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
            + ("  looking for more" if progress.walking else "")
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
