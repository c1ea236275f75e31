"""Brings what vendors' replies say of their clocks to the ledger."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from connectors.replies import VendorClock
from worker.ledger.rates.clocks import Clocks, Offset

FAR_MS = 30_000  # a clock so far off is a fault on one side, though every comparison allows for it
log = structlog.get_logger(__name__)


async def hear(clocks: Clocks, vendors: Mapping[str, VendorClock]) -> None:
    """Note every vendor's clock that was read since the last time."""
    before = await clocks.of(list(vendors))
    for name, clock in vendors.items():
        now = await heard(clocks, name, clock)
        moved = now is not None and name in before and now.since_ms != before[name].since_ms
        if moved and now is not None:
            log.warning("vendor.clock.moved", vendor=name, offset_s=now.ms // 1000)


async def heard(clocks: Clocks, name: str, clock: VendorClock) -> Offset | None:
    """Returns the offset by a reading that was not used before; ``None`` if no reply brought one."""
    now_ms = clock.take()
    return None if now_ms is None else await clocks.heard(name, now_ms)
