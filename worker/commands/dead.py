"""Implements ``dead``: records that failed too often, and a person's word on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from config.problems import ConfigError
from worker.commands.names import chosen_works, known_record, known_work
from worker.commands.options import (
    AnyCrm,
    AnyId,
    AnyObject,
    Config,
    CrmName,
    Json,
    ObjectName,
    RecordId,
    as_command,
    group,
)
from worker.commands.progress import failed
from worker.commands.session import opened_ledger, out, print_json, report, settings_of
from worker.commands.tables import table
from worker.ledger.journal.figures import WorkName
from worker.ledger.run import Run, RunKind
from worker.ledger.work.work import DeadLetter
from worker.manual.exit_codes import DONE
from worker.reports.words import ago
from worker.upkeep.dead_letters import letters

Everything = Annotated[bool, typer.Option("--all", help="Those of every crm.")]
app = group("List, replay or drop records that failed too often.")


@as_command(app, "list")
async def dead_list(crm: AnyCrm = None, object: AnyObject = None, config: Config = None, as_json: Json = False) -> int:
    """List dead letters with their reasons, oldest first."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        works = chosen_works(settings, crm, object, await ledger.all_work.works())
        found = [(name, letter) for name in works for letter in await letters(ledger.work(*name))]
        now = await ledger.scripts.now()
    if as_json:
        print_json([_letter(name, letter) for name, letter in found])
        return DONE
    rows = [(*name, one.id, one.attempts, ago(one.since_ms, now), one.reason) for name, one in found]
    out.print(table("Dead letters", ("crm", "object", "id", "attempts", "since", "reason"), rows))
    return DONE


@as_command(app, "show")
async def dead_show(
    crm: CrmName, object: ObjectName, id: RecordId, config: Config = None, as_json: Json = False
) -> int:
    """Show one dead letter: reason, attempts, time, run, open changes."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        work = ledger.work(*known_work(settings, crm, object, await ledger.all_work.works()))
        id = known_record(settings, crm, object, id)
        letter = next((one for one in await letters(work) if one.id == id), None)
        intents = [json.loads(text) for text in await work.letters.intents(id)]
        now = await ledger.scripts.now()
    if letter is None:
        return failed(f"{crm} {object} {id} is not a dead letter; see refill dead list")
    if as_json:
        print_json(_letter((crm, object), letter) | {"intents": intents})
        return DONE
    rows = [
        ("reason", letter.reason),
        ("attempts", letter.attempts),
        ("since", ago(letter.since_ms, now)),
        ("run", letter.run),
        *(("open change", f"{one.get('field') or one.get('object')}, from {one.get('provider')}") for one in intents),
    ]
    out.print(table(f"{crm} {object} {id}", ("", ""), rows))
    return DONE


@as_command(app, "replay")
async def dead_replay(
    crm: AnyCrm = None,
    object: AnyObject = None,
    id: AnyId = None,
    everything: Everything = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Visit dead letters again, with the full number of attempts."""
    _names_something(crm, everything=everything)
    return await _each_dead(config, (crm, object, id), "replay", as_json=as_json)


@as_command(app, "drop")
async def dead_drop(
    crm: AnyCrm = None,
    object: AnyObject = None,
    id: AnyId = None,
    everything: Everything = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Drop dead letters: they leave the work, and their open changes are journalled."""
    _names_something(crm, everything=everything)
    return await _each_dead(config, (crm, object, id), "drop", as_json=as_json)


async def _each_dead(
    config: Path | None, names: tuple[str | None, str | None, str | None], step: str, *, as_json: bool
) -> int:
    settings, (crm, object, id) = settings_of(config), names
    async with opened_ledger(settings) as ledger:
        works = chosen_works(settings, crm, object, await ledger.all_work.works())
        if crm and object and id:
            id = known_record(settings, crm, object, id)
        run, done = Run.new(RunKind.REPLAY).name, 0
        for work in (ledger.work(*name) for name in works):
            for letter in await letters(work):
                if id not in {None, letter.id}:
                    continue
                if step == "replay":
                    await work.replay(letter.id, run)
                    done += 1
                else:
                    done += await work.letters.drop(letter.id)
    if id is not None and not done:
        return failed(f"{crm} {object} {id} is not a dead letter; see refill dead list")
    became = "replayed" if step == "replay" else "dropped"
    report({became: done}, f"dead letters {'due again' if step == 'replay' else 'dropped'}: {done}", as_json=as_json)
    return DONE


def _names_something(crm: str | None, *, everything: bool) -> None:
    if (crm is None) is not everything:
        raise ConfigError(["name a crm, an object, an id, or give --all: not both, not neither"])


def _letter(name: WorkName, letter: DeadLetter) -> dict[str, object]:
    fields = asdict(letter)
    since = fields.pop("since_ms")
    return {"crm": name[0], "object": name[1], **fields, "since": since}
