"""A world in which CRMs and providers hold what is mistaken, and which knows the truth of every value."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from sandbox.clock import Clock
from sandbox.mistakes import HARD
from sandbox.openprospect.stock import Stock
from sandbox.options import Options
from sandbox.people import World
from sandbox.seeding import build_world
from sandbox.truth import clear_gaps, is_anothers, owners, plain

RECORDS = 400
OPTIONS = Options(records=RECORDS, companies=100, delivered_companies=60, delivered_prospects=300, mistakes=HARD)
CRMS = pytest.mark.parametrize("crm", ["hubspot", "salesforce"])


@pytest.fixture(scope="module", name="world")
def mistaken_world() -> World:
    return build_world(OPTIONS)


@CRMS
def test_rows_are_spoiled_in_exact_shares(world: World, crm: str) -> None:
    traits = Counter(trait for row in world.rows[crm] for trait in row.traits)
    assert traits["namesake_linkedin"] == round(RECORDS * HARD.links * HARD.namesakes)
    assert traits["namesake_linkedin"] + traits["wrong_linkedin"] == round(RECORDS * HARD.links)
    assert traits["placeholder"] == round(RECORDS * HARD.placeholders)
    assert traits["shared_phone"] == round(RECORDS * HARD.shared_phones)
    assert traits["role_address"] == round(RECORDS * HARD.role_addresses)
    assert traits["first_name_only"] == round(RECORDS * HARD.first_names)
    assert traits["own_script"] > 0
    assert len(world.rows[crm]) == RECORDS


@CRMS
def test_a_namesake_has_the_last_name_and_not_the_first(world: World, crm: str) -> None:
    for row in world.rows[crm]:
        if "namesake_linkedin" in row.traits:
            other = world.by_number[row.mistaken_for]
            assert other.last_name == row.person.last_name
            assert other.first_name != row.person.first_name
            assert plain(row.linkedin_url or "") == other.slug


def test_spouses_share_a_number_and_parents_an_employer(world: World) -> None:
    rows = [row for row in world.rows["hubspot"] if "namesake_linkedin" in row.traits]
    pairs = [(row.person, world.by_number[row.mistaken_for]) for row in rows]
    assert any(one.phone == other.phone for one, other in pairs)
    assert any(one.employer is other.employer for one, other in pairs)


def test_somebody_answers_to_what_stands_for_nobody_or_for_several(world: World) -> None:
    shared = [row for row in world.rows["hubspot"] if row.traits & {"role_address", "shared_phone"}]
    for row in shared:
        found = world.by_email.get(row.email or "") or world.by_phone.get(row.phone or "")
        assert found is not None
        assert found.number == row.mistaken_for != row.person.number
    assert world.by_slug["pending"].forager.detail
    assert world.by_email["test@test.com"].kaspr.known


def test_every_value_leads_to_whose_it_is(world: World) -> None:
    whose = owners(world)
    for row in world.rows["hubspot"]:
        person, other = row.person, world.by_number.get(row.mistaken_for)
        for value in (person.work_email, person.mobile, person.title, person.linkedin_url, person.first_name):
            assert not is_anothers(value, person, whose)
        if other is not None:
            assert is_anothers(other.work_email, person, whose)
            assert is_anothers(other.title, person, whose)
            assert is_anothers(other.linkedin_url, person, whose)
        assert not is_anothers("+4930000000", person, whose)


@CRMS
def test_clear_gaps_are_of_rows_that_say_whom_they_are_about(world: World, crm: str) -> None:
    rows, whose = {row.number: row for row in world.rows[crm]}, owners(world)
    gaps = clear_gaps(world, crm)
    assert len(gaps) > RECORDS / 4
    assert {field for _, field in gaps} == {"work_email", "phone", "mobile_phone", "job_title"}
    for (number, _), values in gaps.items():
        row = rows[number]
        assert not row.mistaken_for
        assert not row.opted_out
        assert not any(is_anothers(value, row.person, whose) for value in values)


def test_whose_profile_stands_on_anothers_row_is_delivered_before_others(world: World) -> None:
    def confused(world: World, options: Options) -> int:
        stock = Stock(world, options, Clock().stamp())
        delivered = [one.person.number for found in stock.all_found() for one in found.prospects]
        return sum(number in world.confused for number in delivered)

    ordinary = Options(records=RECORDS, companies=100, delivered_companies=60, delivered_prospects=300)
    assert confused(world, OPTIONS) > 3 * confused(build_world(ordinary), ordinary)


def test_without_shares_nothing_is_mistaken_but_a_few_links() -> None:
    world = build_world(Options(records=RECORDS, companies=100))
    traits = {trait for rows in world.rows.values() for row in rows for trait in row.traits}
    assert traits == {
        "typed", "wrong_linkedin", "nonsense_linkedin", "moved", "duplicate", "no_linkedin", "name_only",
        "phone_only", "opted_out", "do_not_call",
    }  # fmt: skip


def test_each_kind_can_be_drawn_alone() -> None:
    options = replace(OPTIONS, records=60, companies=20, mistakes=replace(HARD, links=0, junk=0, scripts=0))
    traits = {trait for row in build_world(options).rows["hubspot"] for trait in row.traits}
    assert "namesake_linkedin" not in traits
    assert "placeholder" in traits
