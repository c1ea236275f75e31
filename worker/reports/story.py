"""Tells the story of one record as a list of events: what happened to it, how it stands, what comes next. Pure.

The terminal, ``explain --json`` and the record's page show the same events.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.decide.kept import own_values
from worker.decide.leftovers import RECORD, unpack_leftovers
from worker.decide.undo import UNDO
from worker.ledger.journal.reviews import Proposal, Stand
from worker.ledger.rates.pauses import Pause
from worker.ledger.work.memory import Memory
from worker.ledger.work.record_state import Place
from worker.reports.story_words import (
    BLANK,
    FINDERS,
    HELD,
    LEFT_ALONE,
    field_word,
    listed,
    note_word,
    operation_word,
    price_word,
    property_word,
    provider_word,
    run_word,
)


class EventKind(StrEnum):
    """Names the kinds of events. Those from ``blank`` on describe the present state, in this order."""

    LOOKED_AT = "looked_at"
    LOOKUP = "lookup"
    IDENTITY = "identity"
    WRITTEN = "written"
    REFUSED = "refused"
    SIGNAL = "signal"
    WORD = "word"
    BLANK = "blank"
    WAITING = "waiting"
    NEXT = "next"


_ORDERS = {
    "learned": "Its providers are asked in the order that was learned (refill advise).",
    "explored": "Its providers are asked in another order than the learned one: one person in 20 is, to keep learning.",
}
_NOW = (EventKind.IDENTITY, EventKind.REFUSED, EventKind.BLANK, EventKind.WAITING, EventKind.NEXT)


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """Tells one event. ``text`` is the sentence for people; the rest is what it says, for scripts.

    ``at`` is in ms, 0 of what holds now; ``until`` is when that ends (ms, 0 = nothing says). ``credits`` is what a
    lookup cost for this record, ``None`` of everything else. ``paid_by`` is ``crm object id`` of the record that paid
    for a shared answer, ``request`` the vendor's own id of the call, of a lookup while its answer is kept.
    """

    kind: EventKind
    text: str = dataclasses.field(repr=False)
    at: int = 0
    field: str = ""
    before: str = dataclasses.field(default="", repr=False)
    after: str = dataclasses.field(default="", repr=False)
    provider: str = ""
    credits: int | None = None
    paid_by: str = ""
    request: str = ""
    run: str = ""
    until: int = 0


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """Holds the sources of a story.

    ``questions`` and ``changes`` are the ledger's lines, oldest first, as ``explain --json`` has them; ``seen`` is
    the result of one read of the record, ``None`` if it was not read.
    """

    now: int
    place: Place | None = None
    memory: Memory | None = None
    questions: Sequence[Mapping[str, Any]] = ()
    changes: Sequence[Mapping[str, Any]] = dataclasses.field(default=(), repr=False)
    pauses: Sequence[Pause] = ()
    proposal: Proposal | None = None
    seen: Mapping[str, Any] | None = None


def story(facts: RecordFacts) -> list[StoryEvent]:
    """Returns the past events, oldest first, then the present state and the next step."""
    past = [*_lookups(facts.questions), *(event for line in _joined(facts.changes) for event in _change(line))]
    past.sort(key=lambda one: one.at)
    shown: list[StoryEvent] = []
    runs: set[str] = set()
    for event in past:
        if event.run and event.run not in runs:
            runs.add(event.run)
            words = f"Looked at because of {run_word(event.run)}."
            shown.append(StoryEvent(EventKind.LOOKED_AT, words, event.at, run=event.run))
        shown.append(event)
    now = [*_identity(facts), *_remembered(facts), *_blanks(facts), *_place(facts), *_next(facts)]
    return shown + sorted(now, key=lambda one: _NOW.index(one.kind))


def _joined(changes: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yields the lines, those about values that were there already as one for each moment: a delivery has many."""
    seen: dict[tuple[Any, Any], list[str]] = {}
    for line in changes:
        if line.get("state") == "seen":
            name = line.get("field") or line.get("property") or ""
            seen.setdefault((line.get("at"), line.get("run")), []).append(name)
    for line in changes:
        if line.get("state") != "seen":
            yield line
        elif fields := seen.pop((line.get("at"), line.get("run")), None):
            yield {**line, "field": ",".join(fields), "before": "", "after": ""}


# ---- what happened -----------------------------------------------------------------------------------------------


def _lookups(questions: Sequence[Mapping[str, Any]]) -> Iterator[StoryEvent]:
    for one in questions:
        at, run, provider = one.get("at") or 0, one.get("run") or "", one.get("provider") or ""
        operation, outcome, credits = one.get("operation") or "", one.get("outcome") or "", one.get("credits") or 0
        payer, request = one.get("paid_by") or "", one.get("request") or ""
        what = f"Asked {provider_word(provider)} for {operation_word(operation)}" if operation else "A lookup was sent"
        end = _lookup_end(outcome, credits)
        if operation and not one.get("run"):
            whose = f"another record ({payer})" if payer else "another lookup"
            end = f"{end.partition(',')[0]}; {whose} paid for the answer, so it cost nothing here"
        yield StoryEvent(
            EventKind.LOOKUP,
            f"{what}: {end}.",
            at,
            provider=provider,
            credits=credits,
            paid_by=payer,
            request=request,
            run=run,
        )
        if outcome == "hit" and operation in FINDERS:
            words = f"{provider_word(provider)} knew somebody by the record's {FINDERS[operation]}."
            yield StoryEvent(EventKind.IDENTITY, words, at, provider=provider, run=run)


def _lookup_end(outcome: str, credits: int) -> str:
    match outcome:
        case "hit":
            return f"found, {price_word(credits)}"
        case "miss":
            return f"nothing found, {price_word(credits)}"
        case "refused":
            return f"refused, {price_word(credits)}"
        case "uncertain" | "resolved":
            return "no clear answer came back; its price stays booked until the provider's books tell, or you do"
        case "reserved" | "sent":
            return "under way"
        case other:
            return f"{other or 'no outcome is kept'}, {price_word(credits)}"


def _change(line: Mapping[str, Any]) -> Iterator[StoryEvent]:
    kind, at, run = line.get("kind"), line.get("at") or 0, line.get("run") or ""
    delivered = line.get("delivery") or line.get("external_id")
    provider = line.get("provider") or ("openprospect" if delivered else "")
    if kind == "signal":
        yield StoryEvent(EventKind.SIGNAL, _signal(line), at, provider=provider, run=run)
        return
    if kind == "word":
        words = f"{str(line.get('state')).capitalize()} by a person: {line.get('cause') or 'nobody says who'}."
        yield StoryEvent(EventKind.WORD, words, at, run=run)
        return
    if kind == "created":
        who = f" ({line['external_id']})" if line.get("external_id") else ""
        yield StoryEvent(
            EventKind.WRITTEN, f"Made by an OpenProspect delivery{who}.", at, provider="openprospect", run=run
        )
        for name, value in (line.get("values") or {}).items():
            words = f"Made with {property_word(name)}."
            yield StoryEvent(EventKind.WRITTEN, words, at, name, after=value, provider="openprospect", run=run)
        return
    if kind == "linked":
        words = f"Linked to company {line.get('company_id') or '(erased)'} by an OpenProspect delivery."
        yield StoryEvent(EventKind.WRITTEN, words, at, provider="openprospect", run=run)
        return
    name = line.get("field") or line.get("property") or ""
    state = line.get("state") or str(kind)
    done = state == "confirmed"
    yield StoryEvent(
        EventKind.WRITTEN if done else EventKind.REFUSED,
        _written(line, name, provider) if done else _not_written(line, name, state),
        at,
        name,
        line.get("before") or "",
        line.get("after") or "",
        provider,
        request=line.get("request") or "",
        run=run,
    )


def _written(line: Mapping[str, Any], name: str, provider: str) -> str:
    what = field_word(name)
    match line.get("rule"):
        case "undo":
            return f"Took our {what} back."
        case "redo":
            return f"Wrote the {what} again that an undo had taken back."
    whom = f" from {provider_word(provider)}" if provider else ""
    way = " (delivered)" if line.get("delivery") else ""
    return f"Wrote the {what}{whom}{way}."


def _not_written(line: Mapping[str, Any], name: str, state: str) -> str:
    what, cause = listed(name.split(",")), line.get("cause") or ""
    match state:
        case "refused":
            return f"The CRM refused the {what}{f': {cause}' if cause else ''}."
        case "rejected":
            return f"A person rejected the {what} in review."
        case "overtaken":
            return f"Left the {what} alone: somebody was faster."
        case "seen":
            return f"Left the {what} alone: the same {'values were' if ',' in name else 'value was'} there."
        case "unsent":
            return f"The {what} did not reach the CRM, so it was decided again."
        case "gone":
            return f"The {what} could not be written: the record is gone."
        case "drifted":
            return f"Did not take the {what} back: another value stands there now."
        case "confirmed_by_other":
            return f"Did not take the {what} back: somebody else has written the same value since."
        case "already":
            return f"Nothing to take back of the {what}: what was there before is there."
        case "bad":
            return f"Did not take the {what} back: what was there before has bounced, or was reported wrong."
        case "closed":
            return f"Did not take the {what} back: the person opted out or is suppressed."
        case other:
            return f"The {what} was not written: {cause or other.replace('_', ' ')}."


def _signal(line: Mapping[str, Any]) -> str:
    who = line.get("external_id") or "(erased)"
    match line.get("signal"):
        case "wrong_person":
            return f"Worth a look: the record belongs to somebody else than prospect {who}, so nothing was brought in."
        case "job_change":
            where = line.get("employer") or line.get("employer_domain") or "(erased)"
            return f"Worth a look: the person works at {where} now, says {provider_word(line.get('provider') or '')}."
        case "bad_value":
            what = field_word(str(line.get("field") or ""))
            whom = provider_word(str(line.get("provider") or ""))
            return f"The {what} from {whom} bounced or was reported wrong: it is never written again."
        case "drifted":
            return "Left alone by the run of a plan: it had changed since the plan was made."
        case "incomplete":
            return f"Prospect {who} was delivered without a last name, which no CRM takes."
        case "kept_back":
            return f"Worth a look: the CRM did not take what was delivered of {who}: {line.get('cause') or 'no word'}."
        case other:
            return f"Worth a look: {str(other).replace('_', ' ')}."


# ---- the present state -------------------------------------------------------------------------------------------


def _identity(facts: RecordFacts) -> Iterator[StoryEvent]:
    seen = facts.seen
    if seen is None:
        return
    if "unread" in seen:
        yield StoryEvent(EventKind.IDENTITY, f"Not read just now: {seen['unread']}.")
    elif seen.get("fate") != "found":
        moved = f", merged into {seen['moved_to']}" if seen.get("moved_to") else ""
        yield StoryEvent(EventKind.IDENTITY, f"In the CRM it is {seen.get('fate')}{moved}.")
    else:
        names = list(seen["known_by"])
        by = f"The person is known by {listed(names)}." if names else "Nothing on the record finds a person."
        yield StoryEvent(EventKind.IDENTITY, by)


def _remembered(facts: RecordFacts) -> Iterator[StoryEvent]:
    if facts.memory is None:
        return
    undone = {one.get("field") for one in facts.changes if (one.get("rule"), one.get("state")) == (UNDO, "confirmed")}
    for name, own in own_values(facts.memory.own).items():
        what = field_word(name)
        if own.rejected:
            words = f"The {what} was rejected in review; refill replay opens it again."
        elif own.refused and name in undone:
            words = f"An undo took our {what} back, so it is left alone; refill replay opens it again."
        elif own.refused:
            words = f"A person cleared our {what}, so it is left blank; refill replay opens it again."
        elif own.kept:
            words = f"The CRM refuses the {what}: {own.kept.cause}. It is kept and tried again with the next change."
        else:
            continue
        yield StoryEvent(EventKind.REFUSED, words, field=name, provider=own.kept.provider if own.kept else "")


def _blanks(facts: RecordFacts) -> Iterator[StoryEvent]:
    """Tells why the rest stays blank: by the present read, else by the last visit's notes."""
    seen = facts.seen
    left = unpack_leftovers(facts.memory.left) if facts.memory else {}
    if seen is not None and seen.get("fate") == "found":
        left = {**({RECORD: seen["skipped"]} if seen["skipped"] else {}), **seen["closed"], **seen["unfilled"]}
    if RECORD in left:
        why = left[RECORD]
        yield StoryEvent(EventKind.BLANK, f"Left alone as a whole: {LEFT_ALONE.get(why, why)}.")
        left = {name: one for name, one in left.items() if name != RECORD and one != why}
    refused = {name for name, own in own_values(facts.memory.own).items() if own.refused} if facts.memory else set()
    reasons: dict[str, list[str]] = {}
    for name, why in left.items():
        if name not in refused:
            reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        stay, how = "stay" if names[1:] else "stays", "as it is" if why in HELD else "blank"
        how = "as they are" if names[1:] and why in HELD else how
        words = f"{listed(names)} {stay} {how}: {BLANK.get(why, why.replace('_', ' '))}."
        yield StoryEvent(EventKind.BLANK, words[:1].upper() + words[1:], field=",".join(names))


def _place(facts: RecordFacts) -> Iterator[StoryEvent]:
    if facts.proposal is not None and facts.proposal.stand is Stand.PROPOSED:
        for one in facts.proposal.changes:
            words = f"The {field_word(one.field)} from {provider_word(one.provider)} waits for a person's word"
            yield StoryEvent(
                EventKind.WAITING,
                f"{words} (refill review).",
                field=one.field,
                before=one.before,
                after=one.after,
                provider=one.provider,
                run=facts.proposal.run,
            )
    for pause in facts.pauses:
        words = f"{provider_word(pause.target)} is paused: {note_word(pause.why or pause.reason)}."
        yield StoryEvent(EventKind.WAITING, words, provider=pause.target, until=pause.until_ms)
    if facts.place is not None:
        yield StoryEvent(
            EventKind.WAITING if facts.place.state in {"waiting", "dead"} else EventKind.NEXT,
            _standing(facts.place, facts.now),
            provider=",".join(facts.place.providers),
            run=facts.place.run,
            until=facts.place.until_ms or (facts.place.at_ms if facts.place.state == "due" else 0),
        )


def _standing(place: Place, now: int) -> str:
    why = note_word(place.note)
    because = f": {why}" if why else ""
    tries = f" It failed {place.attempts} times." if place.attempts > 1 else " It failed once." * place.attempts
    tries += f" It crashed its process {place.crashes} times." if place.crashes else ""
    tries += " What became of its last write is looked up first." if place.intents else ""
    asked = f", because of {run_word(place.run)}" if place.run else ""
    match place.state:
        case "due" if place.at_ms > now:
            return f"Put off{because}.{tries}"
        case "due":
            return f"Next in line to be looked at{asked}.{tries}"
        case "leased":
            return f"Being looked at right now{asked}.{tries}"
        case "waiting" if place.providers:
            whom = " and ".join(provider_word(one) for one in place.providers)
            return f"Waits for {whom}{because}.{tries}"
        case "waiting":
            return f"Waits for a run that may spend more{because}.{tries}"
        case _:
            return f"Given up as a dead letter{because}.{tries} Look at it, then run refill dead replay."


def _next(facts: RecordFacts) -> Iterator[StoryEvent]:
    seen = facts.seen
    if words := _ORDERS.get((seen or {}).get("order", "")):
        yield StoryEvent(EventKind.NEXT, words)
    for one in (seen or {}).get("would_ask", ()):
        words = f"Would ask {provider_word(one['provider'])} for {operation_word(one['operation'])}"
        price = f"at most {price_word(one['credits'])}"
        yield StoryEvent(
            EventKind.NEXT,
            f"{words}, {price}, to fill {listed(list(one['for']))}.",
            provider=one["provider"],
            field=",".join(one["for"]),
        )
    for one in (seen or {}).get("would_write", ()):
        words = f"Would write the {field_word(one['field'])} from {provider_word(one['provider'])}."
        yield StoryEvent(EventKind.NEXT, words, field=one["field"], provider=one["provider"])
    is_left = seen is not None and "unread" not in seen and seen.get("fate") != "found"
    if facts.place is not None or is_left:
        return
    if facts.memory is not None and facts.memory.look_at:
        words = "Looked at again at its time, or as soon as it changes."
        yield StoryEvent(EventKind.NEXT, words, until=facts.memory.look_at)
    elif facts.memory is not None or facts.questions or facts.changes:
        yield StoryEvent(EventKind.NEXT, "Nothing is planned: it is looked at again when it changes.")
    else:
        yield StoryEvent(EventKind.NEXT, "Nobody has looked at it yet, or nothing is remembered of it.")
