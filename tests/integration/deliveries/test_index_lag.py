"""A row that somebody makes while no search shows it yet is not doubled without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from sandbox.holds import Hold
from sandbox.hubspot.table import PERSON
from tests.integration.deliveries.desk import ACME, FIELDS, TABLES, Desk, Open, ada, named


@pytest.fixture
async def lagging(open_desk: Open) -> AsyncIterator[Desk]:
    """A portal whose search shows a company or contact only once another one of its kind was made through the API."""
    async with open_desk("hubspot", index_lag="1s") as desk:
        hub = desk.vendors["hubspot"]
        for index in hub.portal.indexes.values():
            index.lag_s = 3600

        async def shown() -> None:
            while True:
                for write in hub.books.writes:
                    if write.action == "create" and write.request:
                        hub.portal.indexes[write.object].settle()
                await asyncio.sleep(0.01)

        showing = asyncio.ensure_future(shown())
        yield desk
        showing.cancel()


def just_made(desk: Desk, kind: str, **values: str) -> str:
    """A person makes a row; no search shows it yet."""
    portal = desk.vendors["hubspot"].portal
    properties = {FIELDS["hubspot"][name]: value for name, value in values.items()}
    return str(portal.create(portal.tables[TABLES["hubspot"][kind]], properties, PERSON).id)


def other(rows: dict[str, dict[str, str]], id: str) -> str:
    (found,) = rows.keys() - {id}
    return found


async def test_company_made_at_the_same_time_is_named_with_ours(lagging: Desk) -> None:
    theirs = just_made(lagging, "company", name="Acme", domain="acme.com")
    await lagging.deliver(ada())
    ours = other(lagging.rows("company"), theirs)
    assert named(await lagging.dead(), theirs, ours, "c1", "merge")
    assert len(lagging.rows()) == 1  # the person is brought in all the same


async def test_contact_made_at_the_same_time_is_named_with_ours(lagging: Desk) -> None:
    lagging.add("company", name="Acme", domain="acme.com")
    address = "https://www.linkedin.com/in/ada-lovelace"
    theirs = just_made(lagging, "contact", first="Ada", last="Lovelace", linkedin=address)
    await lagging.deliver(ada(emails=()))
    ours = other(lagging.rows(), theirs)
    assert named(await lagging.dead(), theirs, ours, "p1", "merge")


async def test_contact_with_the_same_address_is_no_double_however_the_index_lags(lagging: Desk) -> None:
    theirs = just_made(lagging, "contact", first="Ada", last="Lovelace", email="ada@acme.com")
    await lagging.deliver(ada())
    assert lagging.rows().keys() == {theirs}
    assert not await lagging.dead()


async def test_rows_that_nobody_else_made_are_no_trouble(lagging: Desk) -> None:
    await lagging.deliver(ada())
    assert (len(lagging.rows("company")), len(lagging.rows())) == (1, 1)
    assert not await lagging.dead()


async def test_company_that_we_made_and_no_search_shows_takes_the_next_delivery_of_its_domain(hub: Desk) -> None:
    await hub.deliver(ada())
    (ours,) = hub.rows("company")
    index = hub.vendors["hubspot"].portal.indexes["companies"]
    index.note(int(ours), None, 0)
    index.settle()
    names = {"full_name": "Grace Hopper", "first_name": "Grace", "last_name": "Hopper"}
    await hub.deliver(ada(id="p2", slug="grace-hopper", emails=(), **names), company=replace(ACME, id="c2"))
    assert hub.rows("company").keys() == {ours}
    assert len(hub.rows()) == 2


async def test_row_whose_visit_is_cut_short_is_looked_at_by_the_next(lagging: Desk) -> None:
    theirs = just_made(lagging, "company", name="Acme", domain="acme.com")
    rule = {"times": 3, "params": {"status": 500}}  # a call and its repeats
    lagging.vendors["hubspot"].faults.add("status", match="hs_linkedin_url", **rule)
    await lagging.deliver(ada())
    ours = other(lagging.rows("company"), theirs)
    assert named(await lagging.dead(), theirs, ours, "c1", "merge")


async def test_rows_that_stood_there_are_not_told_as_made_meanwhile_after_a_visit_that_was_cut_short(hub: Desk) -> None:
    company = hub.add("company", name="Acme", domain="acme.com")
    for _ in range(2):
        hub.link(hub.add(first="Ada", last="Lovelace"), company)
    rule = {"times": 3, "params": {"status": 500}}  # a call and its repeats
    hub.vendors["hubspot"].faults.add("status", match="grace-hopper", **rule)
    grace = ada(
        id="p2", slug="grace-hopper", full_name="Grace Hopper", first_name="Grace", last_name="Hopper", emails=()
    )
    await hub.deliver(ada(), grace)
    assert len(hub.rows()) == 4
    assert not await hub.dead()


async def test_replay_of_a_double_that_was_merged_settles(lagging: Desk) -> None:
    theirs = just_made(lagging, "company", name="Acme", domain="acme.com")
    await lagging.deliver(ada())
    portal = lagging.vendors["hubspot"].portal
    table = portal.tables["companies"]
    ours = other(lagging.rows("company"), theirs)
    portal.merge(table, table.live(ours), table.live(theirs), PERSON)
    work = lagging.runtime.ledger.work(lagging.name, "delivery")
    await work.replay("search/c1", "replay-1")
    await lagging.visit()
    assert not await lagging.dead()
    assert len(lagging.rows("company")) == 1


# ---- an org's queries show everything at once, and a person may be faster still ------------------------------------


@asynccontextmanager
async def made_while_ours_is_on_its_way(desk: Desk, match: str) -> AsyncIterator[None]:
    """The block runs when everything was looked for and our row is about to be made."""
    holds = desk.vendors["salesforce"].holds
    holds.rules.append(Hold(method="PATCH", match=match, effect=False))
    delivering = asyncio.ensure_future(desk.deliver(ada()))
    await asyncio.wait_for(holds.until(1), 30)
    yield
    holds.release()
    await delivering


@pytest.mark.parametrize(
    ("kind", "typed", "delivered"),
    [
        ("contact", {"first": "Ada", "last": "Lovelace", "email": "ada@acme.com"}, "p1"),
        (
            "contact",
            {"first": "Ada", "last": "Lovelace", "linkedin": "https://www.linkedin.com/in/ada-lovelace/"},
            "p1",
        ),
        ("company", {"name": "Acme", "domain": "https://acme.com"}, "c1"),
    ],
    ids=["contact by address", "contact by profile", "account"],
)
async def test_row_that_an_org_got_while_ours_was_made_is_named_with_ours(
    org: Desk, kind: str, typed: dict[str, str], delivered: str
) -> None:
    async with made_while_ours_is_on_its_way(org, {"contact": "ada-lovelace", "company": "acme.com"}[kind]):
        theirs = org.add(kind, **typed)
    assert named(await org.dead(), theirs, other(org.rows(kind), theirs), delivered, "merge")
    assert len(org.rows()) == (2 if kind == "contact" else 1)
