"""Deliveries of OpenProspect become values and keys, graded and validated like everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.models import Company, Email, Grade, Person, Phone, PhoneKind, Record, Role
from tests.unit.decide.scene import ACME, text
from worker.decide import delivery

COMPANY = Company(
    id="7f3e", name="Example GmbH", website="https://www.example.de/start", phone="030 23123456",
    linkedin_url="https://www.linkedin.com/company/example", industry="Software", employee_count=140, city="Berlin",
    country="Germany", description="=1+1", technologies=("HubSpot", " ", "Redis"), founded_year=2010,
)  # fmt: skip
ADA = Person(
    id="0b1c",
    slug="https://www.linkedin.com/in/Ada-Example",
    first_name="Ada",
    last_name="Example",
    title="VP Sales",
    emails=(Email("Ada@example.de", Grade.VALID), Email("ada@gmail.com", Grade.VALID), Email("a**@example.de")),
    phones=(Phone("01512 3456789", PhoneKind.MOBILE), Phone("030 23123456"), Phone("ask"), Phone("+49 ** 1")),
)


def test_a_company_gives_every_value_it_has_and_its_domain_as_key() -> None:
    given = delivery.company(COMPANY)
    assert given.keys == ("domain:example.de",)
    assert given.complete
    assert given.values == {
        "name": "Example GmbH", "domain": "example.de", "website": "https://www.example.de/start",
        "phone": "+493023123456", "industry": "Software", "employee_count": "140",
        "linkedin_url": "https://www.linkedin.com/company/example", "city": "Berlin", "country": "Germany",
        "technologies": "HubSpot, Redis", "founded_year": "2010",
    }  # fmt: skip
    assert given.dropped == {"invalid_value": 1}  # the description that a spreadsheet would run


def test_a_company_without_name_or_domain_is_incomplete_and_has_no_key() -> None:
    given = delivery.company(Company(website="https://www.linkedin.com/company/x", phone="+49 ** 1"))
    assert (given.complete, given.keys, given.dropped) == (False, (), {"masked": 1})
    assert delivery.company(Company(name="X", phone="ask")).dropped == {"invalid_value": 1}
    assert delivery.company(Company(name="X", phone="030 23123456"), "DE").values["phone"] == "+493023123456"


def test_a_person_gives_graded_values_and_all_usable_keys() -> None:
    given = delivery.person(ADA, COMPANY)
    assert given.complete
    assert given.keys == ("email:ada@example.de", "email:ada@gmail.com", "slug:ada-example")
    assert given.values == {
        "first_name": "Ada", "last_name": "Example", "job_title": "VP Sales",
        "linkedin_url": "https://www.linkedin.com/in/ada-example", "company_name": "Example GmbH",
        "company_domain": "example.de", "work_email": "Ada@example.de", "personal_email": "ada@gmail.com",
        "mobile_phone": "+4915123456789", "phone": "+493023123456",
    }  # fmt: skip
    assert given.dropped == {"masked": 2, "invalid_value": 1}


def test_a_masked_name_is_no_name() -> None:
    given = delivery.person(Person(first_name="Ada", last_name="E***"), Company())
    assert (given.complete, given.dropped) == (False, {"masked": 1})


def test_an_address_below_its_grade_is_a_key_and_no_value_and_an_invalid_one_proves_nothing_either() -> None:
    risky = Person(
        last_name="Example", emails=(Email("ada@acme.com", Grade.RISKY), Email("x@acme.com", Grade.INVALID), Email("x"))
    )
    given = delivery.person(risky, ACME)
    assert given.keys == ("email:ada@acme.com", "email:x@acme.com")
    assert given.facts.emails == {"ada@acme.com"}
    assert "work_email" not in given.values
    assert given.dropped == {"below_grade": 2, "invalid_value": 1}
    accepted = delivery.person(risky, ACME, {"work_email": frozenset({Grade.RISKY, Grade.INVALID})})
    assert accepted.dropped == {"below_grade": 1, "invalid_value": 1}
    assert accepted.values["work_email"] == "ada@acme.com"


def test_a_last_name_is_taken_from_the_full_name_else_the_person_is_incomplete() -> None:
    split = delivery.person(Person(full_name="Ada van der Berg"), Company())
    assert (split.values["first_name"], split.values["last_name"], split.complete) == ("Ada", "van der Berg", True)
    assert not delivery.person(Person(first_name="Ada"), Company()).complete


@pytest.mark.parametrize("full", ["", "Ngọc Ánh", " ngọc ánh "])
def test_a_first_name_of_two_words_is_no_whole_name(full: str) -> None:
    given = delivery.person(Person(first_name="Ngọc Ánh", full_name=full), Company())
    assert (given.values["first_name"], given.complete) == ("Ngọc Ánh", False)
    whole = delivery.person(Person(first_name="Ngọc Ánh", full_name="Ngọc Ánh Trần"), Company())
    assert (whole.values["first_name"], whole.values["last_name"]) == ("Ngọc Ánh", "Trần")


def test_a_mobile_that_is_none_becomes_the_phone_and_no_number_is_given_twice() -> None:
    fixed = Person(last_name="X", phones=(Phone("+493023123456", PhoneKind.MOBILE), Phone("030 23123456")))
    values = delivery.person(fixed, COMPANY).values
    assert values["phone"] == "+493023123456"
    assert "mobile_phone" not in values


def test_the_current_role_names_the_title_where_the_person_has_none() -> None:
    roles = (Role("Old", ACME, current=False), Role("New", ACME, current=True))
    assert delivery.person(Person(last_name="X", roles=roles), ACME).values["job_title"] == "New"


def test_one_value_that_does_not_fit_drops_its_field_and_no_other() -> None:
    written, dropped = delivery.to_properties(
        {"name": "Example GmbH", "domain": "example.de", "industry": "Farming", "city": "Berlin", "website": "x.de"},
        {"name": "Name", "domain": "Website", "industry": "Industry", "city": "gone", "website": "Website"},
        {
            "Name": text("Name"),
            "Website": text("Website", kind="url"),
            "Industry": text("Industry", kind="options", options=frozenset({"Retail"})),
        },
    )
    assert written == {"Name": "Example GmbH", "Website": "https://example.de"}
    assert dropped == {"invalid_value": 1}


def test_a_role_address_is_no_key_of_a_person() -> None:
    given = delivery.person(replace(ADA, slug="", emails=(Email("info@example.de", Grade.UNVERIFIED),)), COMPANY)
    assert given.keys == ()
    assert not given.facts.emails


def test_a_person_is_told_apart_by_name_addresses_numbers_employer_and_profile() -> None:
    facts = delivery.person(ADA, COMPANY).facts
    assert (facts.name.first, facts.name.last, facts.slug) == ("Ada", "Example", "ada-example")
    assert {"ada@example.de", "ada@gmail.com"} == facts.emails
    assert facts.employers == {"example.de"}


def test_a_row_tells_whose_it_is_by_its_own_values_and_its_company() -> None:
    properties = {"first_name": "First", "last_name": "Last", "work_email": "Email", "linkedin_url": "Profile"}
    values = {"First": "Ada", "Last": "Example", "Email": "ada@gmail.com", "Profile": "linkedin.com/in/ada"}
    facts = delivery.row_facts(Record("contact", "7", values), properties, "example.de")
    assert (facts.name.first, facts.name.last, facts.slug) == ("Ada", "Example", "ada")
    assert facts.emails == {"ada@gmail.com"}
    assert facts.employers == {"example.de"}


def test_a_key_on_somebody_elses_row_goes_with_the_name() -> None:
    given = delivery.person(ADA, COMPANY)
    apart = delivery.apart(given.keys, {"slug:ada-example"}, given)
    assert apart == ("email:ada@example.de", "email:ada@gmail.com", "slug:ada-example ada example")
    assert delivery.apart(given.keys, {}, given) == given.keys
