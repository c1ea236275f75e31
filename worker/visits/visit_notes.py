"""Holds the results of one visit of a record; its last step gives them to the ledger.

In mode ``review``, changes wait here for a person's approval. Values of ours that the CRM reports as bounced or wrong
are handled here, too: remembered, journalled, and reported to the provider.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from msgspec import Struct
from msgspec.structs import replace

from connectors.errors import ConnectorError
from connectors.limits import TicketSpentError
from connectors.models import Record
from connectors.ports import Provider, TakesFeedback
from worker.decide.decision import Decision, Next
from worker.decide.handles import Handle, of_value
from worker.decide.kept import OurValue, own_texts
from worker.decide.not_now import RetryAt, WaitForProvider
from worker.decide.odds import Bought, bounced_name
from worker.decide.reasons import Reason
from worker.decide.record import View, unclaimed
from worker.decide.undo import UNDO
from worker.decide.values.fields import normal, same_value, value_hash
from worker.ledger.journal.reviews import Proposal, Proposed, Stand
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Yields
from worker.ledger.money.creations import Claimed, CreationTicket, key_of
from worker.ledger.work.work import Lease, VisitProgress
from worker.visits.journal_entries import IntentEntry, change_entry, signal_entry
from worker.visits.outlook import KnownAnswers
from worker.visits.paid_call import CALL_MS
from worker.visits.payers import payer
from worker.visits.watch import Watch

PASSED_OVER, TOO_DEAR, DRIFTED = "passed_over.", "too_dear", "drifted"  # counted of a run: by provider, and records


@dataclass(slots=True)
class VisitNotes:
    """Collects a visit's results. ``paid`` are journal entries of lookups: written however the visit ends."""

    record: Record
    own: dict[str, OurValue]
    known: KnownAnswers = field(default_factory=KnownAnswers)
    paid: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)  # of changes whose end is known: written once their intents close
    filled: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, Reason] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    cut: bool = False  # the cap of the run keeps a question from being asked
    blocked: dict[str, WaitForProvider] = field(default_factory=dict)
    awaited: dict[str, RetryAt] = field(default_factory=dict)  # by provider: the entry of an uncertain lookup
    bought: list[Bought] = field(default_factory=list)
    needs: dict[str, int] = field(default_factory=dict)  # credits the next question costs, by blocked provider
    tally: dict[str, int] = field(default_factory=dict)
    is_partial: bool = False  # a plan lets some of the gaps be filled
    opened: frozenset[str] = frozenset()  # the gaps that alone are looked at: their property was closed before
    opens_at: int = 0  # when (ms) the first field opens that a person's edit locks

    @property
    def entries(self) -> list[str]:
        """Returns everything for the journal."""
        return [*self.paid, *self.ends]

    def progress(self, *, closes_intents: bool = True) -> VisitProgress:
        """Returns the part of the results that is kept if the visit goes on later."""
        return VisitProgress(self.entries, self.filled, () if closes_intents else None, own_texts(self.own))

    def of(self, field: str) -> OurValue:
        """Returns the memory of our value in a field."""
        return self.own.get(field, OurValue())

    def stands(self, written: IntentEntry) -> None:
        """Note our value in the CRM, or the restored value after an undo."""
        if written.rule == UNDO:
            self.own[written.field] = self.of(written.field).cleared()
            return
        self.own[written.field] = self.of(written.field).written(value_hash(written.field, written.after))
        if not written.is_undo():
            self.filled[written.field] = written.provider


def bought(step: Next, credits: int, view: View, decision: Decision, *, hit: bool) -> Bought:
    """Remembers a question until its result is known; ``decision`` is the one that asked it."""
    filled = {change.field for change in decision.changes}
    gaps = frozenset(name for name in view.gaps if name not in filled)
    finds = not (decision.identity.slug or decision.identity.ids)
    return Bought(step.offer, step.question.key, credits, gaps, hit, finds=finds)


log = structlog.get_logger(__name__)


class ChangeReview:
    """Stands between the changes of one watched object and their push. ``clock`` gives ms."""

    def __init__(self, watch: Watch, clock: Callable[[], int]) -> None:
        self._watch, self._clock = watch, clock
        self.is_on = watch.policy.mode == "review"

    async def decided(self, lease: Lease, notes: VisitNotes) -> Proposal | None:
        """Reads a person's decisions on earlier proposals; rejected ones are refused permanently."""
        if not self.is_on:
            return None
        proposal = await self._watch.reviews.get(lease.id)
        if proposal and proposal.stand is Stand.REJECTED:
            newly = (one for one in proposal.changes if not notes.own.get(one.field, OurValue()).rejected)
            notes.ends += [self._rejected(one, proposal) for one in newly]
            notes.own |= {one.field: replace(notes.of(one.field).cleared(), rejected=True) for one in proposal.changes}
        return proposal

    def _rejected(self, one: Proposed, proposal: Proposal) -> str:
        rule = self._watch.policy.rule(one.field)
        facts = (one.field, one.property, one.before, one.after, one.provider, one.grade)
        write = rule.write if rule else ""
        return change_entry(IntentEntry(*facts, "", 0, write, proposal.run, self._clock()), "rejected")

    async def approved(
        self, lease: Lease, notes: VisitNotes, decision: Decision, proposal: Proposal | None
    ) -> Decision:
        """Returns the decision with approved changes only; the others await a person's approval."""
        if not self.is_on:
            return decision
        approved: set[tuple[str, str]] = set()
        if proposal and proposal.stand is Stand.APPROVED:
            approved = {(one.field, one.after) for one in proposal.changes}
        cleared = tuple(one for one in decision.changes if (one.field, one.value) in approved)
        waiting = tuple(one for one in decision.changes if one not in cleared)
        if waiting:
            held = notes.record.values
            lines = [
                Proposed(
                    one.field, one.property, held.get(one.property) or "", one.value, one.provider, one.grade or ""
                )
                for one in waiting
            ]
            company = decision.identity.domain
            proposed = Proposal(lease.id, tuple(lines), lease.run, self._clock(), company=company)
            await self._watch.reviews.propose(proposed, proposal)
            notes.tally["proposed"] = len(waiting)
            log.info("visit.proposed", fields=len(waiting))
        return replace(decision, changes=cleared)


DELIVERING = "openprospect"
KEPT = 10  # bad values of one field; more than there are providers
KINDS: Mapping[str, tuple[str, str]] = {
    "work_email": ("work", "invalid"),
    "personal_email": ("personal", "invalid"),
    "phone": ("phone", "disconnected"),
    "mobile_phone": ("phone", "disconnected"),
}
"""Names the feedback to a provider, by field: the kind of value, and the verdict on it."""


class BadValues(Struct, frozen=True):
    """Marks bad values of one watched object's records. ``clock`` gives ms."""

    watch: Watch
    ledger: Ledger
    yields: Yields
    providers: Mapping[str, Provider]
    owner: str
    clock: Callable[[], int]

    async def mark(self, lease: Lease, notes: VisitNotes, view: View) -> View:
        """Adopt the CRM's reports of bad values on a record, and those of other records about the same values.

        Returns the view of the record after that. The visit's last step stores the memory and the journal entries.
        """
        view = await self._claimed(lease, notes, view)
        for name, word in view.news.items():
            own, value = notes.of(name), self._spelled(view, name)
            provider, question, credits = await self._origin(lease, name, value, view.countries)
            rule = self.watch.policy.rule(name)
            facts = {"field": name, "property": rule.property if rule else "", "after": value}
            notes.ends.append(signal_entry("bad_value", provider, question, facts, self.clock(), credits))
            notes.own[name] = replace(own, bad=(*own.bad, own.value_hash)[-KEPT:], reported=word)
            if provider:
                self.yields.note({bounced_name(provider, name): 1})
            if handle := of_value(name, value, view.countries):
                await self.ledger.bad.add([handle], self.clock())
            await self._tell(provider, name, value)
            log.info("value.bad", vendor=provider, field=name)
        if known := await self._known_elsewhere(notes, view):
            notes.own |= known
            return self.watch.view(notes.record, notes.own, view)
        return view

    def _spelled(self, view: View, name: str) -> str:
        """Returns the one spelling of a value, so that different spellings count as the same."""
        return normal(name, view.held[name], view.countries) or view.held[name]

    async def _claimed(self, lease: Lease, notes: VisitNotes, view: View) -> View:
        """Remember as ours a value of our delivery that the CRM calls bad."""
        ours: dict[str, OurValue] = {}
        names = unclaimed(notes.record, self.watch.policy, notes.own)
        for name in names:
            value = self._spelled(view, name)
            provider, *_ = await self._origin(lease, name, value, view.countries)
            if provider:
                ours[name] = notes.of(name).written(value_hash(name, value, view.countries))
        notes.own |= ours
        return self.watch.view(notes.record, notes.own, view) if ours else view

    async def _known_elsewhere(self, notes: VisitNotes, view: View) -> dict[str, OurValue]:
        """Returns the memory of values of ours that another record reports as bad."""
        held: dict[Handle, str] = {}
        for name in self.watch.policy.bad:
            own = notes.of(name)
            if name in view.held and name not in view.spoiled and own.value_hash:
                value = view.held[name]
                is_ours = value_hash(name, value, view.countries) == own.value_hash
                if is_ours and (handle := of_value(name, value, view.countries)):
                    held[handle] = name
        names = [held[one] for one in await self.ledger.bad.among(held.keys())]
        return {
            name: replace(own, bad=(*own.bad, own.value_hash)[-KEPT:]) for name in names for own in [notes.of(name)]
        }

    async def _origin(self, lease: Lease, name: str, value: str, countries: tuple[str, ...]) -> tuple[str, str, int]:
        """Returns the provider of a value, the question that brought it, and its cost.

        Blanks and 0 if the journal no longer has it, or if the value was a person's.
        """
        rule = self.watch.policy.rule(name)
        for entry in reversed(await self.ledger.journal.entries(lease.crm, lease.object, lease.id)):
            line = json.loads(entry.entry)
            if line.get("kind") == "created" and rule:
                brought = (line.get("values") or {}).get(rule.property) or ""
                if brought and same_value(name, brought, value, countries):
                    return DELIVERING, "", 0
            written = line.get("kind") == "change" and line.get("field") == name and line.get("state") == "confirmed"
            if written and line.get("provider") and same_value(name, line.get("after") or "", value, countries):
                question = str(line.get("question") or "")
                return str(line["provider"]), question, int(line.get("credits") or 0) or await self._price(question)
        return "", "", 0

    async def _price(self, question: str) -> int:
        """Returns the cost of an answer that another record had paid for, 0 if unknown."""
        kept = (await self.ledger.desk.find([question], None)).get(question) if question else None
        paid = await payer(self.ledger.journal, question, kept.at_ms) if kept else None
        return paid.credits if paid else 0

    async def _tell(self, provider: str, name: str, value: str) -> None:
        """Send feedback once per value and kind, whichever records hold it; lookups by hand share the claim."""
        client = self.providers.get(provider)
        if name not in KINDS or not isinstance(client, TakesFeedback):
            return
        kind, status = KINDS[name]
        key = key_of(kind, value, status, None)
        claim = await self.ledger.creations.claim(provider, "feedback", "", [key], self.owner, CALL_MS)
        if not isinstance(claim, Claimed):
            return
        try:
            await client.tell_bad(kind, value, CreationTicket(self.ledger.creations, claim))
        except (ConnectorError, TicketSpentError) as error:
            log.warning("feedback.untold", vendor=provider, field=name, error=type(error).__name__)
            return
        await self.ledger.creations.created(claim, "sent")
