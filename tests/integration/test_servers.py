"""``make servers`` finds the servers to test on, and never passes without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.servers import find, main, missing


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Folders with what says that it is a server of some version, or is none."""
    says = {
        "new": ("redis-server", "Redis server v=7.2.16 sha=0:0"),
        "fork": ("valkey-server", "Valkey server v=8.1.10 sha=0:0"),
        "old": ("redis-server", "Redis server v=5.0.7 sha=0:0"),
        "other": ("redis-server", "Dragonfly"),
    }
    for folder, (name, told) in says.items():
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / name
        path.write_text(f"#!/bin/sh\necho '{told}'\n")
        path.chmod(0o755)
    (tmp_path / "again").symlink_to(tmp_path / "new")
    return {path.name: path for path in tmp_path.iterdir()}


def test_every_server_of_every_folder_is_found_once(folders: dict[str, Path]) -> None:
    found = find([], ":".join(str(folders[name]) for name in ("old", "new", "again", "other", "fork")))
    assert [str(server) for server in found.servers] == ["redis 7.2", "valkey 8.1"]
    assert [sentence.removeprefix(str(folders["old"].parent)) for sentence in found.unfit] == [
        "/old/redis-server is redis 5.0, older than 6.2",
        "/other/redis-server does not say that it is a Redis or a Valkey",
    ]
    assert missing(found.servers) == []


def test_named_servers_come_instead_of_those_on_the_path(folders: dict[str, Path]) -> None:
    found = find([str(folders["fork"] / "valkey-server")], str(folders["new"]))
    assert [str(server) for server in found.servers] == ["valkey 8.1"]
    assert missing(found.servers) == ["Redis 7.2"]


def test_nothing_to_test_on_is_a_failure_that_says_so(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(folders["old"]))
    assert main([]) == 1
    told = capsys.readouterr().out
    assert "nothing was tested: install a server" in told
    assert "not tested on: Redis 7.2, which is not here" in told
    assert "not tested on: Valkey 8, which is not here" in told


@pytest.mark.parametrize(
    ("named", "asked", "code"),
    [
        (["new/redis-server", "fork/valkey-server"], ["--all"], 0),
        (["new/redis-server"], [], 0),
        (["new/redis-server"], ["--all"], 1),
        (["new/redis-server", "other/redis-server"], [], 1),
    ],
)
def test_a_server_that_is_missing_or_none_is_told_and_fails_where_it_was_asked_for(
    folders: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    named: list[str],
    asked: list[str],
    code: int,
) -> None:
    given = [word for one in named for word in ("--server", str(folders["new"].parent / one))]
    assert main([*given, *asked], tests=["--version"]) == code  # pytest says its version and passes
    told = capsys.readouterr().out
    assert "redis 7.2" in told
    assert ("valkey 8.1" in told) == (len(named) == 2 and "fork/valkey-server" in named)
    assert ("not tested on: Valkey 8, which is not here" in told) == ("fork/valkey-server" not in named)


def test_a_failing_test_fails_the_whole(folders: dict[str, Path]) -> None:
    assert main(["--server", str(folders["new"] / "redis-server")], tests=["tests/there/is/no/such/test"]) == 1
