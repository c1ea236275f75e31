"""Keeps for a while which step made a record due, so that the trace of its visit links to it.

Written and read only with tracing, on the side: a lost link does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from worker.ledger.scripts import LedgerUnavailableError, Scripts

KEPT_MS = 3_600_000
log = structlog.get_logger(__name__)


class DueLinks:
    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def keep(self, crm: str, object: str, ids: Iterable[str], name: str) -> None:
        """Keeps that the step of this name has made these records due; the last one counts."""
        if not name:
            return
        keys = [self._scripts.keys("due_link", crm, object, id) for id in ids]
        try:
            await self._scripts.calls([("SET", key, name, "PX", KEPT_MS) for key in keys])
        except LedgerUnavailableError:
            log.info("traces.unlinked", records=len(keys))

    async def of(self, crm: str, object: str, id: str) -> list[str]:
        """Returns the name of the step that made a record due; none if it was not noted."""
        try:
            found = await self._scripts.call("GET", self._scripts.keys("due_link", crm, object, id))
        except LedgerUnavailableError:
            return []
        return [found.decode()] if found else []
