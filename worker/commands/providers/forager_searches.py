"""Implements ``refill forager people|companies|jobs``: searches, ten a page, each page paid for.

Their totals are free.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table

from config.counts import counted
from connectors.bodies import Body
from connectors.forager import operations as op
from connectors.forager.client import Answered, Forager
from connectors.forager.models import ForagerJob, ForagerOrganization, FoundRole, SearchTotals
from connectors.forager.queries import JobQuery, OrganizationQuery, RoleQuery, quoted
from connectors.operations import Operation
from worker.commands.providers import filters
from worker.commands.providers.opening import at_forager
from worker.commands.providers.options import Config, Filters, Json, Pages, Total, Yes
from worker.commands.providers.output import agreed, as_command, note, tell, tell_paid, telling_what_was_spent
from worker.commands.providers.tables import card, listed, whole
from worker.decide.values.domains import host

R = TypeVar("R", bound=Body)
Ids = Annotated[list[int] | None, typer.Option(help="Id from refill forager suggest; may be repeated.")]
Texts = Annotated[list[str] | None, typer.Option(help="May be repeated.")]


def register(app: typer.Typer) -> None:
    as_command(app)(people)
    as_command(app)(companies)
    as_command(app)(jobs)


class _Asked:
    """Holds the options of every search besides its filters."""

    def __init__(self, *, total: bool, pages: int, yes: bool, config: Config, as_json: bool) -> None:
        self.total, self.pages, self.yes, self.config, self.as_json = total, pages, yes, config, as_json


async def people(
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    title: Annotated[str | None, typer.Option(help="Job title.")] = None,
    domain: Texts = None,
    slug: Texts = None,
    current: Annotated[bool | None, typer.Option("--current/--past", help="Present or former ones.")] = None,
    location: Ids = None,
    skill: Ids = None,
    industry: Ids = None,
    company: Ids = None,
    filter: Filters = None,
    total: Total = False,
    pages: Pages = 1,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Search employments with their people, by filters. 1 credit a page."""
    hosts, names = {filters.domain(one) for one in domain or ()}, {filters.slug(one) for one in slug or ()}
    named: dict[str, Any] = {
        "person_name": quoted(name) if name else None,
        "role_title": quoted(title) if title else None,
        "role_is_current": current,
        "person_locations": location,
        "person_skills": skill,
        "person_industries": industry,
        "organizations": company,
        "organization_domains": sorted(hosts),
        "person_linkedin_public_identifiers": sorted(names),
    }
    asked = _Asked(total=total, pages=pages, yes=yes, config=config, as_json=as_json)
    query = filters.query(RoleQuery, named, filter)

    def fits(row: FoundRole) -> bool:
        who, where = row.person.linkedin_info.public_identifier.lower(), host(row.organization.domain)
        return (not names or who in names) and (not hosts or where in hosts)

    await _search(op.ROLE_SEARCH, query, asked, Forager.roles, Forager.roles_total, fits, _roles)


def _roles(rows: Sequence[FoundRole]) -> Table | str:
    return listed(
        "People",
        ("name", "title", "company", "place", "LinkedIn", "id"),
        [
            (
                row.person.full_name,
                row.role_title if row.is_current else f"{row.role_title} (past)",
                row.organization.name,
                row.person.location.name,
                row.person.linkedin_info.public_identifier,
                row.person.id,
            )
            for row in rows
        ],
        figures=1,
    )


async def companies(
    domain: Texts = None,
    slug: Annotated[list[str] | None, typer.Option(help="Slug of its LinkedIn page.")] = None,
    industry: Ids = None,
    location: Ids = None,
    keyword: Ids = None,
    technology: Ids = None,
    employees: Annotated[str | None, typer.Option(help="50-200, 50- or -200.")] = None,
    filter: Filters = None,
    total: Total = False,
    pages: Pages = 1,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Search companies by filters. 1 credit a page."""
    hosts = {filters.domain(one) for one in domain or ()}
    named: dict[str, Any] = {
        "linkedin_public_identifiers": slug,
        "industries": industry,
        "locations": location,
        "keywords": keyword,
        "web_technologies": technology,
        "domains": sorted(hosts),
        **filters.between("employees", employees),
    }
    asked = _Asked(total=total, pages=pages, yes=yes, config=config, as_json=as_json)
    query = filters.query(OrganizationQuery, named, filter)

    def fits(row: ForagerOrganization) -> bool:
        return not hosts or host(row.domain) in hosts

    def show(rows: Sequence[ForagerOrganization]) -> Table | str:
        return listed(
            "Companies",
            ("name", "domain", "place", "industry", "employees", "id"),
            [
                (
                    row.name,
                    host(row.domain),
                    row.location.name,
                    row.linkedin_info.industry.name,
                    row.employees_range or row.employees_amount,
                    row.id,
                )
                for row in sorted(rows, key=lambda row: row.domain_rank or float("inf"))
            ],
            figures=2,
        )

    await _search(op.ORGANIZATION_SEARCH, query, asked, Forager.organizations, Forager.organizations_total, fits, show)


async def jobs(
    title: Annotated[str | None, typer.Option(help="Of the post.")] = None,
    company: Ids = None,
    location: Ids = None,
    source: Annotated[str | None, typer.Option(help="indeed, linkedin or angellist.")] = None,
    remote: Annotated[bool | None, typer.Option("--remote/--on-site", help="Only such jobs.")] = None,
    since: Annotated[str | None, typer.Option(help="7d, or a date.")] = None,
    filter: Filters = None,
    total: Total = False,
    pages: Pages = 1,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Search job posts by filters. 2 credits a page."""
    named: dict[str, Any] = {
        "title": quoted(title) if title else None,
        "organization_ids": company,
        "locations": location,
        "is_remote": remote,
        "date_featured_start": filters.moment(since, datetime.now(UTC))[:10] or None,
    }
    asked = _Asked(total=total, pages=pages, yes=yes, config=config, as_json=as_json)
    query = filters.query(JobQuery, named, [*(filter or []), *([f"job_source={source}"] if source else [])])

    def show(rows: Sequence[ForagerJob]) -> Table | str:
        return listed(
            "Jobs",
            ("title", "company", "place", "since", "source", "url"),
            [
                (
                    row.title,
                    row.organization.name,
                    "remote" if row.is_remote else row.location.name,
                    row.date_featured,
                    row.source,
                    row.url,
                )
                for row in rows
            ],
        )

    await _search(op.JOB_SEARCH, query, asked, Forager.jobs, Forager.jobs_total, lambda _: True, show)


# ---- all three -------------------------------------------------------------------------------------------------------


async def _search(
    operation: Operation,
    query: Any,
    asked: _Asked,
    rows_of: Callable[[Forager, Any, Answered, int], AsyncIterator[R]],
    total_of: Callable[[Forager, Any], Any],
    fits: Callable[[R], bool],
    show: Callable[[Sequence[R]], Table | str],
) -> None:
    async with at_forager(asked.config) as opened:
        client = opened.client
        if asked.total:
            totals: SearchTotals = await total_of(client, query)
            tell(asked.as_json, totals, lambda: _totals(totals))
            return
        buyer = opened.buyer
        pages = [query.model_copy(update={"page": number}) for number in range(asked.pages)]
        await agreed(buyer, [client.question(operation, page.arguments()) for page in pages], yes=asked.yes)
        with telling_what_was_spent(buyer):
            found = [row async for row in rows_of(client, query, buyer.ask, asked.pages)]
        rows = [row for row in found if fits(row)]
        tell_paid(asked.as_json, buyer, rows, lambda: show(rows))
        if len(rows) < len(found):
            note(f"{counted(len(found) - len(rows), 'row')} left out that did not match what was asked for")


def _totals(totals: SearchTotals) -> Table:
    return card(
        "About",
        [
            ("results", whole(totals.total_search_results)),
            ("people", whole(totals.total_persons)),
            ("companies", whole(totals.total_organizations)),
        ],
    )
