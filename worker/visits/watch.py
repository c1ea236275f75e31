"""One watched object of one CRM: everything a flow needs to read, decide and write its records."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.batching import Batcher
from connectors.models import Found, Property, Record
from connectors.ports import Crm, Watched
from worker.decide.fingerprint import fingerprint
from worker.decide.kept import Kept
from worker.decide.policy import Policy
from worker.decide.record import Own, View, look
from worker.ledger.journal.reviews import Reviews
from worker.ledger.work.work import Work
from worker.visits.companies import Companies


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
