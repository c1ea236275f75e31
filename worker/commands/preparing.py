"""``setup``: the properties of our own that a CRM needs before anything can be delivered into it."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from worker.commands.names import known_crm
from worker.commands.running import DONE
from worker.commands.session import out, session, settings_of


async def run_setup(config: Path | None, name: str, *, yes: bool) -> int:
    """Show what is missing; create it, or print what to deploy, when asked to."""
    settings = settings_of(config)
    crm = known_crm(settings, name)
    async with session(settings) as runtime:
        vendor = runtime.crms[name]
        lacking: list[str] = []
        for kind in ("company", crm.deliver_as):
            lost = vendor.missing(kind, await vendor.properties(kind))
            if lost:
                lacking.append(kind)
                _say(f"{name} {kind}: {', '.join(lost)} is missing (unique; it keeps what OpenProspect calls the row)")
            else:
                _say(f"{name} {kind}: {crm.external_id} is there")
        if not lacking:
            return DONE
        if not (yes or _asked()):
            _say(f"nothing was changed: refill setup {name} --yes goes on")
            return DONE
        for kind in lacking:
            _say(await vendor.setup(kind))
    return DONE


def _asked() -> bool:
    """A person's word; nobody's, where there is no terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm("Go on?")


def _say(text: str) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)
