"""Decides for one record what its visit does: sees the gaps, reads the answers that are kept, asks the rules.

A visit acts on it and a plan shows it, so both decide alike. Nothing is bought or written here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from connectors.models import Answer, Offer, Record
from worker.decide import kept
from worker.decide.decision import Change, Decision
from worker.decide.handles import Handle, of_decision, of_identity, of_value
from worker.decide.kept import OurValue
from worker.decide.order import explores, exploring, learned
from worker.decide.plan import candidates, decide
from worker.decide.policy import Policy
from worker.decide.reasons import Reason
from worker.decide.record import Locks, View, locks
from worker.decide.values.fields import value_hash
from worker.decide.waterfall import Supply
from worker.ledger.money.answers import Ref
from worker.ledger.money.handle_lists import BadList
from worker.ledger.work.memory import Memory
from worker.visits.purchase import Lookups
from worker.visits.watch import Watch


@dataclass(slots=True)
class KnownAnswers:
    """Holds the answers about a record by question key.

    ``missed`` are questions that count as misses, ``closed`` providers that cannot be asked, with the reason.
    ``looked_up`` are the offered values that the list of bad ones was asked about, ``bad`` the hashes by field of those
    that are on it.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    missed: set[str] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    looked_up: set[Handle] = field(default_factory=set)
    bad: dict[str, set[str]] = field(default_factory=dict)

    def without_bad(self, view: View) -> View:
        """Returns the view with the values known to be bad on any record."""
        if not self.bad:
            return view
        return replace(
            view, bad={**view.bad, **{name: view.bad.get(name, frozenset()) | self.bad[name] for name in self.bad}}
        )


class Outlook(Struct, frozen=True):
    """Shows a record before anything is asked. ``view`` has no gap that a person's edit locks.

    ``paid`` are the values that were paid for and that the CRM refused: they are written without a question.
    ``unfit`` wait for an option of their property. ``open`` is the view without the gaps that both of these close.
    ``locks`` open on the vendor's clock.
    """

    view: View
    open: View
    paid: tuple[Change, ...]
    locks: Locks
    unfit: frozenset[str] = frozenset()

    def only(self, fields: Collection[str]) -> View:
        """Returns ``open`` with only those of its gaps that are among ``fields``."""
        return _without(self.open, frozenset(self.open.gaps).difference(fields))


def _without(view: View, fields: frozenset[str]) -> View:
    """Returns the view without those of its gaps that are among ``fields``; usually itself, as none is."""
    return replace(view, gaps=tuple(name for name in view.gaps if name not in fields)) if fields else view


_NEWS = 0.05  # more questions than when the order was learned; it takes a moment to reckon


def tells_nothing_new(watch: Watch, view: View, memory: Memory | None, now_ms: int) -> bool:
    """Tells whether a record is as its last visit left it, and it is not time to look again."""
    return memory is not None and memory.knows(watch.mark(view), now_ms)


async def spared(decide: Callable[[View], Decision], view: View, known: KnownAnswers, bad: BadList) -> Decision:
    """Decides until no value in the decision is one that a CRM has called bad; notes these in ``known``."""
    while True:
        decision = decide(known.without_bad(view))
        offered = handled(decision.changes, view)
        new = offered.keys() - known.looked_up
        known.looked_up |= new
        found = await bad.among(new)
        if not found:
            return decision
        for handle in found:
            for one in offered[handle]:
                known.bad.setdefault(one.field, set()).add(value_hash(one.field, one.value, view.countries))


def handled(changes: Iterable[Change], view: View) -> dict[Handle, list[Change]]:
    """Returns the addresses and numbers among changes, each with the changes that would write it."""
    found: dict[Handle, list[Change]] = {}
    for one in changes:
        if handle := of_value(one.field, one.value, view.countries):
            found.setdefault(handle, []).append(one)
    return found


def offers_of(lookups: Lookups, policy: Policy) -> tuple[Offer, ...]:
    """Returns the operations that a policy lets be asked."""
    return lookups.offers_of(policy.providers)


async def read_kept(lookups: Lookups, view: View, policy: Policy, known: KnownAnswers, ref: Ref | None = None) -> None:
    """Reads every kept answer about the record; noted as asked for ``ref`` if one is given.

    Raises:
        LedgerUnavailableError: Redis is away.
    """
    offers = offers_of(lookups, policy)
    await lookups.renew_odds()
    while questions := candidates(view, policy, offers, known.answers, known.missed):
        found = await lookups.kept(questions, ref)
        if found.keys() <= known.answers.keys():
            return
        known.answers |= found


class Decider:
    """Decides about the records of one watched object."""

    def __init__(self, watch: Watch, lookups: Lookups) -> None:
        self.watch, self._lookups = watch, lookups
        self._learned: tuple[int, Policy] | None = None

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Returns the operations that may be asked about these records."""
        return offers_of(self._lookups, self.watch.policy)

    def policy(self, view: View) -> Policy:
        """Returns the policy by which a record's providers are asked; of the few that explore another than usual."""
        policy = self.watch.policy
        return exploring(policy) if policy.learned and explores(view.identity) else self.usual_policy()

    def usual_policy(self) -> Policy:
        """Returns the policy as it is, or in the order that was learned."""
        policy, odds = self.watch.policy, self._lookups.odds
        if not policy.learned:
            return policy
        seen = sum(one.asked for one in odds.seen.values())
        if self._learned is None or abs(seen - self._learned[0]) > _NEWS * self._learned[0]:
            self._learned = (seen, learned(policy, self.offers, odds))
        return self._learned[1]

    async def outlook(self, record: Record, view: View, own: Mapping[str, OurValue]) -> Outlook:
        """Returns what is open on a record that is not skipped.

        Raises:
            ConnectorError: the CRM could not be asked who edited the record.
        """
        locks = await _locked(self.watch, record, view, own)
        view = locks.on(view)
        held = {name: one.kept for name, one in own.items() if one.kept}
        paid = kept.changes(held, view.gaps, view.identity, self.watch.policy)
        paid = tuple(one for one in paid if self.watch.takes(one.property))  # closed: decided to be left, and kept on
        unfit = frozenset(one.field for one in paid if self.watch.fitted(one) is None)
        paid = tuple(fitted for one in paid if (fitted := self.watch.fitted(one)))
        offered = handled(paid, view)
        bad = [one for handle in await self._lookups.ledger.bad.among(offered.keys()) for one in offered[handle]]
        paid = tuple(one for one in paid if one not in bad)
        filled = unfit.union(one.field for one in paid)  # nothing is asked for a field whose paid value was refused
        return Outlook(view, _without(view, filled), paid, locks, unfit)

    async def learn(self, view: View, known: KnownAnswers, ref: Ref | None) -> None:
        """Read every kept answer about the record; noted as asked for ``ref`` if one is given.

        Raises:
            LedgerUnavailableError: Redis is away.
        """
        await read_kept(self._lookups, view, self.watch.policy, known, ref)

    def decide(self, view: View, known: KnownAnswers, blocked: AbstractSet[str] = frozenset()) -> Decision:
        """Decides by the known answers; ``blocked`` providers have no capacity now."""
        supply = Supply(self.offers, known.closed, blocked, self._lookups.odds)
        policy, schema = self.policy(view), self.watch.schema
        return decide(view, policy, supply, known.answers, missed=known.missed, schema=schema)

    async def decided(self, view: View, known: KnownAnswers, blocked: AbstractSet[str] = frozenset()) -> Decision:
        """Decides as ``decide`` does, and takes no value that a CRM has called bad, on any record.

        Raises:
            LedgerUnavailableError: Redis is away.
        """
        return await spared(lambda seen: self.decide(seen, known, blocked), view, known, self._lookups.ledger.bad)

    async def unsuppressed(self, decision: Decision, view: View) -> Decision:
        """Returns the decision, without its changes if the person found is on the suppression list."""
        if not decision.changes and decision.identity == view.identity:
            return decision
        if not any(await self.watch.suppressed([lambda: of_decision(decision) - of_identity(view.identity)])):
            return decision
        return replace(decision, changes=(), blocked={}, unfilled=dict.fromkeys(view.blank, Reason.SUPPRESSED))


async def _locked(watch: Watch, record: Record, view: View, own: Mapping[str, OurValue]) -> Locks:
    """Finds the gaps that a person's edit closes. A CRM is asked only about records with a gap that can be locked.

    Raises:
        ConnectorError: the CRM could not be asked.
    """
    rules = (watch.policy.rule(name) for name in view.gaps)
    if not any(rule and rule.lock_ms for rule in rules):
        return Locks({})
    edits = await watch.edits.ask(record.id)
    return locks(record, view, watch.policy, own, edits, record.read_at, complete=watch.vendor.keeps_history)
