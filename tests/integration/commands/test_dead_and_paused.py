"""Decides by ``dead``, ``pause``, ``resume``, ``uncertain``, and finds it in the ledger afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from connectors.models import Question, Reply
from tests.harness.installation import Refill
from worker.ledger.ledger import Ledger
from worker.ledger.money.budgets import BudgetLine
from worker.ledger.money.ticket_values import Granted, TicketTerms
from worker.ledger.work.work import Due, Lane, Lease
from worker.visits.journal_entries import lookup_entry, signal_entry

CONTACTS = ("acme_hubspot", "contact")
LEADS = ("acme_salesforce", "lead")
INTENT = '{"field":"work_email","provider":"forager","after":"x"}'


@pytest.fixture
async def ledger(refill: Refill) -> AsyncIterator[Ledger]:
    async with refill.ledger() as found:
        yield found


async def leased(ledger: Ledger, name: tuple[str, str], id: str) -> Lease:
    work = ledger.work(*name)
    await work.add([Due(id)], lane=Lane.LIVE, run="day-x")
    (lease,) = await work.claim("somebody", 1)
    return lease


async def buried(ledger: Ledger, name: tuple[str, str], id: str, reason: str = "it never worked") -> None:
    lease = await leased(ledger, name, id)
    await ledger.work(*name).intend(lease, [INTENT])
    await ledger.work(*name).bury(lease, reason)


# ---- dead letters ------------------------------------------------------------------------------------------------


async def test_dead_letters_are_listed_by_crm_and_object(refill: Refill, ledger: Ledger) -> None:
    await buried(ledger, CONTACTS, "7")
    await buried(ledger, LEADS, "00Q1")
    listed = (await refill("dead", "list", "--json")).json
    assert [(one["crm"], one["object"], one["id"]) for one in listed] == [(*CONTACTS, "7"), (*LEADS, "00Q1")]
    assert listed[0].keys() == {"crm", "object", "id", "reason", "attempts", "since", "run"}
    assert [one["id"] for one in (await refill("dead", "list", "acme_salesforce", "--json")).json] == ["00Q1"]
    assert (await refill("dead", "list", *CONTACTS, "--json")).json[0]["reason"] == "it never worked"
    assert "it never worked" in (await refill("dead", "list")).out


async def test_more_dead_letters_than_a_page_are_all_listed(refill: Refill, ledger: Ledger) -> None:
    work = ledger.work(*CONTACTS)
    await work.add([Due(str(one)) for one in range(600)], lane=Lane.LIVE, run="day-x")
    for lease in await work.claim("somebody", 600):
        await work.bury(lease, "no")
    assert len((await refill("dead", "list", "--json")).json) == 600
    assert (await refill("dead", "drop", "--all")).out == "dead letters dropped: 600\n"
    assert (await work.counts()).dead == 0


async def test_a_dead_letter_shows_why_since_when_and_what_was_open(refill: Refill, ledger: Ledger) -> None:
    await buried(ledger, CONTACTS, "7", "status 400: [bracketed] words")
    shown = (await refill("dead", "show", *CONTACTS, "7", "--json")).json
    assert shown["reason"] == "status 400: [bracketed] words"
    assert shown["run"] == "day-x"
    assert shown["since"] > 0
    assert [one["field"] for one in shown["intents"]] == ["work_email"]
    assert "[bracketed]" in (await refill("dead", "show", *CONTACTS, "7")).out
    assert (await refill("dead", "show", *CONTACTS, "8")).code == 1


async def test_a_replayed_dead_letter_is_due_with_all_attempts(refill: Refill, ledger: Ledger) -> None:
    await buried(ledger, CONTACTS, "7")
    await buried(ledger, CONTACTS, "8")
    assert (await refill("dead", "replay", *CONTACTS, "7")).code == 0
    counts = await ledger.work(*CONTACTS).counts()
    assert (counts.due, counts.dead) == (1, 1)
    (lease,) = await ledger.work(*CONTACTS).claim("somebody", 5)
    assert (lease.id, lease.attempts, lease.forced, lease.intents) == ("7", 0, True, (INTENT,))
    assert (await refill("dead", "replay", *CONTACTS, "9")).code == 1


async def test_all_dead_letters_of_a_crm_are_replayed_or_dropped_together(refill: Refill, ledger: Ledger) -> None:
    await buried(ledger, CONTACTS, "7")
    await buried(ledger, LEADS, "00Q1")
    assert "due again: 1" in (await refill("dead", "replay", "acme_hubspot")).out
    assert "dropped: 1" in (await refill("dead", "drop", "acme_salesforce", "lead")).out
    assert (await refill("dead", "list", "--json")).json == []


SALESFORCE = ("acme_salesforce", "contact")
SPELLINGS: dict[str, Callable[[str], str]] = {"short": lambda known: known[:15], "long": str, "lower case": str.lower}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
async def test_a_salesforce_record_is_found_by_every_spelling_of_its_id(
    refill: Refill, ledger: Ledger, spelled: Callable[[str], str]
) -> None:
    known = refill.vendors["salesforce"].control("records/Contact")[0]["id"]
    told = spelled(known)
    work = ledger.work(*SALESFORCE)
    assert (await refill("replay", *SALESFORCE, told)).code == 0
    assert (await refill("explain", *SALESFORCE, told, "--json")).json["place"]["state"] == "due"
    (lease,) = await work.claim("somebody", 1)
    assert lease.id == known
    await work.bury(lease, "no more")
    assert (await refill("dead", "show", *SALESFORCE, told, "--json")).json["id"] == known
    assert (await refill("dead", "drop", *SALESFORCE, told)).code == 0
    assert (await work.counts()).dead == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*SALESFORCE, "0035g00000AbCdEAAW"), "its last three characters do not fit"),
        ((*SALESFORCE, "33451"), "is not a Salesforce id. Use its 15 or 18 letters and digits"),
        (("acme_hubspot", "contact", "0035g00000AbCdE"), "is not a HubSpot record id"),
    ],
)
@pytest.mark.parametrize(
    "step", [("explain",), ("replay",), ("dead", "show"), ("dead", "replay"), ("sync", "--record")]
)
async def test_an_id_that_no_record_can_have_is_refused(
    refill: Refill, ledger: Ledger, step: tuple[str, ...], words: tuple[str, ...], sentence: str
) -> None:
    ran = await refill(*step, *words)
    assert ran.code == 2
    assert sentence in ran.err


@pytest.mark.parametrize("step", ["replay", "drop"])
async def test_everything_must_be_asked_for_by_name(refill: Refill, ledger: Ledger, step: str) -> None:
    await buried(ledger, CONTACTS, "7")
    assert (await refill("dead", step)).code == 2
    assert (await refill("dead", step, "acme_hubspot", "--all")).code == 2
    assert (await ledger.work(*CONTACTS).counts()).dead == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("dead", "list", "nobody"), 'no crm is called "nobody"; known: acme_hubspot, acme_salesforce\n'),
        (
            ("dead", "list", "acme_hubspot", "lead"),
            'acme_hubspot has no "lead" in its work; known: contact, delivery\n',
        ),
        (
            ("replay", "acme_hubspot", "lead", "1"),
            'acme_hubspot has no "lead" that visits write; known: contact, company\n',
        ),
        (
            ("backfill", "acme_salesforce", "account"),
            'acme_salesforce does not watch "account"; watched: contact, lead\n',
        ),
        (("explain", "nobody", "contact", "1"), 'no crm is called "nobody"; known: acme_hubspot, acme_salesforce\n'),
        (
            ("pause", "nobody"),
            (
                '"nobody" is neither a crm nor a provider; '
                "known: acme_hubspot, acme_salesforce, forager, kaspr, openprospect, all\n"
            ),
        ),
        (("uncertain", "resolve", "x"), 'no uncertain lookup is called "x": refill uncertain list shows them\n'),
    ],
)
async def test_unknown_name_is_answered_by_the_known_ones(
    refill: Refill, words: tuple[str, ...], sentence: str
) -> None:
    ran = await refill(*words)
    assert (ran.code, ran.err) == (2, sentence)


# ---- pauses ------------------------------------------------------------------------------------------------------


async def test_a_paused_crm_is_claimed_by_nobody_until_it_is_resumed(refill: Refill, ledger: Ledger) -> None:
    work = ledger.work(*CONTACTS)
    await work.add([Due("7")], lane=Lane.LIVE, run="day-x")
    assert (await refill("pause", "acme_hubspot", "--why", "migration")).code == 0
    assert await work.claim("somebody", 1) == []
    paused = (await refill("status", "--json")).json["paused"]
    assert paused["acme_hubspot"]["operator"]["why"] == "migration"
    assert (await refill("resume", "acme_hubspot")).out == "acme_hubspot: no longer paused (operator)\n"
    assert len(await work.claim("somebody", 1)) == 1


async def test_resume_lifts_every_reason_of_a_target_and_its_buckets(refill: Refill, ledger: Ledger) -> None:
    for target, reason in (("kaspr", "credentials"), ("kaspr:phone", "credits"), ("forager", "credits")):
        await ledger.pauses.pause(target, reason)
    said = (await refill("resume", "kaspr")).out
    assert said.splitlines() == ["kaspr: no longer paused (credentials)", "kaspr:phone: no longer paused (credits)"]
    assert [one.target for one in await ledger.pauses.all()] == ["forager"]
    assert (await refill("resume", "kaspr")).out == "kaspr was not paused\n"


async def test_all_pauses_and_resumes_every_crm_and_provider(refill: Refill, ledger: Ledger) -> None:
    await refill("pause", "all")
    found = {one.target for one in await ledger.pauses.all()}
    assert found == {"acme_hubspot", "acme_salesforce", "forager", "kaspr", "openprospect"}
    await refill("resume", "all")
    assert await ledger.pauses.all() == []


# ---- uncertain lookups -------------------------------------------------------------------------------------------


async def uncertain(ledger: Ledger, id: str) -> Granted:
    """A lookup for a contact that was sent and never answered."""
    granted = await ledger.desk.reserve(
        Question("forager", "42", "work_emails", {"slug": id}, 5),
        TicketTerms("somebody", 60_000, 1_000_000),
        ref=(*CONTACTS, id),
        lines=[BudgetLine("forager:month:2026-11", 1000)],
    )
    assert isinstance(granted, Granted)
    assert await ledger.desk.sent(granted)
    await ledger.desk.uncertain(granted, "timeout")
    return granted


async def test_an_uncertain_lookup_is_listed_without_what_was_asked(refill: Refill, ledger: Ledger) -> None:
    granted = await uncertain(ledger, "7")
    (listed,) = (await refill("uncertain", "list", "--json")).json
    assert listed["ticket_id"] == granted.ticket_id
    assert (listed["provider"], listed["operation"], listed["price"]) == ("forager", "work_emails", 5)
    assert listed["ref"] == [*CONTACTS, "7"]
    assert (await refill("status", "--json")).json["tickets"] == {"uncertain": 1}


@pytest.mark.parametrize(("word", "spent"), [("--charged", 5), ("--uncharged", 0)])
async def test_resolved_lookup_books_what_the_bill_says(refill: Refill, ledger: Ledger, word: str, spent: int) -> None:
    granted = await uncertain(ledger, "7")
    assert (await refill("uncertain", "resolve", granted.ticket_id, word)).code == 0
    totals = await ledger.budgets.totals("forager")
    assert (totals.spent, totals.uncertain) == (spent, 0)
    assert (await refill("uncertain", "list", "--json")).json == []
    assert (await ledger.work(*CONTACTS).counts()).due == 0  # nobody asks again
    assert (await refill("uncertain", "resolve", granted.ticket_id)).code == 2


async def test_asked_again_means_that_the_record_is_due_and_the_question_free(refill: Refill, ledger: Ledger) -> None:
    granted = await uncertain(ledger, "7")
    await refill("uncertain", "resolve", granted.ticket_id, "--ask-again", "--uncharged")
    (lease,) = await ledger.work(*CONTACTS).claim("somebody", 1)
    assert (lease.id, lease.forced) == ("7", True)
    again = await ledger.desk.reserve(
        Question("forager", "42", "work_emails", {"slug": "7"}, 5),
        TicketTerms("somebody", 60_000, 1_000_000),
        ref=(*CONTACTS, "7"),
        lines=[BudgetLine("forager:month:2026-11", 1000)],
    )
    assert isinstance(again, Granted)


# ---- explain, from the ledger alone ------------------------------------------------------------------------------


async def test_explain_tells_where_a_record_is_and_why_though_its_crm_is_away(refill: Refill, ledger: Ledger) -> None:
    refill.change(refill.vendors["hubspot"].base_url, "http://127.0.0.1:9")
    await buried(ledger, CONTACTS, "7", "status 400")
    granted = await uncertain(ledger, "7")
    found = (await refill("explain", *CONTACTS, "7", "--json")).json
    assert found["place"]["state"] == "dead"
    assert found["place"]["note"] == "status 400"
    assert found["place"]["intents"] == 1
    assert [(one["outcome"], one["ticket"]) for one in found["questions"]] == [("uncertain", granted.ticket_id)]
    assert "unread" in found["record"]
    people = (await refill("explain", *CONTACTS, "7")).out
    assert "a dead letter" in people
    assert "status 400" in people


async def test_explain_tells_what_a_kept_answer_cost_and_how_old_it_is(refill: Refill, ledger: Ledger) -> None:
    granted = await ledger.desk.reserve(
        Question("kaspr", "k", "profile", {"slug": "s"}, 1),
        TicketTerms("somebody", 60_000, 1_000_000),
        ref=(*CONTACTS, "7"),
        lines=[],
    )
    assert isinstance(granted, Granted)
    await ledger.desk.sent(granted)
    await ledger.desk.store(granted, Reply(200, {}, b"{}"), credits=1, hit=True, keep_ms=1_000_000)
    (one,) = (await refill("explain", *CONTACTS, "7", "--json")).json["questions"]
    assert (one["provider"], one["operation"], one["outcome"]) == ("kaspr", "profile", "hit")
    assert one["kept_until"] > one["at"] > 0

    # another record that the answer served is told who has paid
    paid = lookup_entry(Question("kaspr", "k", "profile", {"slug": "s"}, 1), "hit", 1, one["at"])
    await ledger.journal.append(*CONTACTS, "7", "sync-x", [paid], token="t")
    await ledger.desk.find([one["question"]], (*CONTACTS, "8"))
    told = (await refill("explain", *CONTACTS, "8", "--json")).json
    (shared,) = [event for event in told["story"] if event["kind"] == "lookup"]
    assert (shared["paid_by"], shared["credits"]) == ("acme_hubspot contact 7", 0)
    shown = (await refill("explain", *CONTACTS, "8")).out
    assert any("another record (acme_hubspot contact 7) paid" in line for line in shown.splitlines())


async def test_explain_tells_in_words_that_somebody_else_was_delivered(refill: Refill, ledger: Ledger) -> None:
    entry = signal_entry("wrong_person", "openprospect", "", {"external_id": "p-7"}, 1)
    assert await ledger.signals.tell(*CONTACTS, "7", "day-x", "wrong_person:p-7", entry)
    shown = (await refill("explain", *CONTACTS, "7")).out
    assert "somebody else than prospect p-7" in " ".join(shown.split())


async def test_explain_of_a_paused_crm_says_what_to_do(refill: Refill, ledger: Ledger) -> None:
    await ledger.pauses.pause("acme_hubspot", "credentials", why="the token is gone: make another")
    found = (await refill("explain", *CONTACTS, "7", "--json")).json
    assert [one["why"] for one in found["paused"]] == ["the token is gone: make another"]
    assert found["record"]["unread"]
