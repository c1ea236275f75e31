"""Asks providers in the order of the waterfall, within its bounds, and together where that spares nothing."""

from __future__ import annotations

import pytest

from connectors.models import Answer, Email, Grade, Outcome, Phone
from tests.unit.decide.scene import (
    ADA,
    AT_ACME,
    EMAIL,
    KASPR_FIRST,
    MOBILE,
    OFFERS,
    US,
    emails,
    hit,
    kaspr,
    phones,
    policy,
    proved,
    record,
    rule,
    visit,
    with_slug,
)
from worker.decide.plan import decide
from worker.decide.policy import FieldRule
from worker.decide.reasons import Reason
from worker.decide.record import look
from worker.decide.waterfall import Supply


def test_the_first_provider_with_a_value_ends_the_waterfall() -> None:
    book = proved({"work_emails": emails("ada@acme.com"), "profile": kaspr(emails=(Email("x@acme.com", Grade.VALID),))})
    assert visit(with_slug(), policy(EMAIL), book).operations == ["detail", "work_emails"]
    turned = visit(with_slug(), policy(rule("work_email", KASPR_FIRST)), book)
    assert (turned.operations, turned.decision.changes[0].provider) == (["profile"], "kaspr")


def test_an_answer_serves_every_gap_it_covers_whoever_asked() -> None:
    offered = kaspr(phones=(Phone(MOBILE),), emails=(Email("ada@acme.com", Grade.VALID),), title="VP")
    rules = policy(rule("mobile_phone", KASPR_FIRST), rule("work_email"), rule("job_title"))
    seen = visit(with_slug(), rules, {"profile": offered})
    assert seen.operations == ["profile"]
    assert set(seen.values) == {"mobile_phone", "work_email", "job_title"}


def test_an_answer_serves_only_fields_that_are_filled_from_its_provider() -> None:
    offered = kaspr(phones=(Phone(MOBILE),), emails=(Email("ada@acme.com", Grade.VALID),))
    rules = policy(rule("mobile_phone", ("kaspr",)), rule("work_email", ("forager",)))
    seen = visit(with_slug(), rules, {"profile": offered})
    assert set(seen.values) == {"mobile_phone"}


def test_a_field_s_own_questions_never_cost_more_than_its_bound() -> None:
    cheap = visit(with_slug(), policy(rule("mobile_phone", KASPR_FIRST, max_credits=15)), {"profile": kaspr()})
    assert (cheap.operations, cheap.decision.unfilled) == (["profile"], {"mobile_phone": Reason.BUDGET})
    free_miss = {"profile": Answer(Outcome.MISS, credits=0), "detail": hit(ADA), "phones": phones(US)}
    told = visit(with_slug(), policy(rule("mobile_phone", KASPR_FIRST, max_credits=15)), free_miss)
    assert told.operations == ["profile", "detail", "phones"]


def test_identity_is_not_bought_where_its_follower_costs_too_much() -> None:
    seen = visit(record(AT_ACME), policy(rule("mobile_phone", ("forager",), max_credits=10)), {"search": hit(ADA)})
    assert (seen.operations, seen.decision.unfilled) == ([], {"mobile_phone": Reason.BUDGET})


def test_a_closed_provider_is_passed_over_and_named_only_if_nobody_else_helps() -> None:
    book = proved({"profile": kaspr(emails=(Email("ada@acme.com", Grade.VALID),))})
    helped = visit(with_slug(), policy(EMAIL), book, closed={"forager": "budget"})
    assert (helped.operations, helped.values) == (["profile"], {"work_email": "ada@acme.com"})
    assert visit(with_slug(), policy(EMAIL), {}, closed={"forager": "budget"}).decision.unfilled == {
        "work_email": Reason.BUDGET
    }


def test_a_kept_answer_of_a_closed_provider_still_serves() -> None:
    first = visit(with_slug(), policy(EMAIL), proved({"work_emails": emails("ada@acme.com")}))
    again = visit(with_slug(), policy(EMAIL), {}, kept=first.answers, closed={"forager": "budget", "kaspr": "budget"})
    assert again.values == {"work_email": "ada@acme.com"}


def test_a_provider_without_capacity_blocks_the_fields_it_is_next_for_and_no_others() -> None:
    rules = policy(rule("work_email"), rule("mobile_phone", KASPR_FIRST), rule("phone", KASPR_FIRST))
    book = proved({"work_emails": emails("ada@acme.com"), "profile": kaspr(phones=(Phone(MOBILE),))})
    seen = visit(with_slug(), rules, book, blocked=frozenset({"kaspr"}))
    assert seen.operations == ["detail", "work_emails"]
    assert (seen.decision.blocked, seen.decision.unfilled) == ({"kaspr": ("mobile_phone", "phone")}, {})
    other = visit(with_slug(), rules, book, blocked=frozenset({"forager"}))
    assert (other.operations, other.decision.blocked) == (["profile"], {"forager": ("work_email",)})


def test_a_question_without_an_answer_counts_as_a_miss_and_the_waterfall_goes_on() -> None:
    rules = policy(rule("mobile_phone", KASPR_FIRST))
    view = look(with_slug(), rules)
    first = decide(view, rules, Supply(OFFERS), {}).questions[0]
    assert first.offer.operation == "profile"
    seen = visit(with_slug(), rules, proved({"phones": phones(US)}), missed=frozenset({first.question.key}))
    assert seen.operations == ["detail", "phones"]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNREADABLE, Outcome.MISS])
def test_an_answer_that_is_no_hit_gives_nothing_even_if_it_carries_people(outcome: Outcome) -> None:
    seen = visit(with_slug(), policy(rule("job_title", ("forager",))), {"detail": Answer(outcome, (ADA,))})
    assert seen.values == {}


def test_questions_are_asked_together_only_when_no_answer_could_spare_the_other() -> None:
    rules = policy(rule("work_email", ("forager",)), rule("mobile_phone", ("forager",)), rule("personal_email"))
    view = look(with_slug(), rules)
    first = decide(view, rules, Supply(OFFERS), {})
    assert [step.offer.operation for step in first.questions] == ["detail"]
    assert first.questions[0].fields == ("work_email", "mobile_phone", "personal_email")
    answers = {first.questions[0].question.key: hit(ADA)}
    then = decide(view, rules, Supply(OFFERS), answers)
    assert [step.offer.operation for step in then.questions] == ["work_emails", "personal_emails", "phones"]


def test_a_profile_that_may_bring_what_another_field_asks_for_goes_alone() -> None:
    rules = policy(rule("mobile_phone", KASPR_FIRST), rule("work_email"))
    view = look(with_slug(), rules)
    assert [step.offer.operation for step in decide(view, rules, Supply(OFFERS), {}).questions] == ["profile"]


def test_unproved_questions_go_together_only_where_neither_can_name_somebody_else() -> None:
    mails = (rule("personal_email", ("forager",)), rule("work_email", ("forager",)))

    def asked(*more: FieldRule) -> list[str]:
        rules = policy(*mails, *more, verify_person=False)
        return [step.offer.operation for step in decide(look(with_slug(), rules), rules, Supply(OFFERS), {}).questions]

    assert asked() == ["personal_emails", "work_emails"]
    assert asked(rule("phone", KASPR_FIRST)) == ["profile"]
