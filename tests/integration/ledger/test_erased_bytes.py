"""After an erasure no byte of the person is left in Redis' memory or files, and everybody else's journal is whole."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from tests.harness.redis import Server
from tests.harness.until import until
from tests.integration.erased import dumped, found, on_disk
from worker.ledger.journal.erasures import Erasures
from worker.ledger.journal.journal import Entry, Journal
from worker.ledger.scripts import LedgerUnavailableError, Scripts

ADA, BOB = ("acme", "contact", "1"), ("acme", "contact", "2")
SECRETS = ("ada.lovelace@acme.test", "+4915123456789")
MANY = 2_500  # entries: more than two steps of the rebuilding


async def filled(scripts: Scripts) -> tuple[Journal, Erasures]:
    """Ada's entries among many of Bob's."""
    journal = Journal(scripts)
    for part, secret in enumerate(SECRETS):
        await journal.append(*BOB, "run", [f"kept {part} {n}" for n in range(MANY // 2)], token=f"bob {part}")
        await journal.append(*ADA, "run", [f"found {secret}"], token=f"ada {part}")
    return journal, Erasures(scripts)


async def forget(erasures: Erasures) -> None:
    await erasures.erase(ADA, lambda _: "erased")
    await erasures.done(ADA)


async def everything(journal: Journal) -> list[Entry]:
    return await journal.since(limit=10 * MANY)


async def test_no_byte_of_the_erased_is_left_in_memory_or_on_the_disk(searched: Server) -> None:
    async with Redis(unix_socket_path=str(searched.socket)) as redis:
        scripts = Scripts(redis)
        journal, erasures = await filled(scripts)
        await redis.execute_command("BGREWRITEAOF")  # type: ignore[no-untyped-call]  # redis-py
        assert found(SECRETS, await dumped(redis)) == found(SECRETS, await on_disk(redis)) == list(SECRETS)

        await forget(erasures)
        assert found(SECRETS, await dumped(redis)) == list(SECRETS)  # deleted, and still there
        before = await everything(journal)

        await until(erasures.rewrite, "the rewrite")
        assert found(SECRETS, await dumped(redis)) == found(SECRETS, await on_disk(redis)) == []
        assert await everything(journal) == before
        assert [one.entry for one in await journal.entries(*ADA)] == ["erased"] * len(SECRETS)
        assert not await erasures.rewrite()


async def test_a_journal_of_nobody_else_is_free_of_them_too(redis: Redis, scripts: Scripts) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    await journal.append(*ADA, "run", [f"found {SECRETS[0]}"], token="ada")
    await forget(erasures)
    assert await journal.drop(await everything(journal)) == 1
    await until(erasures.rewrite, "the rewrite")
    assert await journal.length() == 0
    assert not found(SECRETS, await dumped(redis))
    await journal.append(*BOB, "run", ["kept"], token="bob")
    assert [one.entry for one in await everything(journal)] == ["kept"]


async def test_entries_appended_and_dropped_meanwhile_are_neither_lost_nor_back(scripts: Scripts) -> None:
    journal, erasures = await filled(scripts)
    await forget(erasures)
    before = await everything(journal)

    async def working() -> None:
        for n in range(50):
            await journal.append(*BOB, "run", [f"meanwhile {n}"], token=f"meanwhile {n}")
            await journal.drop([before[n * 40]])

    await asyncio.gather(erasures.rewrite(), working())
    dropped = {before[n * 40].key for n in range(50)}
    after = await everything(journal)
    assert [one for one in after if "meanwhile" not in one.entry] == [one for one in before if one.key not in dropped]
    assert [one.entry for one in after[-50:]] == [f"meanwhile {n}" for n in range(50)]
    assert [one.key for one in await journal.entries(*BOB)] == [one.key for one in after if one.id == BOB[2]]


@pytest.mark.parametrize("steps", [1, 2])
async def test_a_copy_left_by_somebody_who_died_is_gone_on_with(scripts: Scripts, steps: int) -> None:
    journal, erasures = await filled(scripts)
    await forget(erasures)
    for _ in range(steps):  # and then it dies
        assert not await scripts.run("erasure_rebuild", most=1_000)
    await journal.drop((await everything(journal))[995:1_005])
    await journal.append(*BOB, "run", ["later"], token="later")
    before = await everything(journal)
    await until(erasures.rewrite, "the rewrite")
    assert await everything(journal) == before
    assert not await scripts.call("EXISTS", scripts.keys("journal_copy"))


async def test_somebody_erased_while_the_journal_is_copied_is_in_no_copy(redis: Redis, scripts: Scripts) -> None:
    journal, erasures = await filled(scripts)
    for _ in range(2):
        await scripts.run("erasure_rebuild", most=1_000)
    await forget(erasures)
    await until(erasures.rewrite, "the rewrite")
    assert not found(SECRETS, await dumped(redis))
    assert len(await everything(journal)) == MANY + len(SECRETS)


async def test_a_full_redis_keeps_its_journal_and_tries_again_when_there_is_room(redis: Redis) -> None:
    scripts = Scripts(redis)
    journal, erasures = await filled(scripts)
    await forget(erasures)
    before = await everything(journal)
    await scripts.run("erasure_rebuild", most=1_000)
    await redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(LedgerUnavailableError):
            await erasures.rewrite()
        assert not await scripts.call("EXISTS", scripts.keys("journal_copy"))
        assert await everything(journal) == before
    finally:
        await redis.config_set("maxmemory", 0)
    await until(erasures.rewrite, "the rewrite")
    assert await everything(journal) == before
    assert not found(SECRETS, await dumped(redis))
