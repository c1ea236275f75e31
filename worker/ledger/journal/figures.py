"""Reads figures for ``status``, reports and metrics, in a few round trips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from worker.ledger.scripts import Scripts
from worker.ledger.work import counts
from worker.ledger.work.work_values import Counts, Lane

WorkName = tuple[str, str]  # crm, object


class RunFigures(Struct, frozen=True):
    """Holds the results of one run for one (crm, object), or for several together.

    ``records`` had a visit that looked at their gaps and settled, or found them gone; ``visits`` counts all.
    ``filled`` counts values written by (field, provider); ``unfilled`` gaps left by (field, reason), for a person's
    run as each record's last visit left them, so that filled + unfilled are the gaps found. ``outcomes`` and
    ``tally`` are named by who settles. ``taken`` records went over to another run that a person started.
    """

    records: int = 0
    visits: int = 0
    filled: Mapping[tuple[str, str], int] = {}
    unfilled: Mapping[tuple[str, str], int] = {}
    outcomes: Mapping[str, int] = {}
    tally: Mapping[str, int] = {}
    taken: int = 0

    @property
    def gaps(self) -> int:
        """Returns gaps found: filled and unfilled."""
        return sum(self.filled.values()) + sum(self.unfilled.values())


class WorkStatus(Struct, frozen=True):
    """Holds the state of all the work. ``filled`` counts values written since the start by (field, provider)."""

    work: Mapping[WorkName, Counts]
    waiting: Mapping[str, int]
    filled: Mapping[WorkName, Mapping[tuple[str, str], int]]
    journal: int
    deliveries: int


def together(figures: Iterable[RunFigures]) -> RunFigures:
    records = visits = taken = 0
    filled: Counter[tuple[str, str]] = Counter()
    unfilled: Counter[tuple[str, str]] = Counter()
    outcomes: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    for one in figures:
        records, visits, taken = records + one.records, visits + one.visits, taken + one.taken
        filled.update(one.filled)
        unfilled.update(one.unfilled)
        outcomes.update(one.outcomes)
        tally.update(one.tally)
    return RunFigures(records, visits, dict(filled), dict(unfilled), dict(outcomes), dict(tally), taken)


def _run_figures(counters: Mapping[tuple[str, ...], int]) -> RunFigures:
    def of(kind: str) -> dict[tuple[str, ...], int]:
        return {name[1:]: count for name, count in counters.items() if name[0] == kind and count}

    return RunFigures(
        records=counters.get(("records",), 0),
        visits=counters.get(("visits",), 0),
        filled={(name[0], name[1]): count for name, count in of("filled").items()},
        unfilled={(name[0], name[1]): count for name, count in of("unfilled").items()},
        outcomes={name[0]: count for name, count in of("outcome").items()},
        tally={name[0]: count for name, count in of("tally").items()},
        taken=counters.get(("taken",), 0),
    )


class Figures:
    """Reads the figures of runs and of the work; changes nothing."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def of_run(self, run: str) -> dict[WorkName, RunFigures]:
        """Returns the results of a run, by (crm, object)."""
        (found,) = await self.several([run])
        return found

    async def by_people(self, since_ms: int) -> list[str]:
        """Names the runs that people started and whose first visit was not before ``since_ms``, the latest first."""
        found = await self._scripts.call("ZRANGEBYSCORE", self._scripts.keys("runs"), since_ms, "+inf")
        return [name.decode() for name in reversed(found)]

    async def several(self, runs: Sequence[str]) -> list[dict[WorkName, RunFigures]]:
        """Returns the same of several runs, in one round trip."""
        replies = await self._scripts.calls([("HGETALL", self._scripts.keys("run", run)) for run in runs])
        return [self._by_work(pairs) for pairs in replies]

    @staticmethod
    def _by_work(found: Mapping[bytes, bytes]) -> dict[WorkName, RunFigures]:
        by_work: dict[WorkName, dict[tuple[str, ...], int]] = {}
        for name, count in found.items():
            kind, crm, object_, *rest = name.decode().split("|")
            by_work.setdefault((crm, object_), {})[(kind, *rest)] = int(count)
        return {work: _run_figures(counters) for work, counters in sorted(by_work.items())}

    async def work_status(self, providers: Sequence[str]) -> WorkStatus:
        """Returns the state of all the work, in three round trips."""
        keys = self._scripts.keys
        names, *queuers = await self._scripts.calls(
            [("SMEMBERS", keys("works")), *(("SMEMBERS", keys("queuers", provider)) for provider in providers)]
        )
        works = sorted(_work_name(name) for name in names)
        queues = [
            (provider, keys("queue", provider, lane, crm.decode()))
            for provider, crms in zip(providers, queuers, strict=True)
            for crm in crms
            for lane in Lane
        ]
        asked = [counts.commands(keys, *work) for work in works]
        replies = await self._scripts.calls(
            [
                ("XLEN", keys("journal")),
                ("HLEN", keys("rows")),
                *(("HGETALL", keys("filled", *work)) for work in works),
                *(("ZCARD", key) for _, key in queues),
                *(command for commands in asked for command in commands),
            ]
        )
        now = await self._scripts.now()
        journal, deliveries, *rest = replies
        filled, rest = rest[: len(works)], rest[len(works) :]
        lengths, rest = rest[: len(queues)], rest[len(queues) :]
        width = len(asked[0]) if asked else 0
        waiting = Counter(dict.fromkeys(providers, 0))
        for (provider, _), length in zip(queues, lengths, strict=True):
            waiting[provider] += length
        return WorkStatus(
            work={work: counts.read(rest[width * at : width * (at + 1)], now) for at, work in enumerate(works)},
            waiting=dict(waiting),
            filled={work: _by_pair(values) for work, values in zip(works, filled, strict=True) if values},
            journal=journal,
            deliveries=deliveries,
        )


def _work_name(name: bytes) -> WorkName:
    crm, _, object_ = name.decode().partition(":")
    return crm, object_


def _by_pair(values: Mapping[bytes, bytes]) -> dict[tuple[str, str], int]:
    pairs = {}
    for name, count in sorted(values.items()):
        field_name, _, provider = name.decode().partition("|")
        pairs[field_name, provider] = int(count)
    return pairs
