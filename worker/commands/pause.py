"""Implements ``pause``: nothing more is done at a crm or a provider."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands.names import ALL, known_target, pausable
from worker.commands.options import Config, Json, Target, as_command, one_command
from worker.commands.session import opened_ledger, report, settings_of
from worker.ledger.ledger import Ledger
from worker.manual.exit_codes import DONE

OPERATOR = "operator"

app = one_command()


@as_command(app)
async def command(
    target: Target,
    why: Annotated[str, typer.Option(help="A sentence that status shows.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Pause a crm or a provider until it is resumed."""
    settings = settings_of(config)
    known_target(settings, target)
    async with opened_ledger(settings) as ledger:
        names = pausable(settings) if target == ALL else [target]
        for name in names:
            await pause(ledger, name, why)
    sentences = [f"{name} is paused until refill resume {name}" for name in names]
    report({"paused": list(names)}, *sentences, as_json=as_json)
    return DONE


async def pause(ledger: Ledger, name: str, why: str) -> None:
    """Stop everything of one crm or provider, by a person's word."""
    await ledger.pauses.pause(name, OPERATOR, why=why or f"paused by hand: refill resume {name}")
