"""Implements ``reconcile``: our ledger against the providers' books, looked at by a person."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from rich.table import Table

from config.settings import Settings
from connectors.errors import ConnectorError
from connectors.limits import NoLimiter
from worker.commands.options import Config, Json, as_command, one_command
from worker.commands.session import err, opened_ledger, out, print_json, settings_of
from worker.commands.tables import table
from worker.ledger.ledger import Ledger
from worker.manual.exit_codes import DONE, FAILED
from worker.service.vendors import open_providers
from worker.upkeep.reconcile import RESTORED, BooksReport, reconcile

app = one_command()


@as_command(app)
async def command(config: Config = None, as_json: Json = False) -> int:
    """Compare our ledger with the providers' books.

    Exit code 1 while a difference keeps a provider paused.
    """
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        restored = await _restored(ledger)
        reports, failed = await _compared(ledger, settings, accept=restored)
        lifted = restored and not failed
        if lifted:
            await ledger.rollback_guard.begin()
            await ledger.rollback_guard.high_water.sync()
            for name in settings.providers.paid:
                await ledger.pauses.lift(name, RESTORED)
    if as_json:
        print_json(
            {
                "providers": {name: report.as_json() for name, report in reports.items()},
                "unread": failed,
                "restored": restored,
                "resumed": lifted,
            }
        )
    else:
        _show(reports, failed, restored=restored)
    return FAILED if failed or any(report.paused for report in reports.values()) else DONE


async def _restored(ledger: Ledger) -> bool:
    behind = await ledger.rollback_guard.behind() is not None
    return behind or any(one.reason == RESTORED for one in await ledger.pauses.all())


async def _compared(
    ledger: Ledger, settings: Settings, *, accept: bool
) -> tuple[dict[str, BooksReport], dict[str, str]]:
    reports: dict[str, BooksReport] = {}
    failed: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for name, provider in open_providers(settings, lambda _: NoLimiter()).items():
            stack.push_async_callback(provider.aclose)
            try:
                reports[name] = await reconcile(ledger, settings, provider, accept=accept, detail=True)
            except ConnectorError as error:
                failed[name] = error.hint or type(error).__name__
    return reports, failed


def _show(reports: Mapping[str, BooksReport], failed: Mapping[str, str], *, restored: bool) -> None:
    out.print(_sums(reports))
    for report in reports.values():
        differing = [line for line in report.lines if line.theirs != line.ours]
        if differing:
            rows = [(line.day, line.operation, line.ours, line.theirs, line.uncertain) for line in differing]
            columns = ("day (UTC)", "operation", "ours", "theirs", "uncertain")
            out.print(table(f"{report.provider}, where they differ", columns, rows, figures=3))
        for note in report.notes:
            out.say(f"{report.provider}: {note}")
        if report.paused:
            text = f"{report.provider} spends nothing more: when this is explained, run refill resume {report.provider}"
            err.say(text, style="red")
    for name, why in failed.items():
        err.say(f"{name}: its books could not be read ({why})", style="red")
    if restored:
        text = (
            "Redis had forgotten paid calls: it stays blocked until every provider's books have been read"
            if failed
            else "Redis had forgotten paid calls; it is taken as it is now, and paid calls go on"
        )
        out.say(text)


def _sums(reports: Mapping[str, BooksReport]) -> Table:
    columns = ("provider", "by", "ours", "theirs", "in flight", "uncertain", "judged", "left", "accepted", "drift")
    rows = [
        (
            name,
            one.by,
            one.ours,
            "unknown" if one.theirs is None else one.theirs,
            one.sent,
            one.uncertain,
            one.charged + one.uncharged,
            "unknown" if one.left is None else one.left,
            one.accepted,
            "unknown" if one.drift is None else one.drift,
        )
        for name, one in reports.items()
    ]
    return table("Our ledger and the providers' books, in credits", columns, rows, figures=8)
