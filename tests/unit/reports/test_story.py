"""Tells the story of a record from what the ledger holds of it: one situation each, with its sentences."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from msgspec.structs import replace

from worker.decide.leftovers import pack_leftovers, unpack_leftovers
from worker.ledger.journal.reviews import Proposal, Proposed
from worker.ledger.rates.pauses import Pause
from worker.ledger.work.memory import Memory
from worker.ledger.work.record_state import Place
from worker.reports.story import EventKind, RecordFacts, story

NOW, DAY = 1_000_000_000, "day-acme_hubspot-2026-11-29"
SETTLED = Memory("ab", 1, 1, 0)
NOTHING_PLANNED = "Nothing is planned: it is looked at again when it changes."


def looked_up(operation: str = "profile", outcome: str = "hit", credits: int = 1, **more: Any) -> dict[str, Any]:
    line = {"question": "q", "provider": "kaspr", "operation": operation, "outcome": outcome, "credits": credits}
    return line | {"at": 10, "run": DAY} | more


def changed(state: str = "confirmed", **more: Any) -> dict[str, Any]:
    line = {"kind": "change", "field": "mobile_phone", "before": "", "after": "+4930", "provider": "kaspr"}
    return line | {"state": state, "at": 20, "run": DAY} | more


def delivered(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "at": 20, "run": DAY, "delivery": "search/c1", "external_id": "p1"} | more


def held(**own: Any) -> Memory:
    return replace(SETTLED, own={"mobile_phone": json.dumps({"value_hash": "", "refused": False} | own)})


def left(**reasons: str) -> Memory:
    return replace(
        SETTLED, left=pack_leftovers({"" if name == "whole" else name: one for name, one in reasons.items()})
    )


def seen(**more: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"skipped": None, "closed": {}, "unfilled": {}, "would_ask": [], "would_write": []}
    return nothing | {"fate": "found", "known_by": ["slug", "email"]} | more


def place(state: str, **more: Any) -> RecordFacts:
    facts: dict[str, Any] = {"at_ms": NOW - 5, "lane": "live", "run": DAY} | more
    return RecordFacts(NOW, Place(state, **facts))


WATCHED = "Looked at because of the daily watch of acme_hubspot on 2026-11-29."
KEPT = {"value": "x", "provider": "kaspr", "grade": "", "question": "q", "kind": "portal rule", "code": "RULE"}
TITLE = Proposed("job_title", "jobtitle", "", "Analyst", "kaspr", "")
SITUATIONS: dict[str, tuple[RecordFacts, list[str]]] = {
    "nothing is known": (RecordFacts(NOW), ["Nobody has looked at it yet, or nothing is remembered of it."]),
    "settled, nothing left": (RecordFacts(NOW, memory=SETTLED), [NOTHING_PLANNED]),
    "settled, looked at again": (
        RecordFacts(NOW, memory=replace(SETTLED, look_at=NOW + 9)),
        ["Looked at again at its time, or as soon as it changes."],
    ),
    "filled by one lookup": (
        RecordFacts(NOW, memory=SETTLED, questions=[looked_up()], changes=[changed()]),
        [
            WATCHED,
            "Asked Kaspr for the person's profile: found, 1 credit.",
            "Wrote the mobile phone from Kaspr.",
            NOTHING_PLANNED,
        ],
    ),
    "found by e-mail in a sync": (
        RecordFacts(
            NOW, questions=[looked_up("by_email", credits=5, provider="forager", run="sync-20261129T101112-0a0b")]
        ),
        [
            "Looked at because of a sync that somebody started.",
            "Asked Forager for the person behind the e-mail: found, 5 credits.",
            "Forager knew somebody by the record's e-mail.",
            NOTHING_PLANNED,
        ],
    ),
    "another record has paid": (
        RecordFacts(NOW, memory=SETTLED, questions=[looked_up(credits=0, run=None, paid_by="acme_hubspot contact 7")]),
        [
            (
                "Asked Kaspr for the person's profile: found; another record (acme_hubspot contact 7) paid for the "
                "answer, so it cost nothing here."
            ),
            NOTHING_PLANNED,
        ],
    ),
    "a miss": (
        RecordFacts(
            NOW, memory=left(phone="not_found", mobile_phone="not_found"), questions=[looked_up("x", "miss", 0)]
        ),
        [
            WATCHED,
            "Asked Kaspr for x: nothing found, no credits.",
            "Phone and mobile phone stay blank: no provider knew it.",
            NOTHING_PLANNED,
        ],
    ),
    "an uncertain lookup": (
        RecordFacts(NOW, memory=SETTLED, questions=[looked_up(outcome="uncertain")]),
        [
            WATCHED,
            (
                "Asked Kaspr for the person's profile: no clear answer came back; its price stays booked until the "
                "provider's books tell, or you do."
            ),
            NOTHING_PLANNED,
        ],
    ),
    "somebody else was faster": (
        RecordFacts(NOW, memory=SETTLED, changes=[changed("overtaken")]),
        [WATCHED, "Left the mobile phone alone: somebody was faster.", NOTHING_PLANNED],
    ),
    "refused by the CRM, and kept": (
        RecordFacts(NOW, memory=held(kept=KEPT), changes=[changed("refused", cause="portal rule (RULE)")]),
        [
            WATCHED,
            "The CRM refused the mobile phone: portal rule (RULE).",
            "The CRM refuses the mobile phone: portal rule (RULE). It is kept and tried again with the next change.",
            NOTHING_PLANNED,
        ],
    ),
    "cleared by a person": (
        RecordFacts(NOW, memory=replace(held(refused=True), left=pack_leftovers({"mobile_phone": "refused"}))),
        [
            "A person cleared our mobile phone, so it is left blank; refill replay opens it again.",
            NOTHING_PLANNED,
        ],
    ),
    "taken back by an undo": (
        RecordFacts(NOW, memory=held(refused=True), changes=[changed("confirmed", rule="undo")]),
        [
            WATCHED,
            "Took our mobile phone back.",
            "An undo took our mobile phone back, so it is left alone; refill replay opens it again.",
            NOTHING_PLANNED,
        ],
    ),
    "rejected in review": (
        RecordFacts(NOW, memory=held(refused=True, rejected=True)),
        ["The mobile phone was rejected in review; refill replay opens it again.", NOTHING_PLANNED],
    ),
    "proposed": (
        RecordFacts(NOW, memory=SETTLED, proposal=Proposal("1", (TITLE,), DAY, 5)),
        ["The job title from Kaspr waits for a person's word (refill review).", NOTHING_PLANNED],
    ),
    "taken back": (
        RecordFacts(
            NOW, memory=SETTLED, changes=[changed(), changed(rule="undo", at=30, run="undo-20261129T101112-0a0b")]
        ),
        [
            WATCHED,
            "Wrote the mobile phone from Kaspr.",
            "Looked at because of an undo.",
            "Took our mobile phone back.",
            NOTHING_PLANNED,
        ],
    ),
    "not taken back": (
        RecordFacts(NOW, memory=SETTLED, changes=[changed("drifted", rule="undo", run="undo-20261129T101112-0a0b")]),
        [
            "Looked at because of an undo.",
            "Did not take the mobile phone back: another value stands there now.",
            NOTHING_PLANNED,
        ],
    ),
    "made by a delivery": (
        RecordFacts(
            NOW,
            memory=SETTLED,
            changes=[delivered("created", values={"email": "a@b.c"}), delivered("linked", company_id="9")],
        ),
        [
            WATCHED,
            "Made by an OpenProspect delivery (p1).",
            "Made with the e-mail.",
            "Linked to company 9 by an OpenProspect delivery.",
            NOTHING_PLANNED,
        ],
    ),
    "filled by a delivery": (
        RecordFacts(NOW, memory=SETTLED, changes=[changed(provider="openprospect", delivery="search/c1")]),
        [WATCHED, "Wrote the mobile phone from OpenProspect (delivered).", NOTHING_PLANNED],
    ),
    "works elsewhere": (
        RecordFacts(
            NOW,
            memory=left(work_email="employer_changed"),
            changes=[{"kind": "signal", "signal": "job_change", "employer": "Beta", "provider": "kaspr", "at": 1}],
        ),
        [
            "Worth a look: the person works at Beta now, says Kaspr.",
            "Work e-mail stays blank: the person works elsewhere now.",
            NOTHING_PLANNED,
        ],
    ),
    "opted out": (
        RecordFacts(NOW, memory=left(whole="opted_out", phone="opted_out")),
        ["Left alone as a whole: the person opted out.", NOTHING_PLANNED],
    ),
    "not among those chosen": (
        RecordFacts(NOW, memory=left(whole="where")),
        ["Left alone as a whole: it is not among the records you chose (where).", NOTHING_PLANNED],
    ),
    "waits for a budget": (
        place("waiting", providers=("kaspr",), note="budget"),
        ["Waits for Kaspr: the budget is used up."],
    ),
    "waits for an outage that a pause tells of": (
        dataclasses.replace(
            place("waiting", providers=("forager",), note="outage", until_ms=NOW + 60_000),
            pauses=[Pause("forager", "outage", NOW + 5, 1, "it answers 500", probe=True)],
        ),
        ["Forager is paused: it answers 500.", "Waits for Forager: it does not answer properly."],
    ),
    "a run's cap": (
        place("waiting", note="cap"),
        ["Waits for a run that may spend more: its own may spend no more."],
    ),
    "what bounced or a person edited stays as it is": (
        RecordFacts(NOW, memory=left(work_email="bad_value", phone="locked", job_title="locked")),
        [
            "Work e-mail stays as it is: what was found has bounced here, or was reported wrong.",
            "Phone and job title stay as they are: a person edited it lately.",
            NOTHING_PLANNED,
        ],
    ),
    "a plan let it go": (
        RecordFacts(NOW, changes=[{"kind": "signal", "signal": "drifted", "at": 20, "run": DAY}]),
        [
            WATCHED,
            "Left alone by the run of a plan: it had changed since the plan was made.",
            NOTHING_PLANNED,
        ],
    ),
    "made with a property of the CRM's own": (
        RecordFacts(NOW, changes=[delivered("created", values={"LinkedIn_URL__c": "x", "job_title": "CTO"})]),
        [
            WATCHED,
            "Made by an OpenProspect delivery (p1).",
            "Made with LinkedIn_URL__c.",
            "Made with the job title.",
            NOTHING_PLANNED,
        ],
    ),
    "a dead letter": (
        place("dead", note="status 400", attempts=8, intents=1),
        [
            (
                "Given up as a dead letter: status 400. It failed 8 times. What became of its last write is looked up "
                "first. Look at it, then run refill dead replay."
            ),
        ],
    ),
    "put off after a failure": (
        place("due", at_ms=NOW + 9, note="unread", attempts=1),
        ["Put off: the CRM gave no word of the record. It failed once."],
    ),
    "being looked at": (
        place("leased"),
        ["Being looked at right now, because of the daily watch of acme_hubspot on 2026-11-29."],
    ),
    "the CRM does not answer": (
        RecordFacts(NOW, memory=left(phone="budget"), seen={"unread": "acme_hubspot does not answer"}),
        [
            "Not read just now: acme_hubspot does not answer.",
            "Phone stays blank: what may be spent does not cover the next lookup.",
            NOTHING_PLANNED,
        ],
    ),
    "what a visit would do now": (
        RecordFacts(
            NOW,
            memory=left(phone="not_found"),
            seen=seen(
                unfilled={"phone": "below_grade"},
                would_ask=[{"provider": "forager", "operation": "work_emails", "credits": 5, "for": ["work_email"]}],
                would_write=[{"field": "job_title", "property": "jobtitle", "provider": "kaspr"}],
            ),
        ),
        [
            "The person is known by LinkedIn profile and e-mail.",
            "Phone stays blank: what was found is less sure than you accept.",
            "Would ask Forager for work e-mails, at most 5 credits, to fill work e-mail.",
            "Would write the job title from Kaspr.",
            NOTHING_PLANNED,
        ],
    ),
    "merged away": (
        RecordFacts(NOW, seen={"fate": "moved", "moved_to": "77"}),
        ["In the CRM it is moved, merged into 77."],
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_story_tells_its_situation_in_sentences(name: str) -> None:
    facts, sentences = SITUATIONS[name]
    assert [one.text for one in story(facts)] == sentences


def test_events_carry_what_their_sentences_say_for_scripts() -> None:
    facts = RecordFacts(
        NOW, memory=SETTLED, questions=[looked_up(request="8c1f-FRA")], changes=[changed(request="5c2f")]
    )
    looked, asked, wrote, ahead = story(facts)
    assert (looked.kind, looked.run, looked.at) == (EventKind.LOOKED_AT, DAY, 10)
    assert (asked.kind, asked.provider, asked.credits) == (EventKind.LOOKUP, "kaspr", 1)
    assert (asked.request, wrote.request) == ("8c1f-FRA", "5c2f")
    assert (wrote.field, wrote.before, wrote.after, wrote.credits) == ("mobile_phone", "", "+4930", None)
    assert (ahead.kind, ahead.at) == (EventKind.NEXT, 0)
    assert "+4930" not in repr(wrote)


def test_reasons_that_are_remembered_take_two_letters_a_field_and_those_of_a_later_version_say_nothing() -> None:
    reasons = {"": "where", "phone": "not_found", "founded_year": "observe"}
    letters = pack_leftovers(reasons | {"nonsense": "not_found", "city": "no such reason"})
    assert len(letters) == 2 * len(reasons)
    assert unpack_leftovers(letters + "zz") == reasons


def test_values_that_were_there_already_are_one_event() -> None:
    line = {"kind": "change", "state": "seen", "at": 1, "run": "sync-1", "before": "", "delivery": "company:1"}
    changes = [line | {"field": name, "after": "x"} for name in ("first_name", "last_name", "city")]
    changes.append(line | {"field": "phone", "state": "confirmed", "after": "+4930"})
    told = [(one.field, one.text, one.before, one.after) for one in story(RecordFacts(NOW, changes=changes))[1:3]]
    assert told[0] == (
        "first_name,last_name,city",
        "Left the first name, last name and city alone: the same values were there.",
        "",
        "",
    )
    assert told[1][0] == "phone"
