"""Implements ``refill openprospect blacklists``: companies that searches keep out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from connectors.errors import OutcomeUnknownError
from connectors.limits import Ticket
from connectors.openprospect.models import Blacklist, BlacklistEntry, NewEntry
from worker.commands.providers.opening import at_openprospect
from worker.commands.providers.options import Config, Json, Yes, listing, lists
from worker.commands.providers.output import WrongUseError, as_command, confirmed, finish, tell
from worker.commands.providers.sheets import ENTRY_COLUMNS, rows_of
from worker.commands.providers.tables import card, listed
from worker.manual.buying import NotNowError
from worker.manual.creating import WantedRow, key_of

BLOCK = 10_000  # entries the vendor takes at a time
app = listing("Blacklists: companies that searches keep out.")
Id = Annotated[str, typer.Argument(metavar="ID")]


@app.callback(invoke_without_command=True)
def blacklists(context: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """List every blacklist."""
    if lists(context, config, as_json):
        finish(_list(config, as_json=as_json))


async def _list(config: Config, *, as_json: bool) -> None:
    async with at_openprospect(config) as opened:
        found = [one async for one in opened.client.blacklists()]
    tell(as_json, found, lambda: shown("Blacklists", found))


def shown(title: str, found: Sequence[Blacklist]) -> Table | str:
    rows = [(one.id, one.name, one.description, one.entry_count) for one in found]
    return listed(title, ("id", "name", "description", "entries"), rows, figures=1)


@as_command(app)
async def show(id: Id, config: Config = None, as_json: Json = False) -> None:
    """Show one blacklist."""
    async with at_openprospect(config) as opened:
        found = await opened.client.blacklist(known(id))
    if found is None:
        raise NotNowError(f"there is no blacklist {id}: refill openprospect blacklists shows them")
    tell(as_json, found, lambda: _card(found))


def _card(found: Blacklist) -> Table:
    return card(
        f"blacklist {found.id}",
        [
            ("name", found.name),
            ("description", found.description),
            ("entries", found.entry_count),
            ("created", found.created_at),
            ("updated", found.updated_at),
        ],
    )


@as_command(app)
async def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a blacklist, unless one of that name is there."""
    name = name.strip()
    if not name:
        raise WrongUseError("a blacklist needs a name")
    async with at_openprospect(config) as opened:
        client = opened.client

        async def send(ticket: Ticket) -> str:
            return (await client.create_blacklist(name, description, ticket)).id

        async def find() -> str:
            async for one in client.blacklists():
                if one.name.casefold() == name.casefold():
                    return one.id
            return ""

        wanted = WantedRow(client.name, "blacklist", key_of(name.casefold()), send, find, look_first=True)
        made = await opened.maker.make(wanted)
    if made.how == "there":
        raise NotNowError(f"a blacklist of that name is there already: {made.id}")
    tell(as_json, {"id": made.id, "name": name}, lambda: f"made: {made.id}")


@as_command(app)
async def edit(
    id: Id,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give a blacklist another name or description."""
    if name is None and description is None:
        raise WrongUseError("name something to change: --name or --description")
    async with at_openprospect(config) as opened:
        found = await opened.client.edit_blacklist(known(id), name, description)
    tell(as_json, found, lambda: _card(found))


@as_command(app)
async def delete(id: Id, yes: Yes = False, config: Config = None, as_json: Json = False) -> None:
    """Delete a blacklist with its entries."""
    await confirmed(f"blacklist {known(id)} is deleted with all its entries", yes=yes)
    async with at_openprospect(config) as opened:
        gone = await opened.client.delete_blacklist(known(id))
    tell(as_json, {"deleted": gone}, lambda: "deleted" if gone else "there was no such blacklist")


# ---- entries ---------------------------------------------------------------------------------------------------------


@as_command(app)
async def entries(id: Id, config: Config = None, as_json: Json = False) -> None:
    """List the companies of a blacklist."""
    async with at_openprospect(config) as opened:
        found = [one async for one in opened.client.entries(known(id))]
    rows = [(one.id, one.company_name, one.website_url, one.city, one.external_id) for one in found]
    tell(as_json, found, lambda: listed("Entries", ("id", "company", "website", "city", "external id"), rows))


@as_command(app)
async def add(
    id: Id,
    company: Annotated[str | None, typer.Option(help="The company's name.")] = None,
    website: Annotated[str | None, typer.Option(help="The company's site.")] = None,
    city: Annotated[str | None, typer.Option(help="The company's city.")] = None,
    external_id: Annotated[str | None, typer.Option("--external-id", help="Its id in your CRM.")] = None,
    file: Annotated[Path | None, typer.Option(help=f"CSV with a header; columns: {', '.join(ENTRY_COLUMNS)}.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add companies to a blacklist; those on it already are not sent."""
    named = {"company_name": company, "website_url": website, "city": city, "external_id": external_id}
    values = {name: value for name, value in named.items() if value}
    rows = [*([values] if values else []), *(rows_of(file, ENTRY_COLUMNS) if file else [])]
    wanted = list(dict.fromkeys(NewEntry(**row) for row in rows if row))
    if not wanted:
        raise WrongUseError("name a company (--company, --website, --external-id) or a --file of them")
    async with at_openprospect(config) as opened:
        client = opened.client
        there = {_as_wanted(one) async for one in client.entries(known(id))}
        missing = [one for one in wanted if one not in there]
        added = 0
        for start in range(0, len(missing), BLOCK):
            block = missing[start : start + BLOCK]
            try:
                reply = await client.add_entries(known(id), block)
            except OutcomeUnknownError as error:
                raise NotNowError(
                    "sent, and no clear answer came back: run it again, it sends what is missing"
                ) from error
            added += reply.added or len(block) - reply.skipped
    value = {"added": added, "there": len(wanted) - len(missing)}
    tell(as_json, value, lambda: f"{added} added, {value['there']} were there already")


def _as_wanted(entry: BlacklistEntry) -> NewEntry:
    return NewEntry(
        external_id=entry.external_id or None,
        website_url=entry.website_url or None,
        company_name=entry.company_name or None,
        city=entry.city or None,
    )


@as_command(app)
async def remove(
    id: Id,
    entry: Annotated[list[str], typer.Argument(metavar="ENTRY...", help="Ids of entries.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take companies off a blacklist."""
    async with at_openprospect(config) as opened:
        await opened.client.remove_entries(known(id), [known(one) for one in entry])
    tell(as_json, {"removed": entry}, lambda: f"{len(entry)} taken off")


def known(id: str) -> str:
    """Returns an id as it was typed.

    Raises:
        WrongUseError: it cannot be one.
    """
    if id.strip() in {"", ".", ".."}:
        raise WrongUseError(f'"{id}" is not a valid id')
    return id.strip()
