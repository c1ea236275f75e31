"""Shows what a delivered row would create and write in one CRM: matches and reads like its visit, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.batching import Batcher
from connectors.models import Fate, Found, Record
from connectors.openprospect.read import DeliveredCompany
from connectors.ports import Watched
from worker.decide import delivery
from worker.decide.delivery import Delivered
from worker.decide.record import says_no
from worker.decide.values.blanks import is_blank
from worker.ledger.journal.reviews import Proposed
from worker.visits.delivery_target import Target
from worker.visits.matching import Matcher
from worker.visits.suppressed import without_bad


class DeliveryPreview:
    """Previews the deliveries of one CRM; questions of several rows leave as one batch."""

    def __init__(self, target: Target, matcher: Matcher) -> None:
        self._target, self._matcher = target, matcher
        self._readers: dict[str, Batcher[str, Found]] = {}

    async def aclose(self) -> None:
        for reader in self._readers.values():
            await reader.aclose()

    async def lines(self, delivered: DeliveredCompany) -> tuple[Proposed, ...]:
        """Lists every value that the row would write, and on which rows; those to be made have no id.

        Raises:
            ConnectorError: the CRM could not be read.
        """
        target, region = self._target, self._target.default_region
        company = delivery.company(delivered.company, region)
        people = [(one.id, delivery.person(one, delivered.company, target.accept, region)) for one in delivered.people]
        whole = await without_bad([company, *(one for _, one in people)], target.are_bad)
        company, people = whole[0], [(id, one) for (id, _), one in zip(people, whole[1:], strict=True)]
        listed = await target.suppressed([one.handles for one in (company, *(person for _, person in people))])
        if listed[0]:
            return ()
        company_id = await self._matcher.company(company, delivered.company.id)
        lines = [*await self._of_row("company", company_id, company, delivered.company.id)]
        for (external_id, person), on in zip(people, listed[1:], strict=True):
            if not on:
                lines += await self._of_person(person, external_id, company_id)
        return tuple(lines)

    async def _of_person(self, wanted: Delivered, external_id: str, company_id: str) -> Sequence[Proposed]:
        match = await self._matcher.person(wanted, external_id, company_id)
        if match.id:
            return await self._of_row(match.object, match.id, wanted, external_id, company_id) if match.sure else ()
        is_made = wanted.complete and "" not in match.others
        return await self._of_row(self._target.person, "", wanted, external_id) if is_made else ()

    async def _of_row(
        self, object: str, id: str, wanted: Delivered, external_id: str, company_id: str = ""
    ) -> Sequence[Proposed]:
        """Lists the values that a row would get: all of them if it is created, otherwise those for its blanks."""
        record = await self._read(object, id) if id else None
        if id and record is None:
            return ()
        if record is not None and (record.opted_out or says_no(record, self._target.opt_out.get(object, {}))):
            return ()
        lines = list(self._values(object, record, wanted, external_id))
        if record is not None and object == "contact" and company_id and record.company_id != company_id:
            where = Proposed("company", "", record.company_id, company_id, "openprospect", "", object, id, external_id)
            lines.append(where)
        return lines

    def _values(self, object: str, record: Record | None, wanted: Delivered, external_id: str) -> Iterator[Proposed]:
        properties, schema = self._target.properties[object], self._target.schema[object]
        seen = set[str]()
        for name, value in wanted.values.items():
            fitted, _ = delivery.to_properties({name: value}, properties, schema)
            for property, text in fitted.items():
                before = (record.values.get(property) or "") if record else ""
                if property not in seen and is_blank(before, self._target.blank_values):
                    seen.add(property)
                    id = record.id if record else ""
                    yield Proposed(name, property, before, text, "openprospect", "", object, id, external_id)

    async def _read(self, object: str, id: str) -> Record | None:
        if object not in self._readers:
            names = {*self._target.properties[object].values(), *self._target.opt_out.get(object, {})}
            watched = Watched(object, tuple(sorted(names & self._target.schema[object].keys())))

            async def read(ids: Sequence[str]) -> Mapping[str, Found]:
                return await self._target.vendor.read(watched, ids)

            self._readers[object] = Batcher(self._target.crm, "read", read, str, self._target.vendor.batch)
        found = await self._readers[object].ask(id)
        return found.record if found.fate is Fate.FOUND else None
