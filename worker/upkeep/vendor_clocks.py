"""Brings what vendors' replies say of their clocks to the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from connectors.vendor_clock import VendorClock
from worker.ledger.rates.clocks import Clocks, Offset
from worker.service.runtime import Runtime

FAR_MS = 30_000  # a clock so far off is a fault on one side, though every comparison allows for it
log = structlog.get_logger(__name__)


async def hear(runtime: Runtime) -> None:
    """Note every vendor's clock that was read since the last time."""
    clocks = runtime.ledger.clocks
    before = await clocks.of([name for name, _ in _clocks(runtime)])
    for name, clock in _clocks(runtime):
        now = await heard(clocks, name, clock)
        moved = now is not None and name in before and now.since_ms != before[name].since_ms
        if moved and now is not None:
            log.warning("vendor.clock.moved", vendor=name, offset_s=now.ms // 1000)


async def heard(clocks: Clocks, name: str, clock: VendorClock) -> Offset | None:
    """Returns the offset by a reading that was not used before; ``None`` where no reply brought one."""
    now_ms = clock.take()
    return None if now_ms is None else await clocks.heard(name, now_ms)


def _clocks(runtime: Runtime) -> Iterator[tuple[str, VendorClock]]:
    for name, provider in runtime.providers.items():
        yield name, provider.clock
    for name, crm in runtime.crms.items():
        yield name, crm.clock
    if runtime.collector:
        yield "openprospect", runtime.collector.vendor_clock
