"""A bounce that Salesforce shows replaces the address, is evidence in the journal, and is told by ``explain``."""

from __future__ import annotations

import json

from tests.harness.installation import Refill

KIND = ("acme_salesforce", "contact")


async def test_an_address_that_salesforce_says_bounced_is_replaced_or_left_and_told(refill: Refill) -> None:
    salesforce = refill.vendors["salesforce"]
    known = {row["id"] for row in salesforce.control("records/Contact") if not row["properties"].get("Email")}
    ids = iter(sorted(known))
    mark = "[crm.acme_salesforce]"
    refill.change(mark, f'{mark}\nbad.contact.work_email = {{ EmailBouncedDate = ["*"] }}')
    async with refill.ledger() as ledger:

        async def written() -> tuple[str, str, str]:
            for entry in await ledger.journal.latest(1000):
                line = json.loads(entry.entry)
                ours = (entry.crm, entry.object, line.get("field"), line.get("state"))
                if ours == (*KIND, "work_email", "confirmed"):
                    return entry.id, str(line["after"]), str(line["provider"])
            return "", "", ""

        while not (await written())[0]:
            await refill("sync", "--record", *KIND, next(ids), "--json", "--patience", "5")
        id, first, provider = await written()

        salesforce.control("bounce", {"object": "Contact", "id": id})
        again = await refill("sync", "--record", *KIND, id, "--json", "--patience", "5")
        assert again.code == 0
        (row,) = [one for one in salesforce.control("records/Contact") if one["id"] == id]
        left = (await refill("explain", *KIND, id, "--json")).json
        (signal,) = [one for one in left["changes"] if one.get("signal") == "bad_value"]
        assert (signal["provider"], signal["after"]) == (provider, first)
        if row["properties"]["Email"] == first:
            assert left["remembered"]["unfilled"]["work_email"] in {"bad_value", "not_found", "below_grade", "budget"}
        else:
            assert row["properties"]["EmailBouncedDate"] is None
        reported = (await refill("report", "--record", *KIND, id, "--json")).json
        (mine,) = [one for one in reported["records"] if (one["crm"], one["object"], one["id"]) == (*KIND, id)]
        (bad,) = [one for one in mine["values"] if one["state"] == "bad_value"]
        assert (bad["value"], bad["why"]) == (first, "the value bounced or was reported wrong")
        shown = (await refill("explain", *KIND, id)).out
        assert "bounced or was reported wrong" in " ".join(shown.split())
        evidence = await refill("journal", "--reason", "bounced", "--csv")
        assert first in evidence.out
        assert "100%" in (await refill("advise")).out
