"""``advise`` shows what the counters say; a learned order is told by ``status`` and ``explain``."""

from __future__ import annotations

from tests.harness.installation import Refill
from worker.ledger.work.work import Due, Lane, Settlement

CONTACTS = ("acme_hubspot", "contact")


async def test_what_visits_have_counted_is_advised_from_and_a_learned_order_says_so(refill: Refill) -> None:
    nothing = await refill("advise")
    assert (nothing.code, "nothing to advise" in nothing.out) == (0, True)
    counted = {"kaspr|profile|asked": 9, "kaspr|profile|credits": 8, "kaspr|profile|hits": 8, "kaspr|profile|misses": 1}
    counted |= {"kaspr|profile|wanted|work_email": 9, "kaspr|profile|brought|work_email": 4}
    counted |= {f"kaspr|profile|in|DE|{name.split('|', 2)[2]}": by for name, by in list(counted.items())}
    refill.change("[crm.acme_hubspot]", '[crm.acme_hubspot]\norder = "learned"')
    async with refill.ledger() as ledger:
        work = ledger.work(*CONTACTS)
        await work.add([Due("7")], lane=Lane.LIVE, run="day-x")
        (lease,) = await work.claim("somebody", 1)
        await work.settle(lease, Settlement("ab12", stamp=1, read_at=5_000, yields=counted))

        found = (await refill("advise", "--json")).json
        (whole, field, country) = found["scorecard"]
        assert (whole["asked"], whole["credits_per_filled"], whole["hit_rate"]["rate"]) == (9, 2.0, 0.8889)
        assert (field["field"], country["country"]) == ("work_email", "DE")
        (order,) = [one for one in found["orders"] if (one["crm"], one["object"]) == CONTACTS]
        assert (order["learned"], order["proved"]) == (True, False)
        assert "kaspr profile" in order["unseen"]
        told = (await refill("advise")).out
        assert "not enough is known yet of" in told
        assert "By country" in told

        assert (await refill("status", "--json")).json["learned_order"] == ["acme_hubspot"]
        assert "learned order" in (await refill("status")).out
        id = str(next(iter(refill.vendors["hubspot"].control("records/contacts")))["id"])
        seen = (await refill("explain", *CONTACTS, id, "--json")).json
        assert seen["record"]["order"] in {"learned", "explored"}
        assert any("learned" in one["text"] for one in seen["story"])
