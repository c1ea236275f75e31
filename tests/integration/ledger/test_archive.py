"""Takes old journal entries to the disk once and then out of Redis, and tells with a forecast how full Redis is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.harness.clock import Clock
from worker.ledger.journal.journal import Journal
from worker.ledger.rates.cursors import Cursors
from worker.ledger.redis_memory import MemoryUse, RedisMemory
from worker.ledger.scripts import Scripts
from worker.upkeep.archive import archive

DAY_MS = 86_400_000


async def written(journal: Journal, clock: Clock, days: int, long: int = 0) -> None:
    """One entry a day."""
    for day in range(days):
        entry = json.dumps({"day": day, "text": "x" * long})
        await journal.append("acme", "contact", "1", "run", [entry], token=f"t{day}")
        clock.pass_ms(DAY_MS)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def kept(folder: Path) -> list[int]:
    lines = [line for path in files(folder) for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line)["entry"]["day"] for line in lines]


async def test_entries_past_their_time_go_to_their_months_file(scripts: Scripts, clock: Clock, tmp_path: Path) -> None:
    journal = Journal(scripts)
    await written(journal, clock, 40)
    assert await archive(journal, tmp_path / "a", clock.now - 5 * DAY_MS) == 35
    assert kept(tmp_path / "a") == list(range(35))
    assert len(files(tmp_path / "a")) == 2
    assert (await journal.length(), len(await journal.entries("acme", "contact", "1"))) == (5, 5)


@pytest.mark.parametrize(("long", "cut"), [(0, 0), (0, 7), (200_000, 0), (200_000, 7), (200_000, 150_000)])
async def test_a_crash_between_the_disk_and_redis_doubles_no_line(
    scripts: Scripts, clock: Clock, tmp_path: Path, long: int, cut: int
) -> None:
    journal = Journal(scripts)
    await written(journal, clock, 3, long)
    entries = await journal.before(clock.now)
    await archive(journal, tmp_path, clock.now)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut])  # and the last line was cut short
    await scripts.call("DEL", scripts.keys("journal"))
    for one in entries:
        told = ("crm", one.crm, "object", one.object, "id", one.id, "run", one.run, "entry", one.entry)
        await scripts.call("XADD", scripts.keys("journal"), one.key, *told)
    assert await archive(journal, tmp_path, clock.now) == 3
    assert path.read_bytes() == whole


@pytest.mark.parametrize("strange", ["", "a note", '{"key": 5}', "[]", '{"no": "key"}'])
async def test_a_strangers_line_holds_up_no_entry(scripts: Scripts, clock: Clock, tmp_path: Path, strange: str) -> None:
    journal = Journal(scripts)
    await written(journal, clock, 2)
    await archive(journal, tmp_path, clock.now - DAY_MS)
    (path,) = files(tmp_path)
    first = path.read_text("utf-8") + f"{strange}\n"
    path.write_text(first, "utf-8")
    assert await archive(journal, tmp_path, clock.now) == 1
    assert path.read_text("utf-8").startswith(first)
    assert '"day": 1' in path.read_text("utf-8").removeprefix(first)


async def test_without_an_archive_old_entries_are_dropped(scripts: Scripts, clock: Clock) -> None:
    journal = Journal(scripts)
    await written(journal, clock, 2)
    assert (await archive(journal, None, clock.now), await journal.length()) == (2, 0)


async def test_an_archive_that_cannot_be_written_drops_nothing(scripts: Scripts, clock: Clock, tmp_path: Path) -> None:
    journal = Journal(scripts)
    await written(journal, clock, 2)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        await archive(journal, tmp_path / "file" / "folder", clock.now)
    assert await journal.length() == 2


async def test_memory_is_forecast_from_samples_of_the_last_days(scripts: Scripts, redis: Redis, clock: Clock) -> None:
    footprints = RedisMemory(scripts, Cursors(scripts))
    assert (found := await footprints.now()) is not None
    assert found.full_in_days is None
    await footprints.sample()
    clock.pass_ms(2 * DAY_MS)
    await redis.set("refill:ballast", b"x" * 4_000_000)
    found = await footprints.now()
    assert found is not None
    assert found.full_in_days is not None
    assert found.full_in_days > 0


def test_backfill_pauses_at_four_fifths() -> None:
    assert [MemoryUse(used, 100).is_full for used in (79, 80)] == [False, True]
    assert not MemoryUse(100, 0).is_full
