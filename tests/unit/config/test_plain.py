"""Texts of anybody, made harmless where they leave."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from config.logs import configure_logs
from config.plain import escaped, shown
from sandbox.steering import TEXTS
from tests.harness.steering import steering, steers

OURS = re.compile(r"\x1b\[[\d;]*m")  # the console's own colours
texts = st.lists(st.one_of(st.sampled_from(TEXTS), st.text(st.characters(), max_size=4))).map("".join)


def test_exactly_the_characters_that_steer_are_replaced() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if steers(character) and character != "\t":
            assert shown(character) == "\ufffd", hex(code)
        elif character.isprintable():
            assert shown(character) == character, hex(code)


@given(texts)
def test_a_text_is_one_line_and_steers_nothing(text: str) -> None:
    assert not steering(shown(text))
    assert "\n" not in shown(text)
    assert len(shown(text)) == len(text)
    assert shown(text, lines=True).count("\n") == text.count("\n")


@pytest.mark.parametrize("name", ["Ada Lovelace", "Zoë O’Neil", "علی‌رضا", "क्‍ष", "李小龍", "👩‍💻"])
def test_names_are_shown_as_they_are(name: str) -> None:
    assert shown(name) == name


json_values = st.recursive(st.one_of(st.none(), st.booleans(), texts), lambda one: st.lists(one, max_size=3))


@given(st.dictionaries(texts, json_values, max_size=4), st.sampled_from([None, 2]))
def test_json_keeps_the_data_exactly_and_steers_nothing(value: object, indent: int | None) -> None:
    told = escaped(json.dumps(value, ensure_ascii=False, indent=indent))
    assert json.loads(told) == value
    assert not steering(told)
    assert told.encode().decode() == told


@contextmanager
def logged(*, console: bool) -> Iterator[io.StringIO]:
    """Returns what is logged meanwhile."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logs(stream=stream, console=console)
    try:
        yield stream
    finally:
        root.handlers[:], root.level = handlers, level
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()


@pytest.mark.parametrize("console", [True, False])
@given(text=texts)
def test_a_log_line_is_one_line_and_steers_nothing(console: bool, text: str) -> None:
    with logged(console=console) as stream:
        log = structlog.get_logger("worker")
        log.warning("push.failed", reason=text, hint=[text], statuses={text: 1}, name=text, error=ConnectionError(text))
        logging.getLogger("some.library").warning("%s", text)
    assert stream.getvalue().count("\n") == 2
    assert not steering(OURS.sub("", stream.getvalue()))


@pytest.mark.parametrize("console", [True, False])
def test_what_was_raised_forges_no_line(console: bool) -> None:
    text = 'x\n{"event": "worker.started"}\x1b[2J'
    with logged(console=console) as stream:
        structlog.get_logger("worker").warning("push.failed", exc_info=ConnectionError(text))
    assert "\x1b[2J" not in stream.getvalue()
    assert not any(line.startswith('{"event": "worker.started"') for line in stream.getvalue().splitlines())
