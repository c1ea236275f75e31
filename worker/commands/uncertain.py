"""Implements ``uncertain``: lookups that may have been charged, and a person's word on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from msgspec.structs import asdict

from config.problems import ConfigError
from worker.commands.options import Config, Json, RecordId, as_command, group
from worker.commands.session import opened_ledger, out, print_json, report, settings_of
from worker.commands.tables import table
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Ref
from worker.ledger.run import Run, RunKind
from worker.ledger.work.work import Due, Lane
from worker.manual.exit_codes import DONE
from worker.reports.words import ago

app = group("List and resolve lookups that may have been charged.")


@as_command(app, "list")
async def uncertain_list(config: Config = None, as_json: Json = False) -> int:
    """List lookups without a clear end, longest first."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        found = await ledger.desk.all_uncertain()
        now = await ledger.scripts.now()
    if as_json:
        print_json([asdict(one) for one in found])
        return DONE
    rows = [
        (
            *(one.ticket_id, one.provider, one.operation),
            " ".join(one.ref or ()),
            one.price,
            ago(one.sent_ms, now),
            one.cause,
        )
        for one in found
    ]
    columns = ("id", "provider", "operation", "first asked for", "credits at most", "sent", "cause")
    out.print(table("Uncertain lookups", columns, rows))
    return DONE


@as_command(app, "resolve")
async def uncertain_resolve(
    id: RecordId,
    ask_again: Annotated[
        bool, typer.Option("--ask-again", help="Allow the question to be paid for once more.")
    ] = False,
    charged: Annotated[bool, typer.Option("--charged/--uncharged", help="By the provider's bill.")] = True,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Resolve one by the provider's own bill."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        one = next((one for one in await ledger.desk.all_uncertain() if one.ticket_id == id), None)
        if one is None:
            raise ConfigError([f'no uncertain lookup is called "{id}": refill uncertain list shows them'])
        ended = await ledger.desk.resolve(id, ask_again, charged=charged)
        if ask_again:
            await _look_again(ledger, [*([one.ref] if one.ref else []), *ended.waiters])
        else:
            await ledger.all_work.wake(ended.waiters)
    said = f"{id}: {'charged' if charged else 'not charged'}, {'asked again' if ask_again else 'counts as a miss'}"
    report({"id": id, "charged": charged, "asked_again": ask_again}, said, as_json=as_json)
    return DONE


async def _look_again(ledger: Ledger, refs: Iterable[Ref]) -> None:
    run = Run.new(RunKind.ASK).name
    for crm, object, id in dict.fromkeys(refs):
        await ledger.work(crm, object).add([Due(id)], lane=Lane.LIVE, run=run, forced=True)
