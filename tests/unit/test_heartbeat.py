"""The check of a data folder says what is wrong with the files it finds there."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.service import heartbeat
from worker.service.heartbeat import answering, beating, problems


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as ended:
        pass
    return ended.pid


@pytest.fixture
def status(request: pytest.FixtureRequest) -> Iterator[tuple[int, list[str]]]:
    """A web server that answers everything with one status: its port, and the paths it was asked for."""
    asked: list[str] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.protocol_version = "HTTP/1.1"
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1], asked
        server.shutdown()
        thread.join()


def age(folder: Path, seconds: float) -> None:
    for file in folder.glob("*.alive"):
        os.utime(file, (time.time() - seconds,) * 2)


def test_a_worker_that_beats_is_well_until_it_ends(tmp_path: Path) -> None:
    with beating(tmp_path / "data"):
        assert problems(tmp_path / "data") == []
    assert problems(tmp_path / "data") == [f"no worker and no web process has started on {tmp_path / 'data'}"]


def test_a_worker_that_did_not_beat_for_long_is_stuck(tmp_path: Path) -> None:
    with beating(tmp_path):
        age(tmp_path, heartbeat.STALE_S + 1)
        assert problems(tmp_path) == [f"worker-{os.getpid()} is stuck: no sign of life for 21 s"]


def test_a_beat_takes_a_stuck_worker_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.0)
    with beating(tmp_path) as ours:
        age(tmp_path, heartbeat.STALE_S + 1)
        ours.beat()
        assert problems(tmp_path) == []


def test_a_file_is_renewed_no_more_often_than_it_has_to_be(tmp_path: Path) -> None:
    with beating(tmp_path) as ours:
        age(tmp_path, 100)
        ours.beat()
        assert problems(tmp_path) != []


def test_one_dead_worker_is_not_hidden_by_others(tmp_path: Path, gone: int) -> None:
    with beating(tmp_path):
        (tmp_path / f"worker-{gone}.alive").touch()
        assert problems(tmp_path) == [f"worker-{gone} is dead"]


def test_a_worker_that_starts_clears_what_dead_ones_left(tmp_path: Path, gone: int) -> None:
    (tmp_path / f"worker-{gone}.alive").touch()
    (tmp_path / f"web-{gone}.alive").write_text("127.0.0.1 1")
    with beating(tmp_path):
        assert problems(tmp_path) == []


@pytest.mark.parametrize("status", [200], indirect=True)
def test_a_web_process_is_asked(tmp_path: Path, status: tuple[int, list[str]]) -> None:
    with answering(tmp_path, ("0.0.0.0", status[0])):
        age(tmp_path, 1000)
        assert problems(tmp_path) == []
    assert status[1] == ["/healthz"]


@pytest.mark.parametrize("status", [500], indirect=True)
def test_a_web_process_that_answers_an_error_is_not_well(tmp_path: Path, status: tuple[int, list[str]]) -> None:
    with answering(tmp_path, ("127.0.0.1", status[0])):
        assert problems(tmp_path) == [f"web-{os.getpid()} does not answer"]


def test_a_web_process_that_does_not_listen_is_not_well(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    with answering(tmp_path, address):
        assert problems(tmp_path) == [f"web-{os.getpid()} does not answer"]


def test_a_folder_that_takes_no_file_stops_no_worker(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file is in the way")
    with beating(tmp_path / "data") as ours, answering(tmp_path / "data", ("127.0.0.1", 1)):
        ours.beat()
        assert problems(tmp_path / "data") != []


def test_the_check_imports_nothing_of_the_product() -> None:
    code = "import sys, worker.service.heartbeat; print(*(name for name, one in sys.modules.items() if one.__spec__))"
    told = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    dear = {"worker", "config", "connectors", "structlog", "pydantic", "typing", "asyncio", "http", "redis", "typer"}
    found = {name for name in told.stdout.split() if name.partition(".")[0] in dear}
    assert found == {"worker", "worker.service", "worker.service.heartbeat"}
