"""Tells whether the processes of a data folder are alive: each keeps a file there, and the check reads the files.

``refill-alive [FOLDER]`` is the check, for containers and service managers, which ask every few seconds. It imports
nothing of the product, whose imports cost a second of CPU, and only cheap parts of the standard library.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

BEAT_S = 2.0
STALE_S = 20.0
ASK_S = 3.0
SUFFIX = ".alive"


class Heartbeat:
    """Renews a worker's file ``worker-<pid>.alive``, in the loop that must not get stuck.

    A folder that takes no file stops no worker: it is the check that fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = -BEAT_S

    def beat(self) -> None:
        """Renew the file, at most every ``BEAT_S``."""
        now = time.monotonic()
        if now - self._last >= BEAT_S:
            self._last = now
            with suppress(OSError):
                self._path.touch(mode=0o600)


@contextmanager
def beating(folder: Path) -> Iterator[Heartbeat]:
    """Keep a worker's file while the block runs. A killed worker leaves it until the next one starts."""
    with _kept(folder, "worker") as path:
        heartbeat = Heartbeat(path)
        heartbeat.beat()
        yield heartbeat


@contextmanager
def answering(folder: Path, address: Sequence[str | int]) -> Iterator[None]:
    """Keep a web process's file with its host and port while the block runs: the check asks there."""
    with _kept(folder, "web") as path:
        with suppress(OSError):
            path.touch(mode=0o600)
            path.write_text(f"{address[0]} {address[1]}", encoding="ascii")
        yield


@contextmanager
def _kept(folder: Path, what: str) -> Iterator[Path]:
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in _files(folder):
            if not _runs(_pid(file)):
                file.unlink(missing_ok=True)
    path = folder / f"{what}-{os.getpid()}{SUFFIX}"
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def problems(folder: Path) -> list[str]:
    """Yields a sentence for every process of the folder that is not alive, and one if there is no process."""
    files = _files(folder)
    if not files:
        return [f"no worker and no web process has started on {folder}"]
    return [f"{file.stem} {problem}" for file in files if (problem := _problem(file))]


def _problem(file: Path) -> str:
    try:
        address, written = file.read_text(encoding="ascii"), file.stat().st_mtime
    except FileNotFoundError:
        return ""  # it ended properly just now
    if not _runs(_pid(file)):
        return "is dead"
    if address:
        return "" if _answers(*address.split()) else "does not answer"
    silent_s = time.time() - written
    return "" if silent_s < STALE_S else f"is stuck: no sign of life for {silent_s:.0f} s"


def _answers(host: str, port: str) -> bool:
    """Asks ``/healthz``, over a bare socket: an HTTP client costs more to import than all of this."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    try:
        with socket.create_connection((reachable, int(port)), ASK_S) as asked:
            asked.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return asked.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob(f"*-*{SUFFIX}") if file.stem.rpartition("-")[2].isdigit())


def _pid(file: Path) -> int:
    return int(file.stem.rpartition("-")[2])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def main(words: Sequence[str] | None = None) -> int:
    """Checks the folder of the argument, else of ``REFILL_DATA_DIR``, else ``.refill``; exit code 1 says not well."""
    given = sys.argv[1:] if words is None else words
    found = problems(Path(given[0] if given else os.environ.get("REFILL_DATA_DIR") or ".refill"))
    sys.stdout.write("\n".join(found or ["alive"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
