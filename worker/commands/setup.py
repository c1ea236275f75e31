"""Implements ``setup``: the properties of our own that a CRM lacks.

What deliveries need, and what shows people our work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from config.problems import ConfigError
from connectors.models import Property
from connectors.ports import Crm
from worker.commands.names import known_crm
from worker.commands.options import Config, CrmName, GoOn, Json, as_command, one_command
from worker.commands.session import err, out, print_json, session, settings_of
from worker.commands.terminal import agreed
from worker.manual.exit_codes import DONE

_FILE = re.compile(r"^# (\S+)\n(<\?xml.*?)(?=^# |\Z)", re.DOTALL | re.MULTILINE)
NEEDED = "unique; it keeps what OpenProspect calls the row"
OPTIONAL = "optional: they show in the CRM which value is from whom, and since when"

app = one_command()


@as_command(app)
async def command(
    crm: CrmName,
    yes: GoOn = False,
    folder: Annotated[
        Path | None, typer.Option("--out", help="A folder for what Salesforce deploys, instead of a print.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Show which of our properties a crm lacks, and create them or write the files to deploy."""
    settings = settings_of(config)
    watched = known_crm(settings, crm)
    async with session(settings) as runtime:
        vendor = runtime.crms[crm]
        filled = watched.objects()
        lacking: dict[str, tuple[str, ...]] = {}
        for kind in dict.fromkeys(["company", watched.deliver_as, *filled]):
            schema = await vendor.properties(kind)
            needed = vendor.missing(kind, schema) if kind in {"company", watched.deliver_as} else ()
            wanted = unmarked(vendor, schema) if kind in filled else ()
            if not as_json:
                _show(crm, kind, needed, wanted)
            if needed or wanted:
                lacking[kind] = (*needed, *wanted)
        done: dict[str, str] = {}
        if lacking and (yes or (not as_json and agreed("Go on?"))):
            for kind, names in lacking.items():
                done[kind] = await vendor.setup(kind, names)
                if folder is not None and (parts := files(done[kind])):
                    done[kind] = placed(folder / kind, parts)
                if not as_json:
                    _say(done[kind])
            err.say("a worker that runs takes new properties up at its next start")
        elif lacking:
            (err if as_json else out).say(f"nothing was changed: refill setup {crm} --yes goes on")
    if as_json:
        print_json({"crm": crm, "missing": {kind: list(names) for kind, names in lacking.items()}, "done": done})
    return DONE


def files(text: str) -> dict[str, str]:
    """Returns the files in a text of definitions to deploy, by path; none if nothing is to be deployed."""
    return dict(_FILE.findall(text))


def placed(folder: Path, parts: Mapping[str, str]) -> str:
    """Writes the files into a folder of their own; says how to deploy it.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    try:
        for path, content in parts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content.rstrip() + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{folder} cannot be written: {(error.strerror or 'it failed').lower()}"]) from None
    return f"{folder}: deploy it by sf project deploy start --metadata-dir {folder}, then assign its permission set"


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
