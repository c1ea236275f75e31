"""A delivery makes, fills and stores nobody who is suppressed; colleagues it does."""

from __future__ import annotations

import asyncio

import pytest

from connectors.errors import AccessError
from connectors.models import Company, Email, Grade
from sandbox.holds import Hold
from tests.integration.deliveries.desk import ACME, FIELDS, Desk, Open, ada
from worker.decide.handles import read
from worker.ledger.money.handle_lists import Suppressed

BOB = ada(
    id="p2", slug="bob-babbage", first_name="Bob", last_name="Babbage", full_name="Bob Babbage",
    emails=(Email("bob@acme.com", Grade.VALID),),
)  # fmt: skip


async def suppress(desk: Desk, text: str) -> None:
    handle, list_ = read(text), desk.runtime.lookups.suppressions
    assert handle is not None
    await list_.add([Suppressed(list_.hashes([handle])[0], handle.kind, 5)])


@pytest.mark.parametrize("named", ["ada@acme.com", "https://www.linkedin.com/in/ada-lovelace"])
async def test_a_suppressed_person_is_not_made_and_a_colleague_is(desk: Desk, named: str) -> None:
    await suppress(desk, named)
    await desk.deliver(ada(), BOB)
    assert {row["first"] for row in desk.rows().values()} == {"Bob"}
    assert ((await desk.tally())["suppressed"], await desk.dead()) == (1, [])


async def test_a_suppressed_company_is_not_made_and_nobody_of_it(desk: Desk) -> None:
    await suppress(desk, "acme.com")
    await desk.deliver(ada(), BOB)
    assert desk.rows("company") == desk.rows() == {}
    assert (await desk.tally())["suppressed"] == 3
    await desk.deliver(
        ada(emails=(), id="p3", slug="ada-2"), company=Company(id="c2", name="Other", domain="other.com")
    )
    assert len(desk.rows()) == 1


async def test_a_matched_row_that_bears_a_suppressed_address_is_not_written(desk: Desk) -> None:
    row = desk.add(first="Ada", last="Lovelace", linkedin="https://linkedin.com/in/ada-lovelace", phone="+493012345678")
    before = desk.row(row)
    await suppress(desk, "+49 30 12345678")
    await desk.deliver(ada())
    assert desk.rows() == {row: before}
    assert (await desk.tally())["suppressed"] == 1


async def test_a_property_of_the_customers_own_says_no_as_an_opt_out_does(open_desk: Open, crm: str) -> None:
    title = FIELDS[crm]["title"]
    async with open_desk(crm, opt_out={"contact": {title: ["never contact"]}}) as desk:
        row = desk.add(first="Ada", last="Lovelace", email="ada@acme.com", title="Never Contact")
        await desk.deliver(ada(), BOB)
        assert "linkedin" not in desk.row(row)
        assert (await desk.tally())["opted_out"] == 1
        assert len(desk.rows()) == 2


async def test_an_opt_out_property_that_is_not_there_shuts_the_crm_with_its_name(open_desk: Open) -> None:
    with pytest.raises(AccessError) as refused:
        async with open_desk("hubspot", opt_out={"contact": {"gdpr_ok": [""]}}):
            pass
    assert "gdpr_ok" in refused.value.hint


async def test_somebody_suppressed_between_the_look_and_the_creation_is_not_made(desk: Desk) -> None:
    vendor = desk.vendors[desk.crm]
    vendor.holds.rules.append(Hold("*", match=ACME.name, count=1))  # their company is made first
    delivering = asyncio.create_task(desk.deliver(ada(), BOB))
    async with asyncio.timeout(20):
        await vendor.holds.until(1)
    await suppress(desk, "ada@acme.com")
    vendor.holds.release()
    await delivering
    assert {row["first"] for row in desk.rows().values()} == {"Bob"}
    assert ((await desk.tally())["suppressed"], await desk.dead()) == (1, [])
