"""Turns red for a pin that an advisory affects, without any network; renews the file where there is one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_setup import ALL_LOCKS
from tools.advisories import FILE, age, every_lock, is_in, main, mistakes, ranges_of, read, unasked
from tools.closed_lock import ROOT, members

HASH = "    --hash=sha256:" + "0" * 64
KNOWN: dict[str, Any] = json.loads(FILE.read_text("utf-8"))


def lock(folder: Path, *pins: str) -> Path:
    path = folder / "some.lock"
    path.write_text("".join(f"{pin} \\\n{HASH}\n" for pin in pins), "utf-8")
    return path


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_no_pin_of_the_project_is_affected(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lock", str(ROOT / name)]) == 0, capsys.readouterr().err


BAD = "h11==0.14.0 requests==2.31.0 urllib3==2.0.5 pyjwt==2.10.0 redis==4.5.2 protobuf==6.33.4 jinja2==3.1.5"


@pytest.mark.parametrize("pin", BAD.split())
def test_a_known_bad_pin_turns_the_gate_red(tmp_path: Path, capsys: pytest.CaptureFixture[str], pin: str) -> None:
    assert main(["--lock", str(lock(tmp_path, "idna==3.20", pin))]) == 1
    told = capsys.readouterr().err
    assert f"{pin.replace('==', ' ')} is affected by CVE-" in told
    assert "use " in told
    assert "idna" not in told


def test_every_lock_is_checked_and_what_nobody_asked_about_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one.name for one in every_lock()] == sorted(ALL_LOCKS)
    pins = {one.name for path in every_lock() for one in members(path.read_text("utf-8"))}
    assert {"protobuf", "opentelemetry-sdk", "playwright", "pymdown-extensions", "cyclonedx-bom"} <= pins
    assert main([]) == 0
    told = capsys.readouterr().err
    rest = pins - {*KNOWN["asked"], *KNOWN["advisories"]}
    assert f"{len(rest)} packages have not been asked about ({min(rest)}" in told or not rest
    assert unasked((), KNOWN) == ""


def test_what_was_accepted_with_a_reason_is_let_through(tmp_path: Path) -> None:
    known = KNOWN | {"accepted": {"CVE-2025-43859": "we serve nothing through it"}}
    file = tmp_path / "advisories.json"
    file.write_text(json.dumps(known), "utf-8")
    assert main(["--file", str(file), "--lock", str(lock(tmp_path, "h11==0.14.0"))]) == 0
    assert main(["--file", str(file), "--lock", str(lock(tmp_path, "idna==3.0"))]) == 1


def test_the_file_says_of_when_and_from_where_it_is() -> None:
    assert date.fromisoformat(KNOWN["as_of"])
    assert KNOWN["source"]
    assert mistakes(KNOWN) == []
    assert all(reason for reason in KNOWN["accepted"].values())
    assert len(KNOWN["advisories"]) > 15


def test_a_file_with_a_range_that_affects_nothing_is_a_mistake() -> None:
    row = {"id": "CVE-1", "affected": ["<2.0"], "fixed": ["1.9"], "summary": ""}
    assert mistakes({"advisories": {"a": [row]}})
    assert mistakes({"advisories": {"a": [row | {"affected": ["2.0"]}]}})
    assert mistakes({"advisories": {"a": [row | {"affected": []}]}})


def test_an_old_file_is_told_of_and_stops_nobody() -> None:
    assert age(KNOWN | {"as_of": "2026-01-01"}, date(2026, 11, 28)).endswith("run make advisories")
    assert age(KNOWN | {"as_of": "2026-11-01"}, date(2026, 11, 28)) == ""


@pytest.mark.parametrize(
    ("events", "ranges"),
    [
        ([{"introduced": "0"}, {"fixed": "1.2"}], ["<1.2"]),
        ([{"introduced": "1.0"}, {"fixed": "1.2"}, {"introduced": "2.0"}], [">=1.0,<1.2", ">=2.0"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.9"}], [">=1.0,<=1.9"]),
        ([{"introduced": "0"}], [">=0"]),
    ],
)
def test_events_of_the_database_are_ranges(events: list[dict[str, str]], ranges: list[str]) -> None:
    assert list(ranges_of(events)) == ranges
    assert is_in("0.9", ranges) == any(one in {"<1.2", ">=0"} for one in ranges)


def test_an_advisory_is_read_as_far_as_it_is_about_the_package() -> None:
    ours = {"package": {"name": "Some_Package"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}
    other = {"package": {"name": "other"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "3"}]}]}
    row = {"id": "GHSA-1", "aliases": ["PYSEC-1", "CVE-2026-1"], "summary": "x\ny", "affected": [ours, other]}
    assert read(row, "some-package") == {"id": "CVE-2026-1", "affected": [">=0"], "fixed": [], "summary": "x"}


@pytest.fixture
def database() -> Iterator[str]:
    """A database with one advisory, on its second page, and one that was withdrawn."""
    events = [{"introduced": "0"}, {"fixed": "3.7"}]
    affected = [{"package": {"name": "idna"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
    rows = [{"id": "CVE-2024-3651", "summary": "slow", "affected": affected}]
    gone = [{"id": "CVE-2024-1", "withdrawn": "2024-01-01T00:00:00Z", "affected": affected}]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found = rows if asked.get("page_token") else gone
            told: dict[str, Any] = {"vulns": found} if asked["package"]["name"] == "idna" else {}
            if told and not asked.get("page_token"):
                told["next_page_token"] = "two"
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_renewing_asks_for_every_package_and_keeps_what_was_accepted(tmp_path: Path, database: str) -> None:
    file = tmp_path / "advisories.json"
    file.write_text(json.dumps(KNOWN | {"as_of": "2020-01-01", "accepted": {"CVE-1": "why"}}), "utf-8")
    given = ["--renew", "--file", str(file), "--database", database]
    assert main([*given, "--lock", str(lock(tmp_path, "idna==3.6", "attrs==26.1.0"))]) == 1
    told = json.loads(file.read_text("utf-8"))
    assert told["accepted"] == {"CVE-1": "why"}
    assert told["as_of"] > "2026"
    assert [one["id"] for one in told["advisories"].pop("idna")] == ["CVE-2024-3651"]
    assert told["advisories"] == {}


def test_a_database_out_of_reach_leaves_the_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "advisories.json"
    file.write_text(json.dumps(KNOWN), "utf-8")
    given = ["--renew", "--file", str(file), "--database", "http://127.0.0.1:9"]
    assert main([*given, "--lock", str(lock(tmp_path, "idna==3.20"))]) == 1
    assert json.loads(file.read_text("utf-8")) == KNOWN
    assert "nothing was renewed" in capsys.readouterr().err
