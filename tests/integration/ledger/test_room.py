"""Keeps space and a descriptor for replies that are paid for, and starts no paid call once space runs out."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ledger.money import KEEP_MS, day_line, grant, question, reply
from worker.commands.check import disk
from worker.commands.check_results import FAILED_LEVEL, OK
from worker.ledger.money.budgets import Budgets
from worker.ledger.money.lookup_ticket import LookupTicket, ReplySettlement
from worker.ledger.money.spool import NEEDED, SET_ASIDE, Room, Spool
from worker.ledger.money.ticket_values import Granted, KeepingTimes
from worker.ledger.money.tickets import Desk
from worker.ledger.scripts import LedgerUnavailableError, Scripts

SMALL = 2 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB and 400 files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL},nr_inodes=400", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Use up every byte that is free."""
    with contextlib.suppress(OSError), (folder / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4_096)


def settle(_: object) -> ReplySettlement:
    return ReplySettlement(3, hit=True)


def ticket_of(desk: Desk, granted: Granted, spool: Spool) -> LookupTicket:
    keep = KeepingTimes(KEEP_MS, KEEP_MS)
    return LookupTicket(desk, granted, settle=settle, spool=spool, keep=keep)


async def test_paid_reply_is_kept_on_a_full_disk_and_nothing_more_bought(scripts: Scripts, small_disk: Path) -> None:
    desk, spool = Desk(scripts), Spool(small_disk / "data")
    assert spool.has_room()
    flying = [await grant(desk, question(name), lines=[day_line()]) for name in ("Ada", "Ben", "Eve")]
    for one in flying:
        assert await desk.sent(one)
    fill(small_disk)
    for one in flying:
        await spool.keep(one, reply(), credits=3, hit=True, keep_ms=KEEP_MS)
    assert spool.pending() == 3

    late = ticket_of(desk, await grant(desk, question("Late"), lines=[day_line()]), spool)
    with pytest.raises(LedgerUnavailableError, match="room"):
        await late.sent()

    (small_disk / "filling").unlink()
    assert (await spool.load(desk)).replies == 3
    booked = (await Budgets(scripts).booked([day_line().name]))[day_line().name]
    assert (booked.spent, booked.reserved) == (9, 0)


def test_buying_goes_on_once_there_is_room_again(small_disk: Path) -> None:
    now = [0.0]
    room = Room(small_disk, clock=lambda: now[0])
    assert room.enough()
    fill(small_disk)
    now[0] += 2
    assert not room.enough()
    (small_disk / "filling").unlink()
    now[0] += 2
    assert room.enough()


def test_nothing_is_bought_where_no_file_can_be_made_for_a_reply(small_disk: Path) -> None:
    assert Room(small_disk).enough()
    for at in range(350):
        (small_disk / f"{at}").touch()
    assert Room(small_disk).lacking().endswith("files can still be made under data_dir: no paid call starts below 100")
    assert not Room(small_disk).enough()


@pytest.mark.parametrize("began", [True, False], ids=["spool of an earlier start", "no spool yet"])
def test_nothing_is_bought_where_replies_cannot_be_written(small_disk: Path, began: bool) -> None:
    folder = small_disk / "data"
    if began:
        (folder / "spool").mkdir(parents=True)
    assert Spool(folder).has_room()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert not Spool(folder).has_room()
    assert "cannot be written by this user" in Spool(folder).room.lacking()


def test_check_tells_how_much_is_left_and_fails_where_nothing_is_bought(small_disk: Path) -> None:
    found = disk(Room(small_disk))
    assert (found.level, found.text) == (OK, "2048 KiB free under data_dir; paid calls stop below 512 KiB")
    fill(small_disk)
    found = disk(Room(small_disk))
    assert (found.level, found.text) == (
        FAILED_LEVEL,
        "0 KiB are free under data_dir: no paid call starts below 512 KiB",
    )


def test_small_disk_sets_a_small_part_aside(small_disk: Path) -> None:
    room = Room(small_disk)
    assert room.enough()
    assert (small_disk / "spool.room").stat().st_size == SMALL // 8 < SET_ASIDE
    assert room.needed() == SMALL // 4 < NEEDED


def test_last_descriptor_is_given_up_for_a_reply(tmp_path: Path) -> None:
    room = Room(tmp_path)
    assert room.enough()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(OSError, match="Too many open files"):
            os.open(os.devnull, os.O_RDONLY)
        written = room.use(lambda: (tmp_path / "reply").write_bytes(b"paid for"))
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert written == len(b"paid for")


def test_other_failures_of_a_disk_are_told_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        Room(tmp_path).use(lambda: (tmp_path / "file" / "reply").write_bytes(b""))
