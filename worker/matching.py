"""Finds the row that a delivered company or person has in a CRM already, and judges whether it is theirs.

An address or a profile leads to a row, and the row's own name and facts decide: a row of somebody else is no match.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors.batching import Batcher
from connectors.models import Company, Found, Property, Record
from connectors.ports import Crm, Watched
from worker.decide import gate
from worker.decide.delivery import FACTS, Delivered, row_facts
from worker.decide.gate import Fact, Verdict
from worker.watches import Companies

MOST = 20  # rows that one address or profile may lead to before nobody can tell them apart
_FIELDS = {"domain": "domain", "email": "work_email", "slug": "linkedin_url"}
_FACTS = {"email": Fact.EMAIL, "slug": Fact.SLUG}


@dataclass(frozen=True, slots=True)
class Match:
    """``id`` is the row, ``""`` when there is none; ``key`` led there. Values may be written on it when ``sure``.

    ``others`` are rows of other people, by the key that led to them; our external id is the key ``""``.
    """

    id: str = ""
    key: str = ""
    sure: bool = True
    others: Mapping[str, str] = field(default_factory=dict)


class Matcher:
    """Looks rows up in one CRM; questions of concurrent deliveries leave as one batch.

    ``properties`` are where canonical fields are read, by object; ``schema`` is the CRM's own word on its properties.
    """

    def __init__(
        self,
        vendor: Crm,
        external_id: str,
        properties: Mapping[str, Mapping[str, str]],
        schema: Mapping[str, Mapping[str, Property]],
        default_region: str = "",
    ) -> None:
        self._vendor, self._external_id = vendor, external_id
        self._properties, self._schema, self._default_region = properties, schema, default_region
        self._finders: dict[tuple[str, str], Batcher[str, tuple[Record, ...]]] = {}
        self._readers: dict[str, Batcher[str, Found]] = {}
        self._companies = Companies(vendor)

    async def aclose(self) -> None:
        """Send what is gathered."""
        for finder in self._finders.values():
            await finder.aclose()
        for reader in self._readers.values():
            await reader.aclose()

    async def by_external_id(self, object: str, external_id: str) -> tuple[str, ...]:
        """Rows that carry our external id."""
        found = await self._find(object, self._external_id, external_id)
        return tuple(row.id for row in found)

    async def company(self, told: Delivered, external_id: str) -> str:
        """The company's row, ``""`` when there is none."""
        for key in ("", *told.keys):
            if rows := await self._led_to("company", told, key, external_id):
                return rows[0].id
        return ""

    async def person(self, object: str, told: Delivered, external_id: str) -> Match:
        """The person's row: one that may be written, else one that nothing speaks for or against."""
        others: dict[str, str] = {}
        unsure = Match()
        sure_keys = [key for key in ("", *told.keys) if not key.startswith("slug:")]  # read directly, in one batch each
        led_to = [self._led_to(object, told, key, external_id) for key in sure_keys]
        found = dict(zip(sure_keys, await asyncio.gather(*led_to), strict=True))
        for key in ("", *told.keys):
            rows = found[key] if key in found else await self._led_to(object, told, key, external_id)
            for row in rows[:MOST]:
                match await self.judge(row, told, key):
                    case Verdict.SAME:
                        return Match(row.id, key, others=others)
                    case Verdict.OTHER:
                        others.setdefault(key, row.id)
                    case Verdict.UNSAID if not unsure.id:
                        unsure = Match(row.id, key, sure=False)
        return replace(unsure, others=others)

    async def judged(self, object: str, id: str, told: Delivered, key: str = "") -> Verdict | None:
        """Whether a row, read now, is the person's; ``None`` when it is not there any more."""
        found = await self._reader(object).ask(id)
        return await self.judge(found.record, told, key) if found.record is not None else None

    async def judge(self, record: Record, told: Delivered, key: str = "") -> Verdict:
        """Whether a row as it was read is the person's. Our own id on it speaks for itself where no name does."""
        company = await self._companies.one(record.company_id) if record.company_id else Company()
        row = row_facts(record, self._properties[record.object], company.domain, self._default_region)
        verdict = gate.judge(row, told.facts, found_by=_FACTS.get(key.partition(":")[0])).verdict
        return Verdict.SAME if verdict is Verdict.UNSAID and not key else verdict

    def read_for(self, object: str) -> tuple[str, ...]:
        """Properties that ``judge`` needs of a row."""
        names = {self._properties[object].get(name, "") for name in FACTS}
        return tuple(sorted(names & self._schema[object].keys()))

    async def _led_to(self, object: str, told: Delivered, key: str, external_id: str) -> Sequence[Record]:
        """Rows that a key of the delivered one leads to, oldest first; ``""`` is our external id."""
        kind, _, value = key.partition(":")
        name = _FIELDS.get(kind, "")
        property = self._properties[object].get(name, "") if key else self._external_id
        if property not in self._schema[object]:
            return ()
        if not key:
            value = external_id
        elif kind == "slug":
            value = told.values.get(name, value)
        return await self._find(object, property, value)

    async def _find(self, object: str, property: str, value: str) -> Sequence[Record]:
        if (object, property) not in self._finders:
            also = self.read_for(object) if object != "company" else ()

            async def find(values: Sequence[str]) -> Mapping[str, tuple[Record, ...]]:
                return await self._vendor.find(object, property, values, also)

            self._finders[object, property] = Batcher(self._vendor.name, "find", find, str, self._vendor.batch)
        rows = await self._finders[object, property].ask(value)
        return sorted(rows, key=lambda row: (len(row.id), row.id))

    def _reader(self, object: str) -> Batcher[str, Found]:
        if object not in self._readers:
            watched = Watched(object, self.read_for(object))

            async def read(ids: Sequence[str]) -> Mapping[str, Found]:
                return await self._vendor.read(watched, ids)

            self._readers[object] = Batcher(self._vendor.name, "read", read, str, self._vendor.batch)
        return self._readers[object]
