"""Notices that a property opens to our user again which could not be written when the crm was opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from connectors.errors import ConnectorError
from worker.decide.policy import WriteRule
from worker.visits.watch import Watch

AGAIN_MS = 10 * 60_000
log = structlog.get_logger(__name__)


class ClosedProperties:
    """Reads an object's schema again, every ten minutes at most, while a field to be filled cannot be written."""

    def __init__(self, watch: Watch, clock: Callable[[], int]) -> None:
        self._watch = watch
        self._clock = clock
        self._read_at = clock()
        self._reading = asyncio.Lock()

    async def look(self) -> None:
        """Bring the watch's schema up to date where that may open a gap; else cost nothing.

        Visits that come meanwhile wait for the one read. Without an answer they go on with what is known.
        """
        if not self._is_due():
            return
        async with self._reading:
            if not self._is_due():
                return
            self._read_at = self._clock()
            try:
                schema = await self._watch.vendor.properties(self._watch.object)
            except (ConnectorError, TimeoutError) as error:
                log.info("schema.unread", crm=self._watch.crm, object=self._watch.object, error=type(error).__name__)
                return
            self._watch.schema.update(schema)

    def _is_due(self) -> bool:
        if self._clock() - self._read_at < AGAIN_MS:
            return False
        schema = self._watch.schema
        filled = (rule.property for rule in self._watch.policy.rules if rule.write is not WriteRule.NEVER)
        return not all(schema[name].writable for name in filled if name in schema)
