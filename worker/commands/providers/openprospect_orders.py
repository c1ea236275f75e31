"""Implements ``refill openprospect orders|order|results``.

A person at the vendor accepts an order and then charges it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from connectors.limits import Ticket
from connectors.openprospect.client import OpenProspect
from connectors.openprospect.models import CompanyBody, NewOrder
from worker.commands.providers.opening import at_openprospect
from worker.commands.providers.openprospect_blacklists import known
from worker.commands.providers.options import Config, Json, Yes, group
from worker.commands.providers.output import WrongUseError, as_command, confirmed, note, tell
from worker.commands.providers.sheets import ORDER_COLUMNS, rows_of
from worker.commands.providers.tables import companies, listed, order_card, prospects, whole
from worker.manual.buying import NotNowError
from worker.manual.creating import CreatedRow, WantedRow, key_of

LOOKED_AT = 1_000  # newest orders among which a lost one is looked for
order_app = group("One order.")
Id = Annotated[str, typer.Argument(metavar="ID")]


def register(app: typer.Typer) -> None:
    as_command(app)(orders)
    as_command(app)(results)
    app.add_typer(order_app, name="order")


async def orders(
    status: Annotated[str, typer.Option(help="RECEIVED, ACCEPTED, IN_PROGRESS, COMPLETED, ...")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List every order."""
    status = status.upper()
    async with at_openprospect(config) as opened:
        found = [one async for one in opened.client.orders(status) if status in {"", one.status}]
    rows = [(one.order_id, one.status, one.title, one.company_count, whole(one.estimated_cost)) for one in found]
    columns = ("id", "status", "title", "companies", "cost")
    tell(as_json, found, lambda: listed("Orders", columns, rows, figures=2))


@as_command(order_app)
async def show(id: Id, config: Config = None, as_json: Json = False) -> None:
    """Show one order and its status."""
    async with at_openprospect(config) as opened:
        found = await opened.client.order(known(id))
    if found is None:
        raise _none(id)
    tell(as_json, found, lambda: order_card(found))


async def results(
    id: Id,
    people: Annotated[bool, typer.Option("--people", help="Show the people instead of the companies.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show the results of a completed order."""
    found: dict[str, CompanyBody] = {}
    async with at_openprospect(config) as opened:
        client, offset = opened.client, 0
        while True:
            page = await client.results_page(known(id), offset)
            if page is None:
                raise await _too_early(client, id)
            found |= {one.id: one for one in page.items}
            if page.next_offset is None or not page.items:
                break
            offset = page.next_offset
    rows = list(found.values())
    if people:
        staff = [person for one in rows for person in one.prospects]
        tell(as_json, staff, lambda: prospects("People", staff))
    else:
        tell(as_json, rows, lambda: companies("Results", rows))


async def _too_early(client: OpenProspect, id: str) -> NotNowError:
    order = await client.order(known(id))
    if order is None:
        return _none(id)
    if order.ended and order.status != "COMPLETED":
        return NotNowError(f"order {id} ended as {order.status}: it has no results")
    return NotNowError(f"order {id} is {order.status}: it has results once it is COMPLETED")


# ---- placing one -----------------------------------------------------------------------------------------------------


@as_command(order_app)
async def create(
    title: Annotated[str, typer.Option(help="What it is called; a reference is added.")],
    file: Annotated[
        Path | None, typer.Option("--companies", help=f"CSV with a header; columns: {', '.join(ORDER_COLUMNS)}.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Ideal customer, for an order that discovers.")] = None,
    feature: Annotated[list[str] | None, typer.Option(help="COMPANY_DATA, CONTACTS or TECHNOLOGIES.")] = None,
    blacklist: Annotated[list[str] | None, typer.Option(help="Id of one to keep out; may be repeated.")] = None,
    profile_name: Annotated[str | None, typer.Option("--profile-name", help="A name for that profile.")] = None,
    profile_id: Annotated[str | None, typer.Option("--profile-id", help="A profile that exists.")] = None,
    quantity: Annotated[int | None, typer.Option(min=1, help="Companies wanted, for an order that discovers.")] = None,
    ref: Annotated[str, typer.Option(help="Another reference places the same order a second time.")] = "",
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Place an order: companies of yours to enrich (--companies), or new ones to discover (--profile).

    The same order is placed once: asked again, it says which one it is.
    """
    content = {
        "title": " ".join(title.split()),
        "profile_name": profile_name,
        "features": tuple(one.upper() for one in feature) if feature else None,
        "ideal_customer_profile": profile,
        "blacklist_ids": tuple(blacklist) if blacklist else None,
        "profile_id": profile_id,
        "briefing_quantity": quantity,
    }
    content = {key: value for key, value in content.items() if value}
    if not re.fullmatch(r"[\w.-]{0,40}", ref):
        raise WrongUseError("a reference has up to 40 letters, digits, dots, dashes")
    order = _order(content, file)
    key = key_of(order.body(), ref)
    ref = ref or key[:10]
    order = order.model_copy(update={"title": f"{order.title} ref:{ref}"})
    count = f"companies: {len(order.companies)}" if order.companies else "companies that match"
    async with at_openprospect(config) as opened:
        client = opened.client

        async def send(ticket: Ticket) -> str:
            return (await client.create_order(order, f"refill-{key}", ticket)).order_id

        async def find() -> str | None:
            return await _placed(client, f"ref:{ref}")

        await confirmed(
            f'an order "{order.title}" ({count}): its price is known once it is accepted, and then charged', yes=yes
        )
        made = await opened.maker.make(WantedRow(client.name, "order", key, send, find))
        placed = await client.order(made.id)
    value = {"order_id": made.id, "ref": ref, "placed": made.how != "there", "order": placed}
    tell(as_json, value, lambda: f"order {made.id}" if placed is None else order_card(placed))
    note(_how(made))


def _how(made: CreatedRow) -> str:
    match made.how:
        case "created":
            return f"placed: refill openprospect order show {made.id} tells where it stands"
        case "found":
            return "placed: its answer was lost, but it was found"
        case "there":
            return "the same order was placed before, nothing was sent now: another --ref places it again"


def _order(content: dict[str, Any], file: Path | None) -> NewOrder:
    if not content.get("title"):
        raise WrongUseError("an order needs a --title")
    wanted = rows_of(file, ORDER_COLUMNS) if file else None
    if bool(wanted) is bool(content.get("ideal_customer_profile") or content.get("briefing_quantity")):
        raise WrongUseError("give either --companies with companies to enrich, or --profile of those to discover")
    if any(not (row.get("company_name") and row.get("external_id")) for row in wanted or ()):
        raise WrongUseError("every company needs a company_name and an external_id: its id in your CRM")
    kind = {"order_type": "ENRICHMENT", "companies": wanted} if wanted else {"order_type": "DISCOVERY"}
    try:
        return NewOrder.model_validate(content | kind)
    except ValidationError as error:
        wrong = sorted({str(one["loc"][0]) for one in error.errors(include_input=False)})
        raise WrongUseError(f"the order would be refused by the vendor: correct {', '.join(wrong)}") from None


async def _placed(client: OpenProspect, ref: str) -> str | None:
    """Returns the order with that reference in its title, ``None`` when the list shows no titles."""
    seen = titled = 0
    async for one in client.orders():
        if ref in one.title.split():
            return one.order_id
        seen, titled = seen + 1, titled + bool(one.title)
        if seen >= LOOKED_AT:
            break
    return "" if titled or not seen else None


def _none(id: str) -> NotNowError:
    return NotNowError(f"there is no order {id}, or this key does not see it")
