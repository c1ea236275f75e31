"""Reads rows again before anything of them is sent again, and ends every wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from connectors.errors import (
    AccessError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    StaleReadError,
    UnavailableError,
)
from connectors.limits import NoLimiter
from connectors.models import RefusalKind, Write, WriteResult, Written
from connectors.ports import Crm
from worker.visits.batch_writer import ATTEMPTS, REPEAT_S, AllowedWrite, BatchWriter, RowWrite

Step = ConnectorError | Callable[[Sequence[Write]], Mapping[str, WriteResult]]
DOWN = UnavailableError("acme", "update", 503)


def says(outcome: Written, *properties: str, parts: Mapping[str, int] | None = None) -> Step:
    def answer(writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        return {one.id: WriteResult(outcome, properties, part=(parts or {}).get(one.id, 0)) for one in writes}

    return answer


def refuses(kind: RefusalKind) -> Step:
    return lambda writes: {one.id: WriteResult(Written.INVALID, kind=kind) for one in writes}


@dataclass
class Table:
    """A crm's rows. ``script`` is what it answers to writes in turn, then it does as it is told.

    ``log`` has an ``r`` per read and a ``w`` per write, with the ids; what is ``lost`` is written for all that.
    """

    rows: dict[str, dict[str, str]]
    script: list[Step] = field(default_factory=list)
    lost: bool = False
    theirs: dict[str, str] = field(default_factory=dict)  # typed by a person before the second read, in every row
    log: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    now: float = 0.0

    async def rest(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now

    async def read(self, ids: Sequence[str]) -> Mapping[str, dict[str, str]]:
        if any(step.startswith("r") for step in self.log):
            for row in self.rows.values():
                row |= {name: value for name, value in self.theirs.items() if not row.get(name)}
        self.log.append("r " + " ".join(ids))
        return {one: dict(self.rows[one]) for one in ids}

    async def write(self, _object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        self.log.append("w " + " ".join(one.id for one in writes))
        step = self.script.pop(0) if self.script else says(Written.DONE)
        words = {} if isinstance(step, ConnectorError) else step(writes)
        for one in writes:
            if self.lost or words.get(one.id, WriteResult(Written.UNKNOWN)).outcome is Written.DONE:
                self.rows[one.id] |= one.values
        if isinstance(step, ConnectorError):
            raise step
        return words

    async def ours(self, _object: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, frozenset[str]]:
        return {one: frozenset(properties) - self.theirs.keys() for one in ids}

    async def fill(self, values: Mapping[str, str] | None = None) -> dict[str, RowWrite]:
        """Fill blanks with ``values``."""
        wanted = values or {"title": "CTO"}

        async def compare(
            found: Mapping[str, dict[str, str]], rows: Mapping[str, RowWrite]
        ) -> Mapping[str, AllowedWrite]:
            return {
                key: AllowedWrite(
                    Write(key, {n: v for n, v in wanted.items() if not held.get(n) and n not in rows[key].refused}),
                    frozenset(n for n, v in wanted.items() if held.get(n) == v),
                )
                for key, held in found.items()
            }

        writer = BatchWriter(
            "acme", cast("Crm", self), NoLimiter(), clock=self.clock, rest=self.rest, chance=lambda: 1.0
        )
        return await writer.write("contact", list(self.rows), self.read, compare)


def table(count: int, *script: Step, **more: object) -> Table:
    return Table({str(number): {} for number in range(1, count + 1)}, list(script), **more)  # type: ignore[arg-type]


async def test_a_good_batch_is_one_read_and_one_write() -> None:
    crm = table(3)
    rows = await crm.fill()
    assert crm.log == ["r 1 2 3", "w 1 2 3"]
    assert {key: row.written for key, row in rows.items()} == {key: {"title": "CTO"} for key in "123"}


@pytest.mark.parametrize(
    "step",
    [
        DOWN,
        UnavailableError("acme", "update"),
        RateLimitedError("acme", "update", 429, retry_after_s=1),
        ContractError("acme", "update"),
        UnavailableError("acme", "update", 401, retry_after_s=0),
        StaleReadError("acme", "update"),
        says(Written.LOCKED),
        says(Written.UNKNOWN),
        says(Written.CHANGED),
    ],
)
async def test_a_write_without_a_clear_answer_is_made_again_on_a_new_read(step: Step) -> None:
    crm = table(1, step)
    (row,) = (await crm.fill()).values()
    assert crm.log == ["r 1", "w 1", "r 1", "w 1"]
    assert row.written == {"title": "CTO"}


@pytest.mark.parametrize("step", [DOWN, ContractError("acme", "update"), says(Written.LOCKED), says(Written.UNKNOWN)])
async def test_what_a_person_typed_meanwhile_is_left_alone(step: Step) -> None:
    crm = table(1, step, theirs={"title": "typed"})
    (row,) = (await crm.fill()).values()
    assert crm.rows["1"]["title"] == "typed"
    assert (row.written, row.error, row.doubt) == ({}, None, {})


async def test_a_value_that_stands_there_after_a_lost_answer_is_ours_if_we_wrote_it_last() -> None:
    crm = table(2, DOWN, lost=True)
    rows = await crm.fill()
    assert crm.log == ["r 1 2", "w 1 2", "r 1 2"]
    assert all(row.written == {"title": "CTO"} for row in rows.values())


async def test_a_value_that_a_person_typed_as_we_would_have_is_theirs() -> None:
    crm = table(1, DOWN, theirs={"title": "CTO"})
    (row,) = (await crm.fill()).values()
    assert (row.written, row.seen, row.doubt) == ({}, {"title"}, {})


async def test_the_vendors_wish_is_waited_for_as_long_as_a_visit_may_last() -> None:
    crm = table(1, UnavailableError("acme", "update", 503, retry_after_s=20))
    await crm.fill()
    assert crm.waits == [20]

    crm = table(1, late := UnavailableError("acme", "update", 503, retry_after_s=REPEAT_S + 1))
    (row,) = (await crm.fill()).values()
    assert crm.waits == []
    assert (row.error, row.doubt) == (late, {"title": "CTO"})


@pytest.mark.parametrize(
    ("step", "ending"), [(says(Written.LOCKED), Written.LOCKED), (says(Written.UNKNOWN), Written.UNKNOWN), (DOWN, None)]
)
async def test_what_stays_unclear_ends_after_three_attempts(step: Step, ending: Written | None) -> None:
    crm = table(1, *[step] * 9)
    (row,) = (await crm.fill()).values()
    assert crm.log == ["r 1", "w 1"] * ATTEMPTS
    assert row.error is DOWN if ending is None else row.word and row.word.outcome is ending


async def test_reads_that_are_always_too_slow_end_as_a_limit_does() -> None:
    crm = table(1, *[StaleReadError("acme", "update", code="stale_read")] * 9)
    (row,) = (await crm.fill()).values()
    assert isinstance(row.error, RateLimitedError)
    assert row.error.retry_after_s
    assert row.doubt == {}


async def test_an_error_that_no_repeat_mends_is_every_rows_error_at_once() -> None:
    crm = table(2, AccessError("acme", "update", 403))
    rows = await crm.fill()
    assert crm.log == ["r 1 2", "w 1 2"]
    assert {type(row.error) for row in rows.values()} == {AccessError}


async def test_parts_of_a_split_batch_share_a_new_read() -> None:
    crm = table(4, says(Written.SPLIT, parts={"3": 1, "4": 1}))
    await crm.fill()
    assert crm.log == ["r 1 2 3 4", "w 1 2 3 4", "r 1 2 3 4", "w 1 2", "w 3 4"]


@pytest.mark.parametrize(
    ("script", "attempts", "written", "refused"),
    [
        ([says(Written.INVALID, "title")], 2, {"phone": "1"}, {"title"}),  # the others on a new read
        # where no value is named each is tried alone
        ([says(Written.INVALID), says(Written.DONE), says(Written.INVALID)], 3, {"title": "CTO"}, {"phone"}),
        ([refuses(RefusalKind.ROW)], 1, {}, {"title", "phone"}),  # it is about the record
        ([refuses(RefusalKind.ACCESS)], 1, {}, {"title", "phone"}),
    ],
)
async def test_of_a_refused_row_what_may_be_written_is(
    script: list[Step], attempts: int, written: dict[str, str], refused: set[str]
) -> None:
    crm = table(1, *script)
    (row,) = (await crm.fill({"title": "CTO", "phone": "1"})).values()
    assert crm.log == ["r 1", "w 1"] * attempts
    assert (row.written, set(row.refused)) == (written, refused)


async def test_a_batch_too_large_for_the_orgs_triggers_is_halved_until_it_passes() -> None:
    crm = table(16, refuses(RefusalKind.ORG), refuses(RefusalKind.ORG), refuses(RefusalKind.ORG))
    rows = await crm.fill()
    assert all(row.written for row in rows.values())
    assert max(len(step.split()) - 1 for step in crm.log[-4:] if step.startswith("w")) <= 5

    (row,) = (await table(1, refuses(RefusalKind.ORG)).fill()).values()
    assert row.refused["title"].kind is RefusalKind.ORG


async def test_a_vendor_that_fails_everything_is_not_asked_three_times_as_often_for_long() -> None:
    crm = table(1, *[DOWN] * 500)
    writer = BatchWriter("acme", cast("Crm", crm), NoLimiter(), clock=crm.clock, rest=crm.rest, chance=lambda: 0.0)

    async def compare(found: Mapping[str, dict[str, str]], _rows: Mapping[str, RowWrite]) -> Mapping[str, AllowedWrite]:
        return {key: AllowedWrite(Write(key, {"title": "CTO"})) for key in found}

    for _ in range(100):
        await writer.write("contact", ["1"], crm.read, compare)
    sent = sum(step.startswith("w") for step in crm.log)
    assert 100 < sent < 150
