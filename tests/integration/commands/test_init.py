"""Writes a first configuration by ``init``: by answers on a terminal and by options without one."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.load import load
from tests.harness.sandbox import Sandbox
from tests.harness.until import WITHIN_S
from tests.harness.workers import environment

TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests in the background ignores it
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
TOKEN, KEY = "REFILL_CRM__PORTAL__TOKEN", "REFILL_PROVIDERS__KASPR__API_KEY"


def addresses(vendors: Mapping[str, Sandbox]) -> dict[str, str]:
    """Sets the addresses of the imitations, which a person never types."""
    return {
        "REFILL_CRM__PORTAL__BASE_URL": vendors["hubspot"].info["base_url"],
        "REFILL_PROVIDERS__KASPR__BASE_URL": vendors["kaspr"].info["base_url"],
    }


class Person:
    """Somebody at a terminal: waits for words, types others."""

    def __init__(self, fd: int) -> None:
        self._fd, self.seen, self._read = fd, "", 0

    def types(self, after: str, words: str, *, unseen: bool = False) -> None:
        deadline = time.monotonic() + WITHIN_S
        while after not in self.seen[self._read :]:
            assert self.listens(deadline), f"waited for {after!r}: {self.seen[self._read :]}"
        self._read = self.seen.index(after, self._read) + len(after)
        while unseen and termios.tcgetattr(self._fd)[3] & termios.ECHO:  # what is typed before that is thrown away
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.write(self._fd, words.encode())

    def listens(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))
        try:
            text = os.read(self._fd, 4096) if ready else b""
        except OSError:
            text = b""
        self.seen += text.decode(errors="replace")
        return bool(text)


@contextmanager
def at_a_terminal(folder: Path, env: Mapping[str, str]) -> Iterator[tuple[Person, subprocess.Popen[bytes]]]:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "worker.cli", "init", "--folder", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, *command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(env)
    )
    os.close(theirs)
    try:
        yield Person(ours), process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)


def answers(person: Person, token: str) -> None:
    person.types("Choose", "hubspot\n")
    person.types("A name for it", "My Portal\n")
    person.types("A name for it", "\n")
    person.types("Choose", "nonsense\n")
    person.types("Choose", "token\n")
    person.types("Which fields", "work_email, job_title\n")
    person.types("a key of Kaspr", "y\n")
    person.types("Credits that Kaspr", "many\n")
    person.types("Credits that Kaspr", "40\n")
    person.types("a key of Forager", "n\n")
    person.types("count as blank", "y\n")
    person.types("Choose", "review\n")
    person.types(f"{TOKEN}:", token + "\n", unseen=True)


async def test_somebody_answers_mends_a_wrong_token_and_has_a_configuration_that_works(
    vendors: dict[str, Sandbox], tmp_path: Path
) -> None:
    folder = tmp_path / "new"

    def talk() -> tuple[str, int]:
        token, key = str(vendors["hubspot"].info["token"]), str(vendors["kaspr"].info["api_key"])
        with at_a_terminal(folder, addresses(vendors)) as (person, process):
            answers(person, "pat-wrong")
            person.types(f"{KEY}:", key + "\n", unseen=True)
            person.types("Choose", "again\n")
            assert not folder.exists()
            person.types(f"{TOKEN}:", token + "\n", unseen=True)
            person.types(f"{KEY} is set already", "")  # what works is not typed again
            while person.listens(time.monotonic() + WITHIN_S):
                pass
            return person.seen, process.wait(WITHIN_S)

    seen, code = await asyncio.to_thread(talk)
    assert code == 0, seen
    assert "crm.objects.contacts.write" in seen
    assert "it refuses our credential" in seen
    assert str(vendors["hubspot"].info["token"]) not in seen
    settings = load(folder / "refill.toml", addresses(vendors))
    assert settings.crm["portal"].mode == "review"
    assert list(settings.crm["portal"].objects()["contact"].fields) == ["work_email", "job_title"]
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in folder.iterdir()) == [".env", "refill.toml"]


async def test_ctrl_c_leaves_nothing(vendors: dict[str, Sandbox], tmp_path: Path) -> None:
    def talk() -> int:
        with at_a_terminal(tmp_path, addresses(vendors)) as (person, process):
            answers(person, str(vendors["hubspot"].info["token"]))
            person.types(f"{KEY}:", "\x03", unseen=True)
            while person.listens(time.monotonic() + WITHIN_S):
                pass
            assert "Traceback" not in person.seen
            return process.wait(WITHIN_S)

    assert await asyncio.to_thread(talk) != 0
    assert not list(tmp_path.iterdir())


def scripted(folder: Path, env: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "worker.cli", "init", "--folder", str(folder), *options]
    return subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(env), check=False, timeout=60
    )


async def test_a_script_is_told_what_is_missing_and_writes_it_once(vendors: dict[str, Sandbox], tmp_path: Path) -> None:
    ran = await asyncio.to_thread(scripted, tmp_path, {})
    assert ran.returncode == 2
    assert all(one in ran.stderr for one in ("--crm is missing", "--budget is missing"))
    options = ("--crm", "hubspot", "--budget", "kaspr=50")
    ran = await asyncio.to_thread(scripted, tmp_path, {}, *options)
    assert ran.returncode == 2
    assert f"{TOKEN} is not set" in ran.stderr
    assert f"{KEY} is not set" in ran.stderr
    env = {
        **addresses(vendors),
        TOKEN: str(vendors["hubspot"].info["token"]),
        KEY: str(vendors["kaspr"].info["api_key"]),
    }
    refused = await asyncio.to_thread(scripted, tmp_path, {**env, TOKEN: "pat-wrong"}, *options)
    assert refused.returncode == 1
    assert not list(tmp_path.iterdir())
    ran = await asyncio.to_thread(scripted, tmp_path, env, *options)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    assert load(tmp_path / "refill.toml", {}).crm["portal"].mode == "observe"
    ran = await asyncio.to_thread(scripted, tmp_path, env, *options)
    assert ran.returncode == 2
    assert "--replace" in ran.stderr


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = scripted(tmp_path / "file" / "folder", {})
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "cannot be written to" in ran.stderr
    assert "--folder" in ran.stderr
