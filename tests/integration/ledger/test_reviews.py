"""Proposals: what waits for a word is filtered by its lines, whoever wrote it, and keeps its place in the queue."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from worker.ledger.journal.reviews import Proposal, Proposed, Reviews, Stand, id_of, line_of
from worker.ledger.ledger import Ledger
from worker.reports.proposals import ProposalFilter

WORK = ("acme_hubspot", "contact")


def proposal(id: str, at: int, *pairs: str, company: str = "") -> Proposal:
    """``pairs`` are field=provider."""
    changes = [Proposed(field, field, "", "+15550101", who, "") for field, who in (one.split("=") for one in pairs)]
    return Proposal(id, tuple(changes), "day-acme_hubspot-2026-11-28", at, company=company)


@pytest.fixture
def reviews(redis: Redis) -> Reviews:
    return Reviews(Ledger.over(redis).scripts, *WORK)


async def ids(reviews: Reviews, **wanted: str) -> list[str]:
    return [id_of(line) for line in ProposalFilter(**wanted).of(await reviews.lines())]


async def test_lines_tell_what_waits_oldest_first(reviews: Reviews) -> None:
    first, second = proposal("12", 2, "phone=kaspr"), proposal("7", 1, "phone=forager")
    for one in (first, second, proposal("3", 0), replace(first, id="9", stand=Stand.APPROVED)):
        await reviews.put(one)
    assert await ids(reviews) == ["7", "12"]
    await reviews.put(replace(second, stand=Stand.REJECTED))
    assert await ids(reviews) == ["12"]
    await reviews.remove("12")
    assert await ids(reviews) == []
    assert [one.id for one in await reviews.all()] == ["3", "7", "9"]


async def test_filter_takes_a_field_and_a_provider_of_one_change(reviews: Reviews) -> None:
    await reviews.put(proposal("1", 1, "phone=kaspr", "mobile_phone=forager", company="acme.example"))
    await reviews.put(proposal("11", 2, "mobile_phone=kaspr", company="1"))
    assert await ids(reviews, field="phone") == ["1"]
    assert await ids(reviews, provider="kaspr") == ["1", "11"]
    assert await ids(reviews, field="mobile_phone", provider="kaspr") == ["11"]
    assert await ids(reviews, company="acme.example") == ["1"]
    assert await ids(reviews, id="1") == ["1"]  # not the one at the company of that name
    assert await ids(reviews, company="1") == ["11"]


async def test_what_a_version_before_has_kept_is_told_and_gets_its_line(redis: Redis, reviews: Reviews) -> None:
    keys = Ledger.over(redis).scripts.keys
    old = [proposal(f"{number}", number, "phone=kaspr") for number in range(1_200)]
    await redis.hset(keys("reviews", *WORK), mapping={one.id: msgspec.json.encode(one) for one in old})  # type: ignore[misc]
    assert await reviews.lines() == [line_of(one) for one in old]
    assert await redis.exists(keys("reviews_lines", *WORK)) == 0  # a look changes nothing
    await reviews.put(replace(old[0], stand=Stand.APPROVED))
    assert await redis.hlen(keys("reviews_lines", *WORK)) == len(old)  # type: ignore[misc]
    assert await reviews.lines() == [line_of(one) for one in old[1:]]


async def test_what_is_proposed_again_keeps_its_place(reviews: Reviews) -> None:
    first = proposal("1", 1, "phone=kaspr")
    await reviews.propose(first, None)
    before = await reviews.changes()
    await reviews.propose(replace(first, at=5, run="sync-1"), await reviews.get("1"))
    assert (await reviews.get("1"), await reviews.changes()) == (first, before)
    other = proposal("1", 5, "phone=forager")
    await reviews.propose(other, await reviews.get("1"))
    assert await reviews.get("1") == other


async def test_no_line_holds_a_value(reviews: Reviews) -> None:
    assert b"+15550101" not in line_of(proposal("1", 1, "phone=kaspr"))
