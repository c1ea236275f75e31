"""Tells the story of one record: from the ledger alone, and from one read of it when its crm answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import to_builtins
from msgspec.structs import asdict

from connectors.errors import ConnectorError
from connectors.models import Fate
from connectors.replies import request_id
from worker.decide.kept import OurValue, own_values
from worker.decide.leftovers import unpack_leftovers
from worker.decide.order import explores
from worker.decide.policy import Policy
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.journal import Entry, order
from worker.ledger.journal.reviews import Proposal, Reviews
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import AskedQuestion
from worker.ledger.rates.pauses import Pause
from worker.ledger.work.memory import Memory
from worker.ledger.work.record_state import Place, place, same_person
from worker.reports.story import RecordFacts, StoryEvent, story
from worker.service.opening import open_crm
from worker.service.runtime import Runtime
from worker.visits.outlook import Decider, KnownAnswers, Outlook
from worker.visits.payers import payer
from worker.visits.watch import ours

READ_S = 20.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """Holds the facts about a record. ``questions`` and ``changes`` are oldest first; times are in ms."""

    now_ms: int
    place: Place | None
    memory: Memory | None
    questions: Sequence[Mapping[str, Any]]
    changes: Sequence[Mapping[str, Any]] = field(repr=False)
    pauses: Sequence[Pause] = ()
    proposal: Proposal | None = None

    @property
    def is_known(self) -> bool:
        """Says whether anything is kept of the record."""
        return bool(self.place or self.memory or self.questions or self.changes)

    def story(self, seen: Mapping[str, Any] | None = None) -> list[StoryEvent]:
        """Returns the record's story; ``seen`` is the result of one read of it."""
        kept = (self.place, self.memory, self.questions, self.changes, self.pauses, self.proposal)
        return story(RecordFacts(self.now_ms, *kept, seen))

    def as_json(self) -> dict[str, Any]:
        state = "settled" if self.memory else "unknown"
        memory = self.memory
        return {
            "place": to_builtins(self.place) if self.place else {"state": state},
            "remembered": None
            if memory is None
            else {
                "fingerprint": memory.fingerprint,
                "changed_at": memory.stamp,
                "read_at": memory.read_at,
                "look_at": memory.look_at or None,
                "refused": [name for name, own in own_values(memory.own).items() if own.refused],
                "rejected": [name for name, own in own_values(memory.own).items() if own.rejected],
                "ours": [name for name, own in own_values(memory.own).items() if own.value_hash],
                "unfilled": {name: why for name, why in unpack_leftovers(memory.left).items() if name},
            },
            "questions": list(self.questions),
            "changes": list(self.changes),
            "paused": [{"target": one.target, "reason": one.reason, "why": one.why} for one in self.pauses],
        }


async def explain(ledger: Ledger, crm: str, object: str, id: str) -> Explanation:
    """Returns the ledger's facts; changes nothing."""
    where, memories, asked, same, pauses, now = await asyncio.gather(
        place(ledger.scripts, crm, object, id),
        ledger.work(crm, object).memory([id]),
        ledger.desk.questions_of((crm, object, id)),
        same_person(ledger.scripts, (crm, object, id)),
        ledger.pauses.all(),
        ledger.scripts.now(),
    )
    entries = await asyncio.gather(*(ledger.journal.entries(*one) for one in same))
    lines = [
        _line(entry)
        for entry in sorted({one.key: one for page in entries for one in page}.values(), key=lambda one: order(one.key))
    ]
    concerned = {crm, *(where.providers if where else ())}
    questions = _questions(asked, [line for line in lines if line["kind"] == "lookup"])
    return Explanation(
        now_ms=now,
        place=where,
        memory=memories.get(id),
        questions=await asyncio.gather(*(_with_payer(ledger, one) for one in questions)),
        changes=[line for line in lines if line["kind"] != "lookup"],
        pauses=[one for one in pauses if one.target.partition(":")[0] in concerned],
        proposal=await Reviews(ledger.scripts, crm, object).get(id),
    )


async def _with_payer(ledger: Ledger, question: dict[str, Any]) -> dict[str, Any]:
    """Adds the record that paid for a shared answer, if the journal near its time shows it."""
    at, key = question.get("at") or 0, question["question"]
    if question["run"] or not at or not key:
        return question
    paid = await payer(ledger.journal, key, at)
    return question | {"paid_by": f"{paid.crm} {paid.object} {paid.id}"} if paid else question


def _line(entry: Entry) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(entry.entry)
    by = {"delivery": entry.id} if entry.object == DELIVERY else {}
    return {"kind": "change", "at": entry.at_ms, "run": entry.run} | by | fields


def _questions(asked: Sequence[AskedQuestion], lookups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lists the answers paid for this record, then those that another record had paid for before."""
    found: dict[str, dict[str, Any]] = {}
    for line in lookups:
        names = ("question", "provider", "operation", "outcome", "credits", "at", "run")
        key = line["question"] or f"erased {len(found)}"  # each keeps its price
        found[key] = {name: line.get(name) for name in names} | {"kept_until": None, "request": None, "ticket": None}
    for one in asked:
        known = found.setdefault(
            one.key, {"question": one.key, "credits": 0, "run": None, "request": None, "ticket": None}
        )
        if one.kept is not None:
            known.setdefault("provider", one.kept.provider)
            known.setdefault("operation", one.kept.operation)
            known.setdefault("outcome", "hit" if one.kept.hit else "miss")
            known.setdefault("at", one.kept.at_ms)
            known["request"] = request_id(one.kept.reply) or None
            known["kept_until"] = one.kept.expires_ms or None
        elif one.state:
            known["outcome"] = one.state
            known["ticket"] = one.ticket_id
    return sorted(found.values(), key=lambda one: one.get("at") or 0)


# ---- one read ----------------------------------------------------------------------------------------------------


async def seen(runtime: Runtime, crm: str, object: str, id: str, uncertain: frozenset[str]) -> dict[str, Any]:
    """Shows what a visit would see and do now, from one read and the kept answers; asks for nothing paid.

    ``uncertain`` are questions that will never be answered. If the crm cannot be read, ``unread`` says why.
    """
    try:
        async with asyncio.timeout(READ_S):
            await open_crm(runtime, crm)
            watch = runtime.watches[crm, object]
            found = (await watch.vendor.read(watch.watched, [id]))[id]
            if found.fate is not Fate.FOUND or found.record is None:
                return {"fate": str(found.fate), "moved_to": found.moved_to or None}
            (record,) = await watch.complete([found.record])
            memory = (await watch.work.memory([id])).get(id)
            own = ours(memory)
            decider = Decider(watch, runtime.lookups)
            outlook = await decider.outlook(record, watch.view(record, own), own)
    except TimeoutError:
        return {"unread": f"{crm} does not answer"}
    except ConnectorError as error:
        return {"unread": error.hint or f"{crm} cannot be read ({type(error).__name__}): run refill check"}
    return {"fate": str(found.fate)} | await _view(decider, outlook, own, uncertain)


def _order_sentence(policy: Policy, *, explored: bool) -> str:
    """Says in what order providers are asked: ``given``, ``learned``, or ``explored`` by the few that keep it true."""
    if not policy.learned:
        return "given"
    return "explored" if explored else "learned"


async def _view(
    decider: Decider, outlook: Outlook, own: Mapping[str, OurValue], uncertain: frozenset[str]
) -> dict[str, Any]:
    view, held = outlook.open, {one.field: own[one.field].kept for one in outlook.paid}
    known = KnownAnswers(missed=set(uncertain))
    await decider.learn(view, known, None)
    policy, decision = decider.policy(view), await decider.decided(view, known)
    identity = asdict(decision.identity)
    skip = str(view.skip) if view.skip else None
    return {
        "skipped": skip,
        "order": _order_sentence(policy, explored=policy.learned and explores(view.identity)),
        "known_by": [name for name, value in identity.items() if value],
        "gaps": [*view.gaps, *held],
        "refused_by_crm": {name: one.cause for name, one in held.items() if one},
        "closed": {name: str(reason) for name, reason in view.closed.items()},
        "unfilled": {name: str(reason) for name, reason in decision.unfilled.items()},
        "would_ask": []
        if skip
        else [
            {
                "provider": one.question.provider,
                "operation": one.question.operation,
                "credits": one.question.price,
                "for": list(one.fields),
            }
            for one in decision.questions
        ],
        "would_write": []
        if skip
        else [{"field": one.field, "property": one.property, "provider": one.provider} for one in decision.changes],
    }
