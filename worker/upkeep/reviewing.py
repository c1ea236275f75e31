"""Takes a person's word on what visits propose."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import Proposal, Reviews, Stand
from worker.ledger.ledger import Ledger
from worker.ledger.run import Run, RunKind


def of_part(proposal: Proposal, fields: Collection[str] = (), providers: Collection[str] = ()) -> Proposal:
    """Returns the proposal with only those of its changes that are of these fields and from these providers."""
    changes = (
        one
        for one in proposal.changes
        if (not fields or one.field in fields) and (not providers or one.provider in providers)
    )
    return replace(proposal, changes=tuple(changes))


async def decide_proposal(ledger: Ledger, name: WorkName, proposal: Proposal, stand: Stand) -> None:
    """Keep the decision on the proposal's changes and have the record visited; its other changes are proposed again."""
    await Reviews(ledger.scripts, *name).put(replace(proposal, stand=stand))
    await ledger.work(*name).replay(proposal.id, Run.new(RunKind.REVIEW).name)
