"""Journal and archive lose all that they say of an erased person, wherever it is kept, and nothing else."""

from __future__ import annotations

import fcntl
import json
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


async def told_of_ada(journal: Journal) -> None:
    """Three entries of her own and of deliveries, and three of others that look like hers."""
    own = change_entry(
        IntentEntry("email", "email", "", "ada@acme.test", "forager", "a", "q", 7, "if_blank", "run", 5), "x"
    )
    signal = signal_entry("job_change", "forager", "q", {"employer": "Engine Ltd"}, 5)
    await journal.append(*ADA, "run", [own, signal], token="own")
    delivered = [created_entry("contact", "1", "prospect-ada", 5), change("1", "+4915123456789")]
    others = [created_entry("company", "1", "acme", 5), change("11", "kept-11"), change("2", "kept-2")]
    await journal.append("acme", "delivery", "search/1", "run", [*delivered, *others], token="delivery")
    await journal.append("other", "delivery", "search/1", "run", [change("1", "kept-other")], token="other")
    await journal.append("other", "contact", "1", "run", [change("", "kept-own")], token="another")


async def erased(erasures: Erasures, clock: Clock) -> None:
    await erasures.done(ADA)
    clock.pass_ms(LATE_MS + 1)


def lines(folder: Path) -> list[dict[str, Any]]:
    paths = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def texts(folder: Path) -> str:
    return "".join(path.read_text("utf-8") for path in folder.iterdir())


async def test_journal_and_archive_forget_the_person_and_nobody_else(
    scripts: Scripts, clock: Clock, tmp_path: Path
) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    await told_of_ada(journal)
    clock.pass_ms(40 * DAY_MS)
    await journal.append("acme", "contact", "2", "run", [change("", "kept-later")], token="later")
    clock.pass_ms(DAY_MS)
    await archive(journal, tmp_path, clock.now)  # two months, so two files
    await told_of_ada_again(journal)
    before = lines(tmp_path)
    assert all(secret in texts(tmp_path) for secret in SECRETS)
    untouched = max(tmp_path.glob("*.jsonl"))
    stood = untouched.stat().st_ino

    await erased(erasures, clock)
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 1

    left = "".join(one.entry for one in await journal.latest())
    assert not [secret for secret in SECRETS if secret in texts(tmp_path) + left]
    kept = ("kept-11", "kept-2", "kept-other", "kept-own", "kept-later", '"acme"')
    assert all(value in texts(tmp_path) for value in kept)
    after = lines(tmp_path)
    assert [one["key"] for one in after] == [one["key"] for one in before]
    assert [one["entry"].get("credits") for one in after] == [one["entry"].get("credits") for one in before]
    assert untouched.stat().st_ino == stood  # a file that tells of nobody is not written anew
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 0


async def told_of_ada_again(journal: Journal) -> None:
    entries = [change("1", "+4915123456789"), change("2", "kept-2")]
    await journal.append("acme", "delivery", "search/2", "run", entries, token="again")


async def test_one_walk_serves_everybody_erased_since_the_last(scripts: Scripts, clock: Clock, tmp_path: Path) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    entries = [change(str(id), f"value-{id}.") for id in range(2_500)]  # more than a page
    await journal.append("acme", "delivery", "search/1", "run", entries[:1_300], token="kept")
    await archive(journal, tmp_path, clock.now + 1)
    await journal.append("acme", "delivery", "search/1", "run", entries[1_300:], token="archived")
    for id in range(0, 2_500, 5):
        await erasures.done(("acme", "contact", str(id)))
    clock.pass_ms(LATE_MS + 1)
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 500
    kept = [one["entry"]["after"] for one in lines(tmp_path)]
    kept += [json.loads(one.entry)["after"] for one in await journal.since(limit=5_000)]
    assert sorted(value for value in kept if value) == sorted(f"value-{id}." for id in range(2_500) if id % 5)
    assert await erasures.rewrite()


async def test_who_was_erased_a_moment_ago_waits_for_what_was_under_way(
    scripts: Scripts, clock: Clock, tmp_path: Path
) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    await erasures.done(ADA)
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 0
    await journal.append("acme", "delivery", "search/1", "run", [change("1", "+4915123456789")], token="late")
    clock.pass_ms(LATE_MS + 1)
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 1
    assert "+49" not in "".join(one.entry for one in await journal.latest())


async def test_what_is_kept_of_records_merged_into_the_erased_one_goes_too(
    scripts: Scripts, clock: Clock, tmp_path: Path
) -> None:
    journal, erasures, work = Journal(scripts), Erasures(scripts), Work(scripts, "acme", "contact")
    for loser, survivor in (("3", "2"), ("2", "1")):
        await work.add([Due(loser)], lane=Lane.LIVE, run="run")
        lease = next(one for one in await work.claim("worker-1", 10) if one.id == loser)
        assert await work.move(lease, survivor, "contact") is StepEnd.DONE
    await told_of_ada(journal)
    for id in ("3", "4"):
        await journal.append("acme", "contact", id, "run", [change("", f"own-{id}")], token=f"own-{id}")
    await journal.append("acme", "delivery", "search/3", "run", [change("3", "made-3")], token="delivery-3")
    await erasures.erase(ADA, scrubbed)
    left = "".join(one.entry for one in await journal.latest())
    assert ("ada@acme.test" in left, "own-3" in left, "own-4" in left) == (False, False, True)

    await archive(journal, tmp_path, clock.now + 1)
    await erasures.done(ADA)
    assert await scripts.call("KEYS", scripts.keys("merged", "acme", "contact", "*")) == []
    clock.pass_ms(LATE_MS + 1)
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 3
    told = texts(tmp_path)
    assert [value for value in (*SECRETS, "made-3", "kept-2") if value in told] == []
    assert all(value in told for value in ("own-4", "kept-11", "kept-other"))


async def test_a_crash_amid_a_file_leaves_the_old_one_and_the_repeat_erases(
    scripts: Scripts, clock: Clock, tmp_path: Path
) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    await told_of_ada(journal)
    await archive(journal, tmp_path, clock.now + 1)
    (path,) = tmp_path.glob("*.jsonl")
    (tmp_path / f"{path.name}.erasing").write_bytes(path.read_bytes()[:100])  # as far as it got
    await erased(erasures, clock)
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 1
    assert not [secret for secret in SECRETS if secret in texts(tmp_path)]
    assert {one.name for one in tmp_path.iterdir()} == {path.name, "journal.lock"}


async def test_an_archive_that_cannot_be_written_leaves_the_erasure_to_be_repeated(
    scripts: Scripts, clock: Clock, tmp_path: Path
) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    await told_of_ada(journal)
    await archive(journal, tmp_path, clock.now + 1)
    await erased(erasures, clock)
    with (tmp_path / "journal.lock").open("ab") as lock:  # a job that was given up still writes
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            await erase_elsewhere(erasures, journal, tmp_path, clock.now)
        with pytest.raises(BlockingIOError):
            await journal_goes_to(journal, tmp_path, clock)
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 1
    assert not [secret for secret in SECRETS if secret in texts(tmp_path)]


async def journal_goes_to(journal: Journal, folder: Path, clock: Clock) -> None:
    await told_of_ada_again(journal)
    await archive(journal, folder, clock.now + 1)


async def test_a_line_cut_short_goes_and_is_written_again_by_the_next_round(
    scripts: Scripts, clock: Clock, tmp_path: Path
) -> None:
    journal = Journal(scripts)
    await told_of_ada(journal)
    await archive(journal, tmp_path, clock.now + 1)
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert await erase_lines(tmp_path, frozenset({("acme", "contact", "nobody")})) == 1
    assert path.read_bytes() == whole[: whole[:-1].rfind(b"\n") + 1]


async def test_a_folder_that_is_not_there_yet_tells_of_nobody(tmp_path: Path) -> None:
    assert await erase_lines(tmp_path / "none", frozenset({ADA})) == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "strange", ['{"id": "1"}', '[""id": "1""]', '"id": "1"', '{"id": "1", "object": "contact", "crm": 5}']
)
async def test_a_line_that_is_no_entry_stands_in_nobodys_way_and_the_erasure_is_repeated(
    scripts: Scripts, clock: Clock, tmp_path: Path, strange: str
) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    await told_of_ada(journal)
    await archive(journal, tmp_path, clock.now + 1)
    (path,) = tmp_path.glob("*.jsonl")
    before = tmp_path / "journal-1999-01.jsonl"
    before.write_text(f"{strange}\n", "utf-8")
    path.write_text(path.read_text("utf-8") + f"{strange}\n", "utf-8")
    await erased(erasures, clock)
    for _ in range(2):
        with pytest.raises(ValueError, match="2 lines"):
            await erase_elsewhere(erasures, journal, tmp_path, clock.now)
        assert not [secret for secret in SECRETS if secret in texts(tmp_path)]
        assert texts(tmp_path).splitlines().count(strange) == 2
    before.unlink()
    path.write_text(path.read_text("utf-8").replace(f"{strange}\n", ""), "utf-8")
    assert await erase_elsewhere(erasures, journal, tmp_path, clock.now) == 1


async def test_a_file_that_is_kept_elsewhere_is_erased_where_it_is(
    scripts: Scripts, clock: Clock, tmp_path: Path
) -> None:
    journal, erasures = Journal(scripts), Erasures(scripts)
    folder, cold = tmp_path / "archive", tmp_path / "cold"
    await told_of_ada(journal)
    await archive(journal, folder, clock.now + 1)
    (path,) = folder.glob("*.jsonl")
    cold.mkdir()
    path.rename(cold / path.name)
    path.symlink_to(cold / path.name)
    (cold / f"{path.name}.erasing").write_text("as far as a crash let it", "utf-8")
    await erased(erasures, clock)
    assert await erase_elsewhere(erasures, journal, folder, clock.now) == 1
    assert path.is_symlink()
    assert [one.name for one in cold.iterdir()] == [path.name]
    assert not [secret for secret in SECRETS if secret in texts(cold)]
