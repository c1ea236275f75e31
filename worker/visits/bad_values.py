"""Takes in what the CRM says of values of ours that bounced or are wrong: remembers, journals, tells the provider."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from connectors.errors import ConnectorError
from connectors.limits import TicketSpentError
from connectors.ports import Provider, TakesFeedback
from worker.decide.odds import bounced_name
from worker.decide.record import View
from worker.decide.values.fields import same_value
from worker.ledger.journal.journal import Journal
from worker.ledger.money.creations import Claimed, Creations, CreationTicket, key_of
from worker.ledger.money.yields import Yields
from worker.ledger.work.work import Lease
from worker.visits.journal_entries import signal_entry
from worker.visits.paid_call import CALL_MS
from worker.visits.visit_notes import VisitNotes
from worker.visits.watch import Watch

KEPT = 10  # bad values of one field; more than there are providers
KINDS: Mapping[str, tuple[str, str]] = {
    "work_email": ("work", "invalid"),
    "personal_email": ("personal", "invalid"),
    "phone": ("phone", "disconnected"),
    "mobile_phone": ("phone", "disconnected"),
}
"""Names what a provider is told, by field: the kind of value, and the verdict on it."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BadValues:
    """Marks bad values of one watched object's records. ``clock`` gives ms."""

    watch: Watch
    journal: Journal
    creations: Creations
    yields: Yields
    providers: Mapping[str, Provider]
    owner: str
    clock: Callable[[], int]

    async def mark(self, lease: Lease, notes: VisitNotes, view: View) -> None:
        """Take in the CRM's news of a record; what is remembered and journalled is kept by the visit's last step."""
        for name, word in view.news.items():
            own, value = notes.of(name), view.held[name]
            provider, question = await self._origin(lease, name, value)
            rule = self.watch.policy.rule(name)
            facts = {"field": name, "property": rule.property if rule else "", "after": value}
            notes.ends.append(signal_entry("bad_value", provider, question, facts, self.clock()))
            notes.own[name] = replace(own, bad=(*own.bad, own.value_hash)[-KEPT:], told=word)
            if provider:
                self.yields.note({bounced_name(provider, name): 1})
            await self._tell(provider, name, value)
            log.info("value.bad", vendor=provider, field=name)

    async def _origin(self, lease: Lease, name: str, value: str) -> tuple[str, str]:
        """Returns the provider whose value it is, and the question that brought it; blanks where the journal forgot."""
        for entry in reversed(await self.journal.entries(lease.crm, lease.object, lease.id)):
            line = json.loads(entry.entry)
            written = line.get("kind") == "change" and line.get("field") == name and line.get("state") == "confirmed"
            if written and line.get("provider") and same_value(name, line.get("after") or "", value):
                return str(line["provider"]), str(line.get("question") or "")
        return "", ""

    async def _tell(self, provider: str, name: str, value: str) -> None:
        """Tell the provider once per value and kind, whichever records hold it; the same right as by hand."""
        client = self.providers.get(provider)
        if name not in KINDS or not isinstance(client, TakesFeedback):
            return
        kind, status = KINDS[name]
        key = key_of(kind, value, status, None)
        claim = await self.creations.claim(provider, "feedback", "", [key], self.owner, CALL_MS)
        if not isinstance(claim, Claimed):
            return
        try:
            await client.tell_bad(kind, value, CreationTicket(self.creations, claim))
        except (ConnectorError, TicketSpentError) as error:
            log.warning("feedback.untold", vendor=provider, field=name, error=type(error).__name__)
            return
        await self.creations.created(claim, "sent")
