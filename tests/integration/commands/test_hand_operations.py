"""Every operation of the three providers is sent by some command, whose ``--json`` parses."""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.forager import operations as at_forager
from connectors.kaspr import operations as at_kaspr
from connectors.openprospect import operations as at_openprospect
from connectors.operations import Operation
from tests.integration.commands.byhand import Hand

_numbers = itertools.count(1)
Words = Callable[[Hand], Awaitable[tuple[str, ...]]]


def words(text: str) -> Words:
    """A command line with the person and the company in it."""

    async def made(hand: Hand) -> tuple[str, ...]:
        known = {
            "slug": hand.slug,
            "name": hand.name,
            "email": hand.person["work_email"],
            "phone": hand.person["mobile"],
            "domain": hand.company["domain"],
            "n": next(_numbers),
        }
        return tuple(word.format_map(known) for word in text.split(" "))

    return made


async def deleted_key(hand: Hand) -> tuple[str, ...]:
    made = await hand.json("forager", "keys", "create", "to be deleted")
    return ("forager", "keys", "delete", made["prefix"], "--yes")


async def one_key(_: Hand) -> tuple[str, ...]:
    return ("forager", "keys", "show", "sandbox1")


FORAGER: dict[Operation, Words] = {
    at_forager.JOB_SEARCH: words("forager jobs --title Sales --yes"),
    at_forager.JOB_TOTALS: words("forager jobs --title Sales --total"),
    at_forager.ORGANIZATION_SEARCH: words("forager companies --domain example.com --yes"),
    at_forager.ORGANIZATION_TOTALS: words("forager companies --employees 10- --total"),
    at_forager.PERSONAL_EMAILS: words("forager contacts {slug} --personal --yes"),
    at_forager.PHONE_NUMBERS: words("forager contacts {slug} --phone --yes"),
    at_forager.WORK_EMAILS: words("forager contacts https://www.linkedin.com/in/{slug}/ --yes"),
    at_forager.PERSON_DETAIL: words("forager person {slug} --yes"),
    at_forager.BY_EMAIL: words("forager person {email} --yes"),
    at_forager.BY_PHONE: words("forager person {phone} --yes"),
    at_forager.ROLE_SEARCH: words("forager people --domain {domain} --yes"),
    at_forager.ROLE_TOTALS: words("forager people --domain {domain} --total"),
    at_forager.WEBSITE_DETAIL: words("forager website {domain} --yes"),
    at_forager.CREDIT_LOG: words("forager spend --since 7d"),
    at_forager.CREDIT_TOTALS: words("forager spend --log"),
    at_forager.KEYS: words("forager keys"),
    at_forager.KEY_CREATE: words("forager keys create another-{n}"),
    at_forager.KEY: one_key,
    at_forager.KEY_DELETE: deleted_key,
    at_forager.CURRENT_USER: words("forager balance"),
    at_forager.INDUSTRIES: words("forager suggest industries soft"),
    at_forager.ORGANIZATIONS: words("forager suggest companies a"),
    at_forager.KEYWORDS: words("forager suggest keywords soft"),
    at_forager.LOCATIONS: words("forager suggest locations ber"),
    at_forager.SKILLS: words("forager suggest skills neg"),
    at_forager.TECHNOLOGIES: words("forager suggest technologies a"),
    at_forager.FEEDBACK_PERSONAL: words("forager feedback personal ada@example.com invalid"),
    at_forager.FEEDBACK_PHONE: words("forager feedback phone +14155552671 disconnected --wrong-person"),
    at_forager.FEEDBACK_WORK: words("forager feedback work ada@example.com valid --person 5"),
}
KASPR: dict[Operation, Words] = {
    at_kaspr.VERIFY_KEY: words("kaspr verify"),
    at_kaspr.PROFILE: words("kaspr profile {slug} --name Ada --yes"),
    at_kaspr.PROFILE_V2: words("kaspr profile {slug} --name Ada --email --yes"),
    at_kaspr.DOMAIN_PATTERN: words("kaspr pattern {domain} --yes"),
    at_kaspr.DOMAIN_EMPLOYEES: words("kaspr employees {domain} --limit 2 --yes"),
    at_kaspr.REMAINING_CREDITS: words("kaspr credits"),
    at_kaspr.RATE_LIMITS: words("kaspr credits"),
}
V2_ONLY = (at_kaspr.PROFILE_V2, at_kaspr.REMAINING_CREDITS, at_kaspr.RATE_LIMITS)


def with_first(listing: str, command: str, key: str = "id") -> Words:
    """A command line about the first row of a listing."""

    async def made(hand: Hand) -> tuple[str, ...]:
        found = await hand.first(*listing.split(" "), key=key)
        return tuple(word.replace("{id}", found) for word in command.split(" "))

    return made


def with_blacklist(command: str) -> Words:
    """A command line about a blacklist that was just made, with an entry on it, and about a search."""

    async def made(hand: Hand) -> tuple[str, ...]:
        name = f"list {sum(map(ord, command))}"
        there = {one["name"]: one["id"] for one in await hand.json("openprospect", "blacklists")}
        blacklist = there.get(name) or (await hand.json("openprospect", "blacklists", "create", name))["id"]
        await hand.json("openprospect", "blacklists", "add", blacklist, "--website", "https://example.com")
        entry = await hand.first("openprospect", "blacklists", "entries", blacklist)
        search = await hand.first("openprospect", "searches")
        known = {"blacklist": blacklist, "entry": entry, "search": search}
        return tuple(word.format_map(known) for word in command.split(" "))

    return made


def order(title: str) -> Words:
    async def made(hand: Hand) -> tuple[str, ...]:
        sheet = hand.refill.folder / "companies.csv"
        row = f"{hand.company['name'].replace(',', '')},CRM-1,https://{hand.company['domain']}"
        await write(sheet, f"company_name,external_id,website_url\n{row}\n")
        return ("openprospect", "order", "create", "--title", title, "--companies", str(sheet), "--yes")

    return made


async def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


SEARCH = "openprospect searches"
OPENPROSPECT: dict[Operation, Words] = {
    at_openprospect.ORDER_CREATE: order("gaps"),
    at_openprospect.ORDERS: words("openprospect orders"),
    at_openprospect.ORDER: with_first("openprospect orders", "openprospect order show {id}", "order_id"),
    at_openprospect.ORDER_RESULTS: with_first(
        "openprospect orders --status completed", "openprospect results {id}", "order_id"
    ),
    at_openprospect.BLACKLIST_CREATE: words("openprospect blacklists create Customers-{n}"),
    at_openprospect.BLACKLISTS: words("openprospect blacklists"),
    at_openprospect.BLACKLIST: with_blacklist("openprospect blacklists show {blacklist}"),
    at_openprospect.BLACKLIST_EDIT: with_blacklist("openprospect blacklists edit {blacklist} --description new"),
    at_openprospect.BLACKLIST_DELETE: with_blacklist("openprospect blacklists delete {blacklist} --yes"),
    at_openprospect.ENTRIES_ADD: with_blacklist("openprospect blacklists add {blacklist} --company More"),
    at_openprospect.ENTRIES: with_blacklist("openprospect blacklists entries {blacklist}"),
    at_openprospect.ENTRIES_REMOVE: with_blacklist("openprospect blacklists remove {blacklist} {entry}"),
    at_openprospect.SEARCH_BLACKLISTS: with_first(SEARCH, "openprospect searches blacklists {id}"),
    at_openprospect.SEARCH_BLACKLISTS_SET: with_blacklist("openprospect searches set-blacklists {search} {blacklist}"),
    at_openprospect.SEARCHES: words(SEARCH),
    at_openprospect.SEARCH: with_first(SEARCH, "openprospect searches show {id}"),
    at_openprospect.SEARCH_EDIT: with_first(SEARCH, "openprospect searches edit {id} --profile Makers"),
    at_openprospect.COMPANIES: with_first(SEARCH, "openprospect companies --search {id} --review accepted"),
    at_openprospect.COMPANY: with_first("openprospect companies", "openprospect companies show {id}"),
    at_openprospect.COMPANY_JOBS: with_first("openprospect companies", "openprospect companies jobs {id}"),
    at_openprospect.COMPANY_WEBTECH: with_first("openprospect companies", "openprospect companies webtech {id}"),
    at_openprospect.PROSPECTS: words("openprospect prospects"),
    at_openprospect.PROSPECT: with_first("openprospect prospects", "openprospect prospects show {id}"),
    at_openprospect.DELIVERED: words("openprospect deliveries --since 30d"),
}


def cells(rows: dict[Operation, Words]) -> list[Any]:
    return [pytest.param(operation, made, id=operation.path.strip("/")) for operation, made in rows.items()]


def test_every_operation_of_every_provider_has_its_command() -> None:
    assert [*FORAGER] == [*at_forager.OPERATIONS]
    assert [*KASPR] == [*at_kaspr.OPERATIONS]
    assert [*OPENPROSPECT] == [*at_openprospect.OPERATIONS]
    assert (len(FORAGER), len(KASPR), len(OPENPROSPECT)) == (29, 7, 24)


async def check(hand: Hand, vendor: str, operation: Operation, made: Words) -> None:
    command = await made(hand)
    before = hand.requests(vendor, operation)
    told = await hand.refill(*command)
    assert told.code == 0, told.err
    assert told.out.strip()
    assert hand.requests(vendor, operation) > before, "the command did not send it"
    again = await hand.refill(*(await made(hand)), "--json")
    assert again.code == 0, again.err
    json.loads(again.out)


@pytest.mark.parametrize(("operation", "made"), cells(FORAGER))
async def test_forager(hand: Hand, operation: Operation, made: Words) -> None:
    await check(hand, "forager", operation, made)


@pytest.mark.parametrize(("operation", "made"), cells(KASPR))
async def test_kaspr(hand: Hand, operation: Operation, made: Words) -> None:
    if operation in V2_ONLY:
        hand.refill.change("[providers.kaspr]\n", '[providers.kaspr]\ndialect = "v2"\n')
    await check(hand, "kaspr", operation, made)


@pytest.mark.parametrize(("operation", "made"), cells(OPENPROSPECT))
async def test_openprospect(hand: Hand, operation: Operation, made: Words) -> None:
    await check(hand, "openprospect", operation, made)
