"""Paid calls by hand: the price first, the same question once, budgets and tickets as everybody's."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from typing import Any

import pytest
from redis.asyncio import Redis

from connectors.forager import operations as op
from connectors.kaspr import operations as at_kaspr
from connectors.models import Identity
from tests.contract.suite import route_of
from tests.harness.until import until
from tests.integration.commands.byhand import Hand
from worker.commands.providers.opening import at_forager
from worker.ledger.ledger import Ledger
from worker.manual.buying import NotNowError
from worker.service.vendors import open_providers
from worker.visits.paid_call import RESTORED


async def ledger_figures(hand: Hand, provider: str) -> dict[str, Any]:
    found: dict[str, Any] = (await hand.json("status"))["credits"][provider]
    return found


async def test_the_worst_price_is_said_first_and_the_real_one_after(hand: Hand) -> None:
    ran = await hand("forager", "person", hand.slug, "--yes")
    assert ran.err.splitlines() == ["forager: up to 1 credit, 20000 left today", "1 credit"]
    assert hand.person["last_name"] in ran.out


async def test_asking_the_same_twice_costs_nothing_and_says_so(hand: Hand) -> None:
    bought = await hand.json("forager", "person", hand.slug, "--yes")
    assert (bought["credits"], bought["kept_since"]) == (1, None)
    kept = await hand.json("forager", "person", f"https://www.linkedin.com/in/{hand.slug.upper()}/")
    assert kept["result"] == bought["result"]
    assert kept["credits"] == 0
    assert kept["kept_since"].endswith("UTC")
    assert "0 credits: kept since" in (await hand("forager", "person", hand.slug)).err
    assert hand.requests("forager", op.PERSON_DETAIL) == 1
    assert sum(row["credits"] for row in hand.vendor("forager").charges()) == 1


async def test_a_miss_is_kept_and_free(hand: Hand) -> None:
    assert (await hand.json("forager", "person", "nobody-at-all-0000", "--yes"))["result"] is None
    again = await hand.json("forager", "person", "nobody-at-all-0000")
    assert (again["result"], again["credits"]) == (None, 0)
    assert hand.vendor("forager").charges() == []


async def test_without_a_terminal_and_without_yes_nothing_is_sent(hand: Hand) -> None:
    told = await hand.refused("forager", "contacts", hand.slug, "--work", "--phone", code=2)
    assert told.startswith("forager: up to 20 credits, 20000 left today")
    assert hand.requests("forager", op.WORK_EMAILS) == 0
    assert (await ledger_figures(hand, "forager"))["today"] == 0


@pytest.mark.parametrize(("typed", "code", "sent"), [("y\n", 0, 1), ("n\n", 1, 0), ("\n", 1, 0)])
async def test_at_a_terminal_a_person_decides(hand: Hand, typed: str, code: int, sent: int) -> None:
    master, slave = pty.openpty()
    words = ("-m", "worker.cli", "forager", "website", hand.company["domain"], "--config", str(hand.refill.config))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REFILL_")}
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=slave, stdout=-1, stderr=-1, env=environment
        )
        os.write(master, typed.encode())
        _, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        os.close(master)
        os.close(slave)
    assert process.returncode == code, err
    assert b"forager: up to 1 credit, 20000 left today. Go on? [y/N]" in err
    assert hand.requests("forager", op.WEBSITE_DETAIL) == sent


async def test_credits_are_booked_on_the_budgets_of_the_day_and_the_month(hand: Hand) -> None:
    await hand.json("forager", "contacts", hand.slug, "--yes")
    figures = await ledger_figures(hand, "forager")
    assert (figures["today"], figures["month"], figures["reserved"]) == (5, 5, 0)


async def test_an_empty_budget_refuses_before_anything_is_sent(hand: Hand) -> None:
    hand.refill.change("budget = { day = 20000, month = 100000 }", "budget = { day = 4, month = 100000 }")
    told = await hand.refused("forager", "contacts", hand.slug, "--work", "--yes")
    assert told == "forager: up to 5 credits, 4 left today: not enough, nothing was sent"
    assert hand.requests("forager", op.WORK_EMAILS) == 0


async def test_the_lower_of_budget_and_balance_is_what_is_left(hand: Hand) -> None:
    hand.vendor("forager").control("balance", {"credits": 7})
    try:
        ran = await hand("forager", "contacts", hand.slug, "--work", "--yes")
        assert "up to 5 credits, 7 left today" in ran.err
        assert "2 left today: not enough" in await hand.refused("forager", "person", hand.person["work_email"], "-y")
    finally:
        hand.vendor("forager").control("balance", {"credits": 100_000})


async def test_only_pages_that_are_not_kept_are_paid_for(hand: Hand) -> None:
    assert (await hand.json("forager", "people", "--current", "--yes"))["credits"] == 1
    ran = await hand("forager", "people", "--current", "--pages", "2", "--yes")
    assert "up to 1 credit," in ran.err
    assert "1 credit; a part was free, kept since" in ran.err
    assert hand.requests("forager", op.ROLE_SEARCH) == 2


async def test_a_lost_answer_is_listed_and_not_asked_again(hand: Hand) -> None:
    kaspr = hand.vendor("kaspr")
    words = ("kaspr", "pattern", hand.company["domain"], "--yes")
    kaspr.fault("close", route_of(kaspr, at_kaspr.DOMAIN_PATTERN))
    assert "refill uncertain list" in await hand.refused(*words[:-1], "--yes")
    (listed,) = await hand.json("uncertain", "list")
    assert (listed["provider"], listed["operation"], listed["price"]) == ("kaspr", "domain_pattern", 1)
    kaspr.control("faults", method="DELETE")
    ran = await hand(*words)
    assert ran.code == 1
    assert "perhaps charged" in ran.err
    assert hand.requests("kaspr", at_kaspr.DOMAIN_PATTERN) == 1
    assert (await hand("uncertain", "resolve", listed["ticket_id"], "--ask-again")).code == 0
    assert (await hand.json(*words))["credits"] == 1
    assert hand.requests("kaspr", at_kaspr.DOMAIN_PATTERN) == 2


async def test_a_lost_answer_that_a_verdict_awaits_names_the_time(hand: Hand) -> None:
    forager = hand.vendor("forager")
    forager.fault("reset", route_of(forager, op.PERSON_DETAIL))
    assert "no clear answer came back" in await hand.refused("forager", "person", hand.slug, "--yes")
    told = (await hand("forager", "person", hand.slug, "--yes")).err
    assert "the provider's own log decides by" in told
    assert hand.requests("forager", op.PERSON_DETAIL) == 1


async def test_a_visit_finds_what_was_bought_by_hand(hand: Hand) -> None:
    await hand.json("forager", "contacts", hand.slug, "--work", "--phone", "--yes")
    await hand.json("kaspr", "profile", hand.slug, "--name", hand.name, "--yes")
    async with hand.refill.ledger() as ledger:
        identity = Identity(slug=hand.slug, first_name=hand.person["first_name"], last_name=hand.person["last_name"])
        found = await asked_by_a_visit(hand, ledger, identity)
    assert found >= {"work_emails", "phone_numbers", "profile"}


async def asked_by_a_visit(hand: Hand, ledger: Ledger, identity: Identity) -> set[str]:
    """The operations whose question about ``identity`` has a kept answer that serves every field."""
    from config.load import load
    from connectors.limits import NoLimiter

    providers = open_providers(load(hand.refill.config, {}), lambda _: NoLimiter())
    questions = [
        question
        for provider in providers.values()
        for offer in provider.offers({})
        if (question := offer.question(identity)) is not None
    ]
    kept = await ledger.desk.find([one.key for one in questions])
    for provider in providers.values():
        await provider.aclose()
    return {one.operation for one in questions if one.key in kept and one.fields <= kept[one.key].fields}


async def test_in_dialect_v2_fewer_values_cost_less(hand: Hand) -> None:
    hand.refill.change("[providers.kaspr]\n", '[providers.kaspr]\ndialect = "v2"\n')
    ran = await hand("kaspr", "profile", hand.slug, "--name", hand.name, "--phone", "--yes")
    assert ran.err.startswith("kaspr: up to 2 credits")
    assert ran.err.endswith("\n2 credits\n")
    assert "up to 3 credits" in (await hand("kaspr", "profile", hand.slug, "--name", hand.name, "--yes")).err


async def test_a_refusal_is_one_sentence_and_costs_nothing(hand: Hand) -> None:
    forager = hand.vendor("forager")
    forager.fault("status", route_of(forager, op.PERSON_DETAIL), params={"status": 402, "body": {"detail": "x"}})
    ran = await hand("forager", "person", hand.slug, "--yes")
    assert ran.code == 1
    assert ran.err.splitlines()[1:] == ["forager person detail (status 402): there are no credits left"]
    figures = await ledger_figures(hand, "forager")
    assert (figures["today"], figures["reserved"]) == (0, 0)


async def test_a_throttled_provider_says_when_to_come_back(hand: Hand) -> None:
    forager = hand.vendor("forager")
    params = {"status": 429, "headers": {"Retry-After": "40"}, "body": {}}
    forager.fault("status", route_of(forager, op.PERSON_DETAIL), params=params)
    told = await hand.refused("forager", "person", hand.slug, "--yes")
    assert told == "forager says that its rate is used up (status 429): try again in 40 s"
    assert hand.requests("forager", op.PERSON_DETAIL) == 1
    assert (await ledger_figures(hand, "forager"))["reserved"] == 0


async def test_on_a_bad_day_the_books_and_ours_agree(hand: Hand) -> None:
    vendors = {name: hand.vendor(name) for name in ("forager", "kaspr")}
    for vendor in vendors.values():
        vendor.control("weather", {"level": "heavy", "seed": 7})
    asked = [
        (*words, "--yes")
        for person in hand.vendor("forager").world["people"][:8]
        for words in (("forager", "contacts", person["slug"]), ("kaspr", "profile", person["slug"], "--name", "Ada"))
    ]
    codes = [(await hand(*words)).code for words in asked]
    assert {*codes} == {0, 1}
    async with hand.refill.ledger() as ledger:
        for name, vendor in vendors.items():
            ours = await ledger.budgets.totals(name)
            bill = sum(row["credits"] for row in vendor.charges())
            assert ours.spent <= bill <= ours.spent + ours.uncertain
            assert (ours.reserved, ours.sent) == (0, 0)


async def test_the_same_question_of_two_people_is_sent_once(hand: Hand) -> None:
    forager = hand.vendor("forager")
    forager.control("hold", {"route": route_of(forager, op.PERSON_DETAIL)})
    words = ("forager", "person", hand.slug, "--yes")
    first = asyncio.create_task(hand.refill.alone(*words))
    await until(lambda: forager.control("held")["held"], "the call of the first")
    assert "the same question is under way elsewhere" in await hand.refused(*words)
    forager.control("release", {})
    assert (await first).code == 0
    assert (await hand.json(*words))["credits"] == 0
    assert hand.requests("forager", op.PERSON_DETAIL) == 1


async def test_what_was_spent_before_a_failure_is_said_and_kept(hand: Hand) -> None:
    forager = hand.vendor("forager")
    forager.fault("status", route_of(forager, op.PHONE_NUMBERS), params={"status": 403, "body": {}})
    ran = await hand("forager", "contacts", hand.slug, "--work", "--phone", "--yes")
    assert ran.code == 1
    assert "5 credits spent before this failed" in ran.err
    assert (await hand.json("forager", "contacts", hand.slug, "--work"))["credits"] == 0


async def test_nothing_is_bought_that_was_not_quoted(hand: Hand) -> None:
    async with at_forager(hand.refill.config) as opened:
        question = opened.client.question(op.PERSON_DETAIL, {"linkedin_public_identifier": hand.slug})
        with pytest.raises(NotNowError, match="nothing was sent"):
            await opened.buyer.ask(question)
    assert hand.requests("forager", op.PERSON_DETAIL) == 0


async def test_a_site_is_named_in_one_of_three_ways(hand: Hand) -> None:
    for words in (
        (hand.company["domain"],),
        ("--company", str(hand.company["number"])),
        ("--slug", hand.company["slug"]),
    ):
        found = await hand.json("forager", "website", *words, "--yes")
        assert found["result"]["domain"].endswith(hand.company["domain"])
    await hand.refused("forager", "website", "--company", "1", "--slug", "x", "--yes", code=2)


async def test_a_vendor_that_is_down_is_one_sentence(hand: Hand) -> None:
    forager = hand.vendor("forager")
    forager.fault("status", route_of(forager, op.CURRENT_USER), params={"status": 503, "body": {}})
    told = await hand.refused("forager", "balance")
    assert told == "forager users current (status 503): it did not answer, try again later"


async def test_an_answer_in_another_form_is_one_sentence_and_counts_as_perhaps_charged(hand: Hand) -> None:
    forager = hand.vendor("forager")
    forager.fault("html", route_of(forager, op.PERSON_DETAIL))
    assert "does not have the documented form" in await hand.refused("forager", "person", hand.slug, "--yes")
    assert (await ledger_figures(hand, "forager"))["reserved"] == 1
    assert [one["operation"] for one in await hand.json("uncertain", "list")] == ["person_detail"]
    assert "does not have the documented form" in await hand.refused("forager", "person", hand.slug)
    assert hand.requests("forager", op.PERSON_DETAIL) == 1


async def test_a_wrong_key_is_one_sentence(hand: Hand) -> None:
    hand.refill.set(REFILL_PROVIDERS__KASPR__API_KEY="wrong")
    assert "status 401" in await hand.refused("kaspr", "verify")


async def test_a_paused_provider_says_why_and_who_lifts_it(hand: Hand) -> None:
    assert (await hand("pause", "forager", "--why", "the bill is open")).code == 0
    told = await hand.refused("forager", "suggest", "industries", "soft")
    assert told == "forager is paused (the bill is open, until resumed): refill resume forager lifts it at once"
    told = await hand.refused("forager", "person", hand.slug, "--yes")
    assert "refill resume forager" in told


async def test_a_redis_that_forgot_paid_calls_buys_nothing(hand: Hand, redis: Redis) -> None:
    await hand.json("forager", "person", hand.slug, "--yes")
    await redis.flushall()
    assert await hand.refused("forager", "person", hand.slug, "--yes") == RESTORED
    assert hand.requests("forager", op.PERSON_DETAIL) == 1


@pytest.mark.parametrize(
    "words",
    [
        "forager companies",
        "forager companies --filter nonsense=1",
        "forager companies --filter employees_start=many",
        "forager companies --employees many",
        "forager companies --domain nowhere",
        "forager person http://example.com/in",
        "forager person not-a@mail",
        "forager person +1",
        "forager suggest planets soft",
        "forager spend --since yesterday",
        "forager feedback work ada@example.com perhaps",
        "forager keys delete . --yes",
        "forager keys create " + "x" * 51,
        "kaspr pattern nowhere --yes",
        "openprospect order create --title x",
        "openprospect order create --title x --companies missing.csv",
        "openprospect order create --title x --profile y --feature NONSENSE --yes",
        "openprospect companies --review perhaps",
        "openprospect blacklists add x",
        "openprospect blacklists edit x",
        "openprospect searches edit x",
        "openprospect searches set-blacklists x",
        "openprospect searches show ..",
    ],
)
async def test_a_mistake_is_one_sentence_and_exit_code_2(hand: Hand, words: str) -> None:
    await hand.refused(*words.split(" "), code=2)
    assert all(not vendor.requests() for vendor in hand.refill.vendors.values())


async def test_options_of_a_listing_before_a_command_are_refused(hand: Hand) -> None:
    ran = await hand("openprospect", "searches", "--json", "show", "x")
    assert ran.code == 2
    assert "options go after show" in " ".join(ran.err.split())


@pytest.mark.parametrize("provider", ["forager", "kaspr", "openprospect"])
async def test_a_provider_that_is_not_configured_is_named(hand: Hand, provider: str) -> None:
    only = {"forager": "kaspr", "kaspr": "forager", "openprospect": "kaspr"}[provider]
    hand.refill.text = f"[providers.{only}]\nbudget = {{ day = 1 }}\n" + (
        "account_id = 42\n" if only == "forager" else ""
    )
    hand.refill.write()
    command = {"forager": "balance", "kaspr": "verify", "openprospect": "searches"}[provider]
    ran = await hand(provider, command)
    assert ran.code == 2
    assert ran.err.endswith(
        f"\n{provider} is not configured: add [providers.{provider}] to refill.toml and set its key\n"
    )


async def test_what_was_bought_by_hand_is_in_the_journal(hand: Hand) -> None:
    await hand.json("forager", "person", hand.slug, "--yes")
    async with hand.refill.ledger() as ledger:
        (entry,) = await ledger.journal.latest()
    told = json.loads(entry.entry)
    assert (told["kind"], told["operation"], told["outcome"], told["credits"]) == ("lookup", "person_detail", "hit", 1)
    assert entry.run.startswith("hand-")
    assert hand.slug not in entry.entry
