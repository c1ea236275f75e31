"""Of answers that records share, what names a forgotten person or served them alone goes, and is never bought again.

What does not name them and serves somebody else's record stays, and is still served from what is kept.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.integration.ledger.money import ANN, BEN, EVE, KEEP_MS, question, reply, reserve, send
from worker.decide.handles import Handle, of_question
from worker.decide.mentions import mentions
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Answers, KeptAnswer, Ref
from worker.ledger.money.handle_lists import Suppressions
from worker.ledger.money.spool import Spool
from worker.ledger.money.ticket_values import Forbidden
from worker.upkeep.forget import Eraser

ADA = Handle("email", "ada@mill.com")
TWIN = ("acme_hubspot", "contact", "4")
THEIRS, OTHERS = (ANN, TWIN), (BEN, EVE)


async def asked(ledger: Ledger, slug: str, records: list[Ref], *, names_ada: bool) -> None:
    """A question that records asked; the first of them paid."""
    ticket = await send(ledger.desk, question(slug), ref=records[0], lines=[])
    await ledger.desk.store(
        ticket, reply(ADA.value if names_ada else "bob@mill.com"), credits=5, hit=True, keep_ms=KEEP_MS
    )
    for record in records[1:]:
        assert question(slug).key in await ledger.desk.find([question(slug).key], record)


@pytest.mark.parametrize("seed", range(12))
async def test_whoever_shares_answers_with_the_forgotten_keeps_their_own_and_buys_nothing_of_theirs(
    redis: Redis, tmp_path: Path, seed: int
) -> None:
    chance, ledger = random.Random(seed), Ledger.over(redis)
    list_ = Suppressions(ledger.scripts, "k")
    drawn = {
        f"q{number}": (chance.sample([*THEIRS, *OTHERS], chance.randint(1, 4)), chance.random() < 0.4)
        for number in range(25)
    }
    for slug, (records, names_ada) in drawn.items():
        await asked(ledger, slug, records, names_ada=names_ada)

    eraser = Eraser(ledger, list_, Spool(tmp_path), None)
    assert (await eraser.forget(frozenset({ADA}), mentions([ADA]), THEIRS)).is_done

    for slug, (records, names_ada) in drawn.items():
        subjects = list_.hashes([of_question(question(slug).key)])
        answer = await reserve(ledger.desk, question(slug), ref=BEN, lines=[], subjects=subjects)
        stays = not names_ada and bool({*records} & {*OTHERS})
        assert isinstance(answer, KeptAnswer if stays else Forbidden), (slug, records, names_ada, answer)
    kept = [one.reply.body.decode() async for _, one in Answers(ledger.scripts).walk()]
    assert not any(ADA.value in text for text in kept)
    assert [await Answers(ledger.scripts).noted(one) for one in THEIRS] == [[], []]
