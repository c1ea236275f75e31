"""Implements ``refill forager balance|spend|suggest|feedback``.

The account, ids for filters, verdicts on contact data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

import typer

from config.counts import counted
from connectors.forager.client import prices_of
from connectors.forager.operations import SUGGESTIONS
from connectors.limits import Ticket
from worker.commands.providers import filters
from worker.commands.providers.opening import at_forager
from worker.commands.providers.options import Config, Json, group
from worker.commands.providers.output import WrongUseError, as_command, note, tell
from worker.commands.providers.tables import card, listed, whole
from worker.manual.creating import WantedRow, key_of

KINDS: Mapping[str, str] = {
    "industries": "industries",
    "companies": "organizations",
    "keywords": "organization_keywords",
    "locations": "locations",
    "skills": "person_skills",
    "technologies": "web_technologies",
    **{name: name for name in SUGGESTIONS},
}


def register(app: typer.Typer) -> None:
    as_command(app)(balance)
    as_command(app)(spend)
    as_command(app)(suggest)


# ---- balance, spend --------------------------------------------------------------------------------------------------


async def balance(config: Config = None, as_json: Json = False) -> None:
    """Show the key's owner, the credits left, and the price of each lookup."""
    async with at_forager(config) as opened:
        account = await opened.client.own_account()
        prices = prices_of(account)
    credits = account.subscription.credits_balance
    value = {
        "account": account.id,
        "name": account.name,
        "active": account.subscription.is_active,
        "credits": None if credits is None else float(credits),
        "prices": prices,
    }
    rows = [
        ("account", f"{account.id} {account.name}".strip()),
        ("credits left", "unknown" if credits is None else whole(float(credits))),
        ("subscription", "" if account.subscription.is_active else "not active"),
        *((f"{name.replace('_', ' ')} costs", price) for name, price in prices.items()),
    ]
    tell(as_json, value, lambda: card("Forager", rows))


async def spend(
    since: Annotated[str, typer.Option(help="7d, or a date.")] = "30d",
    until: Annotated[str | None, typer.Option(help="1d, or a date.")] = None,
    log: Annotated[bool, typer.Option("--log", help="Every single change.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show the credits spent, by Forager's own log."""
    now = datetime.now(UTC)
    start, end = filters.moment(since, now), filters.moment(until, now)
    async with at_forager(config) as opened:
        total = (await opened.client.credits_spent(start, end)).total_credits_spent
        changes = [change async for change in opened.client.balance_change_logs(start, end)]
    by_kind: Counter[str] = Counter(change.change_type for change in changes)
    sums = {kind: Decimal(0) for kind in by_kind}
    for change in changes:
        sums[change.change_type] += change.change_sum or 0
    value = {
        "since": start,
        "until": end or None,
        "credits": None if total is None else float(total),
        "by_kind": {kind: {"calls": count, "credits": float(sums[kind])} for kind, count in by_kind.items()},
        **({"log": [change.model_dump(mode="json") for change in changes]} if log else {}),
    }
    if log:
        rows = [(one.date_created, one.change_type, one.change_sum) for one in changes]
        tell(as_json, value, lambda: listed("Credit log", ("when", "what", "credits"), rows, figures=1))
    else:
        counts = [(kind, count, sums[kind]) for kind, count in by_kind.most_common()]
        tell(as_json, value, lambda: listed("Spent", ("what", "calls", "credits"), counts, figures=2))
    if not as_json:
        note(f"{counted(0 if total is None else whole(float(total)), 'credit')} spent since {start}")


# ---- suggestions -----------------------------------------------------------------------------------------------------


async def suggest(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=", ".join(list(KINDS)[:6]))],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A part of the name.")],
    pages: Annotated[int, typer.Option(min=1, max=50, help="Pages to read; free.")] = 2,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List ids for the filters of the searches. Free."""
    if kind not in KINDS:
        raise WrongUseError(f'there are no ids to suggest for "{kind}"; known: {", ".join(list(KINDS)[:6])}')
    if not text.strip():
        raise WrongUseError("write a part of the name that is looked for")
    async with at_forager(config) as opened:
        found = [row async for row in opened.client.suggestions(KINDS[kind], text.strip(), pages)]
    rows = [(row.text, row.id) for row in found]
    tell(as_json, found, lambda: listed(kind.replace("_", " ").capitalize(), ("name", "id"), rows, figures=1))


# ---- feedback --------------------------------------------------------------------------------------------------------

feedback = group("Send Forager feedback on contact data; the same verdict is sent once.")
PersonId = Annotated[int | None, typer.Option("--person", help="Forager's id of the person.")]
Wrong = Annotated[bool, typer.Option("--wrong-person", help="It is somebody else's.")]
EmailStatus = Annotated[str, typer.Argument(metavar="STATUS", help="valid or invalid.")]
PhoneStatus = Annotated[str, typer.Argument(metavar="STATUS", help="connected or disconnected.")]


@as_command(feedback, "work")
async def feedback_work(
    email: str,
    status: EmailStatus,
    wrong_person: Wrong = False,
    person: PersonId = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send a verdict on a work e-mail."""
    await _feedback("work", email, status, wrong_person, person, config, as_json=as_json)


@as_command(feedback, "personal")
async def feedback_personal(
    email: str,
    status: EmailStatus,
    wrong_person: Wrong = False,
    person: PersonId = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send a verdict on a personal e-mail."""
    await _feedback("personal", email, status, wrong_person, person, config, as_json=as_json)


@as_command(feedback, "phone")
async def feedback_phone(
    number: str,
    status: PhoneStatus,
    wrong_person: Wrong = False,
    person: PersonId = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send a verdict on a phone number."""
    await _feedback("phone", number, status, wrong_person, person, config, as_json=as_json)


async def _feedback(
    kind: Literal["work", "personal", "phone"],
    text: str,
    status: str,
    wrong_person: bool,
    person: int | None,
    config: Config,
    *,
    as_json: bool,
) -> None:
    known = ("connected", "disconnected") if kind == "phone" else ("valid", "invalid")
    if status not in known:
        raise WrongUseError(f'"{status}" is not a verdict on this; known: {", ".join(known)}')
    value = filters.phone(text) if kind == "phone" else filters.email(text)

    async with at_forager(config) as opened:
        client = opened.client

        async def send(ticket: Ticket) -> str:
            await client.feedback(kind, value, status, correct=not wrong_person, person_id=person, ticket=ticket)
            return "sent"

        key = key_of(kind, value, status, person)
        made = await opened.maker.make(WantedRow(client.name, "feedback", key, send))
    sent = made.how == "created"
    text = "sent" if sent else "the same verdict was sent before: nothing was sent now"
    tell(as_json, {"sent": sent}, lambda: text)
