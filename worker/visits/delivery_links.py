"""Links delivered contacts to their company, the links of concurrent visits in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from connectors.batching import Batcher
from connectors.errors import RejectedError
from worker.visits.creating import keep_back
from worker.visits.delivery_notes import Deferred, DeliveryNotes
from worker.visits.delivery_target import Target
from worker.visits.journal_entries import IntentEntry, linked_entry


class DeliveryLinks:
    """Links the contacts of deliveries to one CRM. ``clock`` gives ms."""

    def __init__(self, target: Target, clock: Callable[[], int]) -> None:
        self._target, self._clock = target, clock
        self._batch: Batcher[tuple[str, str, bool], bool] = Batcher(
            target.crm, "link", self._link, _pair, target.vendor.batch
        )

    async def aclose(self) -> None:
        await self._batch.aclose()

    async def link(self, notes: DeliveryNotes, contacts: Mapping[str, str], company_id: str) -> None:
        """Link contacts to their company; one that cannot be linked stops no other."""
        if not company_id or not contacts:
            return
        run, at = notes.lease.run, self._clock()
        links = [IntentEntry.link("contact", one, company_id, run, at, contacts[one]) for one in contacts]
        if not await self._target.work.intend(notes.lease, [*notes.intents, *(one.text() for one in links)]):
            raise Deferred(0, "lost")
        asked = [self._batch.ask((one, company_id, one in notes.made)) for one in contacts]
        for one, ended in zip(contacts, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(ended, RejectedError):
                what, rows = f"contact {one} could not be linked to company {company_id}", ("company", company_id)
                keep_back(notes, what, ended, self._clock(), ("contact", contacts[one]), (("contact", one), rows))
            elif isinstance(ended, BaseException):
                raise ended
            elif ended:
                notes.entries.append(linked_entry("contact", one, company_id, contacts[one], at))

    async def _link(self, pairs: Sequence[tuple[str, str, bool]]) -> dict[str, bool]:
        made = {one for one, _, is_made in pairs if is_made}
        linked = await self._target.vendor.link("contact", [(one, other) for one, other, _ in pairs], made)
        return {_pair(pair): pair[0] in linked for pair in pairs}


def _pair(pair: tuple[str, str, bool]) -> str:
    return f"{pair[0]} {pair[1]}"
