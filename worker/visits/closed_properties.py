"""Notices changes in a crm's schema: a property that opens or is gone, an option that is added."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import structlog
from msgspec.structs import replace

from connectors.batching import shared
from connectors.errors import ConnectorError
from connectors.models import Found, Property
from connectors.ports import Crm
from worker.ledger.rates.pauses import Pauses

AGAIN_MS, LONGEST_MS = 10 * 60_000, 60 * 60_000
Reads: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, Found]]]
log = structlog.get_logger(__name__)


class ClosedProperties:
    """Reads an object's schema again while changes in the properties to be written are possible.

    That is so while one is closed, missing, or has options, or after a write has shown it. It reads ten minutes after
    the last time, then at growing intervals of an hour at most, and nothing while all properties are open and take any
    text. ``schema`` is the newest one read, by us or by anybody else. A property that is gone stays in ``schema``,
    closed, and a pause lists all of them in ``refill status``.
    """

    def __init__(
        self,
        crm: str,
        object: str,
        vendor: Crm,
        schema: Mapping[str, Property],
        written: Iterable[str],
        clock: Callable[[], int],
        pauses: Pauses,
    ) -> None:
        self.schema = dict(schema)
        self._crm, self._object, self._vendor, self._clock, self._pauses = crm, object, vendor, clock, pauses
        self._written = tuple(dict.fromkeys(written))
        self._taken, self._lost, self._untold = vendor.seen(object), self._now_lost(), True
        self._closed = self._now_closed()
        self._read_at, self._vain = clock(), 0  # reads in a row that brought nothing new
        self._is_doubted = False
        self._reading: asyncio.Task[None] | None = None

    def write(self, properties: Iterable[str]) -> None:
        """Note that these are to be written, too."""
        self._written = tuple(dict.fromkeys((*self._written, *properties)))
        self._closed, self._lost = self._now_closed(), self._now_lost()

    def doubt(self) -> None:
        """Note that the schema may have changed: the crm refused a write for want of a right, or lacks an option."""
        if not self._is_doubted:
            self._is_doubted, self._vain = True, 0

    async def look(self) -> None:
        """Bring the schema up to date if that may open or close a gap; otherwise cost nothing.

        Simultaneous visits share one read. If it fails, all go on with the old schema.
        """
        if self._is_due() and self._reading is None:
            self._reading = shared(self._read())
        if self._reading is not None:
            await asyncio.shield(self._reading)
        self.note()
        if self._untold:
            self._untold = False
            await self._tell(", ".join(sorted(self._lost)))

    async def _tell(self, lost: str) -> None:
        name, object = self._crm, self._object
        if not lost:
            await self._pauses.lift(f"{name}.{object}", "property")
            return
        key = f"crm.{name}.watch.{object}"
        why = f"{name} shows no {object} property {lost} any more: create it, let our user see it, or change {key}"
        await self._pauses.pause(f"{name}.{object}", "property", why=why)

    def noting(self, read: Reads) -> Reads:
        """Returns a way to read records that adopts changes of the schema that others have read meanwhile."""

        async def noted(ids: Sequence[str]) -> Mapping[str, Found]:
            found = await read(ids)
            self.note()
            return found

        return noted

    def note(self) -> None:
        """Adopt a schema that somebody else has read meanwhile; costs nothing."""
        known = self._vendor.seen(self._object)
        if known is not None and known is not self._taken:
            self._take(known)

    async def _read(self) -> None:
        self._read_at, before, options = self._clock(), self._closed, self._options()
        try:
            known = await self._vendor.properties(self._object)
        except (ConnectorError, TimeoutError) as error:
            log.info("schema.unread", crm=self._crm, object=self._object, error=type(error).__name__)
            return
        finally:
            self._reading = None
        self._take(known)
        self._is_doubted = False
        self._vain = self._vain + 1 if (self._closed, self._options()) == (before, options) else 0

    def _take(self, known: Mapping[str, Property]) -> None:
        before, lost_before, self._taken = self._closed, self._lost, known
        gone = self.schema.keys() - known.keys()
        closed = {name: replace(self.schema[name], writable=False, shown=False) for name in gone}
        self.schema.update({**known, **closed})
        self._closed, self._lost = self._now_closed(), self._now_lost()
        self._untold |= self._lost != lost_before
        if self._lost - lost_before:
            log.warning("schema.lost", crm=self._crm, object=self._object, properties=sorted(self._lost))
        if opened := before - self._closed:
            log.info("schema.opened", crm=self._crm, object=self._object, properties=sorted(opened))

    def _is_due(self) -> bool:
        if not (self._closed or self._is_doubted or self._options()):
            return False
        return self._clock() - self._read_at >= min(AGAIN_MS << min(self._vain, 8), LONGEST_MS)

    def _now_lost(self) -> frozenset[str]:
        return frozenset(name for name in self._written if name in self.schema and not self.schema[name].shown)

    def _now_closed(self) -> frozenset[str]:
        return frozenset(name for name in self._written if name not in self.schema or not self.schema[name].writable)

    def _options(self) -> dict[str, frozenset[str]]:
        written = (self.schema[name] for name in self._written if name in self.schema)
        return {one.name: one.options for one in written if one.options and not one.is_open}
