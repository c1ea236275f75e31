"""Gives every reply its meaning: an error, a wait, a body with what it must have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from connectors.bodies import Body, Count, Flag, Number, Part, Rows, Text, Texts
from connectors.errors import ConnectorError, ContractError, RateLimitedError, RejectedError, UnavailableError
from connectors.models import Reply
from connectors.operations import Operation, Repeat
from connectors.replies import ReplyReading, error, failure, parsed, request_id, retry_after, server_time

READ = Operation("thing_read", "GET", "/things/{id}", Repeat.SAFE, misses=frozenset({404}))


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@given(st.integers(0, 999), st.dictionaries(st.sampled_from(["retry-after", "date", "x-request-id"]), st.text()))
def test_every_status_and_header_has_a_meaning(status: int, headers: dict[str, str]) -> None:
    told = failure("acme", "acme", READ, Reply(status, headers, b""), ReplyReading())
    assert (told is None) == (200 <= status < 300 or status == 404)


@given(st.text(), st.text())
def test_a_wait_is_never_negative_nor_beyond_an_hour(wish: str, date: str) -> None:
    seconds = retry_after(reply(retry_after=wish, date=date))
    assert seconds is None or 0 <= seconds <= 3600


@pytest.mark.parametrize(
    ("wish", "date", "seconds"),
    [
        ("0", "", 0.0),
        ("1.5", "", 1.5),
        ("-3", "", 0.0),
        ("inf", "", 3600.0),
        ("Fri, 20 Nov 2026 08:00:30 GMT", "Fri, 20 Nov 2026 08:00:00 GMT", 30.0),
        ("Fri, 20 Nov 2026 07:00:00 GMT", "Fri, 20 Nov 2026 08:00:00 GMT", 0.0),
        ("in a while", "", None),
        ("nan", "", None),
        ("90000", "", 3600.0),
        ("", "", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_on_the_vendors_clock(wish: str, date: str, seconds: float | None) -> None:
    headers = {"retry-after": wish} | ({"date": date} if date else {})
    assert retry_after(Reply(429, headers, b"")) == seconds


def test_the_vendors_clock_is_its_date_header() -> None:
    assert server_time(reply(date="Fri, 20 Nov 2026 08:00:00 GMT")) == 1_795_161_600_000
    assert server_time(reply(date="now")) == server_time(reply()) == 0


def test_a_request_id_that_could_carry_more_than_an_id_is_left_out() -> None:
    assert request_id(reply(x_request_id="ab-12.c:d")) == "ab-12.c:d"
    assert request_id(reply(x_request_id="ada@example.com", cf_ray="99f")) == "99f"
    assert request_id(reply(x_request_id="x" * 200)) == ""


def test_a_vendors_own_statuses_and_code_are_used() -> None:
    reading = ReplyReading(statuses={418: RateLimitedError}, code=lambda _: "TEAPOT", pause=lambda _: 7.0)
    told = error("acme", "acme:search", READ, reply(418), reading)
    assert isinstance(told, RateLimitedError)
    assert (told.code, told.retry_after_s, told.bucket) == ("TEAPOT", 7.0, "acme:search")
    unsafe = error("acme", "acme", READ, reply(400), ReplyReading(code=lambda _: "ada@example.com is wrong"))
    assert type(unsafe) is RejectedError
    assert unsafe.code == ""


def test_the_vendors_refusal_comes_before_the_status() -> None:
    refused = UnavailableError("acme", "thing_read")
    assert failure("acme", "acme", READ, reply(200), ReplyReading(refusal=lambda _, __: refused)) is refused


class Inner(Body):
    text: Text = ""
    count: Count = 0
    number: Number = None
    flag: Flag = False


class Outer(Body):
    needed: str
    inner: Part[Inner] = Inner()
    rows: Rows[Inner] = ()
    texts: Texts = ()


OUTER = TypeAdapter(Outer)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "count", "zz"]), inner),
    max_leaves=6,
)


@given(st.fixed_dictionaries({"needed": st.text()}, optional={"inner": ODD, "rows": ODD, "texts": ODD, "zz": ODD}))
def test_odd_values_of_optional_fields_read_as_absent(body: dict[str, object]) -> None:
    assert OUTER.validate_python(body).needed == body["needed"]


def test_a_contract_error_names_the_field_and_shows_no_value() -> None:
    with pytest.raises(ContractError) as caught:
        parsed(OUTER, reply(200, b'{"needed": {"email": "ada@example.com"}}'), "acme", "thing_read")
    assert (caught.value.endpoint, caught.value.field, caught.value.status) == ("thing_read", "needed", 200)
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "ada@" not in f"{chain!r}{chain}"
        chain = chain.__cause__
    with pytest.raises(ContractError) as caught:
        parsed(OUTER, reply(200, b"<html>"), "acme", "thing_read")
    assert caught.value.field == ""


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("repeat", [Repeat.PAID, Repeat.CREATES])
def test_what_may_not_repeat_keeps_off_methods_an_engine_repeats(method: str, repeat: Repeat) -> None:
    with pytest.raises(ValueError, match="may not be repeated"):
        Operation("x", method, "/x", repeat)


@pytest.mark.parametrize("path", [{}, {"id": 1, "other": 2}, {"name": 1}])
def test_a_path_takes_exactly_its_values(path: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="path values"):
        READ.target(path, {})


@given(st.text(min_size=1))
def test_no_path_value_leaves_its_place(value: str) -> None:
    if value in {".", ".."}:
        return
    try:
        target = READ.target({"id": value}, {})
    except UnicodeEncodeError:
        return
    assert target.startswith("/things/")
    assert not set(target.removeprefix("/things/")) & set("/?#\r\n \\")


def test_an_error_is_of_the_tree() -> None:
    assert isinstance(error("acme", "acme", READ, reply(599), ReplyReading()), ConnectorError)
