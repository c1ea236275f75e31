"""A call that creates a row is sent at most once: a lost answer is looked for, never guessed at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from connectors.forager import operations as at_forager
from connectors.openprospect import operations as op
from connectors.operations import Operation
from tests.contract.suite import route_of
from tests.integration.commands.byhand import Hand


def strike(hand: Hand, vendor: str, operation: Operation, kind: str, **more: Any) -> None:
    sandbox = hand.vendor(vendor)
    sandbox.fault(kind, route_of(sandbox, operation), method=operation.method, **more)


def calm(hand: Hand, vendor: str) -> None:
    hand.vendor(vendor).control("faults", method="DELETE")


# ---- orders ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def order(hand: Hand, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """A command that places an order nobody has placed before."""
    sheet = hand.refill.folder / "companies.csv"
    sheet.write_text(f"company_name,external_id\n{hand.company['name'].replace(',', '')},CRM-1\n", encoding="utf-8")
    title = request.node.name
    return ("openprospect", "order", "create", "--title", title, "--companies", str(sheet), "--yes")


async def test_an_order_carries_its_reference_and_is_placed_once(hand: Hand, order: tuple[str, ...]) -> None:
    first = await hand.json(*order)
    assert first["placed"] is True
    assert first["order"]["title"].endswith(f" ref:{first['ref']}")
    again = await hand.json(*order)
    assert (again["placed"], again["order_id"]) == (False, first["order_id"])
    assert hand.requests("openprospect", op.ORDER_CREATE) == 1
    other = await hand.json(*order, "--ref", "second")
    assert other["order_id"] != first["order_id"]
    assert other["order"]["title"].endswith(" ref:second")


async def test_an_order_is_not_placed_without_a_yes(hand: Hand, order: tuple[str, ...]) -> None:
    told = await hand.refused(*order[:-1], code=2)
    assert "its price is known once it is accepted, and then charged" in told
    assert hand.requests("openprospect", op.ORDER_CREATE) == 0


async def test_an_order_whose_answer_was_lost_is_found_by_its_reference(hand: Hand, order: tuple[str, ...]) -> None:
    strike(hand, "openprospect", op.ORDER_CREATE, "close")
    ran = await hand(*order)
    assert ran.code == 0
    assert "placed: its answer was lost, but it was found" in ran.err
    assert (await hand.json(*order))["placed"] is False
    assert hand.requests("openprospect", op.ORDER_CREATE) == 1


async def test_an_order_that_is_not_to_be_seen_is_not_sent_again_at_once(hand: Hand, order: tuple[str, ...]) -> None:
    strike(hand, "openprospect", op.ORDER_CREATE, "close", effect=False)
    assert "run this again in a minute" in await hand.refused(*order)
    calm(hand, "openprospect")
    assert "does not show up yet: look again in" in await hand.refused(*order)
    assert hand.requests("openprospect", op.ORDER_CREATE) == 1


async def test_a_refused_order_may_be_placed_again(hand: Hand, order: tuple[str, ...]) -> None:
    strike(hand, "openprospect", op.ORDER_CREATE, "status", params={"status": 422, "body": {"code": "X"}})
    assert "status 422" in await hand.refused(*order)
    calm(hand, "openprospect")
    assert (await hand.json(*order))["placed"] is True


async def test_results_before_the_end_say_where_the_order_stands(hand: Hand, order: tuple[str, ...]) -> None:
    placed = await hand.json(*order)
    told = await hand.refused("openprospect", "results", placed["order_id"])
    assert told.endswith("is RECEIVED: it has results once it is COMPLETED")
    hand.vendor("openprospect").control("act/order", {"order_id": placed["order_id"], "status": "CANCELLED"})
    assert "ended as CANCELLED" in await hand.refused("openprospect", "results", placed["order_id"])


# ---- blacklists, searches --------------------------------------------------------------------------------------------


async def test_a_blacklist_of_that_name_is_not_made_twice(hand: Hand) -> None:
    made = await hand.json("openprospect", "blacklists", "create", "Once only")
    told = await hand.refused("openprospect", "blacklists", "create", "once ONLY")
    assert told.endswith(made["id"])
    assert hand.requests("openprospect", op.BLACKLIST_CREATE) == 1


async def test_a_deleted_blacklist_may_be_made_again(hand: Hand) -> None:
    for _ in range(2):
        made = await hand.json("openprospect", "blacklists", "create", "Here and gone")
        assert (await hand.json("openprospect", "blacklists", "delete", made["id"], "--yes")) == {"deleted": True}
    assert (await hand.json("openprospect", "blacklists", "delete", made["id"], "--yes")) == {"deleted": False}
    assert hand.requests("openprospect", op.BLACKLIST_CREATE) == 2


async def test_a_blacklist_whose_answer_was_lost_is_found_by_its_name(hand: Hand) -> None:
    strike(hand, "openprospect", op.BLACKLIST_CREATE, "reset")
    made = await hand.json("openprospect", "blacklists", "create", "Lost on the way")
    assert made["id"] in [one["id"] for one in await hand.json("openprospect", "blacklists")]
    assert hand.requests("openprospect", op.BLACKLIST_CREATE) == 1


async def test_only_entries_that_are_missing_are_sent(hand: Hand, tmp_path: Path) -> None:
    id = (await hand.json("openprospect", "blacklists", "create", "Customers of ours"))["id"]
    sheet = tmp_path / "customers.csv"
    sheet.write_text("Website_URL,company_name\nhttps://a.example,A\nhttps://b.example,B\nhttps://a.example,A\n")
    add = ("openprospect", "blacklists", "add", id)
    assert await hand.json(*add, "--website", "https://a.example", "--company", "A") == {"added": 1, "there": 0}
    strike(hand, "openprospect", op.ENTRIES_ADD, "close")
    assert "run it again, it sends what is missing" in await hand.refused(*add, "--file", str(sheet))
    calm(hand, "openprospect")
    assert await hand.json(*add, "--file", str(sheet)) == {"added": 0, "there": 2}
    entries = await hand.json("openprospect", "blacklists", "entries", id)
    assert sorted(one["company_name"] for one in entries) == ["A", "B"]


async def test_a_search_edit_whose_answer_was_lost_is_looked_at_and_not_sent_again(hand: Hand) -> None:
    id = await hand.first("openprospect", "searches")
    strike(hand, "openprospect", op.SEARCH_EDIT, "close")
    assert (await hand.json("openprospect", "searches", "edit", id, "--name", "Another"))["name"] == "Another"
    calm(hand, "openprospect")
    strike(hand, "openprospect", op.SEARCH_EDIT, "close", effect=False)
    told = await hand.refused("openprospect", "searches", "edit", id, "--name", "A third")
    assert "does not show up yet" in told
    assert hand.requests("openprospect", op.SEARCH_EDIT) == 2


async def test_a_search_that_changed_meanwhile_is_not_overwritten(hand: Hand) -> None:
    id = await hand.first("openprospect", "searches")
    told = await hand.refused("openprospect", "searches", "edit", id, "--name", "Mine", "--version", "1")
    assert "(status 409, VERSION_CONFLICT)" in told


async def test_fields_that_the_vendor_keeps_for_admins_are_named(hand: Hand) -> None:
    id = await hand.first("openprospect", "searches")
    ran = await hand("openprospect", "searches", "edit", id, "--name", "Some", "--place", "DE")
    assert "only the vendor's admins may set them: geo_locations" in ran.err


# ---- keys, feedback --------------------------------------------------------------------------------------------------


async def everything_kept(redis: Redis) -> bytes:
    """Every byte that Redis holds."""
    keys = await redis.keys("*")
    return b"".join([key + (await redis.dump(key) or b"") for key in keys])


async def test_a_secret_is_shown_once_and_kept_nowhere(hand: Hand, redis: Redis) -> None:
    made = await hand.json("forager", "keys", "create", "for the tests")
    secret = made["secret"]
    assert len(secret) == 40
    for words in (("keys",), ("keys", "show", made["prefix"])):
        assert secret not in (await hand("forager", *words)).out
    assert secret.encode() not in await everything_kept(redis)
    files = [one for one in hand.refill.folder.rglob("*") if one.is_file()]
    assert not any(secret.encode() in one.read_bytes() for one in files)
    hand.refill.set(REFILL_PROVIDERS__FORAGER__API_KEY=secret)
    assert (await hand("forager", "balance")).code == 0


async def test_a_key_of_that_name_is_not_issued_twice(hand: Hand) -> None:
    made = await hand.json("forager", "keys", "create", "only one")
    assert made["prefix"] in await hand.refused("forager", "keys", "create", "only one")
    assert hand.requests("forager", at_forager.KEY_CREATE) == 1


async def test_a_key_whose_secret_was_lost_is_named_to_be_deleted(hand: Hand) -> None:
    strike(hand, "forager", at_forager.KEY_CREATE, "cut_body")
    told = await hand.refused("forager", "keys", "create", "lost secret")
    assert "refill forager keys delete" in told
    assert hand.requests("forager", at_forager.KEY_CREATE) == 1


async def test_the_same_verdict_is_sent_once_and_another_one_again(hand: Hand, redis: Redis) -> None:
    verdict = ("forager", "feedback", "work", "Ada@Example.com")
    assert (await hand.json(*verdict, "valid")) == {"sent": True}
    assert (await hand.json(*verdict, "valid")) == {"sent": False}
    assert (await hand.json(*verdict, "invalid")) == {"sent": True}
    assert (await hand.json(*verdict, "valid", "--person", "7")) == {"sent": True}
    assert hand.requests("forager", at_forager.FEEDBACK_WORK) == 3
    assert b"example.com" not in (await everything_kept(redis)).lower()


async def test_a_verdict_whose_answer_was_lost_counts_as_sent(hand: Hand) -> None:
    strike(hand, "forager", at_forager.FEEDBACK_PHONE, "close")
    verdict = ("forager", "feedback", "phone", "+14155552671", "connected")
    assert "counts as made and is not sent again" in await hand.refused(*verdict)
    calm(hand, "forager")
    assert "is not sent again" in await hand.refused(*verdict)
    assert hand.requests("forager", at_forager.FEEDBACK_PHONE) == 1


async def test_a_refused_verdict_may_be_sent_again(hand: Hand) -> None:
    strike(hand, "forager", at_forager.FEEDBACK_PERSONAL, "status", params={"status": 403, "body": {"detail": "no"}})
    verdict = ("forager", "feedback", "personal", "ada@mail.example.org", "valid")
    assert "status 403" in await hand.refused(*verdict)
    calm(hand, "forager")
    assert (await hand.json(*verdict)) == {"sent": True}
