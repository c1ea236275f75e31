"""People who are found by name and company: nearly all whom the provider knows, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from connectors.models import Answer, Question, Record
from sandbox.mistakes import FRIENDLY, HARD, Mistakes
from sandbox.options import Options
from sandbox.people import Person
from sandbox.seeding import build_world
from tests.money.market import Market, Row, market
from tests.money.measure import visit
from worker.decide.record import View, look

RECALL = 0.97
DOUBLES = 0.02  # of those searched: two of one name at one company, of whom the provider knows one
SEARCH = "person_role_search"


@pytest.fixture(
    params=[
        (FRIENDLY, 300, 1),
        (HARD, 300, 2),
        *(
            pytest.param((mistakes, 2_000, seed), marks=pytest.mark.slow)
            for mistakes in (FRIENDLY, HARD)
            for seed in (3, 4)
        ),
    ],
    ids=str,
)
async def found(request: pytest.FixtureRequest) -> AsyncIterator[Market]:
    mistakes: Mistakes
    mistakes, records, seed = request.param
    options = Options(
        vendors=("forager", "kaspr", "hubspot"),
        seed=seed,
        records=records,
        companies=records * 27 // 100,
        mistakes=mistakes,
    )
    async with market(options, build_world(options)) as opened:
        yield opened


def is_known_by_name_alone(row: Row, view: View) -> bool:
    """Whether a search could find the person, and nothing else on the row would."""
    named = view.identity.first_name and view.identity.last_name
    there = row.person.employer.domain in view.domains
    return bool(named and there and not view.identity.slug and row.person.forager.detail)


def shares_a_name(row: Row, asked: list[tuple[Question, Answer]]) -> bool:
    """Tells whether two people of the person's name work at the company: a name tells nobody which of them it is."""
    people = [person for question, answer in asked if question.operation == SEARCH for person in answer.people]
    return sum(one.full_name == f"{row.person.first_name} {row.person.last_name}" for one in people) > 1


def is_double(row: Row, slug: str, people: Mapping[str, Person]) -> bool:
    """Tells whether the one found has the person's whole name and employer, and is the only one of both that is found.

    Nothing on the row tells them apart. Records are rarely so, and the seeded companies are small, so few are bound.
    """
    other = people.get(slug)
    return other is not None and (
        (other.first_name, other.last_name, other.employer.domain)
        == (row.person.first_name, row.person.last_name, row.person.employer.domain)
    )


def finds(asked: list[tuple[Question, Answer]]) -> bool:
    return any(question.operation == SEARCH for question, _ in asked)


async def test_who_is_known_by_name_and_company_is_found_and_nobody_else(found: Market) -> None:
    rules = found.policy()
    known = right = wrong = doubles = searched = 0
    people = found.world.by_slug
    for row in found.rows:
        view = look(row.record, rules)
        if view.skip or not view.gaps:
            continue
        decision, asked = await visit(found, view, rules)
        if not finds(asked) or view.identity.slug:
            continue
        searched += 1
        known += is_known_by_name_alone(row, view) and not shares_a_name(row, asked)
        whom = {decision.identity.slug, *(id_ for _, id_ in decision.identity.ids)} - {""}
        if whom <= {row.person.slug, str(row.person.number)}:
            right += bool(whom)
        elif all(is_double(row, slug, people) for slug in whom):
            doubles += 1
        else:
            wrong += 1
    assert wrong == 0
    assert doubles <= DOUBLES * searched
    assert known > 10
    assert right >= RECALL * known


@pytest.mark.parametrize("found", [(FRIENDLY, 20, 1)], indirect=True, ids=["hubspot"])
async def test_a_hubspot_contact_s_website_and_company_tell_the_employer(found: Market) -> None:
    named = {"firstname": "Ada", "lastname": "Example", "email": "ada@acme-mail.com"}
    rules = found.policy()
    assert look(Record("contact", "1", named, company_domain="acme.com"), rules).domains == (
        "acme.com",
        "acme-mail.com",
    )
    with_site = {**named, "website": "https://www.acme.co.uk/team"}
    assert look(Record("contact", "1", with_site, company_domain="acme.com"), rules).domains == (
        "acme.co.uk",
        "acme.com",
        "acme-mail.com",
    )
