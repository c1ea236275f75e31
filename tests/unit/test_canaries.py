"""Plants leaks where canaries should not be: they are found."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.harness.canaries import CANARIES, PERSON, SECRET

ADA = {
    "number": 1, "first_name": "Zoë", "last_name": "Canarywood", "slug": "zoë-canarywood-77",
    "work_email": "zoe.canarywood@planted.example", "personal_email": None, "mobile": "+4915199990001", "phone": None,
}  # fmt: skip
KEY = "planted-key-0001"


@pytest.fixture(autouse=True)
def planted() -> Iterator[None]:
    CANARIES.add_people([ADA])
    CANARIES.add(SECRET, "forager api_key", KEY)
    yield
    CANARIES.leaks()


@pytest.mark.parametrize("text", ["Zoë Canarywood", "of zoë-canarywood-77", f"key={KEY}"])
def test_a_leak_into_a_log_line_is_seen(text: str) -> None:
    structlog.get_logger("worker.visits.visit").warning("visit.failed", reason=text)
    assert len(CANARIES.leaks()) == 1
    logging.getLogger("some.library").warning("it said %s", text)
    assert len(CANARIES.leaks()) == 1


def test_what_the_product_masks_is_no_leak() -> None:
    structlog.get_logger("worker.visits.visit").warning(
        "visit.failed", name=ADA["slug"], reason=f"{ADA['work_email']} here"
    )
    structlog.get_logger("worker.visits.visit").warning(
        "visit.failed", reason=f"call {ADA['mobile']}", record_id="4711"
    )
    assert CANARIES.leaks() == []


def test_a_leak_into_a_processs_log_is_seen(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    CANARIES.look_at_end(log)
    log.write_text(f"{json.dumps({'event': 'visit.settled', 'reason': 'Zoë Canarywood'})}\n", "utf-8")
    (leak,) = CANARIES.leaks()
    assert leak.startswith("person 1 name in the log worker.log")


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("zoe.canarywood@planted.example", ["person 1 work_email"]),
        ("ZOE.CANARYWOOD%40planted.example", ["person 1 work_email"]),
        ("+4915199990001.", ["person 1 mobile"]),
        ("49151999900012", []),
        (json.dumps("Zoë Canarywood"), ["person 1 name"]),
        ("Zoë said: Canarywood", []),
        (f"Bearer {KEY}", ["forager api_key"]),
        (f"{KEY}0", []),
    ],
)
def test_a_canary_is_seen_however_it_is_written(text: str, slots: list[str]) -> None:
    assert CANARIES.seen(text) == slots


def test_kinds_are_told_apart() -> None:
    assert CANARIES.seen(f"{KEY} of Zoë Canarywood", [PERSON]) == ["person 1 name"]
    assert CANARIES.seen(f"{KEY} of Zoë Canarywood", [SECRET]) == ["forager api_key"]
