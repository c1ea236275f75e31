"""A cap is a cap, and what a pass tells is what was billed: held against the providers' own books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Open
from tests.e2e.stage import Stage
from tests.harness.until import until
from tests.harness.vendors import PROVIDERS
from tests.harness.workers import Process
from worker.manual.exit_codes import DEAD_LETTERS, DONE, LEFT
from worker.visits.budget_lines import cap_line, spent_line

# Few people of a company, who are brought in one after the other: at 2 s a call it is the money that the grid is about.
WORLD = {"records": 30, "companies": 8, "delivered-companies": 2, "delivered-prospects": 2}
HUNGRY = 100  # rows for each 500 credits that a grid's passes may spend: more than these suffice for
PATIENCE = ("--patience", "30")
WITHIN_S = 900.0  # how fast it goes is not what is asked here


@dataclass(frozen=True, slots=True)
class Cell:
    """One way of running passes: what each may spend, how often crms are polled, how slow vendors are."""

    cap: int
    poll_every: str
    latency_s: float
    passes: int = 1
    killed: bool = False  # one more pass, that is killed once something was charged

    def __str__(self) -> str:
        times = f"{self.passes} passes{' and one killed' if self.killed else ''}"
        return f"cap {self.cap}, poll {self.poll_every}, latency {self.latency_s}, {times}"


@dataclass(slots=True)
class Told:
    """Returns how each pass ended that came to its end."""

    codes: list[int] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)


async def run_passes(stage: Stage, cell: Cell) -> Told:
    words = ("sync", "--json", "--max-credits", str(cell.cap), *PATIENCE)
    if cell.killed:
        process = Process.start(stage.path, *words, log=stage.folder / "killed.log")
        await until(
            lambda: process.process.poll() is not None or stage.vendors.charged(1), "a charge, or the end", WITHIN_S
        )
        process.kill()
        await stage.time_passes()
    told = Told()
    for code, out, err in await asyncio.gather(*(stage.run(*words, within_s=WITHIN_S) for _ in range(cell.passes))):
        told.codes.append(code)
        told.reports.append(json.loads(out or "{}"))
        assert told.reports[-1], err
    return told


async def runs(stage: Stage) -> list[str]:
    """Every run that had a cap."""
    cursors = await stage.ledger.cursors.all()
    return [name.removeprefix("cap:") for name in cursors if name.startswith("cap:")]


async def check(stage: Stage, cell: Cell, *, binds: bool = False) -> dict[str, object]:
    """Checks what must hold in every cell; gives what was billed, the runs it is of, and how they ended.

    ``binds``: the world asks for more than all passes may spend.
    """
    slow = {"median_s": cell.latency_s, "sigma": 0.2}
    for name in stage.vendors.told:
        stage.vendors[name].control("latency", slow)
    told = await run_passes(stage, cell)
    budgets, names = stage.ledger.budgets, await runs(stage)
    booked = await budgets.booked([cap_line(run) for run in names])
    bill = sum(stage.vendors.bill(provider) for provider in PROVIDERS)

    assert len(names) == cell.passes + cell.killed
    assert all(one.spent + one.reserved <= cell.cap for one in booked.values()), booked
    assert bill <= cell.cap * len(names)
    spent, perhaps = (sum(getattr(one, what) for one in booked.values()) for what in ("spent", "reserved"))
    assert spent <= bill <= spent + perhaps
    assert perhaps == 0 or cell.killed
    for report in told.reports:
        lines = {provider: spent_line(report["run"], provider) for provider in PROVIDERS}
        of_run = await budgets.booked(list(lines.values()))
        assert report["credits"] == {provider: of_run[line].spent for provider, line in lines.items()}
    if not cell.killed:
        assert sum(sum(report["credits"].values()) for report in told.reports) == bill
    assert stage.vendors.charged_twice() == []
    assert set(told.codes) <= {DONE, LEFT, DEAD_LETTERS}
    for code, report in zip(told.codes, told.reports, strict=True):
        assert (code == LEFT) == bool(report["left"]), report
        assert report["not_asked"] == []
    cut = {one["why"] for report in told.reports for one in report["left"]}
    assert "cap" in cut or not binds, cut
    return {"billed": bill, "runs": len(names), "codes": told.codes}


def opened_for(opened: Open, cell: Cell, **more: int) -> Stage:
    every = {name: {"poll_every": cell.poll_every} for name in ("acme_hubspot", "acme_salesforce")}
    return opened({"crm": every}, **WORLD | more)


TELLING = (  # every value of the grid at least once; half its longest latency
    Cell(60, "1s", 0.3, passes=2),
    Cell(7, "1s", 0.0, killed=True),
    Cell(1, "10s", 1.0),
    Cell(500, "1m", 0.3, killed=True),
)
GRID = tuple(
    Cell(cap, poll_every, latency_s, passes, killed)
    for cap in (1, 7, 60, 500)
    for poll_every in ("1s", "10s", "1m")
    for latency_s in (0.0, 0.3, 2.0)
    for passes in (1, 2)
    for killed in (False, True)
)


@pytest.mark.parametrize("cell", TELLING, ids=str)
async def test_what_passes_are_billed_is_told_and_under_their_cap(opened: Open, cell: Cell) -> None:
    await check(opened_for(opened, cell), cell)


@pytest.mark.timeout(1_000)
@pytest.mark.slow
@pytest.mark.parametrize("cell", GRID, ids=str)
async def test_caps_hold_in_the_whole_grid(
    opened: Open, cell: Cell, record_property: Callable[[str, object], None]
) -> None:
    hungry = {"records": HUNGRY * cell.passes} if cell.cap == 500 else {}
    stage = opened_for(opened, cell, **hungry)
    for name, value in (await check(stage, cell, binds=True)).items():
        record_property(name, value)
