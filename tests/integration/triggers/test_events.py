"""Follows events from the sender's own books to the CRM's, with some of them lost, doubled and out of order."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Web
from tests.harness.until import until
from tests.integration.erased import dumped, found, on_disk
from tests.integration.intake.senders import signed
from tests.integration.triggers.floor import HUBSPOT, PATH_SECRET, PUBLIC, RUN, SALESFORCE, Floor, opened
from worker.ledger.money.answers import Answers
from worker.ledger.work.work import Due, Lane
from worker.service.jobs import archive_journal, erase
from worker.triggers.poll import due_rows
from worker.visits.journal_entries import IntentEntry, change_entry
from worker.web.server import listen, serve

HOOK = f"/webhooks/hubspot/{HUBSPOT}"
FIELDS = {"work_email": {"property": "email"}, "mobile_phone": {"property": "mobilephone"}}
ONE_FIELD = {"crm": {HUBSPOT: {"watch": {"contact": {"fields": FIELDS, "where": {"lifecyclestage": ["customer"]}}}}}}


class Collector:
    """Takes the vendor's posts and keeps their events, so that a test can lose some."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def take(self, request: Request) -> Response:
        self.events += json.loads(await request.body())
        return Response(status_code=204)


async def told_events(floor: Floor, act: Any) -> list[dict[str, Any]]:
    """The events HubSpot tells while ``act`` runs."""
    collector, stop = Collector(), asyncio.Event()
    bound = listen(Web(port=0))
    app = Starlette(routes=[Route("/", collector.take, methods=["POST"])])
    serving = asyncio.create_task(serve(app, bound, stop, grace_s=1))
    host, port = bound.getsockname()[:2]
    await floor.control("hubspot", "webhooks", {"url": f"http://{host}:{port}/"})
    await act()
    await floor.quiet("hubspot")
    await floor.control("hubspot", "webhooks", {"url": ""})
    stop.set()
    await serving
    return collector.events


async def hooked(floor: Floor) -> None:
    """HubSpot tells the web process of what changes."""
    await floor.control("hubspot", "webhooks", {"url": floor.url + HOOK, "signed_url": PUBLIC + HOOK})


async def moved(floor: Floor) -> list[str]:
    """Every contact of the org has another city, and it has told so."""
    rows = await floor.control("salesforce", "records/Contact")
    ids = [row["id"] for row in rows if not row["deleted"]]
    for id in ids:
        await floor.edit("salesforce", "Contact", id, MailingCity="Ghent")
    await floor.quiet("salesforce")
    return ids


def written(floor: Floor, crm: str) -> set[str]:
    """Rows that we have written on."""
    found = {row["id"] for row in floor.vendors.our_writes() if row["crm"] == crm}
    assert found
    return found


async def post(floor: Floor, events: list[dict[str, Any]]) -> int:
    body = json.dumps(events).encode()
    secret = floor.vendors.told["hubspot"]["client_secret"]
    headers = signed(PUBLIC + HOOK, body, secret=secret)
    return (await floor.http.post(floor.url + HOOK, content=body, headers=headers)).status_code


@pytest.mark.parametrize("seed", [1, 2])
async def test_sweep_finds_exactly_the_events_that_were_lost(redis: Redis, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with opened(redis, tmp_path, ONE_FIELD, records=120) as floor:
        await floor.activate()
        rows = await floor.control("hubspot", "records/contacts")
        ids = [row["id"] for row in rows if not row["archived"]]

        async def edited() -> None:
            for id in ids:
                await floor.edit("hubspot", "contacts", id, lifecyclestage="customer")

        events = await told_events(floor, edited)
        events = [event for event in events if event.get("propertyName") == "lifecyclestage"]
        assert len(events) == len(ids)  # one event per record
        lost = {str(event["objectId"]) for event in events if chance.random() < 0.3}
        sent = [event for event in events if str(event["objectId"]) not in lost]
        sent += [event for event in sent if chance.random() < 0.3]
        chance.shuffle(sent)
        await floor.time_passes(HUBSPOT, 3)
        eligible = {due.id for id in ids for due in await due_rows(floor.watch(), await _read(floor, [id]))}
        assert eligible & lost
        assert eligible - lost

        while sent:
            batch = sent[: chance.randint(1, 100)]
            sent = sent[len(batch) :]
            assert await post(floor, batch) == 204
        await floor.visit_all()
        charged = Counter((row["provider"], row["operation"], row["identity"]) for row in floor.vendors.charges())
        assert await floor.recovered() == 0

        found = await floor.swept()
        assert (found.done, found.recovered) == (True, len(eligible & lost))
        assert await floor.recovered() == len(eligible & lost)
        assert await floor.due() == eligible & lost
        await floor.visit_all()

        memories = await floor.work().memory(sorted(eligible))
        assert memories.keys() == eligible
        assert floor.vendors.charged_twice() == []
        assert charged
        figures = (await floor.runtime.ledger.figures.of_run("day-test")).get((HUBSPOT, "contact"))
        assert figures is not None
        writes = Counter((row["id"], row["property"]) for row in floor.vendors.our_writes() if row["crm"] == "hubspot")
        assert set(writes.values()) <= {1}

        again = await floor.swept()
        assert (again.recovered, await floor.recovered(), await floor.due()) == (0, len(eligible & lost), set())


async def _read(floor: Floor, ids: list[str]) -> list[Any]:
    found = await floor.watch().vendor.read(floor.watch().watched, ids)
    return [one.record for one in found.values() if one.record is not None]


async def _told_of(floor: Floor) -> list[str]:
    """Every living record that has not opted out was edited in a property that counts and says nothing."""
    rows = await floor.control("hubspot", "records/contacts")
    ids = [row["id"] for row in rows if not row["archived"] and row["properties"].get("hs_email_optout") in {None, ""}]
    for id in ids:
        await floor.edit("hubspot", "contacts", id, hs_email_optout="false")
    return ids


async def test_own_write_is_no_visit_and_a_persons_edit_a_second_later_is(floor: Floor) -> None:
    await hooked(floor)
    await floor.activate()
    ids = await _told_of(floor)
    await floor.edit("hubspot", "contacts", ids[0], lastname="Changed")
    await floor.quiet("hubspot")
    assert await floor.due() == set(ids)
    await floor.visit_all()
    wrote = written(floor, "hubspot")
    await floor.quiet("hubspot")
    sent = await floor.control("hubspot", "webhooks")
    assert sent["events"] > len(ids) + 1  # the echoes came
    assert (sent["refused"], sent["dropped"]) == (0, 0)
    assert await floor.due() == set()

    await floor.time_passes(HUBSPOT, 1)
    edited = min(wrote)
    await floor.edit("hubspot", "contacts", edited, jobtitle="Someone else's word")
    await floor.quiet("hubspot")
    assert await floor.due() == {edited}


async def test_outbound_messages_bring_records_from_the_org_to_their_end(floor: Floor) -> None:
    url = f"{floor.url}/webhooks/salesforce/{SALESFORCE}/{PATH_SECRET}"
    definition = {"url": url, "own_writes": False, "twice": 0.5, "shuffled": True, "session_id": True}
    await floor.control("salesforce", "outbound", definition)
    ids = await moved(floor)
    sent = await floor.control("salesforce", "outbound")
    assert (sent["refused"], sent["dropped"]) == (0, 0)
    assert await floor.due(SALESFORCE) == set(ids)
    await floor.visit_all(SALESFORCE)
    assert (await floor.work(SALESFORCE).counts()).settled == len(ids)
    assert [row for row in floor.vendors.our_writes() if row["crm"] == "salesforce"]
    assert floor.vendors.charged_twice() == []
    await floor.quiet("salesforce")
    assert await floor.due(SALESFORCE) == set()


async def test_own_write_in_the_org_is_no_visit_and_a_persons_edit_a_second_later_is(floor: Floor) -> None:
    url = f"{floor.url}/webhooks/salesforce/{SALESFORCE}/{PATH_SECRET}"
    await floor.control("salesforce", "outbound", {"url": url, "fields": ["Email", "LastModifiedById"]})
    ids = await moved(floor)
    assert await floor.due(SALESFORCE) == set(ids)
    intake = floor.runtime.ledger.intake
    announced, sent = await intake.announced(), await floor.control("salesforce", "outbound")
    await floor.visit_all(SALESFORCE)
    wrote = written(floor, "salesforce")
    await floor.quiet("salesforce")
    echoed = await floor.control("salesforce", "outbound")
    assert echoed["sent"] > sent["sent"]
    assert (echoed["refused"], echoed["dropped"]) == (0, 0)
    assert await floor.due(SALESFORCE) == set()
    assert await intake.announced() == announced

    await floor.time_passes(SALESFORCE, 1)
    edited = min(wrote)
    await floor.edit("salesforce", "Contact", edited, Title="Someone else's word")
    await floor.quiet("salesforce")
    assert await floor.due(SALESFORCE) == {edited}


async def test_privacy_deletion_forgets_what_was_bought_written_and_told(floor: Floor, redis: Redis) -> None:
    await hooked(floor)
    await _told_of(floor)
    await floor.quiet("hubspot")
    await floor.visit_all()
    ledger = floor.runtime.ledger
    wrote = written(floor, "hubspot")
    id = min(wrote)
    values = {row["after"] for row in floor.vendors.our_writes() if row["crm"] == "hubspot" and row["id"] == id}
    ref = (HUBSPOT, "contact", id)
    assert await Answers(ledger.scripts).questions_of(ref)
    told = [
        change_entry(IntentEntry.of_row("contact", id, "phone", "phone", one, RUN, 1), "confirmed") for one in values
    ]
    await ledger.journal.append(HUBSPOT, "delivery", "search/1", RUN, told, token="delivered")
    before = await ledger.journal.entries(*ref)
    assert any(value in entry.entry for entry in before for value in values)
    spelt = sorted(value for value in values if len(value) > 6)
    assert found(spelt, await dumped(redis)) == spelt != []

    await floor.control("hubspot", "delete", {"object": "contacts", "id": id, "erase": True})
    await floor.quiet("hubspot")
    await until(floor.due, "the deletion")
    await floor.visit_all()

    after = await ledger.journal.entries(*ref)
    assert len(after) == len(before)
    assert sum(json.loads(entry.entry).get("credits", 0) for entry in after) == sum(
        json.loads(entry.entry).get("credits", 0) for entry in before
    )
    assert not any(value in entry.entry for entry in after for value in values)
    assert await floor.work().memory([id]) == {}
    assert await Answers(ledger.scripts).questions_of(ref) == []
    assert await ledger.scripts.call("HLEN", "refill:intake:erasures") == 0
    assert not await ledger.erasures.is_asked(ref)
    elsewhere = ledger.scripts.keys("erasures_elsewhere")
    assert await ledger.scripts.call("HEXISTS", elsewhere, ":".join(ref))
    await ledger.scripts.call("HSET", elsewhere, ":".join(ref), 1)  # that was long ago
    await archive_journal(floor.runtime, {"name": "archive:all"})
    assert await ledger.scripts.call("HLEN", elsewhere) == 0
    assert len(await ledger.journal.entries(HUBSPOT, "delivery", "search/1")) == len(values)
    await until(ledger.erasures.rewrite, "the rewrite")
    assert found(spelt, await dumped(redis)) == []
    assert found(spelt, await on_disk(redis)) == []


async def test_dead_letter_of_somebody_who_is_to_be_forgotten_is_looked_at_again(floor: Floor) -> None:
    await hooked(floor)
    id, *_ = await _told_of(floor)
    await floor.quiet("hubspot")
    await floor.visit_all()
    ledger = floor.runtime.ledger
    assert await Answers(ledger.scripts).questions_of((HUBSPOT, "contact", id))
    await floor.work().add([Due(id)], lane=Lane.LIVE, run=RUN, forced=True)
    (lease,) = await floor.work().claim("worker-1", 10)
    await floor.work().bury(lease, "poison")
    await floor.control("hubspot", "delete", {"object": "contacts", "id": id, "erase": True})
    await floor.quiet("hubspot")
    assert (await floor.due(), (await floor.work().counts()).dead) == (set(), 1)
    await ledger.scripts.call("HSET", ledger.scripts.keys("erasures"), f"{HUBSPOT}:contact:{id}", 1)  # long ago
    await erase(floor.runtime, {"name": "erase:all"})
    await floor.visit_all()
    assert await Answers(ledger.scripts).questions_of((HUBSPOT, "contact", id)) == []
    assert not await ledger.erasures.is_asked((HUBSPOT, "contact", id))
    assert (await floor.work().counts()).dead == 0


async def test_deletion_forgets_the_record_and_nothing_else(floor: Floor) -> None:
    await hooked(floor)
    id, *_ = await _told_of(floor)
    await floor.quiet("hubspot")
    await floor.visit_all()
    before = await floor.runtime.ledger.journal.entries(HUBSPOT, "contact", id)
    await floor.control("hubspot", "delete", {"object": "contacts", "id": id})
    await floor.quiet("hubspot")
    await floor.visit_all()
    assert await floor.work().memory([id]) == {}
    assert await floor.runtime.ledger.journal.entries(HUBSPOT, "contact", id) == before
    await floor.control("hubspot", "restore", {"object": "contacts", "id": id})
    await floor.quiet("hubspot")
    assert await floor.due() == {id}
    await floor.visit_all()
    assert id in await floor.work().memory([id])
    assert floor.vendors.charged_twice() == []
