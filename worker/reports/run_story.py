"""Lists recent runs, and shows one run's cap, spending and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from config.settings import Settings
from worker.decide.journal_line import JournalFilter
from worker.ledger.journal.figures import RunFigures, WorkName
from worker.ledger.ledger import Ledger
from worker.ledger.money.budgets import Booked
from worker.ledger.run import Run
from worker.reports.journal_pages import JournalPage, on_from
from worker.visits.budget_lines import cap_line, cap_of, spent_line

DAYS = 14
LATEST = 2_000  # journal entries in which runs are looked for that visited nothing, such as an erasure
_DAY_MS = 86_400_000
_EARLY = timedelta(minutes=5)  # clocks of workers and of Redis may differ


class RunStory(Struct, frozen=True):
    """Describes one run. ``cap`` is its limit, ``planned`` how many records a plan lets it fill.

    ``spent`` are its credits by provider, with those still reserved; ``open`` the records that are still in the work.
    """

    run: str
    figures: Mapping[WorkName, RunFigures]
    cap: int | None
    reserved: int
    spent: Mapping[str, Booked]
    planned: int
    open: int
    page: JournalPage


async def runs(ledger: Ledger, settings: Settings, now_ms: int) -> list[tuple[str, Mapping[WorkName, RunFigures]]]:
    """Returns the runs of the last days, those of people first."""
    at_ms = [now_ms - ago * _DAY_MS for ago in range(DAYS)]
    days = [Run.of_day(source, settings.budget_zone, at).name for at in at_ms for source in settings.sources]
    seen = [one.run for one in await ledger.journal.latest(LATEST) if Run.named(one.run).by_person]
    seen += await ledger.figures.by_people(now_ms - DAYS * _DAY_MS)
    beats = [str(one.info["run"]) for one in await ledger.timetable.alive() if one.info.get("run")]
    names = list(dict.fromkeys([*beats, *seen, *days]))
    found = [(name, figures) for name, figures in zip(names, await ledger.figures.several(names), strict=True)]
    return [(name, figures) for name, figures in found if figures or name in seen or name in beats]


async def spent_by(ledger: Ledger, settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """Returns the credits that each run has spent at all providers."""
    lines = {name: [spent_line(name, provider) for provider in settings.providers.paid] for name in names}
    booked = await ledger.budgets.booked([line for several in lines.values() for line in several])
    return {name: sum(booked[line].spent for line in several) for name, several in lines.items()}


async def run_story(ledger: Ledger, settings: Settings, run: str, after: str) -> RunStory:
    """Returns the results of one run; its journal entries behind ``after``, a page of them."""
    wanted = JournalFilter(run=run, since=_since_ms(Run.named(run), settings.budget_zone))
    lines = [spent_line(run, name) for name in settings.providers.paid]
    booked = await ledger.budgets.booked([cap_line(run), *lines])
    works = await ledger.all_work.works()
    left = [await ledger.work(*name).of_run.open(run) for name in works] if Run.named(run).by_person else []
    return RunStory(
        run=run,
        figures=await ledger.figures.of_run(run),
        cap=await cap_of(ledger.cursors, run),
        reserved=booked[cap_line(run)].reserved,
        spent={name: booked[line] for name, line in zip(settings.providers.paid, lines, strict=True)},
        planned=await ledger.planned.count(run),
        open=sum(left),
        page=await on_from(ledger.journal, wanted, after),
    )


def by_field(figures: RunFigures) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    """Returns values filled by provider and gaps left by reason, of each field; the most first."""
    found: dict[str, tuple[dict[str, int], dict[str, int]]] = {}
    for at, counts in enumerate((figures.filled, figures.unfilled)):
        for (field, why), count in sorted(counts.items(), key=lambda pair: -pair[1]):
            if count:
                found.setdefault(field, ({}, {}))[at][why] = count
    return dict(sorted(found.items()))


def totals(figures: Mapping[WorkName, RunFigures]) -> Sequence[int]:
    """Returns visits, records, values filled and gaps left of a run."""
    each = figures.values()
    return (
        sum(one.visits for one in each),
        sum(one.records for one in each),
        sum(sum(one.filled.values()) for one in each),
        sum(sum(one.unfilled.values()) for one in each),
    )


def _since_ms(run: Run, zone: str) -> int:
    """Returns the time from which on a run's entries are in the journal; 0 for its beginning."""
    began = run.began(zone)
    return int((began - _EARLY).timestamp() * 1000) if began else 0
