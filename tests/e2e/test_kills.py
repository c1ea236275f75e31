"""Workers that are killed without a word, at any point, and while a paid request is open."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

import pytest

from sandbox.truth import plain, values_of
from tests.e2e.conftest import RECORDS, Open, Undisturbed
from tests.e2e.right_person import Truth
from tests.e2e.stage import WITHOUT_DELIVERIES, Stage
from tests.harness.config import laid_over
from tests.harness.sandbox import Sandbox
from tests.harness.until import until

Row: TypeAlias = Mapping[str, str]

FEW: Mapping[str, Any] = {"worker": {"concurrency": 6}}
BY_VERDICT: Mapping[str, Any] = {"providers": {"forager": {"on_uncertain": "once_if_uncharged"}}}
PAID = {"forager": "*person_contacts_lookup*", "kaspr": "/profile/profile"}


@pytest.mark.parametrize(
    ("rounds", "held"), [(3, 2), pytest.param(10, 6, marks=pytest.mark.slow)], ids=["short", "whole"]
)
async def test_after_many_kills_the_crm_is_as_undisturbed_but_for_what_is_listed_uncertain(
    opened: Open, undisturbed: Undisturbed, rounds: int, held: int
) -> None:
    expected = await undisturbed()
    stage, chance = opened(laid_over(WITHOUT_DELIVERIES, FEW), **RECORDS), random.Random(7)
    for number in range(rounds):
        provider, charges = ("forager", "kaspr")[number % 2], len(stage.vendors.charges())
        if number < held:
            stage.vendors[provider].control("hold", {"route": PAID[provider], "count": None})
        pair = [stage.spawn(), stage.spawn()]
        if number < held:
            await until(partial(charged_and_open, stage.vendors[provider]), "a paid request held open")
        else:
            more = charges + chance.randrange(1, 12)
            await until(partial(stage.vendors.charged, more), "some more lookups")
        for worker in pair:
            worker.kill()
        await stage.bill_is_accounted_for()
        for name in PAID:
            stage.vendors[name].control("release", {})
        await stage.time_passes()
        await stage.bill_is_accounted_for()
    await revive(stage)
    await stage.start(2)
    await stage.finished()

    assert stage.vendors.charged_twice() == []
    assert stage.vendors.overwritten() == []
    await stage.bill_is_accounted_for()
    doubtful = await stage.touched_by_doubt()
    assert doubtful
    actual = stage.vendors.state()
    truth, others = Truth(stage, RECORDS), {key for key in expected if actual.get(key) != expected[key]} - doubtful
    unexplained = {key for key in others if not is_other_choice(truth, key, expected[key], actual.get(key, {}))}
    shown = {key: (expected[key], actual.get(key)) for key in unexplained}
    assert not unexplained, f"{shown} asked {await stage.asked_of(unexplained)}"
    assert actual.keys() == expected.keys()


def is_other_choice(truth: Truth, key: tuple[str, str, str], expected: Row, actual: Row) -> bool:
    """Whether a row has as much as undisturbed, and another value of the same person where they differ.

    Whom a visit asks first goes by what was found until then, and who is told first by how fast the workers are.
    """
    crm, _, id_ = key
    person = truth.people_of(crm).get(id_)
    different = {one for name in expected if (one := actual.get(name)) != expected[name]}
    own = values_of(person) if person else frozenset()
    return expected.keys() == actual.keys() and all(one is not None and plain(one) in own for one in different)


def charged_and_open(vendor: Sandbox) -> bool:
    """Whether an answer that was charged is being kept back."""
    held = {row["seq"] for row in vendor.control("held")["requests"]}
    return bool(held & {row["request"] for row in vendor.charges()})


async def revive(stage: Stage) -> None:
    """A record that crashed its process again and again waits for a person, who tries it once more."""
    for name in await stage.ledger.all_work.works():
        work = stage.ledger.work(*name)
        for letter in await work.dead():
            await work.replay(letter.id, "replay")


async def test_a_lookup_that_was_not_charged_is_asked_once_more_after_the_verdict(
    opened: Open, undisturbed: Undisturbed
) -> None:
    expected = await undisturbed()
    stage = opened(laid_over(WITHOUT_DELIVERIES, BY_VERDICT), **RECORDS)
    forager = stage.vendors["forager"]
    forager.control("hold", {"route": "*/work_emails/", "count": None, "effect": False})
    worker = stage.spawn()
    await until(lambda: stage.only_held_calls_are_open(forager), "nothing but lookups held before they were charged")
    worker.kill()
    await until(lambda: not forager.control("held")["held"], "the end of what was held")
    forager.control("release", {})
    await stage.time_passes()
    uncertain = await stage.uncertain()
    assert {one.operation for one in uncertain} == {"work_emails"}
    assert not any(row["operation"] == "work_emails" for row in stage.vendors.charges())

    await stage.verdicts_come()
    assert await stage.uncertain() == []
    await stage.start()
    await stage.finished()

    assert stage.vendors.state() == expected
    assert stage.vendors.charged_twice() == []
    await stage.bill_is_accounted_for()


async def test_a_lookup_that_was_charged_is_listed_and_never_asked_again(opened: Open) -> None:
    stage = opened(laid_over(WITHOUT_DELIVERIES, BY_VERDICT), records=20, companies=8)
    forager = stage.vendors["forager"]
    forager.control("hold", {"route": "*/phone_numbers/", "count": None})
    worker = stage.spawn()
    await until(lambda: charged_and_open(forager), "a charged lookup held open")
    await until(lambda: stage.only_held_calls_are_open(forager), "nothing but held lookups")
    worker.kill()
    forager.control("release", {})
    await stage.time_passes()
    await stage.bill_is_accounted_for()

    await stage.verdicts_come()
    uncertain = await stage.uncertain()
    assert {(one.operation, one.verdict) for one in uncertain} == {("phone_numbers", "charged")}
    await stage.start()
    await stage.finished()

    assert {one.ticket_id for one in await stage.uncertain()} == {one.ticket_id for one in uncertain}
    assert stage.vendors.charged_twice() == []
    await stage.bill_is_accounted_for()
