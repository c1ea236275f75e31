"""Implements ``sandbox``: the vendor imitations, and a configuration that fits them."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Annotated, Literal

import typer

from config.problems import ConfigError
from worker.commands import trial
from worker.commands.options import People, Seed, as_command, one_command
from worker.commands.session import out
from worker.manual.exit_codes import DONE
from worker.redis.embedded import EmbeddedRedis
from worker.service.lifecycle import stop_on_signals

_TOKEN = "=pat-na1-sandbox-"  # noqa: S105 - of the imitated portal, and of no other
PORTS, WEB_PORT = 9100, 8080
Faults = Literal["none", "light", "medium", "heavy"]
app = one_command()


@as_command(app)
async def command(
    folder: Annotated[Path, typer.Option(help="Where refill.toml and .env for it are written.")] = Path(
        "refill-sandbox"
    ),
    records: People = 300,
    seed: Seed = 1,
    port_base: Annotated[
        int, typer.Option(help="First of five ports; if changed, the page gets the sixth in place of 8080.")
    ] = PORTS,
    faults: Annotated[Faults, typer.Option(help="How often vendors fail, drawn by the seed.")] = "none",
) -> int:
    """Serve the vendor imitations and write a configuration for them."""
    if not _may_be_replaced(folder):
        raise ConfigError([f"{folder} holds another configuration, which would be lost: name another --folder"])
    stop = stop_on_signals()
    async with trial.serve(records=records, seed=seed, latency="demo", port_base=port_base, faults=faults) as served:
        web_port = WEB_PORT if port_base == PORTS else port_base + len(trial.VENDORS)
        web = f"http://127.0.0.1:{web_port}"
        text, variables = trial.configuration(served, _new_data_dir(folder), web_port)
        variables |= trial.playground(served, web)
        path = trial.write(folder, text, variables)
        await trial.aim(served, web, variables["REFILL_CRM__ACME_SALESFORCE__WEBHOOK_SECRET"])
        lines = [f"# {path}", *text.splitlines(), f"# {path.parent / '.env'}"]
        lines += [f"{name}={value}" for name, value in variables.items()]
        lines += ["", f"The vendors are up. In another terminal: refill up --config {path}"]
        lines += ["Play with them (a fault, an outage, an edit and its webhook):"]
        lines += [f"  {name}: {vendor['control_url']}/" for name, vendor in served.vendors.items()]
        for line in lines:
            out.say(line)
        await stop.wait()
    return DONE


def _may_be_replaced(folder: Path) -> bool:
    """Tells whether nothing in the folder is anybody's but an earlier sandbox's."""
    env = folder / ".env"
    if env.exists():
        return _TOKEN in env.read_text("utf-8", "replace")
    return not (folder / "refill.toml").exists()


def _new_data_dir(folder: Path) -> str:
    """Names a data folder for the new world, and removes those of earlier ones that no process uses.

    In an old one Refill would take the blanks of the new world for values that people have cleared, and leave them.
    """
    for old in folder.glob(".refill*"):
        if old.is_dir() and EmbeddedRedis(old).is_idle():
            shutil.rmtree(old, ignore_errors=True)
    return f".refill-{secrets.token_hex(4)}"
