"""Archives created rows that nobody but us has touched, in the vendor's batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from connectors.batching import Batcher
from connectors.limits import Limiter, slots_ahead
from connectors.models import Writer
from worker.visits.watch import Watch

ARCHIVED, COMPANY = "archived", "company"
_CALLS = 3  # two for the last writers on a batch, and one for the archiving
_CALLS_OF_COMPANIES = 7  # four more for the rows that are related to a batch


class ArchiveVerdict(StrEnum):
    """Tells what became of a created row that is to be archived."""

    ARCHIVED = ARCHIVED
    TOUCHED = "touched"  # somebody else has written on it
    LINKED = "linked"  # somebody is at the company
    REFUSED = "refused"  # the CRM keeps it


async def untouched(watch: Watch, ids: Sequence[str]) -> frozenset[str]:
    """Returns those rows that only we and the CRM itself have written.

    HubSpot tells that of each property, Salesforce of the row by its last writer.

    Raises:
        ConnectorError: the CRM could not be asked.
    """
    names = sorted(watch.schema)
    if not watch.vendor.keeps_history:
        ours = await watch.vendor.ours(watch.object, ids, names)
        return frozenset(one for one in ids if ours.get(one))
    edits = await watch.vendor.edits(watch.object, ids, names)
    return frozenset(
        one for one in ids if edits.get(one) and all(edit.by is not Writer.PERSON for edit in edits[one].values())
    )


async def attached(watch: Watch, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Returns the rows related to each row, which would be deleted with it; people have none.

    Raises:
        ConnectorError: the CRM could not be asked.
    """
    return await watch.vendor.attached(ids) if watch.object == COMPANY and ids else {}


class Archiver:
    """Archives rows of one object; looks and archives with nothing in between."""

    def __init__(self, watch: Watch, limiter: Limiter) -> None:
        self._watch, self._limiter = watch, limiter
        self._batch: Batcher[str, ArchiveVerdict] = Batcher(watch.crm, "archive", self._send, str, watch.vendor.batch)

    async def archive(self, id: str) -> ArchiveVerdict:
        """Take a row back together with those of other visits.

        Raises:
            ConnectorError: the outcome is unknown: the next visit reads it.
        """
        return await self._batch.ask(id)

    async def aclose(self) -> None:
        await self._batch.aclose()

    async def _send(self, ids: Sequence[str]) -> Mapping[str, ArchiveVerdict]:
        calls = _CALLS_OF_COMPANIES if self._watch.object == COMPANY else _CALLS
        async with slots_ahead(self._limiter, [self._watch.crm] * calls):
            ours = sorted(await untouched(self._watch, ids))
            linked = {one for one, rows in (await attached(self._watch, ours)).items() if rows}
            going = [one for one in ours if one not in linked]
            gone = await self._watch.vendor.archive(self._watch.object, going) if going else frozenset[str]()
        verdicts = dict.fromkeys(ids, ArchiveVerdict.TOUCHED) | dict.fromkeys(linked, ArchiveVerdict.LINKED)
        verdicts |= dict.fromkeys(going, ArchiveVerdict.REFUSED) | dict.fromkeys(gone, ArchiveVerdict.ARCHIVED)
        return verdicts
