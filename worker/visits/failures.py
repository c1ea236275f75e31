"""Decides what becomes of a leased record when its visit fails: one place, so that all work fails alike."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import structlog

from connectors.errors import (
    STALE_READ,
    AccessError,
    ConnectorError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    SignInUnavailableError,
    StaleReadError,
    UnavailableError,
)
from worker.decide.retry import backoff_ms
from worker.ledger.rates.pauses import Pauses
from worker.ledger.scripts import LedgerUnavailableError
from worker.ledger.work.work import Lease, VisitProgress, Work
from worker.visits.runner import Story

SLOT_MS = 5_000
log = structlog.get_logger(__name__)


class CutShortError(Exception):
    """Says that a visit failed after it had paid for something.

    ``entries`` go to the journal together with the failure.
    """

    def __init__(self, error: Exception, entries: Sequence[str]) -> None:
        super().__init__(type(error).__name__)
        self.error, self.entries = error, tuple(entries)


def attended(
    visit: Callable[[Lease], Awaitable[None]],
    work: Work,
    pauses: Pauses,
    clock: Callable[[], int],
    chance: Callable[[], float] = random.random,
) -> Story:
    """Returns ``visit`` as a story that never raises: each failure ends in one step of the ledger.

    A limit defers, and so does a crm too slow to be written to; a failure of the vendor tries again with growing waits
    until it buries; a refused credential pauses the crm, and what cannot ever work for this record buries it at once.
    """

    async def story(lease: Lease) -> None:
        try:
            await visit(lease)
        except LedgerUnavailableError as error:
            log.warning("visit.abandoned", error=str(error))  # the lease ends by itself and the record returns
        except asyncio.CancelledError:
            await _quietly(work.again(lease, "overdue", backoff_ms(lease.attempts + 1, chance())))
            raise
        except CutShortError as short:
            await _quietly(_end(short.error, lease, short.entries))
        except Exception as error:  # noqa: BLE001 - the edge of a visit: whatever it is, the record is kept
            await _quietly(_end(error, lease))

    async def _end(error: Exception, lease: Lease, entries: Sequence[str] = ()) -> None:
        match error:
            case RateLimitedError() | StaleReadError():
                wait = int((error.retry_after_s or 0) * 1000) or SLOT_MS
                reason = "slow_reads" if error.code == STALE_READ else "rate"
                await work.defer(lease, clock() + wait, reason, VisitProgress(entries))
                log.info("visit.deferred", reason=reason, wait_s=wait / 1000)
            case SignInUnavailableError():  # no fault of the record: however long that lasts, it buries nothing
                await work.defer(lease, clock() + SLOT_MS, "sign_in", VisitProgress(entries))
                log.warning("visit.deferred", reason="sign_in", status=error.status, code=error.code)
            case AccessError():
                await pause_refusing(pauses, lease.crm, error)
                await work.defer(lease, clock() + SLOT_MS, "credentials", VisitProgress(entries))
                log.error("crm.paused", reason="credentials", status=error.status, code=error.code)
            case RejectedError():
                await work.bury(lease, str(error), VisitProgress(entries))
                log.error("visit.buried", error=type(error).__name__, status=error.status, code=error.code)
            case ContractError():  # final only when it stays: a gateway's page must not bury a batch of records
                await _again(lease, str(error), error.status, entries)
            case UnavailableError() | OutcomeUnknownError() | ConnectorError():
                await _again(lease, type(error).__name__, error.status, entries)
            case _:
                log.error("visit.failed", error=type(error).__name__, exc_info=error)
                await _again(lease, type(error).__name__, None, entries)

    async def _again(lease: Lease, reason: str, status: int | None, entries: Sequence[str]) -> None:
        ending = await work.again(lease, reason, backoff_ms(lease.attempts + 1, chance()), VisitProgress(entries))
        log.warning("visit.again", reason=reason, status=status, attempt=lease.attempts + 1, ending=ending)

    return story


async def _quietly(step: Awaitable[object]) -> None:
    try:
        await step
    except LedgerUnavailableError as error:
        log.warning("visit.abandoned", error=str(error))


async def pause_refusing(pauses: Pauses, vendor: str, error: AccessError, *, key: str = "") -> str:
    """Pauses a vendor that refuses our credential until a person resumes it, and returns the sentence that says so.

    Of a provider, whose hints speak of its ``key`` alone, the sentence says who refuses it.
    """
    way_out = f"refill resume {vendor}"
    refused = f"{vendor} refuses our credential"
    why = f"{refused}: {error.hint or f'check the {key}'}" if key else error.hint or f"{refused}: check it"
    why = why.rstrip(".")
    if way_out not in why:
        why = f"{why}; then run {way_out}"
    await pauses.pause(vendor, "credentials", why=why)
    return why
