"""Judges uncertain lookups by the provider's own log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

import structlog

from connectors.errors import ConnectorError
from connectors.ports import KeepsLog, Provider
from worker.ledger.ledger import Ledger
from worker.ledger.money.ticket_values import Uncertain
from worker.ledger.rates.clocks import Offset
from worker.upkeep.vendor_clocks import heard

# Margin of a verdict's window: clocks are read to some seconds only, and a call given up at 70 s may end later.
BEFORE_MS, AFTER_MS = 30_000, 110_000
log = structlog.get_logger(__name__)


class LaterError(Exception):
    """Says that the log cannot be read now.

    Ask again at the next upkeep, until five minutes have made the lookup a miss.
    """


async def judge(ledger: Ledger, providers: Mapping[str, Provider]) -> None:
    """Give every uncertain lookup whose time has come its verdict.

    Exactly the known charges in the window mean that none of the uncertain ones was charged; anything else means that
    all were. Without a log, or with an unknown clock, there is no verdict, and the lookup is a miss.
    """
    due: dict[tuple[str, str], list[Uncertain]] = {}
    for one in await ledger.desk.due_verdicts():
        due.setdefault((one.provider, one.operation), []).append(one)
    for (name, operation), uncertain in due.items():
        provider = providers.get(name)
        try:
            charged = await _charged(ledger, provider, operation, uncertain) if provider else None
        except LaterError:
            continue
        for one in uncertain:
            ended = await ledger.desk.verdict(one.ticket_id, charged)
            await ledger.all_work.wake(ended.waiters)
            log.info("ticket.judged", vendor=name, operation=operation, charged=charged)


async def _charged(ledger: Ledger, provider: Provider, operation: str, uncertain: Sequence[Uncertain]) -> bool | None:
    """Returns whether the lookups were charged; ``None`` if the log does not tell.

    Raises:
        LaterError: the log could not be read.
    """
    if not isinstance(provider, KeepsLog):
        return None
    sent = [one.sent_ms for one in uncertain]
    offset = (await ledger.clocks.of([provider.name])).get(provider.name)
    if not _held(offset, uncertain):
        log.warning("verdict.clock_unknown", vendor=provider.name, operation=operation)
        return None
    start, end = await ledger.desk.window(
        provider.name, operation, min(sent) - BEFORE_MS, max(sent) + AFTER_MS, offset.stretch
    )
    try:
        logged = await provider.charged(operation, start + offset.ms, end + offset.ms)
    except ConnectorError as error:
        log.warning("verdict.unread", vendor=provider.name, error=type(error).__name__, status=error.status)
        raise LaterError from error
    # The reply that brought the log is dated, too: a clock set since the last reading shows here.
    if not _held(await heard(ledger.clocks, provider.name, provider.clock), uncertain):
        log.warning("verdict.clock_moved", vendor=provider.name, operation=operation)
        return None
    if logged is None:
        return None
    return logged != await ledger.desk.charged(provider.name, operation, start, end, offset.stretch)


def _held(offset: Offset | None, uncertain: Sequence[Uncertain]) -> TypeGuard[Offset]:
    """Returns whether the vendor's clock was known, and neither it nor ours was set, since the calls were sent."""
    return offset is not None and all(offset.held_since(one.sent_ms, one.stretch) for one in uncertain)
