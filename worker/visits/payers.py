"""Finds the record that paid for an answer that several records share: the journal has the price only once."""

from __future__ import annotations

import json

from msgspec import Struct

from worker.ledger.journal.journal import Journal

NEAR_MS = 600_000  # a visit journals its lookups when it ends
PAGES = 5


class Payer(Struct, frozen=True):
    """Names the record that paid for a lookup, and the credits that it cost."""

    crm: str
    object: str
    id: str
    credits: int


async def payer(journal: Journal, question: str, at_ms: int) -> Payer | None:
    """Returns the record that asked a question answered at ``at_ms``, if the journal near that time shows it."""
    after = ""
    for _ in range(PAGES):
        page = await journal.since(at_ms, after=after)
        for one in page:
            line = json.loads(one.entry)
            if line.get("kind") == "lookup" and line.get("question") == question:
                return Payer(one.crm, one.object, one.id, int(line.get("credits") or 0))
        if not page or page[-1].at_ms > at_ms + NEAR_MS:
            break
        after = page[-1].key
    return None
