"""Implements ``refill kaspr ...``: every operation of both dialects, by hand."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import replace

from connectors.kaspr import read
from connectors.kaspr.client import Kaspr
from connectors.models import Question
from worker.commands.providers import filters
from worker.commands.providers.opening import at_kaspr
from worker.commands.providers.options import Config, Json, Yes, group
from worker.commands.providers.output import WrongUseError, agreed, as_command, tell, tell_paid
from worker.commands.providers.tables import NOTHING, card, listed, people, person_card, whole

app = group("Profiles, address patterns, employees, credits.")
Domain = Annotated[str, typer.Argument(metavar="DOMAIN")]


@as_command(app)
async def verify(config: Config = None, as_json: Json = False) -> None:
    """Show the key's owner. Free."""
    async with at_kaspr(config) as opened:
        user = await opened.client.verify_key()
    tell(as_json, {"user": user}, lambda: f"the key is accepted: {user}")


@as_command(app)
async def profile(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="LinkedIn address or slug.")],
    name: Annotated[str, typer.Option(help="The person's name as LinkedIn shows it.")],
    email: Annotated[bool, typer.Option("--email", help="Only the work e-mail (dialect v2).")] = False,
    phone: Annotated[bool, typer.Option("--phone", help="Only the phone number (dialect v2).")] = False,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show somebody's contact data. At most 1 credit; in dialect v2 one for each value and one for the call."""
    fields = frozenset([*(["work_email"] if email else []), *(["phone"] if phone else [])])
    slug, name = filters.slug(slug), " ".join(name.split())
    if not name:
        raise WrongUseError("Kaspr wants the person's name: --name as LinkedIn shows it")
    async with at_kaspr(config) as opened:
        client, buyer = opened.client, opened.buyer
        question = _question(client, slug, name, fields)
        await agreed(buyer, [question], yes=yes)
        reply = await buyer.ask(question)
        found = next(iter(client.read(question, reply).people), None)
        read.profile(reply)  # raises if the reply has no known form
        tell_paid(as_json, buyer, found, lambda: NOTHING if found is None else person_card(found))


def _question(client: Kaspr, slug: str, name: str, fields: frozenset[str]) -> Question:
    """Returns the question as a visit asks it, so that both find the same kept answer.

    Fewer ``fields`` cost less in v2.
    """
    offer = client.offers({})[0]
    asked = Question(
        client.name, client.account, offer.operation, {"id": slug}, offer.price, name, offer.gives - {"slug", "person"}
    )
    return replace(asked, fields=fields, price=client.price(fields)) if fields else asked


@as_command(app)
async def pattern(domain: Domain, yes: Yes = False, config: Config = None, as_json: Json = False) -> None:
    """Tells how addresses of a domain look: guesses with a score. 1 credit."""
    domain = filters.domain(domain)
    async with at_kaspr(config) as opened:
        buyer = opened.buyer
        question = opened.client.pattern_question(domain)
        await agreed(buyer, [question], yes=yes)
        found = read.patterns(await buyer.ask(question))
        rows = [(one.pattern, "" if one.score is None else f"{one.score:.2f}") for one in found]
        tell_paid(as_json, buyer, found, lambda: listed(domain, ("pattern", "score"), rows, figures=1))


@as_command(app)
async def employees(
    domain: Domain,
    limit: Annotated[int, typer.Option(min=1, max=10, help="People at most; each may cost a credit.")] = 5,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List people at a domain, with contact data. 1 credit each."""
    domain = filters.domain(domain)
    async with at_kaspr(config) as opened:
        buyer = opened.buyer
        question = opened.client.employees_question(domain, limit)
        await agreed(buyer, [question], yes=yes)
        found = [read.to_colleague(one) for one in read.employees(await buyer.ask(question))]
        tell_paid(as_json, buyer, found, lambda: people(domain, found))


@as_command(app)
async def credits(config: Config = None, as_json: Json = False) -> None:
    """Show credits left per pool and the key's rate, as far as the dialect tells. Free."""
    async with at_kaspr(config) as opened:
        client = opened.client
        if client.dialect == "reference":
            left = (await client.account_status()).credits
            text = "unknown: dialect reference shows it in paid answers only" if left is None else left
            tell(as_json, {"credits": left}, lambda: card("Kaspr", [("credits left", text)]))
            return
        pools, rates = await client.remaining_credits(), await client.rate_limits()
    shown = {name.replace("_", " "): _pool(left) for name, left in pools.model_dump().items()}
    limits = {f"calls, {name}": whole(limit) for name, limit in rates.model_dump().items()}
    tell(as_json, {"credits": pools, "calls": rates}, lambda: card("Kaspr", [*shown.items(), *limits.items()]))


def _pool(left: float | None) -> object:
    if left is None:
        return "unknown"
    return "no limit" if left < 0 else str(whole(left))
