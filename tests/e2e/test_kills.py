"""Kills workers without a word, at any point, and while a paid request is open."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from tests.e2e.conftest import RECORDS, Open, Undisturbed
from tests.e2e.right_numbers import Place, differ_in_right_numbers_only, is_right_number
from tests.e2e.right_person import Truth
from tests.e2e.stage import WITHOUT_DELIVERIES, Stage
from tests.harness.config import laid_over
from tests.harness.sandbox import Sandbox
from tests.harness.until import until

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
        enough = partial(charged_and_open, stage.vendors[provider])
        if number >= held:
            enough = partial(stage.vendors.charged, charges + chance.randrange(1, 12))
        await until(partial(so_far_or_at_the_end, stage, provider, enough), "a paid request held open, or more lookups")
        for worker in pair:
            worker.kill()
        await stage.bill_is_accounted_for()
        for name in PAID:
            stage.vendors[name].control("release", {})
        await stage.time_passes()
        await stage.bill_is_accounted_for()
    await revive(stage)
    await stage.played(2)

    assert stage.vendors.overwritten() == []
    await stage.bill_is_accounted_for()
    doubtful = await stage.touched_by_doubt()
    assert doubtful
    actual = stage.vendors.state()
    await differ_in_right_numbers_only(stage, {key: expected[key] for key in expected.keys() - doubtful})
    assert actual.keys() == expected.keys()


async def test_a_row_follows_where_a_doubt_of_its_persons_other_row_led(opened: Open, undisturbed: Undisturbed) -> None:
    expected = await undisturbed()
    stage = opened(WITHOUT_DELIVERIES, **RECORDS)
    kaspr, pauses = stage.vendors["kaspr"], stage.ledger.pauses
    await pauses.pause("acme_hubspot", "operator", why="the other CRM goes first")
    kaspr.control("hold", {"route": PAID["kaspr"], "count": None})
    worker = stage.spawn()
    await until(partial(charged_and_open, kaspr), "a paid request held open")
    await until(lambda: stage.only_held_calls_are_open(kaspr), "nothing but held lookups")
    worker.kill()
    kaspr.control("release", {})
    await stage.time_passes()
    await stage.start()
    await until(partial(stage.settled_in, "acme_salesforce"), "the end of the other CRM's work")
    await pauses.lift("acme_hubspot", "operator")
    await stage.finished()

    doubtful, actual = await stage.touched_by_doubt(), stage.vendors.state()
    led = {key for key in expected.keys() - doubtful if actual[key] != expected[key]}
    assert led
    assert {crm for crm, _, _ in led} == {"hubspot"}
    await differ_in_right_numbers_only(stage, {key: expected[key] for key in expected.keys() - doubtful})


def test_only_the_persons_own_number_that_an_answer_told_is_another_right_one(opened: Open) -> None:
    stage = opened(WITHOUT_DELIVERIES, **RECORDS)
    truth = Truth(stage)
    people = truth.people_of("hubspot")
    id_, person = next((id_, one) for id_, one in people.items() if {one.phone, one.mobile} <= {*one.forager.phones})
    stranger = next(one for one in people.values() if one.number != person.number)
    place: Place = ("hubspot", "contacts", id_)
    row = {"lastname": person.last_name, "mobilephone": person.mobile, "phone": person.mobile}
    office, profile = frozenset({"person_detail", "phone_numbers"}), frozenset({"profile"})

    assert is_right_number(truth, place, row, {**row, "phone": person.phone}, office)
    assert is_right_number(truth, place, {**row, "phone": person.phone}, row, profile)
    assert not is_right_number(truth, place, {**row, "phone": person.phone}, row, office)
    assert not is_right_number(truth, place, row, {**row, "phone": person.phone}, profile)
    assert not is_right_number(truth, place, row, {**row, "phone": stranger.phone}, office)
    assert not is_right_number(truth, place, row, {**row, "mobilephone": person.phone, "phone": person.phone}, office)
    assert not is_right_number(truth, place, row, {**row, "phone": person.phone, "lastname": "Other"}, office)
    assert not is_right_number(truth, place, row, {"lastname": person.last_name, "mobilephone": person.mobile}, office)


def charged_and_open(vendor: Sandbox) -> bool:
    """Whether an answer that was charged is being kept back."""
    held = {row["seq"] for row in vendor.control("held")["requests"]}
    return bool(held & {row["request"] for row in vendor.charges()})


async def so_far_or_at_the_end(stage: Stage, provider: str, enough: Callable[[], bool]) -> bool:
    """Whether workers have come so far; where this process looks too rarely, they may have done all there was."""
    return enough() or await stage.idle() or await stage.only_held_calls_are_open(stage.vendors[provider])


async def revive(stage: Stage) -> None:
    """A record that crashed its process again and again waits for a person, who tries it once more."""
    for name in await stage.ledger.all_work.works():
        work = stage.ledger.work(*name)
        for letter in await work.letters.page():
            await work.replay(letter.id, "replay")


async def test_a_lookup_that_was_not_charged_is_asked_once_more_later(opened: Open, undisturbed: Undisturbed) -> None:
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
    await stage.played()

    assert stage.vendors.state() == expected
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
    await stage.played()

    assert {one.ticket_id for one in await stage.uncertain()} == {one.ticket_id for one in uncertain}
    await stage.bill_is_accounted_for()
