"""Gives readers and rules fields of 32,000 characters: none takes more than its share of them.

Times are compared with those of a text an eighth as long, so that a slow or busy machine does not show: what grows
with the square of a length takes 64 times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.costs.timing import quickest
from tests.unit.decide.scene import OFFERS, policy, with_slug
from worker.decide.plan import decide
from worker.decide.record import look
from worker.decide.values import fields, reading
from worker.decide.waterfall import Supply

LONG, SHORT = 32_000, 4_000
QUICK_S = 0.005
PIECES = (
    "a", "a ", "田", "ไม่", "1", "1/", "+1 ", "a@", "(", "<a ", "&amp;", "e\u0301", "\u0301", "\u200b", "\x00", "%25",
    "'a' ", "née ", "a,", "{{", "http://", "linkedin.com/in/a ", "https:", "https://www.linkedin.com/in/", "in/", "%2f",
    "a.", "@", "@a.com", "a'", "<", "+49 30 ", "030/", "1 - ", '"', " -", "왕", "김", "ا", "ア", "द्", "she/",
    "\u202e", "🚀", "ﷺ",
)  # fmt: skip


def _lines(kind: str, text: str) -> list[Mapping[str, object]]:
    """Returns what each of a reader's fields may hold the text in."""
    if kind == "person":
        return [{"kind": kind, "record": {"first": text, "last": text}, "found": {"full": f"{text} b"}}]
    if kind == "profile":
        return [{"kind": kind, "a": text, "b": f"{text}x"}]
    if kind == "phone":
        return [{"kind": kind, "text": text, "countries": ["DE"]}, {"kind": kind, "text": "1", "countries": [text]}]
    if kind == "name":
        return [{"kind": kind, "text": text}, {"kind": kind, "first": text, "last": f"{text}b"}]
    return [{"kind": kind, "text": text}]


def _grows_with_length(read: Callable[[str], object], piece: str) -> bool:
    size = len(piece)
    taken = quickest(read, piece * (LONG // size), of=3)
    return taken < QUICK_S or taken < 24 * quickest(read, piece * (SHORT // size), of=3)


@pytest.mark.parametrize("kind", reading.READERS)
def test_a_reader_s_time_grows_no_faster_than_the_text(kind: str) -> None:
    def read(text: str) -> None:
        for line in _lines(kind, text):
            reading.read(line)

    assert [piece for piece in PIECES if not _grows_with_length(read, piece)] == []


READ = {"linkedin": "slug", "email": "email", "domain": "domain", "phone": "e164"}


@pytest.mark.parametrize(("kind", "read"), READ.items())
def test_a_long_text_is_no_value(kind: str, read: str) -> None:
    long = [{"kind": kind, "text": piece * (LONG // len(piece)), "countries": ["DE"]} for piece in PIECES]
    assert {reading.read(line)[read] for line in long} == {""}


@pytest.mark.parametrize("name", ["work_email", "mobile_phone", "linkedin_url", "job_title", "first_name", "city"])
def test_the_time_of_a_field_s_one_spelling_grows_no_faster_than_the_text(name: str) -> None:
    def read(text: str) -> None:
        fields.normal(name, text, ("DE",))
        fields.same_value(name, text, f"{text}x", ("DE",))

    assert [piece for piece in PIECES if not _grows_with_length(read, piece)] == []


@pytest.mark.parametrize("name", ["hs_linkedin_url", "firstname", "lastname", "website", "country", "email", "phone"])
def test_the_time_of_a_decision_grows_no_faster_than_a_record_s_field(name: str) -> None:
    rules = policy()

    def visit(text: str) -> None:
        decide(look(with_slug("ada-example", **{name: text}), rules), rules, Supply(OFFERS), {})

    assert [piece for piece in PIECES if not _grows_with_length(visit, piece)] == []
