"""One watched object of one CRM: everything a flow needs to read, decide and write its records."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.batching import Batcher
from connectors.models import Company, Found, Property, Record
from connectors.ports import Crm, Watched
from worker.decide.fingerprint import fingerprint
from worker.decide.kept import Kept
from worker.decide.policy import Policy
from worker.decide.record import Own, View, look
from worker.ledger.journal.reviews import Reviews
from worker.ledger.work.work import Work

COMPANY_KEPT_S = 600.0  # linked companies change rarely; a stale domain costs one more visit, never a wrong write


def own_values(texts: Mapping[str, str]) -> dict[str, Own]:
    """Reads what we wrote on a record from the texts the ledger keeps by field."""
    return {name: _own(json.loads(text)) for name, text in texts.items()}


def _own(told: dict[str, Any]) -> Own:
    kept = told.pop("kept", None)
    return Own(**told, kept=Kept(**kept) if kept else None)


def own_texts(own: Mapping[str, Own]) -> dict[str, str]:
    """The texts the ledger keeps for what we wrote."""
    return {name: json.dumps(_told(value), ensure_ascii=False, separators=(",", ":")) for name, value in own.items()}


def _told(own: Own) -> dict[str, Any]:
    told: dict[str, Any] = {"value_hash": own.value_hash, "refused": own.refused}
    return told | ({"kept": dataclasses.asdict(own.kept)} if own.kept else {})


class Companies:
    """Names and domains of linked companies, kept for ten minutes: many contacts share one."""

    def __init__(self, vendor: Crm, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Company]] = {}
        self._batch: Batcher[str, Company] = Batcher(vendor.name, "companies", self._read, str, vendor.batch)
        self._vendor = vendor

    async def of(self, ids: Sequence[str]) -> dict[str, Company]:
        """The companies among ``ids`` that exist."""
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
        """One company, read together with those that other visits ask for; an empty one when it is gone."""
        kept = self._kept.get(company_id)
        if kept and self._clock() - kept[0] < COMPANY_KEPT_S:
            return kept[1]
        return await self._batch.ask(company_id)

    async def _read(self, ids: Sequence[str]) -> Mapping[str, Company]:
        found = await self.of(ids)
        return {key: found.get(key, Company()) for key in ids}


@dataclass(frozen=True, slots=True)
class Watch:
    """A watched object, and the ways its records are read."""

    crm: str
    object: str
    vendor: Crm
    policy: Policy
    watched: Watched
    schema: Mapping[str, Property]
    work: Work
    reader: Batcher[str, Found]
    companies: Companies
    reviews: Reviews

    def view(self, record: Record, own: Mapping[str, Own]) -> View:
        """Shows ``record`` to the rules."""
        return look(record, self.policy, own)

    def mark(self, view: View) -> str:
        """The fingerprint that is remembered once the record settles."""
        return fingerprint(view, self.policy)
