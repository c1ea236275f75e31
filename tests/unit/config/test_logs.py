from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.logs import configure_logs
from config.masking import masked
from connectors.errors import RejectedError

CANARIES = ("jane.canary@acme.com", "+4915112345678", "(212) 555-0199", "canary-token-0123456789", "jane-canary-42")


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.text.splitlines()[-1])
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    found = Lines()
    configure_logs(stream=found.stream)
    yield found
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    for name in ("arq", "httpx", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(name).disabled = False


def test_event_is_one_line_of_json_with_its_context(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(crm="acme_hubspot", record_id="12345678901"):
        structlog.get_logger("worker.visits.visit").info("visit.settled", duration_ms=12.5, credits=3)
    assert lines.last.pop("timestamp").endswith("Z")
    assert lines.last == {
        "event": "visit.settled",
        "level": "info",
        "logger": "worker.visits.visit",
        "crm": "acme_hubspot",
        "record_id": "12345678901",
        "duration_ms": 12.5,
        "credits": 3,
        "timestamp": lines.last["timestamp"],
    }


def test_terminal_gets_a_console(lines: Lines) -> None:
    configure_logs(stream=lines.stream, console=True)
    structlog.get_logger().info("worker.started")
    assert "worker.started" in lines.text
    assert not lines.text.startswith("{")


def test_unknown_keys_lose_their_texts_and_keep_small_counts(lines: Lines) -> None:
    structlog.get_logger().info(
        "visit.settled", name="Jane", person={"a": 1}, found=7, ok=True, number=4915112345678, started_at=1763628551000
    )
    assert lines.last["name"] == lines.last["person"] == lines.last["number"] == "[hidden]"
    assert (lines.last["found"], lines.last["ok"], lines.last["started_at"]) == (7, True, 1763628551000)


@pytest.mark.parametrize("canary", CANARIES[:4])
@pytest.mark.parametrize("key", ["reason", "error", "hint", "fields"])
def test_personal_data_is_masked_under_known_keys(lines: Lines, key: str, canary: str) -> None:
    text = f"Bearer {canary}" if "token" in canary else canary
    structlog.get_logger().info("visit.buried", **{key: [f"said {text}."] if key == "fields" else f"said {text}."})
    digits_in_an_id = key == "fields" and canary.startswith("(")
    assert digits_in_an_id or canary not in lines.text


@pytest.mark.parametrize("canary", CANARIES)
def test_exception_texts_of_strangers_are_left_out(lines: Lines, canary: str) -> None:
    try:
        try:
            raise KeyError(canary)  # noqa: TRY301  # the point is what a log makes of it
        except KeyError as error:
            raise ExceptionGroup(f"of {canary}", [ValueError(canary), error]) from error
    except ExceptionGroup:
        structlog.get_logger().exception("visit.failed")
    assert canary not in lines.text
    assert "KeyError" in lines.last["exception"]
    assert "test_logs.py" in lines.last["exception"]


def test_our_own_errors_and_those_of_sockets_speak(lines: Lines) -> None:
    log = structlog.get_logger()
    log.warning("push.failed", exc_info=RejectedError("hubspot", "update", 400, code="INVALID"))
    assert "hubspot update, rejected, status 400, INVALID" in lines.last["exception"]
    log.warning("push.failed", exc_info=ConnectionRefusedError("no one at 192.168.100.200"))
    assert "192.168.100.200" in lines.last["exception"]


def test_libraries_go_through_the_same_renderer(lines: Lines) -> None:
    logging.getLogger("some.library").warning("could not reach %s", CANARIES[0])
    assert lines.last["event"] == "could not reach ***"
    assert lines.last["logger"] == "some.library"


@pytest.mark.parametrize("name", ["arq.worker", "httpx", "aiohttp.access", "uvicorn.access", "urllib3.connectionpool"])
def test_lines_that_name_arguments_urls_or_paths_are_not_written(lines: Lines, name: str) -> None:
    logging.getLogger(name).info("0.01s -> fill:abc(payload)")
    assert lines.text == ""


async def test_forgotten_task_does_not_tell_what_it_raised(lines: Lines) -> None:
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": "Task was lost", "exception": ValueError(CANARIES[4])})
    assert lines.last["event"] == "Task was lost"
    assert CANARIES[4] not in lines.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://api.acme.com/v1/people?email=a%40b.com failed", "GET https://api.acme.com/v1/people?*** failed"),
        ("redis://:hunter22@cache:6379/0", "redis://***@cache:6379/0"),
        ("https://www.linkedin.com/in/jane-canary-42", "https://www.linkedin.com/in/***"),
        ("Authorization: Bearer abcdefgh123", "Authorization ***"),
        ("api_key='abcdefgh123'", "api_key ***"),
        ("call 030/1234567 or 030 123 45 67", "call 030/*** or ***"),
        ("jürgen@müller.example wrote", "*** wrote"),
        ("status 429 after 12 ms on 10.0.0.1", "status 429 after 12 ms on 10.0.0.1"),
        ("the token expired", "the token expired"),
        ("line 1234, in visit", "line 1234, in visit"),
    ],
)
def test_masking_keeps_what_helps_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_masking_of_anything_long_is_quick() -> None:
    began = time.process_time()
    for piece in ("a", "1", "a@", "+1 ", "://", "a.", "%40", "token=", "(1"):
        masked(piece * 100_000)
    assert time.process_time() - began < 5
