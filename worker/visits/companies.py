"""Completes records with the company that they are linked to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from connectors.batching import Batcher
from connectors.models import Company, Record
from connectors.ports import Crm

COMPANY_KEPT_S = 600.0  # linked companies change rarely; a stale domain costs one more visit, never a wrong write


class Companies:
    """Reads names and domains of linked companies, kept for ten minutes: many contacts share one."""

    def __init__(self, vendor: Crm, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Company]] = {}
        self._batch: Batcher[str, Company] = Batcher(vendor.name, "companies", self._read, str, vendor.batch)
        self._vendor = vendor

    async def of(self, ids: Sequence[str]) -> dict[str, Company]:
        """Returns the companies among ``ids`` that exist."""
        now = self._clock()
        fresh = {key: kept for key in ids if (kept := self._kept.get(key)) and now - kept[0] < COMPANY_KEPT_S}
        lacking = [key for key in dict.fromkeys(ids) if key and key not in fresh]
        for start in range(0, len(lacking), self._vendor.batch):
            block = lacking[start : start + self._vendor.batch]
            read = await self._vendor.companies(block)
            for key in block:
                fresh[key] = self._kept[key] = (now, read.get(key, Company()))
        if len(self._kept) > 20_000:
            self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] < COMPANY_KEPT_S}
        return {key: company for key, (_, company) in fresh.items() if company != Company()}

    async def one(self, company_id: str) -> Company:
        """Returns one company, read together with those that other visits ask for; an empty one when it is gone."""
        kept = self._kept.get(company_id)
        if kept and self._clock() - kept[0] < COMPANY_KEPT_S:
            return kept[1]
        return await self._batch.ask(company_id)

    async def complete(self, records: Sequence[Record]) -> list[Record]:
        """Returns the records with the linked company's name and domain, where the vendor's row does not carry them."""
        lacking = [record.company_id for record in records if record.company_id and not record.company_domain]
        if not lacking:
            return list(records)
        companies = await self.of(lacking)
        return [with_company(record, companies.get(record.company_id, Company())) for record in records]

    async def _read(self, ids: Sequence[str]) -> Mapping[str, Company]:
        found = await self.of(ids)
        return {key: found.get(key, Company()) for key in ids}


def with_company(record: Record, company: Company) -> Record:
    """Returns ``record`` with what its linked company tells, unless the row has it by itself."""
    return structs.replace(
        record,
        company_domain=record.company_domain or company.domain,
        company_name=record.company_name or company.name,
    )
