"""The commands of docs/operating.md bring an installation back that has lost everything: nothing is paid twice."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.harness import redis_cli
from tests.harness.installation import Refill
from tests.harness.redis import server_program
from tests.harness.sandbox import Sandbox

PAGE = Path(__file__).parents[3] / "docs" / "operating.md"
EMBEDDED, OWN, COMPARED = (0, 2), (1, 3), 4  # blocks of the section: to back up, to restore
ANSWER = b"an answer that Redis could not take"


def commands() -> list[str]:
    """The blocks of the section, in the order of the page."""
    section = PAGE.read_text(encoding="utf-8").partition("## Back up and restore\n")[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)


class Place:
    """A machine with one installation, and a Redis of its own where that is wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.backup, self.redis = (folder / name for name in ("data", "backup", "redis"))
        self.backup.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        programs = folder / "programs"  # the page's names, whatever the server is called here
        programs.mkdir()
        (programs / "redis-server").symlink_to(server_program())
        if shutil.which("redis-cli") is None:
            client = programs / "redis-cli"
            client.write_text(f'#!/bin/sh\nexec {sys.executable} {redis_cli.__file__} "$@"\n')
            client.chmod(0o755)
        self.path = f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def conf(self) -> Path:
        self.redis.mkdir(exist_ok=True)
        found = self.folder / "redis.conf"
        lines = (f"port {self.port}", "bind 127.0.0.1", f"dir {self.redis}", "appendonly yes", "appendfsync always")
        found.write_text("\n".join([*lines, "maxmemory-policy noeviction", 'save ""', ""]))
        return found

    def sh(self, script: str) -> str:
        """Runs commands as a person at a shell does, in the installation's folder."""
        names = {"DATA_DIR": self.data, "BACKUP": self.backup, "REDIS_URL": self.url, "REDIS_DIR": self.redis}
        names |= {"REDIS_CONF": self.folder / "redis.conf", "PATH": self.path}
        env = {name: str(value) for name, value in names.items()}
        ran = subprocess.run(
            ["/bin/sh", "-eu", "-c", script],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, (script, ran.stdout, ran.stderr)
        return ran.stdout

    def lose_everything(self) -> None:
        for one in (self.data, self.redis):
            shutil.rmtree(one, ignore_errors=True)
        for name in ("refill.toml", ".env"):
            (self.folder / name).unlink()
        if (self.folder / "redis.conf").exists():
            self.conf()


def paid(found: Mapping[str, Sandbox]) -> Counter[str]:
    """Every charged question of the providers' bills, with how often it was charged."""
    return Counter(
        f"{name} {row['operation']} {row['identity']}" for name in ("forager", "kaspr") for row in found[name].charges()
    )


@pytest.mark.slow
async def test_an_embedded_redis_that_was_lost_comes_back(fresh: Refill, tmp_path: Path) -> None:
    place = Place(tmp_path)
    await _filled_in_part(fresh)
    _spooled(place)
    blocks = commands()
    place.sh(blocks[EMBEDDED[0]])
    before = paid(fresh.vendors)
    place.lose_everything()
    place.sh(blocks[EMBEDDED[1]])
    await _goes_on(place, fresh.vendors, before)


async def test_a_redis_of_ones_own_that_was_lost_comes_back(fresh: Refill, tmp_path: Path) -> None:
    place = Place(tmp_path)
    fresh.set(REFILL_REDIS__URL=place.url)
    place.sh(f'redis-server "{place.conf()}" --daemonize yes; until redis-cli -u "$REDIS_URL" ping; do sleep 0.1; done')
    try:
        await _filled_in_part(fresh)
        _spooled(place)
        blocks = commands()
        place.sh(blocks[OWN[0]])
        before = paid(fresh.vendors)
        place.sh('redis-cli -u "$REDIS_URL" shutdown nosave')
        place.lose_everything()
        place.sh(blocks[OWN[1]])
        await _goes_on(place, fresh.vendors, before)
    finally:
        place.sh('redis-cli -u "$REDIS_URL" shutdown nosave || true')


async def _filled_in_part(refill: Refill) -> None:
    ran = await refill.alone("sync", "--max-credits", "60", "--patience", "1", "--json")
    assert ran.code == 4, ran
    assert 0 < sum(ran.json["credits"].values()) <= 60


def _spooled(place: Place) -> None:
    folder = place.data / "spool"
    folder.mkdir(exist_ok=True)
    (folder / "kept.broken").write_bytes(ANSWER)


async def _goes_on(place: Place, found: Mapping[str, Sandbox], before: Counter[str]) -> None:
    place.sh(commands()[COMPARED])
    assert (place.data / "spool" / "kept.broken").read_bytes() == ANSWER
    assert paid(found) == before  # to look costs nothing
    refill = f'refill sync --json --max-credits 60 --patience 1 --config "{place.folder / "refill.toml"}"'
    place.sh(f"{refill} || test $? = 4 -o $? = 3")
    after = paid(found)
    assert sum(after.values()) > sum(before.values())
    assert max(after.values()) == 1, [one for one, times in after.items() if times > 1]
