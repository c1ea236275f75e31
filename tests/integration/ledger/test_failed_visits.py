"""Tries again, puts off or buries a record whose visit fails, by the failure."""

from __future__ import annotations

from connectors.errors import ConnectorError, ContractError, RejectedError, SignInUnavailableError, UnavailableError
from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import OWNER, lease
from worker.ledger.rates.pauses import Pauses
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Lease, Work
from worker.visits.runner import attended

MOST_MS = 900_000


async def visited(error: ConnectorError, held: Lease, work: Work, scripts: Scripts, clock: Clock) -> None:
    async def fail(_: Lease) -> None:
        raise error

    await attended(fail, work, Pauses(scripts), clock, chance=lambda: 1.0)(held)


async def test_refused_record_is_buried_at_once(work: Work, scripts: Scripts, clock: Clock) -> None:
    await visited(RejectedError("acme_hubspot", "contacts.batch_read", 400), await lease(work), work, scripts, clock)
    assert (await work.counts()).dead == 1


async def test_answer_of_another_form_is_asked_for_again_and_buried_when_it_stays(
    work: Work, scripts: Scripts, clock: Clock
) -> None:
    error = ContractError("acme_hubspot", "contacts.batch_read", "body", 200)
    held = await lease(work)
    for _ in range(7):
        await visited(error, held, work, scripts, clock)
        assert (await work.counts()).due == 1
        clock.pass_ms(MOST_MS)
        (held,) = await work.claim(OWNER, 1)
    await visited(error, held, work, scripts, clock)
    (letter,) = await work.letters.page()
    assert letter.reason == str(error)


async def test_outage_is_tried_again(work: Work, scripts: Scripts, clock: Clock) -> None:
    error = UnavailableError("acme_hubspot", "contacts.batch_read", 503)
    await visited(error, await lease(work), work, scripts, clock)
    assert (await work.counts()).due == 1


async def test_a_sign_in_that_cannot_be_had_ends_nothing(work: Work, scripts: Scripts, clock: Clock) -> None:
    error = SignInUnavailableError("acme_salesforce", "oauth.token", 400, code="unknown_error")
    held = await lease(work)
    for _ in range(20):
        await visited(error, held, work, scripts, clock)
        clock.pass_ms(MOST_MS)
        (held,) = await work.claim(OWNER, 1)
        assert held.attempts == 0
    assert (await work.counts()).dead == 0
    assert await Pauses(scripts).all() == []
