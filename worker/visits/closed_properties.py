"""Notices what a crm's schema tells anew: a property that opens to our user, an option that is added."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

import structlog
from msgspec.structs import replace

from connectors.errors import ConnectorError
from connectors.models import Property
from connectors.ports import Crm
from connectors.tasks import shared

AGAIN_MS, LONGEST_MS = 10 * 60_000, 60 * 60_000
log = structlog.get_logger(__name__)


class ClosedProperties:
    """Reads an object's schema again while a property that is to be written is closed, or a write says so.

    Ten minutes after the last time, then later and later, an hour apart at the most. ``schema`` is what the crm told
    last; whoever goes by it sees what is told anew. A property that is not there any more is closed, too. Nothing is
    asked while all is open.
    """

    def __init__(
        self,
        crm: str,
        object: str,
        vendor: Crm,
        schema: Mapping[str, Property],
        written: Iterable[str],
        clock: Callable[[], int],
    ) -> None:
        self.schema = dict(schema)
        self._crm, self._object, self._vendor, self._clock = crm, object, vendor, clock
        self._written = tuple(name for name in dict.fromkeys(written) if name in schema)
        self._closed = self._now_closed()
        self._read_at, self._vain = clock(), 0  # reads in a row that told nothing new
        self._is_doubted = False
        self._reading: asyncio.Task[None] | None = None

    def write(self, properties: Iterable[str]) -> None:
        """Note that these are to be written, too."""
        self._written = tuple(dict.fromkeys((*self._written, *(name for name in properties if name in self.schema))))
        self._closed = self._now_closed()

    def doubt(self) -> None:
        """Note that what the crm told may have changed: it refused a write for want of a right, or lacks an option."""
        if not self._closed:
            self._is_doubted, self._vain = True, 0

    async def look(self) -> None:
        """Bring the schema up to date where that may open a gap, or close one; else cost nothing.

        Visits that come meanwhile wait for the one read. Without an answer all go on with what is known.
        """
        if self._is_due() and self._reading is None:
            self._reading = shared(self._read())
        if self._reading is not None:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        self._read_at, before = self._clock(), self._closed
        try:
            told = await self._vendor.properties(self._object)
        except (ConnectorError, TimeoutError) as error:
            log.info("schema.unread", crm=self._crm, object=self._object, error=type(error).__name__)
            return
        finally:
            self._reading = None
        gone = {name: replace(self.schema[name], writable=False) for name in self._written if name not in told}
        self.schema.update({**told, **gone})
        self._closed, self._is_doubted = self._now_closed(), False
        self._vain = self._vain + 1 if self._closed == before else 0
        if opened := before - self._closed:
            log.info("schema.opened", crm=self._crm, object=self._object, properties=sorted(opened))

    def _is_due(self) -> bool:
        if not (self._closed or self._is_doubted):
            return False
        return self._clock() - self._read_at >= min(AGAIN_MS << min(self._vain, 8), LONGEST_MS)

    def _now_closed(self) -> frozenset[str]:
        return frozenset(name for name in self._written if not self.schema[name].writable)
