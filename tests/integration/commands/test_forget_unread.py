"""A record whose CRM does not answer tells nobody: nothing is erased, and nothing is bought a second time."""

from __future__ import annotations

from tests.harness.installation import Ran, Refill
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Answers

IN_ORG, IN_PORTAL = ("acme_salesforce", "contact"), ("acme_hubspot", "contact")


def in_both(refill: Refill) -> tuple[str, str]:
    """A contact of the org and one of the portal that bear the profile of the same person, whom Kaspr knows."""
    org, portal = refill.vendors["salesforce"].world, refill.vendors["hubspot"].world
    people = {one["number"]: one for one in org["people"]}
    plain = [
        {row["person"]: row for row in org["rows"][crm] if not row["traits"] and row["linkedin_url"]}
        for crm in ("salesforce", "hubspot")
    ]
    number = next(
        one
        for one, row in plain[0].items()
        if one in plain[1] and row["object"] == "contact" and not row["title"] and people[one]["kaspr"]["known"]
    )
    return org["ids"][str(plain[0][number]["number"])], str(portal["ids"][str(plain[1][number]["number"])])


async def kept(ledger: Ledger) -> int:
    return len([key async for key, _ in Answers(ledger.scripts).walk()])


async def passed(refill: Refill, *record: str) -> Ran:
    return await refill("sync", "--record", *record, "--json", "--patience", "5")


async def test_nothing_is_erased_or_bought_again_until_the_records_crm_says_whose_it_is(fresh: Refill) -> None:
    org = fresh.vendors["salesforce"]
    first, second = in_both(fresh)
    async with fresh.ledger() as ledger:
        await passed(fresh, *IN_ORG, first)
        before = await kept(ledger)
        assert before

        org.fault("status", params={"status": 503})
        ended = await fresh("forget", "--record", *IN_ORG, first, "--yes", "--json")
        assert (ended.code, ended.json["done"], ended.json["not_asked"]) == (1, False, ["acme_salesforce"])
        assert "nothing was erased: acme_salesforce did not tell whose record that is" in ended.err
        assert (await kept(ledger), (await fresh("suppress", "list", "--json")).json) == (before, [])

        org.calm()
        await fresh("resume", "all")
        ended = await fresh("forget", "--record", *IN_ORG, first, "--yes", "--json")
        assert (ended.code, ended.json["done"]) == (0, True), ended.err
        told = {(one["crm"], one["object"], one["id"]) for one in ended.json["records"]}
        assert told == {(*IN_ORG, first), (*IN_PORTAL, second)}
        bills = [len(fresh.vendors[name].charges()) for name in ("forager", "kaspr")]
        await passed(fresh, *IN_PORTAL, second)
        assert bills == [len(fresh.vendors[name].charges()) for name in ("forager", "kaspr")]
        assert await kept(ledger) == 0
