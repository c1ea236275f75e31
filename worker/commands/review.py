"""Implements ``review``: what visits propose in a crm whose mode is ``review``, and a person's word on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from worker.commands.names import chosen_works, known_record, known_work
from worker.commands.session import err, opened_ledger, out, print_json, settings_of
from worker.commands.tables import ago, table
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import WorkName
from worker.ledger.journal.reviews import Proposal, Reviews, Stand
from worker.ledger.ledger import Ledger
from worker.manual.exit_codes import DONE, FAILED
from worker.visits.runs import new_run


async def run_review_list(config: Path | None, crm: str | None, object: str | None, *, as_json: bool) -> int:
    """List every change that waits for a word, or for the visit that carries the word out."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        works = _records(chosen_works(settings, crm, object, await ledger.all_work.works()))
        found = [(name, one) for name in works for one in await Reviews(ledger.scripts, *name).all()]
        now = await ledger.scripts.now()
    if as_json:
        print_json([{"crm": crm_, "object": kind, **asdict(one)} for (crm_, kind), one in found])
        return DONE
    rows = [
        (*name, one.id, line.field.replace("_", " "), line.before or "(blank)", line.after, line.provider, stand, since)
        for name, one in found
        for stand, since in [(one.stand, ago(one.at, now))]
        for line in one.changes
    ]
    heads = ("crm", "object", "id", "field", "before", "after", "from", "stand", "since")
    out.print(table("Changes to review", heads, rows))
    return DONE


async def run_review_decide(
    config: Path | None, stand: Stand, crm: str, object: str, ids: Sequence[str], fields: Sequence[str]
) -> int:
    """Say ``stand`` of the proposals of ``ids``, of all of them when none is given, or only of some fields of them."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        name = known_work(settings, crm, object, await ledger.all_work.works())
        ids = [known_record(settings, crm, object, one) for one in ids]
        proposals = {one.id: one for one in await Reviews(ledger.scripts, *name).all()}
        unknown = [id_ for id_ in ids if id_ not in proposals]
        if unknown:
            err.say(f"nothing is proposed for {crm} {object} {', '.join(unknown)}: refill review list shows what is")
            return FAILED
        chosen = [proposals[id_] for id_ in ids] or list(proposals.values())
        decided = 0
        for proposal in chosen:
            decided += await _decide(ledger, name, proposal, stand, frozenset(fields))
    out.say(f"{decided} {'record' if decided == 1 else 'records'} {stand}; the next visit carries it out")
    return DONE


async def _decide(ledger: Ledger, name: WorkName, proposal: Proposal, stand: Stand, fields: frozenset[str]) -> bool:
    """Keep the word and have the record visited; other fields of it are proposed anew by that visit."""
    changes = tuple(one for one in proposal.changes if not fields or one.field in fields)
    if not changes:
        return False
    await Reviews(ledger.scripts, *name).put(replace(proposal, changes=changes, stand=stand))
    await ledger.work(*name).replay(proposal.id, new_run("review"))
    return True


def _records(works: Sequence[WorkName]) -> list[WorkName]:
    return [name for name in works if name[1] != DELIVERY]
