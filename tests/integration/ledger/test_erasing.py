"""Journal and archive lose all that they say of an erased person, wherever it is kept, and nothing else."""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.clock import Clock
from worker.ledger.journal.erasures import Erasures
from worker.ledger.journal.journal import Journal
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Due, Lane, StepEnd, Work
from worker.upkeep.archive import archive, erase_lines
from worker.upkeep.erase import LATE_MS, erase_elsewhere
from worker.visits.journal_entries import IntentEntry, change_entry, created_entry, scrubbed, signal_entry

DAY_MS = 86_400_000
ADA = ("acme", "contact", "1")
SECRETS = ("ada@acme.test", "+4915123456789", "prospect-ada", "Engine Ltd")


def change(id: str, after: str) -> str:
    return change_entry(IntentEntry.of_row("contact", id, "phone", "phone", after, "run", 5), "confirmed")


@dataclass(frozen=True, slots=True)
class Kept:
    """All that journal and archive tell, in a ledger of the test's own."""

    scripts: Scripts
    clock: Clock
    folder: Path

    @property
    def journal(self) -> Journal:
        return Journal(self.scripts)

    @property
    def erasures(self) -> Erasures:
        return Erasures(self.scripts)

    async def told_of_ada(self) -> None:
        """Three entries of her own and of deliveries, and three of others that look like hers."""
        own = change_entry(
            IntentEntry("email", "email", "", "ada@acme.test", "forager", "a", "q", 7, "if_blank", "run", 5), "x"
        )
        signal = signal_entry("job_change", "forager", "q", {"employer": "Engine Ltd"}, 5)
        await self.tell(ADA, own, signal)
        delivered = [created_entry("contact", "1", "prospect-ada", 5), change("1", "+4915123456789")]
        others = [created_entry("company", "1", "acme", 5), change("11", "kept-11"), change("2", "kept-2")]
        await self.tell(("acme", "delivery", "search/1"), *delivered, *others)
        await self.tell(("other", "delivery", "search/1"), change("1", "kept-other"))
        await self.tell(("other", "contact", "1"), change("", "kept-own"))

    async def told_again(self) -> None:
        await self.tell(("acme", "delivery", "search/2"), change("1", "+4915123456789"), change("2", "kept-2"))

    async def tell(self, whose: tuple[str, str, str], *entries: str) -> None:
        await self.journal.append(*whose, "run", list(entries), token=f"{whose} {entries}")

    async def archived(self) -> Path:
        """Everything goes to the archive; its newest file."""
        await archive(self.journal, self.folder, self.clock.now + 1)
        return self.files()[-1]

    async def erased(self) -> None:
        """Ada was erased long enough ago for what was under way to be told."""
        await self.erasures.done(ADA)
        self.clock.pass_ms(LATE_MS + 1)

    async def erase_elsewhere(self) -> int:
        return await erase_elsewhere(self.erasures, self.journal, self.folder, self.clock.now)

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl"))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for one in self.files() for line in one.read_text("utf-8").splitlines()]

    def text(self) -> str:
        return "".join(path.read_text("utf-8") for path in self.folder.iterdir())

    def secrets(self, elsewhere: str = "") -> list[str]:
        """Returns what is still told of Ada."""
        return [secret for secret in SECRETS if secret in self.text() + elsewhere]


@pytest.fixture
def kept(scripts: Scripts, clock: Clock, tmp_path: Path) -> Kept:
    return Kept(scripts, clock, tmp_path)


async def test_journal_and_archive_forget_the_person_and_nobody_else(kept: Kept) -> None:
    await kept.told_of_ada()
    kept.clock.pass_ms(40 * DAY_MS)
    await kept.tell(("acme", "contact", "2"), change("", "kept-later"))
    kept.clock.pass_ms(DAY_MS)
    untouched = await kept.archived()  # two months, so two files
    await kept.told_again()
    before = kept.lines()
    assert kept.secrets() == [*SECRETS]
    stood = untouched.stat().st_ino

    await kept.erased()
    assert await kept.erase_elsewhere() == 1
    assert kept.secrets("".join(one.entry for one in await kept.journal.latest())) == []
    others = ("kept-11", "kept-2", "kept-other", "kept-own", "kept-later", '"acme"')
    assert all(value in kept.text() for value in others)
    after = kept.lines()
    assert [one["key"] for one in after] == [one["key"] for one in before]
    assert [one["entry"].get("credits") for one in after] == [one["entry"].get("credits") for one in before]
    assert untouched.stat().st_ino == stood  # a file that tells of nobody is not written anew
    assert await kept.erase_elsewhere() == 0


async def test_one_walk_serves_everybody_erased_since_the_last(kept: Kept) -> None:
    entries = [change(str(id), f"value-{id}.") for id in range(2_500)]  # more than a page
    await kept.tell(("acme", "delivery", "search/1"), *entries[:1_300])
    await kept.archived()
    await kept.tell(("acme", "delivery", "search/1"), *entries[1_300:])
    for id in range(0, 2_500, 5):
        await kept.erasures.done(("acme", "contact", str(id)))
    kept.clock.pass_ms(LATE_MS + 1)
    assert await kept.erase_elsewhere() == 500
    left = [one["entry"]["after"] for one in kept.lines()]
    left += [json.loads(one.entry)["after"] for one in await kept.journal.since(limit=5_000)]
    assert sorted(value for value in left if value) == sorted(f"value-{id}." for id in range(2_500) if id % 5)
    assert await kept.erasures.rewrite()


async def test_who_was_erased_a_moment_ago_waits_for_what_was_under_way(kept: Kept) -> None:
    await kept.erasures.done(ADA)
    assert await kept.erase_elsewhere() == 0
    await kept.told_again()
    kept.clock.pass_ms(LATE_MS + 1)
    assert await kept.erase_elsewhere() == 1
    assert "+49" not in "".join(one.entry for one in await kept.journal.latest())


async def test_what_is_kept_of_records_merged_into_the_erased_one_goes_too(kept: Kept) -> None:
    work = Work(kept.scripts, "acme", "contact")
    for loser, survivor in (("3", "2"), ("2", "1")):
        await work.add([Due(loser)], lane=Lane.LIVE, run="run")
        lease = next(one for one in await work.claim("worker-1", 10) if one.id == loser)
        assert await work.move(lease, survivor, "contact") is StepEnd.DONE
    await kept.told_of_ada()
    for id in ("3", "4"):
        await kept.tell(("acme", "contact", id), change("", f"own-{id}"))
    await kept.tell(("acme", "delivery", "search/3"), change("3", "made-3"))
    await kept.erasures.erase(ADA, scrubbed)
    left = "".join(one.entry for one in await kept.journal.latest())
    assert ("ada@acme.test" in left, "own-3" in left, "own-4" in left) == (False, False, True)

    await kept.archived()
    await kept.erased()
    assert await kept.scripts.call("KEYS", kept.scripts.keys("merged", "acme", "contact", "*")) == []
    assert await kept.erase_elsewhere() == 3
    assert [value for value in (*SECRETS, "made-3", "kept-2") if value in kept.text()] == []
    assert all(value in kept.text() for value in ("own-4", "kept-11", "kept-other"))


async def test_a_crash_amid_a_file_leaves_the_old_one_and_the_repeat_erases(kept: Kept) -> None:
    await kept.told_of_ada()
    path = await kept.archived()
    (kept.folder / f"{path.name}.erasing").write_bytes(path.read_bytes()[:100])  # as far as it got
    await kept.erased()
    assert await kept.erase_elsewhere() == 1
    assert kept.secrets() == []
    assert {one.name for one in kept.folder.iterdir()} == {path.name, "journal.lock"}


async def test_an_archive_that_cannot_be_written_leaves_the_erasure_to_be_repeated(kept: Kept) -> None:
    await kept.told_of_ada()
    await kept.archived()
    await kept.erased()
    with (kept.folder / "journal.lock").open("ab") as lock:  # a job that was given up still writes
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            await kept.erase_elsewhere()
        await kept.told_again()
        with pytest.raises(BlockingIOError):
            await kept.archived()
    assert await kept.erase_elsewhere() == 1
    assert kept.secrets() == []


async def test_a_line_cut_short_goes_and_is_written_again_by_the_next_round(kept: Kept) -> None:
    await kept.told_of_ada()
    path = await kept.archived()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert await erase_lines(kept.folder, frozenset({("acme", "contact", "nobody")})) == 1
    assert path.read_bytes() == whole[: whole[:-1].rfind(b"\n") + 1]


async def test_a_folder_that_is_not_there_yet_tells_of_nobody(tmp_path: Path) -> None:
    assert await erase_lines(tmp_path / "none", frozenset({ADA})) == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "strange", ['{"id": "1"}', '[""id": "1""]', '"id": "1"', '{"id": "1", "object": "contact", "crm": 5}']
)
async def test_a_line_that_is_no_entry_stands_in_nobodys_way_and_is_looked_at_again(kept: Kept, strange: str) -> None:
    await kept.told_of_ada()
    path = await kept.archived()
    before = kept.folder / "journal-1999-01.jsonl"
    before.write_text(f"{strange}\n", "utf-8")
    path.write_text(path.read_text("utf-8") + f"{strange}\n", "utf-8")
    await kept.erased()
    for _ in range(2):
        with pytest.raises(ValueError, match="2 lines"):
            await kept.erase_elsewhere()
        assert kept.secrets() == []
        assert kept.text().splitlines().count(strange) == 2
    before.unlink()
    path.write_text(path.read_text("utf-8").replace(f"{strange}\n", ""), "utf-8")
    assert await kept.erase_elsewhere() == 1


async def test_a_file_kept_elsewhere_is_erased_where_it_is(scripts: Scripts, clock: Clock, tmp_path: Path) -> None:
    kept, cold = Kept(scripts, clock, tmp_path / "archive"), tmp_path / "cold"
    await kept.told_of_ada()
    path = await kept.archived()
    cold.mkdir()
    path.rename(cold / path.name)
    path.symlink_to(cold / path.name)
    (cold / f"{path.name}.erasing").write_text("as far as a crash let it", "utf-8")
    await kept.erased()
    assert await kept.erase_elsewhere() == 1
    assert path.is_symlink()
    assert [one.name for one in cold.iterdir()] == [path.name]
    assert kept.secrets() == []
