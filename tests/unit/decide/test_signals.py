"""A changed job is told, never written."""

from __future__ import annotations

import pytest

from connectors.models import Answer, Company, Person, Role
from tests.unit.decide.scene import (
    ACME,
    ADA,
    AT_ACME,
    BOB,
    ELSEWHERE,
    at,
    hit,
    policy,
    record,
    rule,
    visit,
    with_slug,
)
from worker.decide.decision import JobChange

HERE, AWAY = Role("VP Sales", ACME, current=True), Role("CEO", ELSEWHERE, current=True)


def told(answer: Answer, **values: str) -> JobChange | None:
    rules = policy(rule("job_title"))
    seen = visit(with_slug(**{**AT_ACME, **values}), rules, {"detail": answer})
    found = seen.decision.job
    assert found is None or seen.values == {}
    return found


def test_current_role_elsewhere_is_a_changed_job_and_no_value_of_it_is_written() -> None:
    found = told(hit(at(ADA, Role("VP Sales", ACME, current=False), AWAY)))
    assert found is not None
    assert (found.provider, found.domain, found.company, found.title) == (
        "forager", "elsewhere.com", "Elsewhere Ltd", "CEO",
    )  # fmt: skip


@pytest.mark.parametrize(
    "roles",
    [
        (HERE,),
        (AWAY, HERE),  # two current jobs, one of them the CRM's
        (Role("CEO", ELSEWHERE, current=False),),
        (Role("CEO", Company(name="Elsewhere Ltd"), current=True),),  # without a domain nobody can tell
        (Role("CEO", Company(name="Acme", domain="mail.acme.com"), current=True),),
        (),
    ],
)
def test_nothing_else_is_a_changed_job(roles: tuple[Role, ...]) -> None:
    assert told(hit(at(ADA, *roles))) is None


def test_person_who_is_somebody_else_changes_no_job() -> None:
    assert told(hit(Person("2", "ada-example", "Bob Other", "Bob", "Other", roles=(AWAY,)))) is None
    assert told(hit(at(BOB, AWAY))) is None


def test_without_a_known_employer_no_job_can_change() -> None:
    rules = policy(rule("job_title"))
    seen = visit(
        record({"hs_linkedin_url": "https://www.linkedin.com/in/ada-example"}), rules, {"detail": hit(at(ADA, AWAY))}
    )
    assert seen.decision.job is None
