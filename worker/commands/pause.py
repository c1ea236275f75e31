"""Implements ``pause``: nothing more is done at a crm or a provider."""

from __future__ import annotations

from pathlib import Path

from worker.commands.names import ALL, known_target, pausable
from worker.commands.session import opened_ledger, report, settings_of
from worker.manual.exit_codes import DONE

OPERATOR = "operator"


async def run_pause(config: Path | None, target: str, why: str, *, as_json: bool) -> int:
    """Stop everything of a crm or a provider until it is resumed."""
    settings = settings_of(config)
    known_target(settings, target)
    async with opened_ledger(settings) as ledger:
        names = pausable(settings) if target == ALL else [target]
        for name in names:
            await ledger.pauses.pause(name, OPERATOR, why=why or f"paused by hand: refill resume {name}")
    sentences = [f"{name} is paused until refill resume {name}" for name in names]
    report({"paused": list(names)}, *sentences, as_json=as_json)
    return DONE
