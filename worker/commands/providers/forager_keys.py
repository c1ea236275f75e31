"""Implements ``refill forager keys``: the account's API keys. A new one's secret is shown once and kept nowhere."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.forager.models import NewApiKey
from connectors.limits import Ticket
from worker.commands.providers.opening import at_forager
from worker.commands.providers.options import Config, Json, Yes, listing, lists
from worker.commands.providers.output import WrongUseError, as_command, confirmed, finish, note, tell
from worker.commands.providers.tables import card, listed
from worker.manual.buying import NotNowError
from worker.manual.creating import WantedRow, key_of

MOST = 50
app = listing("Forager's API keys.")
Prefix = Annotated[str, typer.Argument(metavar="PREFIX", help="As refill forager keys shows it.")]


@app.callback(invoke_without_command=True)
def keys(context: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """List the account's API keys; secrets are not shown."""
    if lists(context, config, as_json):
        finish(_list(config, as_json=as_json))


@as_command(app, "list")
async def keys_list(config: Config = None, as_json: Json = False) -> None:
    """Manage the account's API keys."""
    await _list(config, as_json=as_json)


async def _list(config: Config, *, as_json: bool) -> None:
    async with at_forager(config) as opened:
        found = await opened.client.api_keys()
    rows = [(one.prefix, one.name, one.created) for one in found]
    tell(as_json, found, lambda: listed("API keys", ("prefix", "name", "created"), rows))


@as_command(app, "show")
async def keys_show(prefix: Prefix, config: Config = None, as_json: Json = False) -> None:
    """Show one key, by its prefix."""
    async with at_forager(config) as opened:
        found = await opened.client.api_key(_prefix(prefix))
    if found is None:
        raise NotNowError("there is no key of that prefix: refill forager keys shows them")
    rows = [("prefix", found.prefix), ("name", found.name), ("created", found.created)]
    tell(as_json, found, lambda: card("API key", rows))


@as_command(app, "create")
async def keys_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="At most 50 characters.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Issue a key. Its secret is shown here and never again."""
    name = name.strip()
    if not 0 < len(name) <= MOST:
        raise WrongUseError(f"a key's name has between 1 and {MOST} characters")
    issued: list[NewApiKey] = []
    async with at_forager(config) as opened:
        client = opened.client

        async def send(ticket: Ticket) -> str:
            issued.append(await client.create_api_key(name, ticket))
            return issued[0].prefix

        async def find() -> str:
            return next((one.prefix for one in await client.api_keys() if one.name == name), "")

        wanted = WantedRow(client.name, "key", key_of(client.account, name), send, find, look_first=True)
        made = await opened.maker.make(wanted)
    if made.how == "found":
        raise NotNowError(
            f"the key was issued, but its secret was lost on the way: refill forager keys delete {made.id}, then again"
        )
    if made.how == "there":
        raise NotNowError(f"a key of that name is there already ({made.id}): take another name")
    _reveal(issued[0], as_json=as_json)


def _reveal(key: NewApiKey, *, as_json: bool) -> None:
    if not key.secret:
        note("the answer shows no secret under the name we know: check the account")
    rows = [("prefix", key.prefix), ("name", key.name), ("secret", key.secret)]
    tell(as_json, key, lambda: card("New API key", rows))
    if not as_json:
        note("save the secret now: it is shown once and stored nowhere")


@as_command(app, "delete")
async def keys_delete(prefix: Prefix, yes: Yes = False, config: Config = None, as_json: Json = False) -> None:
    """Delete a key; programs that still use it stop working."""
    await confirmed(f"key {_prefix(prefix)} stops working for good", yes=yes)
    async with at_forager(config) as opened:
        gone = await opened.client.delete_api_key(_prefix(prefix))
    tell(as_json, {"deleted": gone}, lambda: "deleted" if gone else "there was no key of that prefix")


def _prefix(text: str) -> str:
    if not text.strip() or text.strip() in {".", ".."}:
        raise WrongUseError("write a key's prefix: refill forager keys shows them")
    return text.strip()
