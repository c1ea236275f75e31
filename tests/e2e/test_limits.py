"""Holds two workers on one key to its limits, its pauses and its budget."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.conftest import RECORDS, Open, Undisturbed
from tests.e2e.stage import WITHOUT_DELIVERIES
from tests.harness.config import laid_over
from tests.harness.until import until
from worker.manual.exit_codes import DONE

PROFILE = "/profile/profile"
PATIENCE_S = 5
FEW = {"records": 20, "companies": 6, "delivered-companies": 1, "delivered-prospects": 1}
CALLS, WINDOW_S = 12, 2
PAUSE_S = 3
KASPR_ALONE = {
    "providers": {"forager": None, "kaspr": {"rate": [f"{CALLS}/{WINDOW_S} seconds"]}},
    "crm": {"acme_salesforce": {"watch": {"lead": None}}},
}
IN_FLIGHT_S = 0.5  # what was on its way when the 429 was said


async def test_two_workers_share_one_rate_and_one_pause(opened: Open) -> None:
    stage = opened(laid_over(WITHOUT_DELIVERIES, KASPR_ALONE), records=40)
    kaspr = stage.vendors["kaspr"]
    window = {"name": "window", "allowed": CALLS, "seconds": WINDOW_S}
    kaspr.control("limits", {"bucket": "default", "windows": [window]})
    await stage.start(2)
    await until(lambda: len(kaspr.requests(PROFILE)) > CALLS, "the first lookups")
    refusal = {"status": 429, "headers": {"Retry-After": str(PAUSE_S)}, "body": {"message": "Too many requests"}}
    kaspr.control("faults", {"kind": "status", "route": PROFILE, "times": 1, "params": refusal})
    await stage.finished()

    requests = kaspr.requests(PROFILE)
    (refused,) = [one for one in requests if one["fault"]]
    assert [one for one in requests if one["status"] == 429 and not one["fault"]] == []
    assert most_in_a_window(requests) <= CALLS
    begin = refused["mono"]
    assert [one for one in requests if begin + IN_FLIGHT_S < one["mono"] < begin + PAUSE_S] == []
    assert [one for one in requests if one["mono"] >= begin + PAUSE_S] != []
    await stage.bill_is_accounted_for()


def most_in_a_window(requests: list[dict[str, Any]]) -> int:
    times: list[float] = sorted(one["mono"] for one in requests)
    return max(sum(start <= time < start + WINDOW_S for time in times) for start in times)


async def test_a_pass_at_published_limits_finishes_what_rate_alone_holds_back(opened: Open) -> None:
    stage = opened({}, limits="real", **FEW)
    code, out, err = await stage.run("sync", "--json", "--patience", str(PATIENCE_S))
    report = json.loads(out or "{}")

    assert code == DONE, err
    assert (report["left"], report["not_asked"], report["waiting"]) == ([], [], 0)
    assert not any(one.due + one.leased + one.waiting for one in (await stage.counts()).values())
    asked = [one["mono"] for one in stage.vendors["kaspr"].requests(PROFILE)]
    assert max(asked) - min(asked) > 2 * PATIENCE_S  # sixty a minute: most of them had to wait for that
    refused = [one for name in stage.vendors.told for one in stage.vendors[name].requests() if one["status"] == 429]
    assert refused == []


async def test_a_budget_is_never_exceeded_and_a_raised_one_lets_in(opened: Open, undisturbed: Undisturbed) -> None:
    small = {"providers": {"kaspr": {"budget": {"day": 5}}, "forager": {"budget": {"day": 40}}}}
    stage = opened(laid_over(WITHOUT_DELIVERIES, small), **RECORDS)
    pair = await stage.start(2)
    await until(stage.settled_but_for_the_waiting, "records that wait for budget")

    waiting = {name: one.waiting for name, one in (await stage.counts()).items()}
    assert sum(waiting.values()) > 0
    for provider, day in (("kaspr", 5), ("forager", 40)):
        spent, bill, at_most = await stage.money(provider)
        assert spent == bill == at_most <= day
    for worker in pair:
        await worker.drained()

    stage.configure({"providers": {"kaspr": {"budget": {"day": 5000}}, "forager": {"budget": {"day": 20000}}}})
    await stage.played(2)

    assert stage.vendors.state() == await undisturbed()
    assert stage.vendors.charged_twice() == []
