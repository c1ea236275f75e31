"""Asks a CRM who edited the fields that a visit is about to fill, where the configuration locks them."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.models import Record
from worker.decide.lock import Locks, locks
from worker.decide.record import OurValue, View
from worker.visits.watch import Watch


async def locked(watch: Watch, record: Record, view: View, own: Mapping[str, OurValue]) -> Locks:
    """Finds the gaps that a person's edit closes. A CRM is asked only about records with a gap that can be locked.

    Raises:
        ConnectorError: the CRM could not be asked.
    """
    rules = (watch.policy.rule(name) for name in view.gaps)
    if not any(rule and rule.lock_ms for rule in rules):
        return Locks({})
    edits = await watch.edits.ask(record.id)
    return locks(record, view, watch.policy, own, edits, record.read_at, complete=watch.vendor.keeps_history)
