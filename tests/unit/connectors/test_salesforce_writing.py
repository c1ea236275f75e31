"""Reads what became of each row of an update."""

import json
from collections.abc import Sequence

import pytest

from connectors.errors import ContractError, StaleReadError, UnavailableError
from connectors.models import Reply, Write, WriteResult, Written
from connectors.salesforce import writing

TITLES = [Write(str(n), {"Title": "x"}) for n in range(4)]
DONE = [{"success": True, "errors": []}]


class Org:
    """Answers calls by a script, then says of every row that it is written."""

    def __init__(self, *script: Exception | Reply) -> None:
        self.script = list(script)
        self.parts: list[list[str]] = []

    async def send(self, part: Sequence[Write]) -> Reply:
        self.parts.append([write.id for write in part])
        step = self.script.pop(0) if self.script else Reply(200, {}, json.dumps(DONE * len(part)).encode())
        if isinstance(step, Exception):
            raise step
        return step

    async def write(self, *writes: Write, size: int = 200) -> dict[str, WriteResult]:
        def read(part: Sequence[Write], reply: Reply) -> writing.Results:
            return writing.read_collection("acme", part, json.loads(reply.body))

        return dict(await writing.written(writes, size, self.send, read))


async def test_every_row_is_sent_once_and_a_locked_one_is_told() -> None:
    locked = {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "x", "fields": []}]}
    org = Org(Reply(200, {}, json.dumps([*DONE, locked, *DONE, *DONE]).encode()))
    told = await org.write(*TITLES)
    assert org.parts == [["0", "1", "2", "3"]]
    assert [told[one].outcome for one in "0123"] == [Written.DONE, Written.LOCKED, Written.DONE, Written.DONE]


async def test_a_call_refused_for_a_field_costs_the_rows_that_hold_it() -> None:
    body = b"""[{"errorCode":"INVALID_FIELD","message":"No such column 'Ghost__c' on sobject of type Contact"}]"""
    org = Org(Reply(400, {}, body))
    told = await org.write(Write("1", {"Ghost__c": "x"}), Write("2", {"Title": "x"}))
    assert org.parts == [["1", "2"]]
    assert (told["1"].outcome, told["1"].properties) == (Written.INVALID, ("Ghost__c",))
    assert told["2"].outcome is Written.SPLIT


async def test_a_call_refused_for_nothing_it_names_is_to_be_halved() -> None:
    told = await Org(Reply(400, {}, b"[]")).write(*TITLES)
    assert [(told[one].outcome, told[one].part) for one in "0123"] == [
        (Written.SPLIT, 0),
        (Written.SPLIT, 0),
        (Written.SPLIT, 1),
        (Written.SPLIT, 1),
    ]


async def test_a_first_call_that_fails_is_raised_and_of_a_later_one_nothing_is_known() -> None:
    with pytest.raises(UnavailableError):
        await Org(UnavailableError("acme", "collections.update", 503)).write(*TITLES)
    good = Reply(200, {}, json.dumps(DONE * 2).encode())
    told = await Org(good, UnavailableError("acme", "collections.update", 503)).write(*TITLES, size=2)
    assert [told[one].outcome for one in "0123"] == [Written.DONE, Written.DONE, Written.UNKNOWN, Written.UNKNOWN]


async def test_what_was_read_too_long_ago_for_a_later_call_is_to_be_read_again() -> None:
    good = Reply(200, {}, json.dumps(DONE * 2).encode())
    told = await Org(good, StaleReadError("acme", "composite")).write(*TITLES, size=2)
    assert [told[one].outcome for one in "0123"] == [Written.DONE, Written.DONE, Written.SPLIT, Written.SPLIT]


def test_an_answer_of_another_length_is_no_answer() -> None:
    with pytest.raises(ContractError):
        writing.read_collection("acme", [Write("1", {})], [])


def test_a_newer_record_is_changed_and_not_written() -> None:
    answer = {
        "compositeResponse": [
            {"referenceId": "r1", "httpStatusCode": 412, "body": [{"errorCode": "PRECONDITION_FAILED"}]},
            {"referenceId": "r0", "httpStatusCode": 204, "body": None},
            {"referenceId": "r2", "httpStatusCode": 404, "body": [{"errorCode": "ENTITY_IS_DELETED", "message": "x"}]},
        ]
    }
    told = writing.read_composite("acme", [Write(i, {"Title": "x"}) for i in "abcd"], answer)
    assert [told[i].outcome for i in "abcd"] == [Written.DONE, Written.CHANGED, Written.GONE, Written.UNKNOWN]


def test_writes_to_one_row_become_one_and_the_earlier_look_counts() -> None:
    (one,) = writing.coalesced([Write("1", {"A": "1"}, 5), Write("1", {"B": "2"}, 9)])
    assert (dict(one.values), one.seen) == ({"A": "1", "B": "2"}, 5)
