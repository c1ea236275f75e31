"""Asks ``refill read`` in JSON lines: it answers one for one, each at once, whatever stands on a line."""

from __future__ import annotations

import io
import json
import os
import threading

import pytest

from config.problems import ConfigError
from worker.commands.read import command, run_lines


def answers(*lines: str | bytes) -> list[dict[str, object]]:
    sent = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    sink = io.BytesIO()
    assert run_lines(io.BytesIO(sent), sink) == 0
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_every_kind_has_its_shape() -> None:
    told = answers(
        '{"kind": "linkedin", "text": "https://www.linkedin.com/in/ada-quist"}',
        '{"kind": "phone", "text": "0151 23456789", "countries": ["Germany"]}',
        '{"kind": "email", "text": "ada@quist-werke.de"}',
        '{"kind": "domain", "text": "https://www.quist-werke.de/about"}',
        '{"kind": "name", "first": "Ada", "last": "Quist"}',
        '{"kind": "blank", "text": "unbekannt", "of": "last_name"}',
        '{"kind": "title", "text": "<b>CEO</b>"}',
        '{"kind": "person", "record": {"first": "Ada", "last": "Lee"}, "found": {"first": "Rose", "last": "Quist"}}',
        '{"kind": "profile", "a": "linkedin.com/in/ada-quist", "b": "https://de.linkedin.com/in/Ada-Quist/"}',
    )
    assert told == [
        {"slug": "ada-quist"},
        {"e164": "+4915123456789", "mobile": True, "phone": True},
        {"email": "ada@quist-werke.de", "work": True, "asked": True},
        {"domain": "quist-werke.de"},
        {"first": "Ada", "last": "Quist"},
        {"blank": True},
        {"title": "CEO"},
        {"verdict": "other"},
        {"same": True},
    ]


def test_a_line_that_cannot_be_read_says_so_and_the_rest_go_on() -> None:
    told = answers(
        "no json",
        "",
        "[1]",
        '{"kind": 1}',
        '{"kind": "title", "text": 5}',
        '{"kind": "phone", "text": "1", "countries": "DE"}',
        '{"kind": "person"}',
        b'{"kind": "title", "text": "\xff"}',
        "[" * 100_000,
        '{"kind": "title", "text": "C\\ud800EO"}',
    )
    assert ["error" in one for one in told] == [True] * 9 + [False]
    assert told[-1] == {"title": "CEO"}


def test_an_answer_is_there_before_the_next_line_is_asked() -> None:
    asked, answered = os.pipe(), os.pipe()
    source, sink = os.fdopen(asked[0], "rb"), os.fdopen(answered[1], "wb")
    asks, reads = os.fdopen(asked[1], "wb", buffering=0), os.fdopen(answered[0], "rb")
    with source, sink, reads:
        served = threading.Thread(target=run_lines, args=(source, sink), daemon=True)
        served.start()
        for title in ("CEO", "N/A"):
            asks.write(json.dumps({"kind": "title", "text": title}).encode() + b"\n")
            assert json.loads(reads.readline()) == {"title": title.replace("N/A", "")}
        asks.close()
        served.join(10)
        assert not served.is_alive()


def test_a_person_sees_one_value_by_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("phone", ["0151 23456789"], ["DE"], as_json=False) == 0
    assert capsys.readouterr().out.split() == ["e164", "+4915123456789", "mobile", "yes", "phone", "yes"]
    assert command("profile", ["ada-quist", "linkedin.com/in/bob-quist"], [], as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"same": False}
    assert command("person", ["Ada Quist", "Ada Quist"], [], as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"verdict": "same"}


@pytest.mark.parametrize(("kind", "texts"), [("colour", ["red"]), ("title", []), ("title", ["A", "B"]), ("person", [])])
def test_wrong_use_is_told(kind: str, texts: list[str]) -> None:
    with pytest.raises(ConfigError):
        command(kind, texts, [], as_json=False)
