"""Implements ``refill forager person|contacts|website``: one person, one site.

The other commands are in the files beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table

from connectors.forager import operations as op
from connectors.forager import read
from connectors.forager.models import ForagerPerson, Website
from connectors.models import Question, Reply
from connectors.operations import Operation
from worker.commands.providers import filters, forager_account, forager_keys, forager_searches
from worker.commands.providers.opening import at_forager
from worker.commands.providers.options import Config, Json, Yes, group
from worker.commands.providers.output import WrongUseError, agreed, as_command, tell_paid, telling_what_was_spent
from worker.commands.providers.tables import NOTHING, card, listed, person_card

app = group("People, companies, jobs, contact data, credits, keys.")
forager_account.register(app)
forager_searches.register(app)
app.add_typer(forager_keys.app, name="keys")
app.add_typer(forager_account.feedback, name="feedback")

Who = Annotated[str, typer.Argument(metavar="WHO", help="LinkedIn address or slug, e-mail, or phone number.")]
_BY: Mapping[str, tuple[Operation, str]] = {
    "slug": (op.PERSON_DETAIL, "linkedin_public_identifier"),
    "email": (op.BY_EMAIL, "email"),
    "phone": (op.BY_PHONE, "phone_number"),
}


@as_command(app)
async def person(who: Who, yes: Yes = False, config: Config = None, as_json: Json = False) -> None:
    """Look a person up: name, place, employments. 1 credit by slug, 5 by e-mail, 15 by phone number."""
    kind, value = filters.whom(who)
    operation, name = _BY[kind]
    async with at_forager(config) as opened:
        buyer = opened.buyer
        question = opened.client.question(operation, {name: value})
        await agreed(buyer, [question], yes=yes)
        found = read.person(operation, await buyer.ask(question))
        tell_paid(as_json, buyer, found, lambda: _card(found))


def _card(found: ForagerPerson | None) -> Table | str:
    return f"{NOTHING}: nobody is known by that" if found is None else person_card(read.to_person(found, found.roles))


@as_command(app)
async def contacts(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="LinkedIn address or slug.")],
    work: Annotated[bool, typer.Option("--work", help="Work e-mails, 5 credits on a hit.")] = False,
    personal: Annotated[bool, typer.Option("--personal", help="Personal e-mails, 5 credits on a hit.")] = False,
    phone: Annotated[bool, typer.Option("--phone", help="Phone numbers, 15 credits on a hit.")] = False,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show a person's contact data: work e-mails by default."""
    kinds = {op.WORK_EMAILS: work or not (personal or phone), op.PERSONAL_EMAILS: personal, op.PHONE_NUMBERS: phone}
    wanted = tuple(operation for operation, asked in kinds.items() if asked)
    arguments = {"linkedin_public_identifier": filters.slug(slug)}
    async with at_forager(config) as opened:
        buyer = opened.buyer
        questions: dict[Operation, Question] = {
            operation: opened.client.question(operation, arguments) for operation in wanted
        }
        await agreed(buyer, list(questions.values()), yes=yes)
        with telling_what_was_spent(buyer):
            rows = [
                row
                for operation, question in questions.items()
                for row in _values(operation, await buyer.ask(question))
            ]
        value = [{"kind": kind, "value": text, "status": status} for kind, text, status in rows]
        tell_paid(as_json, buyer, value, lambda: listed("Contacts", ("kind", "value", "status"), rows))


def _values(operation: Operation, reply: Reply) -> list[tuple[str, str, str]]:
    """Returns kind, value and the vendor's word on it; masked values do not exist."""
    if operation is op.PHONE_NUMBERS:
        return [("phone", row.phone_number, "") for row in read.phones(operation, reply) if "*" not in row.phone_number]
    kind = "work" if operation is op.WORK_EMAILS else "personal"
    return [
        (f"{kind} e-mail", row.email, row.validation_status)
        for row in read.emails(operation, reply)
        if "*" not in row.email
    ]


@as_command(app)
async def website(
    domain: Annotated[str | None, typer.Argument(metavar="DOMAIN")] = None,
    company: Annotated[
        int | None, typer.Option(min=1, help="Forager's id of the company, instead of a domain.")
    ] = None,
    slug: Annotated[str | None, typer.Option(help="Slug of its LinkedIn page, instead of a domain.")] = None,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show a site's ranks, traffic and technologies. 1 credit."""
    named = {
        "domain": None if domain is None else filters.domain(domain),
        "organization_id": None if company is None else str(company),
        "organization_linkedin_public_identifier": slug.strip().lower() if slug else None,
    }
    arguments = {name: value for name, value in named.items() if value}
    if len(arguments) != 1:
        raise WrongUseError("name the site by one of: its domain, --company, --slug")
    async with at_forager(config) as opened:
        buyer = opened.buyer
        question = opened.client.question(op.WEBSITE_DETAIL, arguments)
        await agreed(buyer, [question], yes=yes)
        found = read.website(await buyer.ask(question))
        tell_paid(as_json, buyer, found, lambda: _site(found))


def _site(found: Website | None) -> Table | str:
    if found is None:
        return f"{NOTHING}: this site is not known"
    known = [one.name for one in found.website_technologies if one.is_active]
    former = [one.name for one in found.website_technologies if not one.is_active]
    technologies = [("technologies", ", ".join(known)), ("no longer", ", ".join(former))]
    return card(found.domain, [*_ranks(found), *technologies])


def _ranks(found: Website) -> list[tuple[str, object]]:
    ranks = {
        "tranco rank": found.tranco_rank,
        "similarweb rank": found.similarweb_rank,
        "similarweb traffic": found.similarweb_traffic,
    }
    return [(name, None if value is None else int(value)) for name, value in ranks.items()]
