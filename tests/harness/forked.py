"""Starts processes of the product and of the sandbox as forks of one that has imported both.

A process that begins with nothing takes a second of CPU to import what it runs, and the suite starts hundreds. A fork
of a process that has imported everything and done nothing else is at work at once, and is as much a process as any: it
has its own pid, files, environment, arguments and end, and can be killed at any instant. What a process imports, what
its start costs and how a console script begins is looked at in tests that start Python itself (``test_start``,
``test_image``, ``test_init``, ``test_embedded``).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

PACKAGES = ("sandbox", "config", "connectors", "worker")
_LENGTH = 8  # bytes of a length, of a pid and of an exit code


class Forked:
    """Shows a process that was forked, by the names of ``subprocess.Popen``."""

    def __init__(self, pid: int, ended: int, stdin: IO[bytes] | None, stdout: IO[bytes] | None) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._ended, self._lock = os.fdopen(ended, "rb"), threading.Lock()

    def poll(self) -> int | None:
        """Returns the exit code, or None while it runs."""
        with self._lock:
            if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
                told = self._ended.read(_LENGTH)
                self._ended.close()
                assert told, "the process that forks has ended"
                self.returncode = int.from_bytes(told, signed=True)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code, once there is one."""
        if self.returncode is None and not select.select([self._ended], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return cast("int", self.poll())

    def send_signal(self, number: int) -> None:
        """Signals it, if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Program = subprocess.Popen[bytes] | Forked


def start(
    module: str, *words: str, stdin: int, stdout: int, stderr: int | None = None, env: Mapping[str, str] | None = None
) -> Program:
    """Starts ``python -m module words`` as a fork. Files are as in ``subprocess.Popen``, without STDOUT.

    With ``REFILL_TEST_FRESH`` it starts Python, as ``make slow`` and ``make chaos`` want it.
    """
    if os.environ.get("REFILL_TEST_FRESH"):
        command = [sys.executable, "-m", module, *words]
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=env)
    theirs: list[int] = []
    ours: list[IO[bytes] | None] = []
    for number, wanted in enumerate((stdin, stdout, 2 if stderr is None else stderr)):
        if wanted == subprocess.PIPE:
            read, write = os.pipe()
            theirs.append(write if number else read)
            ours.append(os.fdopen(read, "rb") if number else os.fdopen(write, "wb", buffering=0))
        else:
            theirs.append(os.open(os.devnull, os.O_RDWR) if wanted == subprocess.DEVNULL else os.dup(wanted))
            ours.append(None)
    ended, tells_end = os.pipe()
    request = {
        "module": module,
        "words": words,
        "env": dict(os.environ if env is None else env),
        "cwd": str(Path.cwd()),
    }
    try:
        pid = _forker().ask(request, [*theirs, tells_end])
    finally:
        for file in (*theirs, tells_end):
            os.close(file)
    return Forked(pid, ended, ours[0], ours[1])


def run(
    module: str, *words: str, env: Mapping[str, str] | None = None, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Runs ``python -m module words`` as a fork to its end, without input."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(module, *words, stdin=subprocess.DEVNULL, stdout=out.fileno(), stderr=err.fileno(), env=env)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        told = [file.read().decode() for file in (out, err) if not file.seek(0)]
    return subprocess.CompletedProcess([module, *words], code, *told)


class _Forker:
    """Talks to the process that forks."""

    def __init__(self) -> None:
        self._talk, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._end)

    def ask(self, request: Mapping[str, Any], files: Sequence[int]) -> int:
        """Returns the pid of the fork."""
        text = json.dumps(request).encode()
        with self._lock:
            socket.send_fds(self._talk, [len(text).to_bytes(_LENGTH)], list(files))
            self._talk.sendall(text)
            pid = _exactly(self._talk.recv, _LENGTH)
        assert pid, "the process that forks has ended"
        return int.from_bytes(pid)

    def _end(self) -> None:
        self._talk.close()
        self._process.wait()


@cache
def _forker() -> _Forker:
    return _Forker()


def _exactly(read: Callable[[int], bytes], length: int) -> bytes:
    """Returns so many bytes, or none where the other side has ended."""
    found = b""
    while len(found) < length:
        part = read(length - len(found))
        if not part:
            return b""
        found += part
    return found


# ---- the process that forks ------------------------------------------------------------------------------------------


def serve(talk: socket.socket) -> Mapping[str, Any] | None:
    """Forks whenever it is asked to. Returns what is to be run in each fork, and None where nobody asks any more.

    Whatever runs then is left over from a test run that was killed, and is ended too.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    died, wakes = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(died, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([talk.fileno(), died], [], [])
        if died in ready:
            os.read(died, 4_096)
            _reap(running)
        if talk.fileno() not in ready:
            continue
        head, files, _, _ = socket.recv_fds(talk, _LENGTH, 4)
        if not head:
            for left in running:
                os.kill(left, signal.SIGTERM)
            return None
        request = json.loads(_exactly(talk.recv, int.from_bytes(head)))
        pid = os.fork()
        if not pid:
            _become(files, request)
            return cast("Mapping[str, Any]", request)
        running[pid] = files[-1]
        for file in files[:-1]:
            os.close(file)
        talk.sendall(pid.to_bytes(_LENGTH))


def _reap(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        tells = running.pop(pid)
        with suppress(BrokenPipeError):
            os.write(tells, os.waitstatus_to_exitcode(status).to_bytes(_LENGTH, signed=True))
        os.close(tells)


def _become(files: Sequence[int], request: Mapping[str, Any]) -> None:
    """Leaves a fork with nothing of the process it comes from but the modules."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    os.closerange(3, 65_536)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])


def _import_everything() -> None:
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _import_everything()
    with socket.socket(fileno=int(sys.argv[1])) as _asked:
        _run = serve(_asked)
        if _run is not None:
            _asked.detach()
    if _run is not None:
        sys.argv[1:] = _run["words"]
        if not hasattr(sys.modules.get(_run["module"]), "__path__"):
            sys.modules.pop(_run["module"], None)  # or it is warned of: it runs once more, as __main__
        runpy.run_module(_run["module"], run_name="__main__", alter_sys=True)
