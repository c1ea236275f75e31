"""Implements ``setup``: the properties of our own that a CRM lacks.

What deliveries need, and what shows people our work.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors.models import Property
from connectors.ports import Crm
from worker.commands.names import known_crm
from worker.commands.session import err, out, print_json, session, settings_of
from worker.commands.terminal import agreed
from worker.manual.exit_codes import DONE

NEEDED = "unique; it keeps what OpenProspect calls the row"
OPTIONAL = "optional: they show in the CRM which value is from whom, and since when"


async def run_setup(config: Path | None, name: str, *, yes: bool, as_json: bool) -> int:
    """Show what is missing; create it, or print what to deploy, when asked to."""
    settings = settings_of(config)
    crm = known_crm(settings, name)
    async with session(settings) as runtime:
        vendor = runtime.crms[name]
        filled = crm.objects()
        lacking: dict[str, tuple[str, ...]] = {}
        for kind in dict.fromkeys(["company", crm.deliver_as, *filled]):
            schema = await vendor.properties(kind)
            needed = vendor.missing(kind, schema) if kind in {"company", crm.deliver_as} else ()
            wanted = unmarked(vendor, schema) if kind in filled else ()
            if not as_json:
                _show(name, kind, needed, wanted)
            if needed or wanted:
                lacking[kind] = (*needed, *wanted)
        done: dict[str, str] = {}
        if lacking and (yes or (not as_json and agreed("Go on?"))):
            for kind, names in lacking.items():
                done[kind] = await vendor.setup(kind, names)
                if not as_json:
                    _say(done[kind])
        elif lacking:
            (err if as_json else out).say(f"nothing was changed: refill setup {name} --yes goes on")
    if as_json:
        print_json({"crm": name, "missing": {kind: list(names) for kind, names in lacking.items()}, "done": done})
    return DONE


def unmarked(vendor: Crm, schema: Mapping[str, Property]) -> tuple[str, ...]:
    """Returns our optional properties that an object does not have at all; one of another kind is left alone."""
    return tuple(name for name in vendor.provenance.names if name not in schema)


def _show(name: str, kind: str, needed: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    for lost, why in ((needed, NEEDED), (wanted, OPTIONAL)):
        if lost:
            _say(f"{name} {kind}: {', '.join(lost)} {'are' if len(lost) > 1 else 'is'} missing ({why})")
    if not needed and not wanted:
        _say(f"{name} {kind}: nothing is missing")


def _say(text: str) -> None:
    out.print(text, highlight=False, soft_wrap=True)  # of several lines: what to deploy
