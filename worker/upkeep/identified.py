"""Tells by kept answers whom a record is about: more than its row contains, without buying anything."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import AskedBy, Record
from worker.decide.handles import Handle, of_value
from worker.decide.knowledge import catalogue, finders
from worker.decide.values.fields import EMAIL_FIELDS
from worker.visits.outlook import Decider, KnownAnswers
from worker.visits.purchase import Lookups
from worker.visits.watch import Watch

_PERSONAL = {*EMAIL_FIELDS, "mobile_phone"}  # another number may be an office's


class Identified(Struct, frozen=True):
    """Holds the handles of the people found for a record, and the keys of the questions that find them by name."""

    handles: frozenset[Handle]
    questions: frozenset[str]


async def identified(watch: Watch, lookups: Lookups, record: Record) -> Identified:
    """Reads the data that a visit would accept for the record's person if it were blank.

    Raises:
        LedgerUnavailableError: Redis is away.
    """
    decider = Decider(watch, lookups)
    view = watch.view(record, {})
    view = replace(view, gaps=tuple(rule.field for rule in watch.policy.rules), skip=None)
    known = KnownAnswers()
    await decider.learn(view, known, None)
    decision = decider.decide(view, known)
    found = {of_value(one.field, one.value, view.countries) for one in decision.changes if one.field in _PERSONAL}
    if decision.identity.slug:
        found.add(Handle("slug", decision.identity.slug))
    asked = finders(catalogue(decider.watch.policy, decider.offers), view.identity, view.domains)
    named = frozenset(question.key for offer, question in asked if offer.asked_by is AskedBy.NAME)
    return Identified(frozenset(one for one in found if one), named)
