"""Takes a person's word on what visits propose."""

from __future__ import annotations

from dataclasses import replace

from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import Proposal, Reviews, Stand
from worker.ledger.ledger import Ledger
from worker.visits.runs import new_run


async def decide_proposal(
    ledger: Ledger, name: WorkName, proposal: Proposal, stand: Stand, fields: frozenset[str] = frozenset()
) -> None:
    """Keep the word and have the record visited; other fields of it are proposed anew by that visit."""
    changes = tuple(one for one in proposal.changes if not fields or one.field in fields)
    await Reviews(ledger.scripts, *name).put(replace(proposal, changes=changes, stand=stand))
    await ledger.work(*name).replay(proposal.id, new_run("review"))
