"""Finds who paid for an answer that several records share: the journal has the price once, with whoever asked."""

from __future__ import annotations

import json

from msgspec import Struct

from worker.ledger.journal.journal import Journal

NEAR_MS = 600_000  # a visit tells the journal of its lookups when it ends
PAGES = 5


class Payer(Struct, frozen=True):
    """Names the record whose lookup it was, and the credits that it cost."""

    crm: str
    object: str
    id: str
    credits: int


async def payer(journal: Journal, question: str, at_ms: int) -> Payer | None:
    """Returns who asked a question that was answered at ``at_ms``, as far as the journal tells near that time."""
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
