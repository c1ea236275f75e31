"""Implements ``notices``: the people whose data was bought, and whether they were informed (GDPR, Art. 14)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from msgspec import Struct

from config.counts import counted
from config.problems import ConfigError
from worker.commands.names import known_crm, known_record, known_watch
from worker.commands.options import AnyCrm, Config, Json, Record, as_command, one_command
from worker.commands.session import err, opened_ledger, out, print_json, settings_of
from worker.commands.tables import table
from worker.commands.terminal import agreed
from worker.ledger.journal.notices import Notices
from worker.ledger.money.answers import Ref
from worker.manual.exit_codes import DONE, FAILED
from worker.upkeep.notices import BoughtData, bought

app = one_command()

app = one_command()


class Chosen(Struct, frozen=True):
    """Selects people: of one crm, of one record, or only those not informed yet."""

    crm: str | None = None
    record: Ref | None = None
    open: bool = False


@as_command(app)
async def command(
    crm: AnyCrm = None,
    record: Record = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only people not informed yet.")] = False,
    mark: Annotated[Literal["informed"] | None, typer.Option(help="Note that the people listed were informed.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Note more than one without asking.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """List the people whose data was bought, informed or not (GDPR, Art. 14).

    With dates, providers and fields.
    """
    settings = settings_of(config)
    if crm:
        known_crm(settings, crm)
    if record:
        name, kind = known_watch(settings, record[0], record[1])
        record = (name, kind, known_record(settings, name, kind, record[2]))
    async with opened_ledger(settings) as ledger:
        notices = Notices(ledger.scripts)
        informed = await notices.informed()
        found = {
            ref: one
            for ref, one in (await bought(ledger.journal)).items()
            if (not crm or ref[0] == crm) and (not record or ref == record) and not (only_open and ref in informed)
        }
        if mark:
            open_ = [ref for ref in found if ref not in informed]
            if record and not found:
                raise ConfigError([f"nothing was bought about {' '.join(record)}"])
            who = counted(len(open_), "person", "people")
            if len(open_) > 1 and not yes and not agreed(f"Note that {who} were informed?"):
                err.say(f"nothing was noted: {who}; --yes notes them without asking")
                return FAILED
            await notices.mark(open_)
            informed = await notices.informed()
            err.say(f"{len(open_)} noted as informed")
    if as_json:
        print_json([_json(ref, one, informed.get(ref)) for ref, one in found.items()])
    else:
        rows = [_row(ref, one, informed.get(ref)) for ref, one in found.items()]
        heads = ("crm", "object", "id", "bought", "from", "fields", "tell them by", "informed")
        out.print(table("People whose data was bought", heads, rows))
    return DONE


def _json(ref: Ref, one: BoughtData, informed: int | None) -> dict[str, object]:
    return {
        "crm": ref[0],
        "object": ref[1],
        "id": ref[2],
        "bought_at": one.since,
        "providers": sorted(one.providers),
        "fields": sorted(one.fields),
        "inform_by": one.due,
        "informed_at": informed,
    }


def _row(ref: Ref, one: BoughtData, informed: int | None) -> tuple[str, ...]:
    fields = ", ".join(sorted(one.fields)).replace("_", " ")
    informed_on = _day(informed) if informed else "no"
    return (*ref, _day(one.since), ", ".join(sorted(one.providers)), fields, _day(one.due), informed_on)


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"
