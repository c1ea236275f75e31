"""A run's name tells who started it, when, and of which crm it is the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.ledger.run import Run, RunKind
from worker.reports.story_words import run_word

NOON_MS = int(datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp() * 1000)
BY_PEOPLE = [kind for kind in RunKind if kind is not RunKind.DAY]


@pytest.mark.parametrize("kind", BY_PEOPLE)
def test_a_run_is_read_again_from_its_name(kind: RunKind) -> None:
    run = Run.new(kind)
    began = run.began("Asia/Tokyo")
    assert Run.named(run.name) == run
    assert run.by_person
    assert began is not None
    assert abs(datetime.now(UTC) - began) < timedelta(minutes=1)


@given(crm=st.from_regex(r"[a-z0-9]+(_[a-z0-9]+)*", fullmatch=True), zone=st.sampled_from(["UTC", "Asia/Tokyo"]))
def test_a_day_is_read_again_with_its_crm(crm: str, zone: str) -> None:
    run = Run.of_day(crm, zone, NOON_MS)
    assert Run.named(run.name) == run
    assert (run.crm, run.day, run.by_person) == (crm, "2026-11-29", False)


def test_a_day_begins_in_its_zone() -> None:
    run = Run.of_day("acme_hubspot", "Asia/Tokyo", NOON_MS + 4 * 3_600_000)
    assert run.day == "2026-11-30"
    assert run.began("Asia/Tokyo") == datetime(2026, 11, 29, 15, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "day-x", "day-acme-2026-13-45", "odd", "sync-then-abcd"])
def test_a_name_of_somebody_else_begins_at_no_time(name: str) -> None:
    assert Run.named(name).began("UTC") is None


def test_nobody_started_a_run_without_a_name() -> None:
    assert not Run.named("").by_person


@pytest.mark.parametrize("kind", RunKind)
def test_people_are_told_what_started_a_run(kind: RunKind) -> None:
    run = Run.of_day("acme_hubspot", "UTC", NOON_MS) if kind is RunKind.DAY else Run.new(kind)
    assert run.name not in run_word(run.name)
