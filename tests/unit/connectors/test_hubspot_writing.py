import json
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.errors import RateLimitedError, UnavailableError
from connectors.hubspot import writing
from connectors.hubspot.records import Rows
from connectors.models import Reply, Write, Written


class Portal:
    """Takes batches by HubSpot's rule: one bad value and nothing of the batch is written."""

    def __init__(self, bad: dict[str, str] | None = None, code: str = "INVALID_EMAIL") -> None:
        self.bad, self.code = bad or {}, code
        self.written: dict[str, dict[str, str]] = {}
        self.calls = 0
        self.waits: list[float] = []
        self.script: list[Exception | Reply] = []

    async def send(self, part: Sequence[Write]) -> tuple[Reply, Rows | None]:
        self.calls += 1
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            return step, None
        names = sorted({name for w in part for name, value in w.values.items() if self.bad.get(name) == value})
        if names:
            errors = [{"code": self.code, "context": {"propertyName": [name]}} for name in names]
            return Reply(400, {}, json.dumps({"category": "VALIDATION_ERROR", "errors": errors}).encode()), None
        self.written |= {w.id: dict(w.values) for w in part}
        results = [{"id": w.id, "properties": {}, "updatedAt": "2026-01-01T00:00:00Z"} for w in part]
        return Reply(200, {}, b""), Rows.model_validate({"results": results})

    async def rest(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def write(self, *writes: Write) -> dict[str, Any]:
        return dict(await writing.written(writes, self.send, self.rest))


async def test_a_good_batch_is_one_call() -> None:
    portal = Portal()
    results = await portal.write(*(Write(str(n), {"email": f"{n}@x.co"}) for n in range(100)))
    assert portal.calls == 1
    assert {r.outcome for r in results.values()} == {Written.DONE}
    assert results["5"].modified == 1767225600000


async def test_a_refused_batch_is_split_until_only_the_bad_row_is_left_out() -> None:
    portal = Portal({"email": "bad"})
    writes = [Write(str(n), {"email": "bad" if n == 41 else f"{n}@x.co"}) for n in range(100)]
    results = await portal.write(*writes)
    assert [i for i, r in results.items() if r.outcome is not Written.DONE] == ["41"]
    assert (results["41"].outcome, results["41"].properties, results["41"].code) == (
        Written.INVALID,
        ("email",),
        "INVALID_EMAIL",
    )
    assert len(portal.written) == 99
    assert portal.calls <= 20


async def test_rows_without_the_named_property_go_out_at_once() -> None:
    portal = Portal({"email": "bad"})
    writes = [Write(str(n), {"phone": "1"}) for n in range(98)]
    await portal.write(*writes, Write("98", {"email": "bad"}), Write("99", {"email": "good"}))
    assert portal.calls <= 5
    assert len(portal.written) == 99


async def test_a_property_that_does_not_exist_costs_one_call_however_many_rows_hold_it() -> None:
    portal = Portal({"ghost": "x"}, code="PROPERTY_DOESNT_EXIST")
    results = await portal.write(*(Write(str(n), {"ghost": "x"}) for n in range(50)), Write("50", {"phone": "1"}))
    assert portal.calls == 2
    assert results["7"].properties == ("ghost",)
    assert results["50"].outcome is Written.DONE


async def test_a_lock_is_waited_out_once() -> None:
    portal = Portal()
    portal.script = [Reply(423, {}, b"{}")]
    results = await portal.write(Write("1", {"phone": "1"}))
    assert portal.waits == [2.0]
    assert results["1"].outcome is Written.DONE


async def test_a_lock_that_stays_is_reported() -> None:
    portal = Portal()
    portal.script = [Reply(423, {}, b"{}"), Reply(423, {}, b"{}")]
    results = await portal.write(Write("1", {"phone": "1"}), Write("2", {"phone": "1"}))
    assert {r.outcome for r in results.values()} == {Written.LOCKED}


async def test_a_conflict_without_a_name_is_the_emails() -> None:
    portal = Portal()
    portal.script = [Reply(409, {}, b'{"category":"CONFLICT","message":"x"}')]
    results = await portal.write(Write("1", {"email": "a@b.co", "phone": "1"}))
    assert (results["1"].outcome, results["1"].properties) == (Written.INVALID, ("email",))


async def test_writes_to_one_record_become_one_input() -> None:
    portal = Portal()
    await portal.write(Write("1", {"email": "a", "phone": "1"}), Write("1", {"email": "b"}))
    assert portal.written == {"1": {"email": "b", "phone": "1"}}


async def test_a_first_call_that_fails_is_raised() -> None:
    portal = Portal()
    portal.script = [RateLimitedError("acme", "contacts.batch_update", 429)]
    with pytest.raises(RateLimitedError):
        await portal.write(Write("1", {"phone": "1"}))


async def test_a_later_call_that_fails_leaves_its_rows_unknown_and_keeps_what_is_known() -> None:
    portal = Portal()
    refused = json.dumps({"errors": [{"code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}}]}).encode()
    portal.script = [Reply(400, {}, refused), UnavailableError("acme", "contacts.batch_update", 503)]
    results = await portal.write(Write("1", {"phone": "1"}), Write("2", {"email": "x"}))
    assert {i: r.outcome for i, r in results.items()} == {"1": Written.UNKNOWN, "2": Written.DONE}


def test_errors_count_on_any_2xx_and_silence_is_unknown() -> None:
    rows = Rows.model_validate(
        {
            "results": [{"id": "1", "updatedAt": ""}],
            "numErrors": 2,
            "errors": [
                {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["2"]}},
                {"category": "VALIDATION_ERROR", "context": {"ids": ["3"]}},
            ],
        }
    )
    told = writing.outcomes([Write(i, {"phone": "1"}) for i in "1234"], rows)
    assert [told[i].outcome for i in "1234"] == [Written.DONE, Written.GONE, Written.INVALID, Written.UNKNOWN]
