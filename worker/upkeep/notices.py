"""Finds the people whose data was bought, from the journal: the record, the date, the providers, the fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.fields import PEOPLE
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.journal import Journal
from worker.ledger.money.answers import Ref
from worker.visits.journal_entries import subject_of

MONTH_MS = 30 * 86_400_000  # people must be informed within one month


@dataclass(slots=True)
class BoughtData:
    """Names one record about whose person data was bought since ``since`` (ms)."""

    since: int
    providers: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)

    @property
    def due(self) -> int:
        """Returns until when (ms) the person has to be informed."""
        return self.since + MONTH_MS


async def bought(journal: Journal) -> dict[Ref, BoughtData]:
    """Returns the people about whom data was bought, oldest first, without those erased."""
    found: dict[Ref, BoughtData] = {}
    async for entry in journal.walk():
        facts: dict[str, Any] = json.loads(entry.entry)
        kind, id = subject_of(facts) if entry.object == DELIVERY else (entry.object, entry.id)
        source = _source(facts)
        if source and kind in PEOPLE and id:
            one = found.setdefault((entry.crm, kind, id), BoughtData(entry.at_ms))
            one.providers.add(source)
            one.fields |= _fields(facts)
    return found


def _source(facts: Mapping[str, Any]) -> str:
    """Returns the providers of data about the person; blank if there were none or they were erased since."""
    match facts.get("kind"):
        case "lookup":
            return str(facts["provider"]) if facts.get("outcome") == "hit" and facts.get("question") else ""
        case "created":
            return "openprospect" if facts.get("external_id") else ""
        case "change":
            written = facts.get("state") == "confirmed" and facts.get("after")
            return str(facts.get("provider") or "") if written else ""
        case _:
            return ""


def _fields(facts: Mapping[str, Any]) -> set[str]:
    if facts.get("kind") == "change":
        return {str(facts["field"])} - {"external_id", ""}
    return set()
