"""Creates a row once per external id and natural key, whoever asks and whatever dies in between."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from connectors.limits import TicketSpentError
from connectors.models import Reply
from tests.harness.clock import Clock
from tests.integration.ledger.money import LosingScripts
from worker.ledger.money.creations import (
    BusyCreation,
    Claimed,
    Created,
    Creations,
    CreationTicket,
    ReapedCreations,
    UnknownCreation,
)
from worker.ledger.scripts import Scripts

ACME = ("domain:acme.com",)


@pytest.fixture
def creations(scripts: Scripts) -> Creations:
    return Creations(scripts)


async def claim(
    creations: Creations,
    external: str = "c1",
    keys: tuple[str, ...] = ACME,
    owner: str = "w1",
    crm: str = "acme_hubspot",
) -> Claimed:
    claimed = await creations.claim(crm, "company", external, keys, owner, 30_000)
    assert isinstance(claimed, Claimed)
    return claimed


async def sent(creations: Creations) -> Claimed:
    claimed = await claim(creations)
    assert await creations.sent(claimed)
    return claimed


async def doubted(creations: Creations) -> Claimed:
    """A creation whose answer was waited for in vain."""
    claimed = await sent(creations)
    assert await creations.unknown(claimed, "timeout") == "unknown"
    return claimed


async def ask(creations: Creations, external: str = "c2", keys: tuple[str, ...] = ACME) -> object:
    return await creations.claim("acme_hubspot", "company", external, keys, "w2", 30_000)


async def test_two_searches_naming_one_company_create_it_once(creations: Creations, clock: Clock) -> None:
    first = await claim(creations)
    assert await ask(creations) == BusyCreation(clock.now + 30_000)
    assert await creations.sent(first)
    assert await creations.created(first, "901") == "created"
    assert await ask(creations) == Created("901")
    assert await creations.join("acme_hubspot", "company", "901", "c2", ACME) == 1
    assert await ask(creations, keys=()) == Created("901")  # its own external id leads there from now on


async def test_row_created_under_one_key_takes_no_other_by_itself(creations: Creations) -> None:
    first = await claim(creations)
    await creations.created(first, "901")
    assert await ask(creations, "c2", (*ACME, "domain:acme.net")) == Created("901")
    await claim(creations, "c2", ("domain:acme.net",))  # whoever shared a key with the row may be another


async def test_row_joins_only_keys_that_nobody_holds(creations: Creations) -> None:
    await creations.created(await claim(creations), "901")
    await creations.created(await claim(creations, "c2", ("domain:acme.net",)), "902")
    assert await creations.join("acme_hubspot", "company", "901", "c1", ("domain:acme.net", "domain:acme.org")) == 1
    assert await ask(creations, "c3", ("domain:acme.net",)) == Created("902")
    assert await ask(creations, "c3", ("domain:acme.org",)) == Created("901")


async def test_claim_takes_every_key_or_none(creations: Creations) -> None:
    await claim(creations, "c1", ("email:ann@acme.com", "slug:ann-lee"))
    assert isinstance(await ask(creations, "c2", ("email:a@b.com", "slug:ann-lee")), BusyCreation)
    await claim(creations, "c3", ("email:a@b.com",))


async def test_other_crm_is_another_world(creations: Creations) -> None:
    await claim(creations)
    await claim(creations, crm="acme_salesforce")


async def test_claim_whose_answer_is_lost_is_had_by_asking_again(redis: Redis, clock: Clock) -> None:
    scripts = LosingScripts(redis, clock=clock)
    claimed = await claim(Creations(scripts))
    scripts.lose = False
    assert await Creations(scripts).sent(claimed)


async def test_creation_is_sent_once_ever_and_not_after_its_deadline(creations: Creations, clock: Clock) -> None:
    claimed = await claim(creations)
    assert await creations.sent(claimed)
    assert not await creations.sent(claimed)
    late = await claim(creations, "c9", ())
    clock.pass_ms(30_000)
    assert not await creations.sent(late)


async def test_released_claim_frees_its_keys(creations: Creations) -> None:
    claimed = await sent(creations)
    assert await creations.released(claimed, "status 400") == "released"
    assert await creations.released(claimed, "status 400") == "released"
    await claim(creations, "c2")


async def test_sent_creation_past_its_deadline_is_unknown_and_never_free(creations: Creations, clock: Clock) -> None:
    claimed = await sent(creations)
    clock.pass_ms(30_000)
    unknown = await ask(creations)
    assert unknown == UnknownCreation(claimed.creation_id, clock.now, ("ext:c1", "domain:acme.com"))


async def test_unknown_creation_that_is_found_leads_to_its_row(creations: Creations) -> None:
    claimed = await doubted(creations)
    assert await creations.found(claimed.creation_id, "901") == "created"
    assert await creations.found(claimed.creation_id, "901") == "created"
    assert await ask(creations) == Created("901")


async def test_unknown_creation_that_is_absent_frees_its_keys(creations: Creations) -> None:
    claimed = await doubted(creations)
    assert await creations.absent(claimed.creation_id) == "absent"
    second = await claim(creations, "c2")
    assert await creations.absent(claimed.creation_id) == "absent"
    assert await creations.sent(second)


async def test_open_creation_is_not_ended_by_somebody_elses_read(creations: Creations) -> None:
    claimed = await claim(creations)
    assert await creations.absent(claimed.creation_id) == "reserved"
    assert await creations.found(claimed.creation_id, "901") == "reserved"
    assert await creations.sent(claimed)


async def test_late_answer_of_an_unknown_creation_counts(creations: Creations) -> None:
    claimed = await doubted(creations)
    assert await creations.created(claimed, "901") == "created"
    assert await ask(creations) == Created("901")


async def test_late_answer_leaves_the_newer_claim_on_its_keys_alone(creations: Creations) -> None:
    old = await doubted(creations)
    await creations.absent(old.creation_id)
    new = await claim(creations)
    await creations.created(old, "901")
    assert isinstance(await ask(creations), BusyCreation)
    await creations.sent(new)
    await creations.created(new, "902")
    assert await ask(creations) == Created("902")


async def test_row_that_is_gone_frees_only_its_own_keys(creations: Creations) -> None:
    claimed = await sent(creations)
    await creations.created(claimed, "901")
    assert await creations.void("acme_hubspot", "company", "900", "c1", ACME) == 0
    assert await creations.void("acme_hubspot", "company", "901", "c1", ACME) == 2
    await claim(creations)


async def test_reaper_frees_dead_reservations_and_doubts_what_was_sent(creations: Creations, clock: Clock) -> None:
    await claim(creations, "c1", (), owner="dead")
    await claim(creations, "c2", (), owner="alive")
    sent = await claim(creations, "c3", (), owner="dead")
    await creations.sent(sent)
    assert await creations.reap({"alive"}) == ReapedCreations(released=1, unknown=0)
    clock.pass_ms(30_000)
    assert await creations.reap({"alive"}) == ReapedCreations(released=1, unknown=1)
    assert await creations.reap({"alive"}) == ReapedCreations(released=0, unknown=0)
    assert isinstance(await ask(creations, "c3", ()), UnknownCreation)


async def test_many_askers_at_once_have_one_winner(creations: Creations) -> None:
    outcomes = await asyncio.gather(*(ask(creations, f"c{number}") for number in range(50)))
    assert sum(isinstance(outcome, Claimed) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, BusyCreation) for outcome in outcomes) == 49


async def test_created_claims_cost_two_fields(creations: Creations, redis: Redis) -> None:
    claimed = await sent(creations)
    await creations.created(claimed, "901")
    fields = await creations._scripts.call("HGETALL", creations._scripts.keys("claims", "acme_hubspot", "company"))
    assert fields == {b"ext:c1": b"=901", b"domain:acme.com": b"=901"}
    assert await redis.ttl(creations._scripts.keys("creation", claimed.creation_id)) > 0
    assert not await redis.exists(creations._scripts.keys("creations_open"))


async def test_ticket_of_a_creation_is_used_once(creations: Creations) -> None:
    ticket = CreationTicket(creations, await claim(creations), lambda reply: reply.body.decode())
    await ticket.sent()
    with pytest.raises(TicketSpentError):
        await ticket.sent()
    await ticket.stored(Reply(201, {}, b"901"))
    assert await ask(creations) == Created("901")


async def test_ticket_whose_reply_names_no_row_leaves_it_to_the_caller(creations: Creations) -> None:
    claimed = await claim(creations)
    ticket = CreationTicket(creations, claimed)
    await ticket.sent()
    await ticket.stored(Reply(201, {}, b""))
    assert isinstance(await ask(creations), BusyCreation)
    await creations.created(claimed, "901")
    assert await ask(creations) == Created("901")


@pytest.mark.parametrize(("ending", "answer"), [("released", Claimed), ("uncertain", UnknownCreation)])
async def test_ticket_ends_as_it_is_told(creations: Creations, ending: str, answer: type) -> None:
    ticket = CreationTicket(creations, await claim(creations))
    await ticket.sent()
    await getattr(ticket, ending)("timeout")
    assert isinstance(await ask(creations), answer)
