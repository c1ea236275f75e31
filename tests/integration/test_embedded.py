from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from config.load import load
from config.problems import ConfigError
from worker.redis.connection import check_safety, hasty, open_redis
from worker.redis.embedded import EmbeddedRedis, Program, programs

ROOT = Path(__file__).parents[2]


def until(holds: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def pid_of(server: EmbeddedRedis) -> int:
    """The server's process, by the file it holds: /proc is not on every system, so by asking it."""
    told = ask(server, b"INFO server\r\n", 8192)
    return int(next(line for line in told.splitlines() if line.startswith(b"process_id:")).split(b":")[1])


def ask(server: EmbeddedRedis, command: bytes, size: int = 64) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.socket))
        client.sendall(command)
        return client.recv(size)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    server = EmbeddedRedis(tmp_path / "data")
    if server.folder.exists():
        server.join()
        server.leave()


def test_last_user_stops_the_server_and_the_next_one_finds_everything(data_dir: Path) -> None:
    first, second = EmbeddedRedis(data_dir), EmbeddedRedis(data_dir)
    first.join()
    second.join()
    assert ask(first, b"SET kept 1\r\n").startswith(b"+OK")
    first.leave()
    assert second.answers()
    second.leave()
    assert not second.answers()
    first.join()
    assert ask(first, b"GET kept\r\n") == b"$1\r\n1\r\n"
    first.leave()


def test_server_keeps_every_command_and_evicts_nothing(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.join()
    for name, value in (
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("maxmemory-policy", "noeviction"),
        ("port", "0"),
    ):
        assert value.encode() in ask(server, f"CONFIG GET {name}\r\n".encode(), 256)
    assert data_dir.stat().st_mode & 0o077 == 0
    assert server.socket.stat().st_mode & 0o077 == 0
    server.leave()


def test_server_runs_in_a_session_of_its_own(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.join()
    assert os.getsid(pid_of(server)) != os.getsid(0)
    server.leave()


def test_orphan_is_reused(data_dir: Path) -> None:
    script = (
        "import pathlib, sys, config.logs, worker.redis.embedded as e; config.logs.configure_logs(); "
        "e.EmbeddedRedis(pathlib.Path(sys.argv[1])).join(); "
        "print('up', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data_dir)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        server = EmbeddedRedis(data_dir)
        orphan = pid_of(server)
        owner.kill()
        owner.wait()
    server.join()
    assert pid_of(server) == orphan
    server.leave()
    assert not server.answers()


def test_killed_server_is_started_again_with_what_it_had(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.join()
    ask(server, b"SET kept 1\r\n")
    os.kill(pid_of(server), signal.SIGKILL)
    until(lambda: not server.answers())
    server.ensure()
    assert ask(server, b"GET kept\r\n") == b"$1\r\n1\r\n"
    server.leave()


@pytest.mark.parametrize("torn", [3, 20, 60])  # inside EXEC, inside the second write, inside the first
def test_half_a_script_that_a_power_cut_left_is_never_run(data_dir: Path, torn: int) -> None:
    server = EmbeddedRedis(data_dir)
    server.join()
    ask(server, b"SET kept 1\r\n")
    ask(server, b"EVAL \"redis.call('INCR', 'first') redis.call('INCR', 'second')\" 0\r\n")
    (log,) = [*server.folder.glob("appendonlydir/*.incr.aof"), *server.folder.glob("appendonly.aof")]

    def cut(bytes: int) -> None:
        os.kill(pid_of(server), signal.SIGKILL)
        until(lambda: not server.answers())
        os.truncate(log, log.stat().st_size - bytes)
        server.ensure()

    cut(torn)
    ask(server, b"EVAL \"redis.call('INCR', 'later') redis.call('INCR', 'later')\" 0\r\n")
    cut(0)

    assert ask(server, b"MGET first second later kept\r\n") == b"*4\r\n$-1\r\n$-1\r\n$1\r\n2\r\n$1\r\n1\r\n"
    server.leave()


def test_processes_that_come_and_go_together_share_one_server(data_dir: Path) -> None:
    script = (
        "import pathlib, sys, worker.redis.embedded as e; s = e.EmbeddedRedis(pathlib.Path(sys.argv[1]))\n"
        "for _ in range(4):\n s.join(); assert s.answers(); s.leave()"
    )
    comers = [subprocess.Popen([sys.executable, "-c", script, str(data_dir)], cwd=ROOT) for _ in range(4)]
    assert [comer.wait(60) for comer in comers] == [0, 0, 0, 0]
    assert not EmbeddedRedis(data_dir).answers()


def test_long_data_dir_gets_a_short_socket(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / ("d" * 100))
    server.join()
    assert len(os.fsencode(server.socket)) <= 100
    assert not server.socket.is_relative_to(tmp_path)
    folder = server.socket.parent
    assert folder.stat().st_mode & 0o077 == 0
    server.leave()
    folder.rmdir()


def test_folder_with_blanks_in_its_name_works(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "my data's folder")
    server.join()
    assert ask(server, b"SET kept 1\r\n").startswith(b"+OK")
    server.leave()


def test_server_that_cannot_load_its_files_is_one_sentence(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.join()
    server.leave()
    for file in (data_dir / "redis").rglob("*.aof"):
        file.write_bytes(b"*garbage\r\n" * 100)
    with pytest.raises(ConfigError, match=r"^the embedded Redis ended while starting: see .*redis\.log$"):
        server.join()
    for file in (data_dir / "redis").rglob("*.aof"):
        file.write_bytes(b"")


def test_data_dir_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^data_dir .* cannot be used"):
        EmbeddedRedis(tmp_path / "file" / "data").join()


def test_no_server_is_one_sentence_with_a_hint(data_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"^no redis-server or valkey-server was found on the PATH: install one"):
        EmbeddedRedis(data_dir, lambda: iter(())).join()


def test_older_server_is_refused(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.join()
    server.leave()
    (data_dir / "redis" / "version").write_text("redis 99.1")
    with pytest.raises(ConfigError, match=r"was written by redis 99.1, which .* cannot be trusted to read") as refused:
        server.join()
    assert "\n" not in str(refused.value)
    (data_dir / "redis" / "version").write_text("redis 6.2")


@pytest.mark.parametrize(
    ("kind", "version", "recorded", "reads"),
    [
        ("redis", (7, 0), "redis 6.2", True),
        ("redis", (7, 0), "redis 7.0", True),
        ("redis", (6, 2), "redis 7.0", False),
        ("redis", (10, 0), "redis 9.9", True),
        ("valkey", (8, 0), "redis 7.2", True),
        ("valkey", (8, 0), "redis 7.4", False),
        ("redis", (8, 0), "valkey 7.2", False),
        ("redis", (8, 0), "torn", False),
    ],
)
def test_files_are_read_by_their_kind_or_a_successor(
    kind: str, version: tuple[int, int], recorded: str, reads: bool
) -> None:
    assert Program(Path("server"), kind, version).reads_files_of(recorded) is reads


def fake_server(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


def test_path_is_searched_first_and_what_is_broken_or_old_is_passed_over(tmp_path: Path) -> None:
    fake_server(tmp_path / "broken", "redis-server", "no such version")
    assert fake_server(tmp_path / "broken", "valkey-server", "Valkey server v=8.1.2 sha=0") in {
        program.path for program in programs(str(tmp_path / "broken"))
    }
    fake_server(tmp_path / "old", "redis-server", "Redis server v=6.0.16 sha=0")
    assert all(program.path.parent != tmp_path / "old" for program in programs(str(tmp_path / "old")))


def test_an_old_server_on_the_path_comes_after_the_wheels(tmp_path: Path) -> None:
    old = fake_server(tmp_path, "redis-server", "Redis server v=6.2.14 sha=0")
    new = fake_server(tmp_path, "valkey-server", "Valkey server v=8.1.4 sha=0")
    found = list(programs(str(tmp_path)))
    assert (found[0].path, found[-1].path) == (new, old)
    (wheel,) = found[1:-1]
    assert wheel.version >= (9, 1)


def test_own_bin_folder_is_not_searched(tmp_path: Path) -> None:
    own = Path(sys.prefix) / "bin"
    found = fake_server(tmp_path / "bin", "redis-server", "Redis server v=7.4.1 sha=0")
    first = next(programs(os.pathsep.join([str(own), str(found.parent)])))
    assert first == Program(found, "redis", (7, 4))
    assert all(program.path.parent != own for program in programs(str(own)))


async def test_open_redis_gives_a_safe_client_and_leaves_nothing_running(tmp_path: Path) -> None:
    settings = load(configured(tmp_path, 'data_dir = "data"'), {})
    async with open_redis(settings) as redis:
        safety = await check_safety(redis)
        assert (safety.policy, safety.appendonly, safety.appendfsync, safety.notes) == (
            "noeviction",
            True,
            "always",
            (),
        )
        assert await redis.set("a", "b")
        async with hasty(redis) as quick:
            assert await quick.get("a") == b"b"
    assert not EmbeddedRedis(tmp_path / "data").answers()


async def test_client_survives_a_server_that_is_killed(tmp_path: Path) -> None:
    settings = load(configured(tmp_path, 'data_dir = "data"'), {})
    async with open_redis(settings) as redis:
        await redis.set("a", "b")
        os.kill((await redis.info("server"))["process_id"], signal.SIGKILL)
        async with asyncio.timeout(20):
            assert await redis.get("a") == b"b"


async def test_hasty_client_gives_up_within_a_second(tmp_path: Path) -> None:
    settings = load(configured(tmp_path, 'data_dir = "data"'), {})
    async with open_redis(settings) as redis:
        pid = (await redis.info("server"))["process_id"]
        async with hasty(redis) as quick:
            await quick.ping()
            os.kill(pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                with pytest.raises(Exception, match=r"(?i)timeout"):
                    await quick.get("a")
                assert time.monotonic() - began < 1
            finally:
                os.kill(pid, signal.SIGCONT)


def configured(folder: Path, text: str) -> Path:
    path = folder / "refill.toml"
    path.write_text(text)
    return path


@contextlib.contextmanager
def server_with(folder: Path, **options: str) -> Iterator[Path]:
    """A server as somebody else would configure it."""
    path = folder / "own.sock"
    program = next(programs(os.environ["PATH"])).path
    words = {"port": "0", "unixsocket": str(path), "dir": str(folder), "save": "", **options}
    pairs = [(f"--{name.replace('_', '-')}", *(value.split() or [""])) for name, value in words.items()]
    command = [str(program), *(word for pair in pairs for word in pair)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        until(path.exists)
        try:
            yield path
        finally:
            server.terminate()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"appendonly": "yes", "maxmemory_policy": "allkeys-lru"},
            "maxmemory-policy is allkeys-lru and must be noeviction",
        ),
        ({"appendonly": "no"}, "Redis forgets everything when it restarts: appendonly is no"),
        ({"appendonly": "yes", "appendfsync": "no"}, "appendfsync is no and must be everysec or always"),
    ],
)
async def test_unsafe_redis_is_refused_in_one_sentence(tmp_path: Path, options: dict[str, str], sentence: str) -> None:
    with server_with(tmp_path, **options) as path:
        url = {"REFILL_REDIS__URL": f"unix://{path}"}
        with pytest.raises(ConfigError) as refused:
            async with open_redis(load(configured(tmp_path, ""), url)):
                pass
        assert sentence in str(refused.value)
        assert "\n" not in str(refused.value)
        allowed = load(configured(tmp_path, "redis.allow_unsafe = true"), url)
        async with open_redis(allowed) as redis:
            assert any(sentence in note for note in (await check_safety(redis, allow_unsafe=True)).notes)


async def test_redis_that_hides_its_configuration_is_judged_by_what_it_tells(tmp_path: Path) -> None:
    with server_with(tmp_path, appendonly="yes", rename_command="CONFIG HIDDEN") as path:
        async with open_redis(load(configured(tmp_path, ""), {"REFILL_REDIS__URL": f"unix://{path}"})) as redis:
            safety = await check_safety(redis)
    assert (safety.policy, safety.appendonly, safety.appendfsync) == ("noeviction", True, None)
    assert [note.partition(":")[0] for note in safety.notes] == ["it does not tell appendfsync"]


async def test_redis_that_still_reads_its_file_is_waited_for(tmp_path: Path) -> None:
    commands = b"".join(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\n%05d\r\n" % number for number in range(20_000))
    (tmp_path / "appendonly.aof").write_bytes(commands)
    with server_with(tmp_path, appendonly="yes", dir=str(tmp_path), key_load_delay="100") as path:
        settings = load(configured(tmp_path, ""), {"REFILL_REDIS__URL": f"unix://{path}"})
        async with Redis(unix_socket_path=str(path)) as client:
            assert (await client.info("persistence"))["loading"]
            with pytest.raises(ConfigError, match="still reads"):
                await check_safety(client, patience_s=0)
        async with open_redis(settings) as redis:
            assert await redis.get("a") == b"19999"


async def test_everysec_is_accepted_and_noted(tmp_path: Path) -> None:
    with server_with(tmp_path, appendonly="yes", appendfsync="everysec") as path:
        async with open_redis(load(configured(tmp_path, ""), {"REFILL_REDIS__URL": f"unix://{path}"})) as redis:
            (note,) = (await check_safety(redis)).notes
    assert note.startswith("appendfsync is everysec")


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ("unix:///nowhere/at/all.sock", "/nowhere/at/all.sock"),
        ("redis://:canary@127.0.0.1:1/0", "127.0.0.1:1"),
        ("rediss://:canary@localhost:2", "localhost:2"),
    ],
)
async def test_unreachable_redis_is_one_sentence_without_its_password(tmp_path: Path, place: str, where: str) -> None:
    settings = load(configured(tmp_path, ""), {"REFILL_REDIS__URL": place})
    with pytest.raises(ConfigError) as refused:
        async with open_redis(settings):
            pass
    told = f"Redis does not answer at {where} (ConnectionError): see redis.url (REFILL_REDIS__URL)"
    assert str(refused.value) == told


async def test_wrong_password_is_one_sentence(tmp_path: Path) -> None:
    with server_with(tmp_path, appendonly="yes", requirepass="right") as path:
        for url in (f"unix://{path}", f"unix://:wrong@{path}"):
            with pytest.raises(ConfigError, match=r"^Redis refuses our user or password") as refused:
                async with open_redis(load(configured(tmp_path, ""), {"REFILL_REDIS__URL": url})):
                    pass
            assert "wrong" not in str(refused.value)
