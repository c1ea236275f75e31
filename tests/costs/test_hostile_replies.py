"""Any reply ends in a typed outcome, for CPU that goes by its bytes: whatever shape it has, and whoever reads it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from pydantic import TypeAdapter

import connectors
from connectors import replies
from connectors.errors import ContractError
from connectors.forager import operations as forager_operations
from connectors.forager import read as forager
from connectors.kaspr import operations as kaspr_operations
from connectors.kaspr import read as kaspr
from connectors.models import Answer, Question, Reply
from tests.harness.cpu import MIB, is_slow


def readers() -> dict[str, TypeAdapter[Any]]:
    """Every reader of a body that any connector has."""
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(connectors.__path__, "connectors.")]
    return {
        f"{module.__name__.removeprefix('connectors.')}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, TypeAdapter)
    }


def padded(body: bytes) -> bytes:
    """An array's text with a long string in it, so that the whole is a MiB."""
    return b"[" + body + b',"' + b"x" * (MIB - len(body)) + b'"]'


PARTS = replies.PARTS + MIB // replies.PART_BYTES - 40
VALUES = replies.VALUES + MIB // replies.VALUE_BYTES - 4_000
SHAPES: dict[str, Callable[[], bytes]] = {  # made where a test asks for one: tens of MiB
    "as many objects as are read": lambda: padded(b",".join([b"{}"] * PARTS)),
    "as many lists as are read": lambda: padded(b",".join([b"[]"] * PARTS)),
    "as many nulls as are read": lambda: padded(b",".join([b"null"] * VALUES)),
    "as many texts as are read": lambda: padded(b",".join([b'"a"'] * VALUES)),
    "as many keys as are read": lambda: (
        b"{" + b",".join(b'"%d":1' % n for n in range(100_000, 100_000 + VALUES)) + b"}"
    ),
    "only objects": lambda: b"[" + b",".join([b"{}"] * (MIB // 3)) + b"]",
    "only nulls": lambda: b"[" + b",".join([b"null"] * (MIB // 5)) + b"]",
    "numbers of 400 digits": lambda: b"[" + b",".join([b"9" * 400] * (MIB // 401)) + b"]",
    "numbers as short as are read": lambda: padded(b",".join([b"0.1e-300"] * VALUES)),
    "whole numbers as short as are read": lambda: padded(b",".join([b"1234567"] * VALUES)),
    "numbers of vast exponents": lambda: b"[" + b",".join([b"1e999999999"] * (MIB // 20)) + b"]",
    "a number with an exponent of a MiB": lambda: b"1e" + b"9" * MIB,
    "half pairs": lambda: b'["' + b"\\ud800" * (MIB // 6) + b'"]',
    "half pairs as bytes": lambda: b'["' + b"\xed\xa0\x80" * (MIB // 3) + b'"]',
    "one object again and again": lambda: b"{" + b",".join([b'"id":{"id":{"id":"1"}}'] * (MIB // 60)) + b"}",
    "one number of a MiB": lambda: b"9" * MIB,
    "one text of ten MiB": lambda: b'"' + b"x" * (10 * MIB) + b'"',
    "one text of escapes": lambda: b'"' + b"\\u00e9" * (MIB // 6) + b'"',
    "deep lists": lambda: b"[" * (MIB // 2) + b"]" * (MIB // 2),
    "deep objects": lambda: b'{"a":' * (MIB // 6) + b"1" + b"}" * (MIB // 6),
    "one key again and again": lambda: b"{" + b",".join([b'"a":1'] * (MIB // 6)) + b"}",
    "UTF-16": lambda: "[]".ljust(MIB // 2).encode("utf-16"),
    "Latin-1": lambda: '["é"]'.ljust(MIB).encode("latin-1"),
    "a byte order mark": lambda: b"\xef\xbb\xbf[" + b" " * MIB + b"]",
    "NaN": lambda: b"[" + b"NaN," * (MIB // 4) + b"1]",
    "nothing": lambda: b"",
    "zeros": lambda: b"\0" * MIB,
    "gzip that was not said": lambda: b"\x1f\x8b\x08" + b"\0" * MIB,
}


def bodies(adapter: TypeAdapter[Any], shape: bytes) -> Iterator[bytes]:
    """The shape as the whole body, and as each list or object that the reader looks for."""
    yield shape
    schema = adapter.json_schema()
    top = schema.get("$defs", {}).get(schema.get("$ref", "").rpartition("/")[2], schema)
    for name, one in top.get("properties", {}).items():
        if "array" in json.dumps(one) or "object" in json.dumps(one):
            yield b'{"id":"1","%s":%s}' % (name.encode(), shape)


# What every reader turns into objects of its own, and what ends before any does: that part is shared. The others are
# in the test of paid replies and, for every reader, in make slow.
QUICK = ("as many objects as are read", "as many nulls as are read", "numbers as short as are read", "deep lists")


@pytest.mark.parametrize("shape", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in SHAPES])
def test_every_reader_takes_less_than_50_ms_of_cpu_a_mib(shape: str, everyday_s: float) -> None:
    slow, text = set(), SHAPES[shape]()
    for name, adapter in readers().items():
        for body in bodies(adapter, text):
            reply = Reply(200, {"content-type": "application/json"}, body)
            if is_slow(lambda: replies.parsed(adapter, reply, "v", "c"), len(body), everyday_s):  # noqa: B023 - at once
                slow.add(name)
    assert slow == set()


PAID = [("forager", name) for name in forager_operations.PAID]
PAID += [("kaspr", one.name) for one in kaspr_operations.OPERATIONS]


def answer(provider: str, operation: str, reply: Reply) -> Answer:
    asked = Question(provider, "42", operation, {}, 5)
    return forager.answer(asked, reply) if provider == "forager" else kaspr.answer("reference", asked, reply)


@pytest.mark.parametrize("status", [200, *(pytest.param(one, marks=pytest.mark.slow) for one in (402, 404, 500))])
@pytest.mark.parametrize("shape", SHAPES)
def test_paid_reply_is_an_answer_whatever_it_is(shape: str, status: int, everyday_s: float) -> None:
    body = SHAPES[shape]()
    reply = Reply(status, {"decreased-credits": "9" * 400, "retry-after": "-9" * 200}, body)
    for provider, operation in PAID:
        told: list[Answer] = []
        read = partial(answer, provider, operation, reply)
        assert not is_slow(lambda: told.append(read()), len(body), everyday_s), operation  # noqa: B023 - at once
        assert isinstance(told[0], Answer)


def test_everyday_replies_are_not_crowded() -> None:
    """The densest that the documents show: choices of a picklist, options of a property, keywords of a company."""
    choice = {"active": True, "defaultValue": False, "label": "A", "validFor": None, "value": "A"}
    option = {"label": "Germany", "value": "DE", "description": "", "displayOrder": 0, "hidden": False}
    for row in (
        choice,
        option,
        {"attributes": {"type": "Contact", "url": f"/services/data/v66.0/sobjects/Contact/{18 * '0'}"}, "Id": "0" * 18},
    ):
        assert not replies.crowded(json.dumps([row] * 20_000, separators=(",", ":")).encode()), row
    assert not replies.crowded(json.dumps([{"id": 1, "name": "saas"}] * 3_000).encode())
    assert replies.crowded(b"[" + b"{}," * 100_000 + b"{}]")
    with pytest.raises(ContractError):
        replies.parsed(TypeAdapter(list[object]), Reply(200, {}, b"[" + b"{}," * 100_000 + b"{}]"), "v", "e")
