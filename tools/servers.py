"""Runs the ledger's tests on every Redis and Valkey there is, and says which were wanted and not found.

``make test`` runs them on the one server that the product would start here. This runs them on each server that
``SERVERS`` names, else on each ``redis-server`` and ``valkey-server`` on the PATH. They run under the rule of
``docs/redis.md``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.closed_lock import ROOT
from worker.redis.embedded import OLDEST, Program, program

NAMES = ("redis-server", "valkey-server")
WANTED = {"Redis 7.2": ("redis", (7, 2)), "Valkey 8": ("valkey", (8,))}
TESTS = ("tests/integration/ledger", "tests/integration/redis", "tests/unit/test_access.py")


@dataclass(frozen=True, slots=True)
class Found:
    """Holds what there is to test on. ``unfit`` are sentences on what cannot be used."""

    servers: tuple[Program, ...]
    unfit: tuple[str, ...]


def on_path(search_path: str) -> Iterator[Path]:
    """Yields every server of every folder, each executable once."""
    seen = set[Path]()
    for folder in filter(None, search_path.split(os.pathsep)):
        for path in (Path(folder, name) for name in NAMES):
            if path.is_file() and os.access(path, os.X_OK) and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def find(named: Sequence[str], search_path: str) -> Found:
    """Returns the servers that can be tested on: those ``named``, else those on ``search_path``."""
    servers, unfit = [], []
    for path in [Path(one).absolute() for one in named] or on_path(search_path):
        server = program(path)
        if server is None:
            unfit.append(f"{path} does not say that it is a Redis or a Valkey")
        elif server.version < OLDEST:
            unfit.append(f"{path} is {server}, older than {OLDEST[0]}.{OLDEST[1]}")
        else:
            servers.append(server)
    return Found(tuple(servers), tuple(unfit))


def missing(servers: Iterable[Program]) -> list[str]:
    """Returns the names of the wanted servers that are not among ``servers``."""
    there = [(server.kind, server.version) for server in servers]
    return [
        name
        for name, (kind, version) in WANTED.items()
        if not any(kind == has and version == number[: len(version)] for has, number in there)
    ]


def passes(server: Program, arguments: Sequence[str]) -> bool:
    """Runs the tests on a server and tells whether all passed."""
    sys.stdout.write(f"\n{server} ({server.path})\n")
    sys.stdout.flush()
    environ = {**os.environ, "REFILL_TEST_REDIS": str(server.path)}
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode == 0


def main(arguments: Sequence[str] | None = None, tests: Sequence[str] = TESTS) -> int:
    """Tests on every server; exit code 1: a test failed, a named server is none, or there was none to test on."""
    parser = argparse.ArgumentParser(description="Run the ledger's tests on every Redis and Valkey there is.")
    parser.add_argument("--server", action="append", default=[], help="an executable, instead of those on the PATH")
    parser.add_argument("--all", action="store_true", help="fail if a wanted server is missing, too")
    given, further = parser.parse_known_args(arguments)
    found = find(given.server, os.environ.get("PATH", ""))
    ran = {server: passes(server, (*tests, *further)) for server in found.servers}
    absent = missing(found.servers)
    lines = [f"{server} ({server.path}): {'passed' if fine else 'FAILED'}" for server, fine in ran.items()]
    lines += [f"not tested on: {sentence}" for sentence in found.unfit]
    lines += [f"not tested on: {name}, which is not here" for name in absent]
    if not ran:
        lines.append("nothing was tested: install a server, or name executables (make servers SERVERS='/a /b')")
    sys.stdout.write("\n" + "".join(f"{line}\n" for line in lines))
    failed = (
        not ran or not all(ran.values()) or (bool(given.server) and bool(found.unfit)) or (given.all and bool(absent))
    )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
