"""Costs and yields of paid questions are counted with the visits that settle, over all workers."""

from __future__ import annotations

from worker.ledger.money.answers import Yields
from worker.ledger.scripts import Scripts
from worker.ledger.work.work import Due, Lane, Settlement, Work


async def settle(scripts: Scripts, id: str, counted: dict[str, int], *, repeat: bool = False) -> None:
    work = Work(scripts, "acme", "contact")
    await work.add([Due(id)], lane=Lane.LIVE, run="day-acme")
    (lease,) = await work.claim("somebody", 1)
    settlement = Settlement("ab12", stamp=1, read_at=5_000, yields=counted)
    endings = [await work.settle(lease, settlement) for _ in range(1 + repeat)]
    assert len(set(endings)) == 1


async def test_what_visits_of_several_workers_leave_adds_up(scripts: Scripts) -> None:
    yields = Yields(scripts)
    assert await yields.counted() == {}
    await settle(scripts, "1", {"kaspr|profile|asked": 1, "kaspr|profile|brought|phone": 1})
    await settle(scripts, "2", {"kaspr|profile|asked": 3})
    assert await Yields(scripts).counted() == {"kaspr|profile|asked": 4, "kaspr|profile|brought|phone": 1}


async def test_a_repeated_settlement_counts_once(scripts: Scripts) -> None:
    await settle(scripts, "1", {"kaspr|profile|asked": 1}, repeat=True)
    assert await Yields(scripts).counted() == {"kaspr|profile|asked": 1}


async def test_what_an_operation_brings_of_late_outweighs_what_it_once_brought(scripts: Scripts) -> None:
    await settle(scripts, "1", {"a|x|asked": 3000, "a|x|brought|phone": 3000, "a|xy|asked": 10, "b|x|asked": 10})
    await settle(scripts, "2", {"a|x|asked": 2000})
    assert await Yields(scripts).counted() == {
        "a|x|asked": 2500,
        "a|x|brought|phone": 1500,
        "a|xy|asked": 10,
        "b|x|asked": 10,
    }


async def test_what_was_noted_is_taken_once(scripts: Scripts) -> None:
    yields = Yields(scripts)
    yields.note({"a|x|asked": 1})
    yields.note({"a|x|asked": 2, "a|x|credits": 5})
    assert yields.take() == {"a|x|asked": 3, "a|x|credits": 5}
    assert yields.take() == {}
