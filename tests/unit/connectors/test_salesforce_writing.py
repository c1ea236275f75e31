import json
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.errors import ContractError, UnavailableError
from connectors.models import Reply, Write, WriteResult, Written
from connectors.salesforce import writing
from connectors.salesforce.records import Schema


class Org:
    """Answers Collections row by row; ``locks`` says how often a row still meets a lock."""

    def __init__(self, locks: dict[str, int] | None = None) -> None:
        self.locks = locks or {}
        self.parts: list[list[str]] = []
        self.waits: list[float] = []
        self.script: list[Exception | Reply] = []

    async def send(self, part: Sequence[Write]) -> Reply:
        self.parts.append([write.id for write in part])
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            return step
        return Reply(200, {}, json.dumps([self._row(write) for write in part]).encode())

    def _row(self, write: Write) -> dict[str, Any]:
        if self.locks.get(write.id, 0) > 0:
            self.locks[write.id] -= 1
            return {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "x", "fields": []}]}
        return {"id": write.id, "success": True, "errors": []}

    async def rest(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def write(self, *writes: Write) -> dict[str, WriteResult]:
        def read(part: Sequence[Write], reply: Reply) -> writing.Results:
            return writing.read_collection("acme", part, json.loads(reply.body))

        return dict(await writing.written(writes, 200, self.send, read, self.rest))


async def test_rows_that_meet_a_lock_are_sent_once_more_without_their_neighbours() -> None:
    org = Org({"2": 1})
    results = await org.write(*(Write(str(n), {"Title": "x"}) for n in range(4)))
    assert org.parts == [["0", "1", "2", "3"], ["2"]]
    assert org.waits == [1.0]
    assert {r.outcome for r in results.values()} == {Written.DONE}


async def test_a_lock_that_stays_is_reported() -> None:
    org = Org({"2": 5})
    results = await org.write(Write("1", {"Title": "x"}), Write("2", {"Title": "x"}))
    assert len(org.parts) == 2
    assert results["2"].outcome is Written.LOCKED


async def test_a_call_refused_for_a_field_is_sent_again_without_the_rows_that_hold_it() -> None:
    org = Org()
    body = b"""[{"errorCode":"INVALID_FIELD","message":"No such column 'Ghost__c' on sobject of type Contact"}]"""
    org.script = [Reply(400, {}, body)]
    results = await org.write(Write("1", {"Ghost__c": "x"}), Write("2", {"Title": "x"}))
    assert org.parts == [["1", "2"], ["2"]]
    assert (results["1"].outcome, results["1"].properties) == (Written.INVALID, ("Ghost__c",))
    assert results["2"].outcome is Written.DONE


async def test_a_first_call_that_fails_is_raised_and_a_later_one_leaves_rows_unknown() -> None:
    org = Org()
    org.script = [UnavailableError("acme", "collections.update", 503)]
    with pytest.raises(UnavailableError):
        await org.write(Write("1", {"Title": "x"}))
    org = Org({"1": 1})
    org.script = []
    good = org.send

    async def failing(part: Sequence[Write]) -> Reply:
        if org.parts:
            raise UnavailableError("acme", "collections.update", 503)
        return await good(part)

    def read(part: Sequence[Write], reply: Reply) -> writing.Results:
        return writing.read_collection("acme", part, json.loads(reply.body))

    told = await writing.written([Write("1", {"Title": "x"}), Write("2", {"Title": "x"})], 200, failing, read, org.rest)
    assert (told["1"].outcome, told["2"].outcome) == (Written.UNKNOWN, Written.DONE)


def test_an_answer_of_another_length_is_no_answer() -> None:
    with pytest.raises(ContractError):
        writing.read_collection("acme", [Write("1", {})], [])


def test_a_conditional_write_goes_by_the_stamp_that_was_seen() -> None:
    body = writing.composite_body("contact", [Write("003", {"Title": "x"}, seen=1795168805000)], Schema(), "66.0")
    (request,) = body["compositeRequest"]
    assert request["url"] == "/services/data/v66.0/sobjects/Contact/003"
    assert request["httpHeaders"]["If-Unmodified-Since"] == "Fri, 20 Nov 2026 10:00:05 GMT"
    assert body["allOrNone"] is False


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
