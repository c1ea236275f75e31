"""Notices a Redis that has forgotten paid calls, and sends no other until a person has looked."""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stdout

import pytest

from tests.harness.redis import Server
from tests.integration.scene import Scene, Worker
from worker.cli import main
from worker.ledger.money.rollback_guard import Epoch, HighWater
from worker.service.jobs import check_books, check_epoch, compare_books


async def refill(scene: Scene, *words: str) -> tuple[int, str]:
    """A command of a person's."""

    def run() -> tuple[int, str]:
        with redirect_stdout(io.StringIO()) as told, pytest.raises(SystemExit) as ended:
            main([*words, "--config", str(scene.folder / "refill.toml")])
        return int(ended.value.code or 0), told.getvalue()

    return await asyncio.to_thread(run)


async def reasons(scene: Scene) -> set[tuple[str, str]]:
    return {(one.target, one.reason) for one in await scene.ledger.pauses.all()}


async def started(scene: Scene) -> Worker:
    """A worker that has done what every start does before it claims."""
    worker = await scene.worker()
    await check_epoch(worker.runtime)
    await compare_books(worker.runtime, {"name": "reconcile:forager", "key": "forager"})
    return worker


async def test_crash_point_25_a_redis_from_a_backup_sends_nothing_until_a_person_reconciles(
    scene: Scene, server: Server
) -> None:
    worker = await started(scene)
    first, second, third = scene.ids(3)
    await worker.visit(first)
    copy = server.back_up()
    await worker.visit(second)
    server.restore(copy)

    await worker.visit(third)
    assert (scene.asked(), scene.bill()) == (2, 10)
    assert await reasons(scene) == {("forager", "restored"), ("kaspr", "restored")}
    await check_epoch(worker.runtime)
    await check_books(worker.runtime)
    await compare_books(worker.runtime, {"name": "reconcile:kaspr", "key": "kaspr"})
    code, told = await refill(scene, "resume", "all")
    assert "refill reconcile" in told
    assert await reasons(scene) == {("forager", "restored"), ("kaspr", "restored")}

    code, told = await refill(scene, "reconcile")
    assert (code, await reasons(scene)) == (0, set())
    assert "forgotten" in told
    await scene.ledger.all_work.admit("forager", 5, at_once=True)
    await worker.visit()
    assert (scene.asked(), bool(scene.email(third))) == (3, True)


async def test_a_worker_that_starts_on_an_old_redis_notices_it_by_its_data_dir(scene: Scene, server: Server) -> None:
    worker = await started(scene)
    first, second, third = scene.ids(3)
    await worker.visit(first)
    copy = server.back_up()
    await worker.visit(second)
    await worker.die()
    server.restore(copy)
    fresh = await started(scene)
    assert await reasons(scene) == {("forager", "restored"), ("kaspr", "restored")}
    await fresh.visit(third)
    assert scene.asked() == 2


async def test_an_emptied_redis_is_an_old_one(scene: Scene) -> None:
    worker = await started(scene)
    first, second = scene.ids(2)
    await worker.visit(first)
    await scene.redis.flushall()
    await worker.visit(second)
    assert (scene.asked(), await reasons(scene)) == (1, {("forager", "restored"), ("kaspr", "restored")})


async def test_a_restart_that_loses_nothing_is_not_noticed(scene: Scene, server: Server) -> None:
    worker = await started(scene)
    first, second = scene.ids(2)
    await worker.visit(first)
    server.kill()
    server.start()
    await check_epoch(worker.runtime)
    await worker.visit(second)
    assert (scene.asked(), await reasons(scene)) == (2, set())


async def test_whoever_remembers_more_gives_in_to_what_a_person_took_as_it_is(scene: Scene, server: Server) -> None:
    worker = await started(scene)
    other = await scene.worker(data_dir="another-machine")
    first, second, third = scene.ids(3)
    await worker.visit(first)
    copy = server.back_up()
    await other.visit(second)
    server.restore(copy)
    await check_epoch(other.runtime)
    assert await reasons(scene) == {("forager", "restored"), ("kaspr", "restored")}
    assert (await refill(scene, "reconcile"))[0] == 0
    await check_epoch(other.runtime)
    await other.visit(third)
    assert (scene.asked(), await reasons(scene)) == (3, set())


async def test_books_that_cannot_be_read_keep_the_block(scene: Scene) -> None:
    worker = await started(scene)
    await worker.visit(scene.ids(1)[0])
    await scene.redis.flushall()
    await check_epoch(worker.runtime)
    scene.fault("status", route="*balance_change_logs*", times=None, params={"status": 400})
    assert (await refill(scene, "reconcile"))[0] == 1
    assert ("forager", "restored") in await reasons(scene)


async def test_processes_of_one_folder_share_what_was_seen(scene: Scene) -> None:
    folder = scene.folder / "data"
    one, two = HighWater(folder), HighWater(folder)
    one.saw(Epoch(1, "a", 7))
    two.saw(Epoch(1, "a", 5))
    assert HighWater(folder).seen == Epoch(1, "a", 7)
    await two.sync()
    assert two.seen == Epoch(1, "a", 7)
    two.saw(Epoch(2, "b", 1))
    await one.sync()
    assert one.seen == HighWater(folder).seen == Epoch(2, "b", 1)


async def test_the_file_holds_each_call_before_anybody_makes_it(scene: Scene) -> None:
    folder = scene.folder / "data"
    seen = HighWater(folder)

    async def sent(count: int) -> int:
        await seen.saw_sent(Epoch(1, "a", count))
        return HighWater(folder).seen.sent

    given_up = asyncio.ensure_future(sent(9))
    others = [asyncio.ensure_future(sent(count)) for count in (3, 5, 4)]
    await asyncio.sleep(0)
    given_up.cancel()
    assert await asyncio.gather(*others) == [9, 9, 9]


async def test_a_file_nobody_can_read_is_as_good_as_none(scene: Scene) -> None:
    folder = scene.folder / "torn"
    folder.mkdir()
    (folder / "high_water").write_bytes(b"00000000")
    assert HighWater(folder).seen == Epoch()


async def test_calls_sent_before_the_first_look_count_too(scene: Scene) -> None:
    worker = await scene.worker()
    await worker.visit(scene.ids(1)[0])
    assert worker.runtime.ledger.rollback_guard.high_water.seen == Epoch()
    await check_epoch(worker.runtime)
    seen = worker.runtime.ledger.rollback_guard.high_water.seen
    assert (seen.generation, seen.sent) == (1, 1)
