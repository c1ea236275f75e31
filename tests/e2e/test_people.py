"""Leaves standing what people write, and starts nothing by what we write."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from sandbox.options import Options
from sandbox.people import Person
from sandbox.seeding import build_world
from tests.e2e.conftest import Open
from tests.e2e.stage import SMALL, WITHOUT_DELIVERIES, Stage
from tests.harness.config import laid_over
from tests.harness.sandbox import Sandbox
from tests.harness.until import until

POLLING = {"crm": {name: {"poll_every": "1s"} for name in ("acme_hubspot", "acme_salesforce")}}
STALE_S = 2.2  # what was read longer ago is read again before it is written on
GAPS = {
    "hubspot": ("contacts", {"email": "typed{}@example.org", "phone": "+4930555{}", "jobtitle": "Typed {}"}),
    "salesforce": ("Contact", {"Email": "typed{}@example.org", "Phone": "+4930555{}", "Title": "Typed {}"}),
}
READS = {
    "hubspot": {"route": "/crm/objects/2026-09/{object}/batch/read"},
    "salesforce": {"route": "*/query", "match": "003"},
}
EMPLOYER = {
    "hubspot": ("contacts", "jobtitle", {"company", "associatedcompanyid", "website"}),
    "salesforce": ("Contact", "Title", {"AccountId"}),
}


async def test_polls_that_see_our_own_writes_start_nothing_and_a_persons_edit_is_filled_again(opened: Open) -> None:
    stage = opened(laid_over(WITHOUT_DELIVERIES, POLLING), records=30, companies=8)
    typed = stage.vendors.rows("hubspot", "contacts")
    await stage.played()
    charges, writes, visits = await done_so_far(stage)

    await polled_again(stage, 3)
    assert await done_so_far(stage) == (charges, writes, visits)

    cleared = {id_ for id_, row in typed.items() if "jobtitle" in row and told_title(stage, id_)}
    assert cleared
    for id_ in cleared:
        stage.vendors["hubspot"].control("edit", {"object": "contacts", "id": id_, "properties": {"jobtitle": ""}})
    await until(
        lambda: all("jobtitle" in stage.vendors.rows("hubspot", "contacts")[id_] for id_ in cleared), "filled again"
    )
    assert stage.vendors.charged_twice() == []


def told_title(stage: Stage, id_: str) -> bool:
    """Whether the answers that were kept for the other gaps of a row hold its title."""
    return any(row["id"] == id_ and row["action"] == "update" for row in stage.vendors.our_writes())


async def done_so_far(stage: Stage) -> tuple[int, int, int]:
    runs = {entry.run for entry in await stage.ledger.journal.since(limit=10_000)}
    figures = [one for run in runs for one in (await stage.ledger.figures.of_run(run)).values()]
    return len(stage.vendors.charges()), len(stage.vendors.writes()), sum(one.visits for one in figures)


async def polled_again(stage: Stage, times: int) -> None:
    """Every object of both CRMs was polled so many times more."""
    for _ in range(times):
        before = await stage.ledger.timetable.last()
        polls = [name for name in before if name.startswith("poll:")]
        await until(partial(all_done_since, stage, before, tuple(polls)), "another poll")


async def all_done_since(stage: Stage, was: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    now = await stage.ledger.timetable.last()
    return all(now[name].done_ms > was[name].done_ms for name in names)


async def test_what_a_person_types_between_our_read_and_our_write_stands(opened: Open) -> None:
    stage = opened(WITHOUT_DELIVERIES, records=20, companies=6)
    forager = stage.vendors["forager"]
    forager.control("hold", {"route": "*/datastorage/*", "count": None})
    await stage.start()
    await until(lambda: forager.control("held")["held"] > 5, "visits that have read their records")
    for crm, rule in READS.items():
        stage.vendors[crm].control("hold", {**rule, "count": None})
    forager.control("release", {})
    for crm in READS:
        await until(partial(held, stage.vendors[crm]), f"a read before a write at {crm}")

    typed = {crm: type_everywhere(stage, crm) for crm in GAPS}
    began = time.monotonic()
    await until(lambda: time.monotonic() - began > STALE_S, "what was read growing stale")
    for crm in READS:
        stage.vendors[crm].control("release", {})
    await stage.finished()

    assert stage.vendors.overwritten() == []
    for crm, (kind, _) in GAPS.items():
        rows = stage.vendors.rows(crm, kind)
        assert typed[crm]
        assert {id_ for id_, values in typed[crm].items() if not values.items() <= rows[id_].items()} == set()


def held(vendor: Sandbox) -> int:
    return int(vendor.control("held")["held"])


def type_everywhere(stage: Stage, crm: str) -> dict[str, dict[str, str]]:
    """A person fills every gap of every contact."""
    kind, texts = GAPS[crm]
    typed = {}
    for number, (id_, row) in enumerate(stage.vendors.rows(crm, kind).items(), start=1000):
        values = {name: text.format(number) for name, text in texts.items() if name not in row}
        if values:
            stage.vendors[crm].control("edit", {"object": kind, "id": id_, "properties": values})
            typed[id_] = values
    return typed


async def test_a_changed_job_is_told_once_and_the_crms_keep_the_employer_they_have(opened: Open) -> None:
    stage = opened(laid_over(WITHOUT_DELIVERIES, POLLING), records=60, companies=12)
    moved = moved_people(records=60, companies=12)
    before = stage.vendors.state()
    await stage.played()

    told = await job_changes(stage)
    assert {crm for crm, _, _ in told} == set(EMPLOYER)
    for row, (signal, *more) in told.items():
        person = moved[name_of(before[row])]
        assert (signal["employer"], signal["employer_domain"]) == (person.employer.name, person.employer.domain)
        assert more == []
    employers_stand(stage, before, moved)

    known = {(row["crm"], row["seq"]) for row in stage.vendors.our_writes()}
    for crm, kind, id_ in told:
        values = {EMPLOYER[crm][1]: "Typed by hand"}
        stage.vendors[crm].control("edit", {"object": kind, "id": id_, "properties": values})
    visits = (await done_so_far(stage))[2]
    await until(partial(visited, stage, visits + len(told)), "another visit of each")
    await stage.finished()
    assert await job_changes(stage) == told  # the same employer is no news
    typed = {property for _, property, _ in EMPLOYER.values()}.union(*(kept for *_, kept in EMPLOYER.values()))
    later = [row for row in stage.vendors.our_writes() if (row["crm"], row["seq"]) not in known]
    await only_kept_answers_filled_blanks(stage, later, set(told), typed)
    employers_stand(stage, before, moved)
    assert stage.vendors.overwritten() == []


async def only_kept_answers_filled_blanks(
    stage: Stage, writes: Sequence[Mapping[str, Any]], rows: Collection[tuple[str, str, str]], typed: Collection[str]
) -> None:
    """Tells who gets, in a blank, what was bought meanwhile for the same person's row elsewhere.

    That costs nothing, and nothing that a person typed and no tie to an employer is among it.
    """
    bought = {}
    for one in await stage.ledger.journal.since(limit=10_000):
        entry = json.loads(one.entry)
        if entry["kind"] == "change":
            bought[one.crm.removeprefix("acme_"), one.id, entry["property"], entry["after"]] = entry["credits"]
    for row in writes:
        assert (row["crm"], row["object"], row["id"]) in rows
        assert row["property"] not in typed
        assert not row["before"]
        assert bought[row["crm"], row["id"], row["property"], row["after"]] == 0


def moved_people(**options: int) -> dict[tuple[str, str], Person]:
    """Returns who changed jobs without the notice of the CRMs of a stage opened with ``options``, by name."""
    known: dict[str, Any] = {name.replace("-", "_"): value for name, value in SMALL.items()}
    people = build_world(Options(seed=1, **{**known, **options})).people
    return {(one.first_name, one.last_name): one for one in people if one.former_employer}


def name_of(row: Mapping[str, str]) -> tuple[str, str]:
    first, last = ("firstname", "lastname") if "lastname" in row else ("FirstName", "LastName")
    return row.get(first, ""), row[last]


async def job_changes(stage: Stage) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """Signals of the journal, by record as the stage's state names it."""
    told: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in await stage.ledger.journal.since(limit=10_000):
        entry = json.loads(one.entry)
        if entry["kind"] == "signal":
            crm = one.crm.removeprefix("acme_")
            kind = "Lead" if one.object == "lead" else EMPLOYER[crm][0]
            told.setdefault((crm, kind, one.id), []).append(entry)
    return told


def employers_stand(
    stage: Stage, before: Mapping[tuple[str, str, str], Mapping[str, str]], moved: Mapping[tuple[str, str], Person]
) -> None:
    """No company, and nobody's tie to one, is another than before; no title or address of a new employer is there."""
    after = stage.vendors.state()
    for row, was in before.items():
        crm, kind, _ = row
        if kind in {"companies", "Account"}:
            assert after[row] == was
            continue
        ties = EMPLOYER[crm][2] | {"Company"}
        assert {name: after[row].get(name) for name in ties} == {name: was.get(name) for name in ties}
        person = moved.get(name_of(was))
        if person:
            fresh = {value for name, value in after[row].items() if name not in was}
            assert not fresh & {person.title, person.work_email, person.employer.name, person.employer.website}


async def visited(stage: Stage, visits: int) -> bool:
    return (await done_so_far(stage))[2] >= visits
