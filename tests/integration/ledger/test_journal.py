"""The journal keeps order, finds a record's entries and forgets what is old."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs
from redis.asyncio import Redis

from tests.harness.clock import Clock
from tests.integration.ledger.work_steps import READ, lease
from worker.decide.journal_line import JournalFilter
from worker.ledger.journal.journal import Entry, Journal
from worker.ledger.scripts import Scripts
from worker.ledger.work.memory import bucket
from worker.ledger.work.work import VisitProgress, Work
from worker.upkeep.journal_reader import newer


def few(id: str) -> str:
    """Returns the key of the hash that holds a record's entries while they are few."""
    return f"refill:journal:few:acme:contact:{bucket(id)}"


async def test_entries_come_with_the_settle_and_name_record_and_run(work: Work, scripts: Scripts, clock: Clock) -> None:
    held = await lease(work, run="sync-1")
    await work.settle(held, structs.replace(READ, entries=('{"a":1}', '{"ü":2}')))
    entries = await Journal(scripts).entries(work.crm, work.object, "1")
    assert [(entry.entry, entry.run, entry.id, entry.at_ms) for entry in entries] == [
        ('{"a":1}', "sync-1", "1", clock.now),
        ('{"ü":2}', "sync-1", "1", clock.now),
    ]


async def test_entries_of_unfinished_visits_are_kept_too(work: Work, scripts: Scripts, clock: Clock) -> None:
    await work.wait(await lease(work), ["kaspr"], None, "budget", VisitProgress(["paid"]))
    await work.bury(await lease(work, "2"), "refused", VisitProgress(["late"]))
    assert [entry.entry for entry in await Journal(scripts).since()] == ["paid", "late"]


async def test_step_repeated_is_journalled_once(work: Work, scripts: Scripts) -> None:
    held = await lease(work)
    for _ in range(2):
        await work.settle(held, structs.replace(READ, entries=("{}",)))
    assert await Journal(scripts).length() == 1


async def test_entries_outside_a_visit_are_added_once_per_token(scripts: Scripts) -> None:
    journal = Journal(scripts)
    for _ in range(2):
        await journal.append("acme", "contact", "1", "undo-1", ["a", "b"], token="t1")
    assert [entry.entry for entry in await journal.entries("acme", "contact", "1")] == ["a", "b"]


async def test_entries_of_one_run_take_little_more_than_their_text(scripts: Scripts, redis: Redis) -> None:
    journal, text = Journal(scripts), '{"kind":"unknown here"}'
    for number in range(1_000):
        await journal.append("acme_hubspot", "contact", str(number), "sync-20261130", [text], token=str(number))
    assert await redis.memory_usage("refill:journal", samples=0) < 1_000 * (len(text) + 32)


async def test_an_entry_as_versions_before_kept_it_is_read_and_dropped(scripts: Scripts) -> None:
    journal, key = Journal(scripts), "1764412345678-0"
    told = ("crm", "acme", "object", "contact", "id", "1", "run", "sync-1", "entry", '{"a":1}')
    await scripts.call("XADD", "refill:journal", key, *told)
    await scripts.call("RPUSH", "refill:journal:of:acme:contact:1", key)
    await journal.append("acme", "contact", "1", "sync-2", ['{"a":2}'], token="1")
    assert await journal.entries("acme", "contact", "1") == await journal.since()
    first, second = await journal.since()
    assert first == Entry(key, 1_764_412_345_678, "acme", "contact", "1", "sync-1", '{"a":1}')
    assert (second.run, second.entry) == ("sync-2", '{"a":2}')
    assert await journal.drop([first, second]) == 2
    assert await journal.entries("acme", "contact", "1") == await journal.since() == []


async def test_keys_rise_though_the_clock_goes_back(scripts: Scripts, clock: Clock) -> None:
    journal = Journal(scripts)
    await journal.append("acme", "contact", "1", "r", ["first"], token="1")
    clock.pass_ms(-60_000)
    await journal.append("acme", "contact", "1", "r", ["second"], token="2")
    assert [entry.entry for entry in await journal.since()] == ["first", "second"]
    assert [entry.entry for entry in await journal.latest(1)] == ["second"]


async def test_pages_follow_each_other(scripts: Scripts, clock: Clock) -> None:
    journal = Journal(scripts)
    for number in range(5):
        await journal.append("acme", "contact", "1", "r", [str(number)], token=str(number))
        clock.pass_ms(1_000)
    first = await journal.since(limit=2)
    second = await journal.since(after=first[-1].key, limit=9)
    assert [entry.entry for entry in [*first, *second]] == ["0", "1", "2", "3", "4"]
    assert [entry.entry for entry in await journal.since(clock.now - 2_000)] == ["3", "4"]


async def test_old_entries_are_dropped_with_their_index(scripts: Scripts, redis: Redis, clock: Clock) -> None:
    journal = Journal(scripts)
    await journal.append("acme", "contact", "1", "r", ["old"], token="1")
    await journal.append("acme", "contact", "2", "r", ["old"], token="2")
    clock.pass_ms(1_000)
    await journal.append("acme", "contact", "1", "r", ["new"], token="3")
    old = await journal.before(clock.now)
    assert [entry.entry for entry in old] == ["old", "old"]
    assert await journal.drop(old) == 2
    assert await journal.drop(old) == 0
    assert [entry.entry for entry in await journal.entries("acme", "contact", "1")] == ["new"]
    assert await journal.entries("acme", "contact", "2") == []
    assert await scripts.call("HLEN", few("2")) == 0


@pytest.mark.parametrize("count", [6, 7, 8, 20])
async def test_a_record_with_many_entries_keeps_all_in_order(redis: Redis, scripts: Scripts, count: int) -> None:
    journal = Journal(scripts)
    for at in range(count):
        await journal.append("acme", "contact", "1", "r", [str(at)], token=str(at))
    entries = await journal.entries("acme", "contact", "1")
    assert [one.entry for one in entries] == [str(at) for at in range(count)]
    assert await scripts.call("HEXISTS", few("1"), "1") == (count <= 7)
    await journal.drop(entries[1:])
    await journal.append("acme", "contact", "1", "r", ["last"], token="last")
    assert [one.entry for one in await journal.entries("acme", "contact", "1")] == ["0", "last"]


async def test_entries_of_a_version_without_buckets_are_read_and_added_to(redis: Redis, scripts: Scripts) -> None:
    journal = Journal(scripts)
    await journal.append("acme", "contact", "1", "r", ["old"], token="1")
    (old,) = await journal.entries("acme", "contact", "1")
    await redis.delete(few("1"))
    await scripts.call("RPUSH", "refill:journal:of:acme:contact:1", old.key)
    await journal.append("acme", "contact", "1", "r", ["new"], token="2")
    assert [one.entry for one in await journal.entries("acme", "contact", "1")] == ["old", "new"]
    assert await journal.drop([old]) == 1
    assert [one.entry for one in await journal.entries("acme", "contact", "1")] == ["new"]


async def test_entries_of_many_records_cost_few_bytes_beside_the_stream(redis: Redis, scripts: Scripts) -> None:
    journal, ids = Journal(scripts), [str(33_000 + at) for at in range(400)]
    for at, id in enumerate(ids):
        await journal.append("acme", "contact", id, "r", ["lookup", "change"], token=str(at))
    keys = await redis.keys("refill:journal:few:*")
    values = [value for key in keys for value in await scripts.call("HVALS", key)]
    assert [len(value) for value in values] == [18] * len(ids)
    assert not await redis.keys("refill:journal:of:*")


async def test_followed_journal_tells_what_comes_and_is_asked_for(scripts: Scripts) -> None:
    journal = Journal(scripts)
    await journal.append("acme", "contact", "1", "r", ['{"kind":"lookup"}'], token="t0")
    (before,) = await journal.entries("acme", "contact", "1")
    coming = newer(journal, JournalFilter(run="r"), before.key, look_s=0.01)
    first = asyncio.ensure_future(anext(coming))
    await journal.append("acme", "contact", "2", "other", ['{"kind":"lookup"}'], token="t1")
    await journal.append("acme", "contact", "3", "r", ['{"kind":"lookup"}'], token="t2")
    assert (await first).id == "3"
