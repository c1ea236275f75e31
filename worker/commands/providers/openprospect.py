"""Implements ``refill openprospect ...``: searches, companies, prospects, deliveries.

Orders and blacklists are in the files beside this one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from connectors.errors import NotFoundError, OutcomeUnknownError
from connectors.openprospect.models import CompanyBody, Prospect, Search, SearchEdit
from connectors.openprospect.read import moment_ms
from worker.commands.providers import filters, openprospect_blacklists, openprospect_orders
from worker.commands.providers.opening import at_openprospect
from worker.commands.providers.openprospect_blacklists import known
from worker.commands.providers.options import Config, Json, group, listing, lists
from worker.commands.providers.output import WrongUseError, as_command, finish, note, tell
from worker.commands.providers.tables import card, companies, listed, prospects
from worker.manual.buying import NotNowError

T = TypeVar("T")
app = group("Orders, searches, blacklists, deliveries.")
searches_app, companies_app, prospects_app = listing("Searches."), listing("Companies."), listing("People.")
openprospect_orders.register(app)
app.add_typer(openprospect_blacklists.app, name="blacklists")
app.add_typer(searches_app, name="searches")
app.add_typer(companies_app, name="companies")
app.add_typer(prospects_app, name="prospects")

Id = Annotated[str, typer.Argument(metavar="ID")]
SearchOption = Annotated[str | None, typer.Option("--search", help="Id of the search; else those of every search.")]


# ---- searches --------------------------------------------------------------------------------------------------------


@searches_app.callback(invoke_without_command=True)
def searches(context: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """List the prospect searches this key sees."""
    if lists(context, config, as_json):
        finish(_searches(config, as_json=as_json))


async def _searches(config: Config, *, as_json: bool) -> None:
    async with at_openprospect(config) as opened:
        found = [one async for one in opened.client.searches()]
    rows = [(one.id, one.name, one.status, one.version, one.updated_at) for one in found]
    tell(as_json, found, lambda: listed("Searches", ("id", "name", "status", "version", "updated"), rows))


@as_command(searches_app, "show")
async def searches_show(id: Id, config: Config = None, as_json: Json = False) -> None:
    """Show one search with its criteria."""
    async with at_openprospect(config) as opened:
        found = _there("search", id, await opened.client.search(known(id)))
    tell(as_json, found, lambda: _search_card(found))


def _search_card(found: Search) -> Table:
    return card(
        f"search {found.id}",
        [
            ("name", found.name),
            ("status", found.status),
            ("version", found.version),
            ("ideal customer", found.ideal_customer_profile),
            ("places", ", ".join(found.geo_locations)),
            ("keywords", ", ".join(found.search_keywords)),
            ("updated", found.updated_at),
        ],
    )


@as_command(searches_app, "edit")
async def searches_edit(
    id: Id,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    profile: Annotated[str | None, typer.Option(help="The ideal customer profile.")] = None,
    place: Annotated[list[str] | None, typer.Option(help="May be repeated; for admins of the vendor.")] = None,
    keyword: Annotated[list[str] | None, typer.Option(help="May be repeated; for admins of the vendor.")] = None,
    version: Annotated[int | None, typer.Option(help="The version this was decided on; else the present one.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Change a search."""
    named = {
        "name": name,
        "ideal_customer_profile": profile,
        "geo_locations": tuple(place) if place else None,
        "search_keywords": tuple(keyword) if keyword else None,
    }
    values = {key: value for key, value in named.items() if value is not None}
    if not values:
        raise WrongUseError("name something to change: --name, --profile, --place or --keyword")
    async with at_openprospect(config) as opened:
        client = opened.client
        before = _there("search", id, await client.search(known(id)))
        edit = SearchEdit.model_validate({"version": before.version if version is None else version, **values})
        try:
            after = await client.edit_search(before.id, edit)
        except OutcomeUnknownError as error:  # never sent again: a look tells more than a second call
            seen = await client.search(before.id)
            if seen is None or any(getattr(seen, key) != value for key, value in values.items()):
                raise NotNowError("the change was sent and does not show up yet: look at the search again") from error
            after = seen
    tell(as_json, after, lambda: _search_card(after))
    if after.stripped_fields:
        note(f"left out, since only the vendor's admins may set them: {', '.join(after.stripped_fields)}")


@as_command(searches_app, "blacklists")
async def searches_blacklists(id: Id, config: Config = None, as_json: Json = False) -> None:
    """List the blacklists a search keeps to."""
    await _search_blacklists(id, None, config, as_json=as_json)


@as_command(searches_app, "set-blacklists")
async def searches_set_blacklists(
    id: Id,
    blacklists: Annotated[list[str] | None, typer.Argument(metavar="BLACKLIST", help="The whole set.")] = None,
    none: Annotated[bool, typer.Option("--none", help="No blacklist at all.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Replace the set of blacklists a search keeps to."""
    if bool(blacklists) is none:
        raise WrongUseError("name the blacklists, or give --none: not both, not neither")
    await _search_blacklists(id, [known(one) for one in blacklists or ()], config, as_json=as_json)


async def _search_blacklists(id: str, chosen: list[str] | None, config: Config, *, as_json: bool) -> None:
    async with at_openprospect(config) as opened:
        client = opened.client
        if chosen is None:
            found = await client.search_blacklists(known(id))
        else:
            found = await client.set_search_blacklists(known(id), chosen)
    tell(as_json, found, lambda: openprospect_blacklists.shown("Blacklists of the search", found))


# ---- companies -------------------------------------------------------------------------------------------------------


@companies_app.callback(invoke_without_command=True)
def companies_list(
    context: typer.Context,
    search: SearchOption = None,
    score: Annotated[float | None, typer.Option(help="Least match score, 0 to 10.")] = None,
    review: Annotated[str, typer.Option(help="accepted, rejected or pending.")] = "",
    text: Annotated[str, typer.Option(help="A part of the name.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List companies that searches found."""
    if lists(context, search, score, review, text, config, as_json):
        finish(_companies(search, score, review, text, config, as_json=as_json))


async def _companies(
    search: str | None, score: float | None, review: str, text: str, config: Config, *, as_json: bool
) -> None:
    if review not in {"", "accepted", "rejected", "pending"}:
        raise WrongUseError(f'"{review}" is not a review status; known: accepted, rejected, pending')
    async with at_openprospect(config) as opened:
        client = opened.client
        ids = [known(search)] if search is not None else [one.id async for one in client.searches()]
        found = [one for id in ids async for one in client.companies(id, score, review, text)]
    tell(as_json, found, lambda: companies("Companies", found))


@as_command(companies_app, "show")
async def companies_show(id: Id, config: Config = None, as_json: Json = False) -> None:
    """Show one company."""
    async with at_openprospect(config) as opened:
        found = _there("company", id, await opened.client.company(known(id)))
    tell(as_json, found, lambda: _company_card(found))


def _company_card(found: CompanyBody) -> Table:
    shown = found.model_dump(exclude={"prospects", "technologies", "legal"})
    values = [(name.replace("_", " "), value) for name, value in shown.items()]
    technologies = ", ".join(one.name for one in found.technologies)
    return card(found.name or found.id, [*values, ("technologies", technologies)])


@as_command(companies_app, "jobs")
async def companies_jobs(id: Id, config: Config = None, as_json: Json = False) -> None:
    """List a company's job posts."""
    async with at_openprospect(config) as opened:
        found = [one async for one in opened.client.company_jobs(known(id))]
    rows = [(one.title, one.location, one.posted_at, "" if one.is_active else "ended", one.url) for one in found]
    tell(as_json, found, lambda: listed("Jobs", ("title", "place", "since", "", "url"), rows))


@as_command(companies_app, "webtech")
async def companies_webtech(id: Id, config: Config = None, as_json: Json = False) -> None:
    """List the technologies of a company's site."""
    async with at_openprospect(config) as opened:
        found = _there("company", id, await opened.client.company_webtech(known(id)))
    rows = [(one.name, one.category, one.first_seen, one.last_seen) for one in found.technologies]
    tell(as_json, found, lambda: listed("Technologies", ("name", "category", "first seen", "last seen"), rows))


# ---- prospects -------------------------------------------------------------------------------------------------------


@prospects_app.callback(invoke_without_command=True)
def prospects_list(
    context: typer.Context,
    search: SearchOption = None,
    company: Annotated[str, typer.Option(help="Only those of this company.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List people that searches found."""
    if lists(context, search, company, config, as_json):
        finish(_prospects(search, company, config, as_json=as_json))


async def _prospects(search: str | None, company: str, config: Config, *, as_json: bool) -> None:
    async with at_openprospect(config) as opened:
        client = opened.client
        ids = [known(search)] if search is not None else [one.id async for one in client.searches()]
        found = [one for id in ids async for one in client.prospects(id, company)]
    tell(as_json, found, lambda: prospects("People", found))


@as_command(prospects_app, "show")
async def prospects_show(id: Id, config: Config = None, as_json: Json = False) -> None:
    """Show one person."""
    async with at_openprospect(config) as opened:
        found = _there("person", id, await opened.client.prospect(known(id)))
    tell(as_json, found, lambda: _prospect_card(found))


def _prospect_card(found: Prospect) -> Table:
    values = [(name.replace("_", " "), value) for name, value in found.model_dump().items()]
    return card(found.full_name or found.id, values)


# ---- deliveries ------------------------------------------------------------------------------------------------------


@as_command(app)
async def deliveries(
    id: Annotated[str | None, typer.Argument(metavar="ID", help="A delivery's or a search's id; else all.")] = None,
    since: Annotated[str | None, typer.Option(help="7d, or a date: delivered after it.")] = None,
    people: Annotated[bool, typer.Option("--people", help="Show the people instead of the companies.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show delivered companies with their people. Reading them here brings nothing into a CRM."""
    start = moment_ms(filters.moment(since, datetime.now(UTC)))
    async with at_openprospect(config) as opened:
        client, asked = opened.client, opened.settings.providers.openprospect
        ids = [known(id)] if id is not None else list(asked.delivery_ids if asked else ())
        if id is None and (asked is None or asked.discover):
            ids += [one.id async for one in client.searches() if one.id not in ids]
        found: dict[str, CompanyBody] = {}
        for delivery in ids:
            offset: int | None = 0
            try:
                while offset is not None:
                    page = await client.delivered_page(delivery, start, offset)
                    found |= {one.id: one for one in page.items}
                    offset = page.next_offset if page.items else None
            except NotFoundError:
                if id is not None:
                    raise
    rows = list(found.values())
    if people:
        staff = [person for one in rows for person in one.prospects]
        tell(as_json, staff, lambda: prospects("Delivered people", staff))
    else:
        tell(as_json, rows, lambda: companies("Delivered companies", rows))


def _there(what: str, id: str, found: T | None) -> T:
    if found is None:
        raise NotNowError(f"there is no {what} {id}, or this key does not see it")
    return found
