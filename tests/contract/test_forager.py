"""Puts Forager's 29 operations to the sandbox, over sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from connectors.errors import AccessError, ContractError
from connectors.forager import operations as op
from connectors.forager import read
from connectors.forager.client import Forager, open_transport
from connectors.forager.operations import OPERATIONS
from connectors.forager.options import ForagerOptions
from connectors.forager.queries import JobQuery, OrganizationQuery, RoleQuery, quoted
from connectors.limits import NoLimiter
from connectors.models import Grade, Identity, Outcome, Question, Reply
from connectors.operations import Operation, Repeat
from connectors.transport import Transport
from tests.contract.suite import (
    HANG_S,
    ODD,
    ODDER,
    Case,
    Row,
    check,
    check_good,
    check_miss,
    check_odd,
    listed,
    route_of,
    table,
)
from tests.contract.wire import KeptTicket
from tests.harness.sandbox import Sandbox, Start

NOBODY = "nobody-of-that-name-0000"
HELD = ("detail", "work_emails", "personal_emails", "phones")


def somebody(sandbox: Sandbox) -> dict[str, Any]:
    """A person of whom Forager holds everything."""
    person: dict[str, Any] = next(
        row
        for row in sandbox.world["people"]
        if row["slug"] and row["slug"].isascii() and all(row["forager"][name] for name in HELD)
    )
    return person


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("forager")


def options(sandbox: Sandbox, **more: Any) -> ForagerOptions:
    names = ("api_key", "base_url", "account_id")
    return ForagerOptions.model_validate({name: sandbox.info[name] for name in names} | more)


class Acquainted(Forager):
    """The client, and the one person that the rows below speak of."""

    def __init__(self, transport: Transport, options: ForagerOptions, person: dict[str, Any]) -> None:
        super().__init__(transport, options)
        self.person = person


@pytest.fixture
async def forager(sandbox: Sandbox, request: pytest.FixtureRequest) -> AsyncIterator[Acquainted]:
    case = getattr(request.node, "callspec", None)
    hangs = case is not None and getattr(case.params.get("case"), "kind", "") == "hang"
    chosen = options(sandbox)
    client = Acquainted(open_transport(chosen, NoLimiter(), HANG_S if hangs else 10), chosen, somebody(sandbox))
    yield client
    await client.aclose()


def first_page(client: Forager, ticket: KeptTicket) -> Callable[[Question], Awaitable[Reply]]:
    return lambda question: client.ask(question, ticket)


def employer(client: Any) -> str:
    return str(client.person["work_email"].split("@")[1])


async def _jobs(c: Any, t: KeptTicket) -> object:
    return await listed(c.jobs(JobQuery(), first_page(c, t), pages=1))


async def _organizations(c: Any, t: KeptTicket) -> object:
    return await listed(c.organizations(OrganizationQuery(domains=[employer(c)]), first_page(c, t), pages=1))


async def _roles(c: Any, t: KeptTicket) -> object:
    name = quoted(f"{c.person['first_name']} {c.person['last_name']}")
    return await listed(c.roles(RoleQuery(person_name=name), first_page(c, t), pages=1))


async def _no_roles(c: Any, t: KeptTicket) -> object:
    return await listed(c.roles(RoleQuery(person_name=quoted("Nobody At All")), first_page(c, t), pages=1))


async def _no_organizations(c: Any, t: KeptTicket) -> object:
    query = OrganizationQuery(domains=["no-such-domain.example"])
    return await listed(c.organizations(query, first_page(c, t), pages=1))


async def _log(c: Any, _t: KeptTicket) -> object:
    return await listed(c.balance_change_logs("2100-01-01T00:00:00Z"))  # one page, an empty one


async def _key(c: Any, _t: KeptTicket) -> object:
    keys = await c.api_keys()
    return await c.api_key(keys[0].prefix)


async def _no_key(c: Any, _t: KeptTicket) -> object:
    return await c.delete_api_key("zz-no-key")


def suggesting(kind: str, text: str) -> Callable[[Any, KeptTicket], Awaitable[object]]:
    return lambda c, _t: listed(c.suggestions(kind, text, pages=1))


def a_list(value: object) -> bool:
    return isinstance(value, list)


def total(value: Any) -> bool:
    return value.total_search_results is not None


READERS: dict[Operation, Callable[[Operation, Reply], Any]] = {
    **dict.fromkeys((op.PERSONAL_EMAILS, op.WORK_EMAILS), read.emails),
    op.PHONE_NUMBERS: read.phones,
    **dict.fromkeys((op.PERSON_DETAIL, op.BY_EMAIL, op.BY_PHONE), read.person),
    op.WEBSITE_DETAIL: lambda _, reply: read.website(reply),
}


async def paid(client: Any, operation: Operation, ticket: KeptTicket, **arguments: str) -> Any:
    """Returns what a paid question comes to, by its own reader."""
    return READERS[operation](operation, await client.ask(client.question(operation, arguments), ticket))


def lookup(
    operation: Operation, name: str, of: Callable[[Any], str], nobody: str, good: Any, needed: str = "", **more: Any
) -> Row:
    """Returns the row of a paid question about one person or company, told by the argument ``name``."""
    return Row(
        operation,
        lambda c, t: paid(c, operation, t, **{name: of(c)}),
        good,
        needed,
        lambda c, t: paid(c, operation, t, **{name: nobody}),
        **more,
    )


def by_slug(operation: Operation, good: Any, needed: str = "", **more: Any) -> Row:
    return lookup(operation, "linkedin_public_identifier", lambda c: c.person["slug"], NOBODY, good, needed, **more)


def feedback(operation: Operation, *said: str, correct: bool) -> Row:
    return Row(operation, lambda c, _: c.feedback(*said, correct=correct), lambda v: v is None, blind=True)


def is_named(person: Any) -> bool:
    return bool(person.last_name)


def mobile(client: Any) -> str:
    return str(client.person["forager"]["phones"][0])


ROWS = (
    Row(op.JOB_SEARCH, _jobs, a_list, "search_results"),
    Row(op.JOB_TOTALS, lambda c, _: c.jobs_total(JobQuery()), total),
    Row(op.ORGANIZATION_SEARCH, _organizations, bool, "search_results", _no_organizations, []),
    Row(op.ORGANIZATION_TOTALS, lambda c, _: c.organizations_total(OrganizationQuery()), total),
    by_slug(op.PERSONAL_EMAILS, lambda v: isinstance(v, tuple), "email", missed=()),
    by_slug(op.PHONE_NUMBERS, bool, "phone_number", missed=()),
    by_slug(op.WORK_EMAILS, bool, "email", missed=()),
    by_slug(op.PERSON_DETAIL, is_named),
    lookup(op.BY_EMAIL, "email", lambda c: c.person["work_email"], "nobody@nowhere.example", is_named),
    lookup(op.BY_PHONE, "phone_number", mobile, "+12025550100", is_named),
    Row(op.ROLE_SEARCH, _roles, bool, "search_results", _no_roles, []),
    Row(op.ROLE_TOTALS, lambda c, _: c.roles_total(RoleQuery(role_title=quoted("VP Sales"))), total),
    lookup(op.WEBSITE_DETAIL, "domain", employer, "no-such-domain.example", lambda v: v.domain != "", "domain"),
    Row(op.CREDIT_LOG, _log, a_list, "results"),
    Row(op.CREDIT_TOTALS, lambda c, _: c.credits_spent(), lambda v: v.total_credits_spent >= 0, "total_credits_spent"),
    Row(op.KEYS, lambda c, _: c.api_keys(), lambda v: isinstance(v, tuple), "prefix"),
    Row(op.KEY_CREATE, lambda c, _: c.create_api_key("by a test"), lambda v: v.secret != "", "prefix"),
    Row(op.KEY, _key, bool, "prefix", lambda c, _: c.api_key("zz-no-key")),
    Row(op.KEY_DELETE, _no_key, lambda v: v is False, "", _no_key, missed=False, blind=True),
    Row(op.CURRENT_USER, lambda c, _: c.current_user(), lambda v: len(v.accounts) == 1, "accounts"),
    Row(op.INDUSTRIES, suggesting("industries", "so"), a_list, "results", suggesting("industries", "zzzz"), []),
    Row(op.ORGANIZATIONS, suggesting("organizations", "a"), a_list, "results", suggesting("organizations", "zzzz"), []),
    Row(op.KEYWORDS, suggesting("organization_keywords", "a"), a_list, "results"),
    Row(op.LOCATIONS, suggesting("locations", "ber"), a_list, "results", suggesting("locations", "zzzz"), []),
    Row(op.SKILLS, suggesting("person_skills", "neg"), a_list, "results"),
    Row(op.TECHNOLOGIES, suggesting("web_technologies", "a"), a_list, "results"),
    feedback(op.FEEDBACK_PERSONAL, "personal", "ada@mail.example", "valid", correct=True),
    feedback(op.FEEDBACK_PHONE, "phone", "+14155550100", "connected", correct=True),
    feedback(op.FEEDBACK_WORK, "work", "ada@example.com", "invalid", correct=False),
)


def test_every_operation_has_its_rows() -> None:
    assert [row.operation for row in ROWS] == list(OPERATIONS)
    assert len(OPERATIONS) == 29


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation.name)
async def test_good(sandbox: Sandbox, forager: Forager, row: Row) -> None:
    await check_good(sandbox, forager, row)


@pytest.mark.parametrize("row", [row for row in ROWS if row.miss], ids=lambda row: row.operation.name)
async def test_miss(sandbox: Sandbox, forager: Forager, row: Row) -> None:
    await check_miss(sandbox, forager, row)


@pytest.mark.parametrize("seeds", [ODD, pytest.param(ODDER, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation.name)
async def test_odd_reply_is_a_value_or_an_error(sandbox: Sandbox, forager: Forager, row: Row, seeds: range) -> None:
    await check_odd(sandbox, forager, row, route_of(sandbox, row.operation), seeds)


@pytest.mark.parametrize(("row", "case"), table(ROWS))
async def test_trouble(sandbox: Sandbox, forager: Forager, row: Row, case: Case) -> None:
    await check(sandbox, forager, row, case)


# ---- the provider ----------------------------------------------------------------------------------------------


def identity(person: dict[str, Any]) -> Identity:
    names = {name: person[name] for name in ("slug", "first_name", "last_name")}
    address = person["work_email"]
    return Identity(email=address, phone=person["mobile"], domain=address.split("@")[1], **names)


@pytest.mark.parametrize("name", [row.name for row in OPERATIONS if row.repeat is Repeat.PAID])
async def test_charged_reads_the_vendors_log(sandbox: Sandbox, forager: Forager, name: str) -> None:
    row = next(row for row in ROWS if row.operation.name == name)
    sandbox.control("clock", {"advance": 10})  # a window of its own
    before = sandbox.control("clock", {"advance": 0})["wall"]
    await row.call(forager, KeptTicket())
    charged = sum(charge["credits"] for charge in sandbox.charges())
    start = int(before * 1000)
    assert await forager.charged(name, start, start + 2000) == charged > 0
    assert await forager.charged(name, start - 8000, start - 4000) == 0


async def test_every_offer_is_asked_and_read_with_the_price_charged(sandbox: Sandbox, forager: Forager) -> None:
    asked = identity(forager.person)  # type: ignore[attr-defined]
    for offer in forager.offers({}):
        question = offer.question(asked)
        assert question is not None
        sandbox.calm()
        answer = forager.read(question, await forager.ask(question, KeptTicket()))
        assert answer.credits == sum(charge["credits"] for charge in sandbox.charges())
        if offer.names_person and answer.outcome is Outcome.HIT:
            assert answer.people[0].last_name == asked.last_name
            assert answer.people[0].slug == asked.slug


async def test_a_lookup_gives_grades_and_kinds(sandbox: Sandbox, forager: Forager) -> None:
    person = somebody(sandbox)
    offer = next(row for row in forager.offers({}) if "work_email" in row.gives)
    question = offer.question(identity(person))
    assert question is not None
    answer = forager.read(question, await forager.ask(question, KeptTicket()))
    told = person["forager"]["work_emails"]
    held = {address: Grade(grade if grade != "unknown" else "unverified") for address, grade in told}
    assert {row.address: row.grade for row in answer.people[0].emails} == held
    assert {row.kind for row in answer.people[0].emails} == {"work"}


async def test_a_lookup_of_nobody_costs_nothing(sandbox: Sandbox, forager: Forager) -> None:
    for offer in forager.offers({}):
        if offer.searches:
            continue
        question = offer.question(
            Identity(NOBODY, "nobody@nowhere.example", "+12025550100", "No", "Body", "no.example")
        )
        assert question is not None
        answer = forager.read(question, await forager.ask(question, KeptTicket()))
        assert (answer.outcome, answer.credits) == (Outcome.MISS, 0)
    assert sandbox.charges() == []


async def test_standing_gives_balance_and_prices(sandbox: Sandbox, forager: Forager) -> None:
    status = await forager.account_status()
    assert status.credits is not None
    assert status.credits > 0
    assert status.prices == {row.name: row.credits for row in OPERATIONS if row.repeat is Repeat.PAID}


async def test_prices_of_the_account_overrule_the_contracts(forager: Forager) -> None:
    prices = {offer.operation: offer.price for offer in forager.offers({"work_emails": 9})}
    assert prices["work_emails"] == 9
    assert prices["phone_numbers"] == 15


async def test_an_explicit_agent_passes_the_edge_and_a_librarys_does_not(sandbox: Sandbox) -> None:
    chosen = options(sandbox)
    transport = open_transport(chosen, NoLimiter())
    transport._headers["user-agent"] = "python-requests/2.32.0"
    client = Forager(transport, chosen)
    with pytest.raises(AccessError, match="blocked before the key was checked") as caught:
        await client.account_status()
    assert caught.value.code == "1010"
    await client.aclose()


async def test_an_empty_body_is_an_empty_list(sandbox: Sandbox, forager: Forager) -> None:
    with sandbox.switched(misses="empty"):
        assert await paid(forager, op.PHONE_NUMBERS, KeptTicket(), linkedin_public_identifier=NOBODY) == ()


async def test_a_search_walks_its_pages_and_ends(sandbox: Sandbox, forager: Forager) -> None:
    rows = await listed(forager.roles(RoleQuery(), lambda question: forager.ask(question, KeptTicket()), pages=3))
    assert len(rows) == len({row.id for row in rows}) == 30
    assert len(sandbox.requests("/api/{account_id}/datastorage/person_role_search/")) == 3


async def test_a_row_that_names_nobody_is_a_contract_error(sandbox: Sandbox, forager: Forager) -> None:
    sandbox.fault("status", params={"status": 200, "body": {"skills": []}})
    with pytest.raises(ContractError):
        await paid(forager, op.PERSON_DETAIL, KeptTicket(), linkedin_public_identifier="ada")
