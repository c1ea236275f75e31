import json
import subprocess
import sys
import unicodedata
from collections import Counter

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from sandbox.options import Options
from sandbox.people import World
from sandbox.seeding import build_world

MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
FIXED = {PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@pytest.fixture(scope="module", name="world")
def seeded_world() -> World:
    return build_world(Options())


def test_equal_options_give_an_equal_world_in_another_process(world: World) -> None:
    code = "from sandbox.seeding import build_world; import hashlib; "
    code += "print(hashlib.sha256(repr(build_world().people).encode()).hexdigest())"
    printed = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert printed[0] == printed[1]
    assert build_world(Options()) == world
    assert build_world(Options(seed=2)).people != world.people


@pytest.mark.parametrize(("records", "companies"), [(300, 80), (20, 5), (1000, 100)])
def test_each_crm_has_exactly_the_rows_asked_for(records: int, companies: int) -> None:
    world = build_world(Options(records=records, companies=companies))
    assert {crm: len(rows) for crm, rows in world.rows.items()} == {"hubspot": records, "salesforce": records}
    assert sum(company.in_crm for company in world.companies) == companies


def test_every_phone_is_valid_and_of_its_kind(world: World) -> None:
    for person in world.people:
        for number, kinds in ((person.mobile, MOBILE), (person.phone, FIXED)):
            parsed = phonenumbers.parse(number)
            assert phonenumbers.is_valid_number(parsed), number
            assert phonenumbers.number_type(parsed) in kinds, number


def test_a_us_number_does_not_tell_its_kind(world: World) -> None:
    kinds = {
        phonenumbers.number_type(phonenumbers.parse(person.mobile))
        for person in world.people
        if person.country_code == "US"
    }
    assert kinds == {PhoneNumberType.FIXED_LINE_OR_MOBILE}


def test_people_are_of_many_countries_and_scripts(world: World) -> None:
    listed = {row.person for row in world.rows["hubspot"]}
    assert len({person.country_code for person in listed}) >= 12
    assert sum(not person.full_name.isascii() for person in listed) > 40
    assert sum(not person.slug.isascii() for person in listed) > 10


def test_identities_are_unique_and_canonical(world: World) -> None:
    people = world.people
    assert [person.number for person in people] == list(range(1, len(people) + 1))
    assert len(world.by_slug) == len(people)
    assert len(world.by_email) == len(world.by_phone) == 2 * len(people)
    for person in people:
        assert person.slug == unicodedata.normalize("NFC", person.slug).lower()
        assert "%" not in person.slug
        assert "/" not in person.slug
    assert len(world.company_by_domain) == len(world.companies)


def test_providers_know_their_share_of_a_large_world() -> None:
    people = build_world(Options(records=3000, companies=300)).people
    share = {
        "work": sum(bool(person.forager.work_emails) for person in people),
        "phones": sum(bool(person.forager.phones) for person in people),
        "detail": sum(person.forager.detail for person in people),
        "kaspr": sum(bool(person.kaspr.work_email) for person in people),
    }
    rates = {name: count / len(people) for name, count in share.items()}
    assert rates == pytest.approx({"work": 0.7, "phones": 0.55, "detail": 0.85, "kaspr": 0.6}, abs=0.04)
    grades = Counter(grade for person in people for _, grade in person.forager.work_emails)
    assert set(grades) == {"valid", "risky", "invalid", "unknown"}


@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
def test_a_crm_holds_every_kind_of_row(world: World, crm: str) -> None:
    traits = Counter(trait for row in world.rows[crm] for trait in row.traits)
    assert set(traits) == {
        "typed", "wrong_linkedin", "nonsense_linkedin", "moved", "duplicate", "no_linkedin", "name_only",
        "phone_only", "opted_out", "do_not_call",
    }  # fmt: skip


def test_a_wrong_linkedin_address_is_that_of_somebody_with_another_last_name(world: World) -> None:
    found = 0
    for row in world.rows["hubspot"]:
        if "wrong_linkedin" not in row.traits:
            continue
        found += 1
        assert row.linkedin_url is not None
        address = unicodedata.normalize("NFC", row.linkedin_url).lower()
        assert row.person.slug not in address
    assert found >= 3


def test_who_moved_has_the_new_employer_in_the_truth_and_the_old_one_in_the_crm(world: World) -> None:
    moved = [row for row in world.rows["hubspot"] if "moved" in row.traits and row.company]
    assert moved
    for row in moved:
        assert row.company is not None
        assert row.person.work_email.endswith(f"@{row.person.employer.domain}")
        assert row.company.domain != row.person.employer.domain


def test_the_process_announces_itself_and_ends_when_its_input_closes() -> None:
    command = [sys.executable, "-m", "sandbox", "--vendors", "kaspr,forager", "--records", "20", "--watch-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        announced = json.loads(process.stdout.readline())
        assert list(announced) == ["forager", "kaspr"]
        assert announced["forager"]["base_url"].startswith("http://127.0.0.1:")
        assert {"api_key", "account_id", "control_url", "limits"} <= set(announced["forager"])
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def test_the_process_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "sandbox", "--vendors", "kaspr", "--records", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(timeout=20) == 0
