"""Draws records, policies and answers: every visit ends, pays within bounds and writes only what it may."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Answer, Company, Email, Grade, Outcome, Person, Phone, PhoneKind, Question, Record, Role
from tests.harness.examples import examples
from tests.unit.decide.scene import IDENTITY, OFFERS, Visit, policy, visit
from worker.decide.plan import decide
from worker.decide.policy import FieldRule, Policy, WriteRule
from worker.decide.reasons import Reason
from worker.decide.record import look
from worker.decide.waterfall import Supply

FIELDS = (
    ("work_email", "email"),
    ("personal_email", "personal_email"),
    ("phone", "phone"),
    ("mobile_phone", "mobilephone"),
    ("job_title", "jobtitle"),
    ("linkedin_url", "hs_linkedin_url"),
    ("first_name", "firstname"),
    ("last_name", "lastname"),
    ("city", "city"),
    ("company_domain", "website"),
)
SLUGS = ("ada-example", "bob-other", "")
ADDRESSES = ("ada@acme.com", "ada@elsewhere.com", "ada@gmail.com", "a***@acme.com", "ada@", "")
NUMBERS = ("+493023123456", "+4915123456789", "+14155552671", "030 23123456", "+49 *** 1", "ask", "")
LAST_NAMES = ("Example", "Other", "Müller", "")
DOMAINS = ("acme.com", "elsewhere.com", "")

orders = st.sampled_from([("forager", "kaspr"), ("kaspr", "forager"), ("forager",), ("kaspr",)])
companies = st.builds(Company, name=st.sampled_from(["Acme", ""]), domain=st.sampled_from(DOMAINS))
roles = st.builds(Role, st.sampled_from(["VP", "=1+1", ""]), companies, current=st.booleans())
people = st.builds(
    Person,
    id=st.sampled_from(["1", "2"]),
    slug=st.sampled_from(SLUGS),
    first_name=st.sampled_from(["Ada", "Bob", ""]),
    last_name=st.sampled_from(LAST_NAMES),
    title=st.sampled_from(["CEO", "C*O", ""]),
    city=st.sampled_from(["Berlin", "\u202e", ""]),
    country=st.sampled_from(["Germany", ""]),
    roles=st.lists(roles, max_size=2).map(tuple),
    emails=st.lists(
        st.builds(
            Email, st.sampled_from(ADDRESSES), st.sampled_from(list(Grade)), st.sampled_from(["work", "personal", ""])
        ),
        max_size=3,
    ).map(tuple),
    phones=st.lists(st.builds(Phone, st.sampled_from(NUMBERS), st.sampled_from(list(PhoneKind))), max_size=3).map(
        tuple
    ),
)
answers = st.builds(
    Answer,
    st.sampled_from([Outcome.HIT, Outcome.HIT, Outcome.HIT, Outcome.MISS, Outcome.UNREADABLE]),
    st.lists(people, max_size=2).map(tuple),
    st.sampled_from([None, 0, 1]),
)
books = st.dictionaries(st.sampled_from([offer.operation for offer in OFFERS]), answers)


def blank_or(*told: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, "", *told])


records = st.fixed_dictionaries(
    {
        "email": blank_or("ada@acme.com", "ada@gmail.com"),
        "personal_email": blank_or("ada@gmail.com"),
        "phone": blank_or("+493023123456", "ask reception"),
        "mobilephone": blank_or("+4915123456789"),
        "jobtitle": blank_or("boss"),
        "hs_linkedin_url": blank_or("linkedin.com/in/ada-example", "linkedin.com/in/bob-other", "n/a"),
        "firstname": blank_or("Ada"),
        "lastname": blank_or("Example", "Müller"),
        "city": blank_or("Paris"),
        "website": blank_or("https://acme.com"),
        "country": blank_or("Germany"),
    }
)
rules = st.lists(st.sampled_from(FIELDS), unique=True, min_size=1).flatmap(
    lambda fields: st.tuples(
        *(
            st.builds(
                FieldRule,
                st.just(name),
                st.just(where),
                orders,
                st.sampled_from([WriteRule.IF_BLANK, WriteRule.IF_BLANK, WriteRule.IF_OURS, WriteRule.ALWAYS]),
                st.frozensets(st.sampled_from(list(Grade)), min_size=1),
                st.sampled_from([None, None, 1, 6, 16]),
            )
            for name, where in fields
        )
    )
)
policies = st.builds(
    lambda told, verify, moved: policy(*told, verify_person=verify, allow_employer_changed=moved, default_region="DE"),
    rules,
    st.booleans(),
    st.booleans(),
)
rows = st.builds(
    lambda values, optout, calls: Record("contact", "1", values, opted_out=optout, do_not_call=calls),
    records,
    st.sampled_from([False, False, False, True]),
    st.sampled_from([False, False, True]),
)


def _ended(row: Record, told: Policy, book: Mapping[str, Answer], **given_settings: Any) -> Visit:
    seen = visit(row, told, book, **given_settings)  # the scene asserts that nothing is asked twice
    assert len(seen.asked) <= 2 * len(OFFERS)
    return seen


@examples(100, short=15)
@given(rows, policies, books)
def test_every_visit_ends_and_a_second_pass_changes_nothing(row: Record, told: Policy, book: dict[str, Answer]) -> None:
    first = _ended(row, told, book)
    second = _ended(row, told, {}, kept=first.answers)
    assert (second.asked, second.decision) == ([], first.decision)


@examples(100, short=15)
@given(rows, policies, books, st.randoms(use_true_random=False))
def test_answers_come_in_any_order(row: Record, told: Policy, book: dict[str, Answer], chance: random.Random) -> None:
    first = _ended(row, told, book)
    shuffled = list(first.answers.items())
    chance.shuffle(shuffled)
    offers = list(OFFERS)
    chance.shuffle(offers)
    assert decide(first.view, told, Supply(offers), dict(shuffled)) == first.decision


@examples(100, short=15)
@given(rows, policies, books)
def test_every_blank_gap_ends_with_a_value_or_a_reason(row: Record, told: Policy, book: dict[str, Answer]) -> None:
    seen = _ended(row, told, book)
    changed = {change.field for change in seen.decision.changes}
    unfilled = seen.decision.unfilled
    assert not changed & set(unfilled)
    assert set(seen.view.blank) == (changed & set(seen.view.blank)) | set(unfilled)
    assert all(isinstance(reason, Reason) for reason in unfilled.values())


@examples(100, short=15)
@given(rows, policies, books)
def test_nothing_masked_invalid_or_below_its_grade_is_written_and_no_value_of_a_person(
    row: Record, told: Policy, book: dict[str, Answer]
) -> None:
    seen = _ended(row, told, book)
    for change in seen.decision.changes:
        rule = told.rule(change.field)
        assert rule is not None
        assert change.provider in rule.providers
        assert change.value
        assert "*" not in change.value
        assert change.value[0] not in "=-@"
        assert change.value[0] != "+" or change.field in {"phone", "mobile_phone"}
        assert change.question_key in seen.answers
        assert change.grade is not Grade.INVALID
        assert (change.grade in rule.accept) if "email" in change.field else change.grade is None
        assert rule.write is WriteRule.ALWAYS or not (row.values.get(change.property) or "").strip()


@examples(100, short=15)
@given(rows, policies, books)
def test_credits_stay_in_bounds_and_a_question_is_paid_once(row: Record, told: Policy, book: dict[str, Answer]) -> None:
    seen = _ended(row, told, {name: Answer(one.outcome, one.people) for name, one in book.items()})
    assert len({question.key for question in seen.asked}) == len(seen.asked)
    for rule in told.rules:
        if rule.max_credits is not None and len(told.rules) == 1:
            lookups = [question for question in seen.asked if _own(question, rule)]
            assert sum(question.price for question in lookups) <= max(rule.max_credits, 0)
    if not seen.view.gaps:
        assert seen.asked == []
    assert {question.provider for question in seen.asked} <= told.providers


def _own(question: Question, rule: FieldRule) -> bool:
    """Asked by slug for the rule's field, not to find the slug."""
    by_slug = not {"slug", "id"}.isdisjoint(question.arguments)
    return by_slug and rule.field in question.fields and question.provider in rule.providers


@examples(100, short=15)
@given(rows, policies, books, st.sampled_from([("forager",), ("kaspr",), ("forager", "kaspr")]))
def test_a_closed_or_blocked_provider_is_never_asked(
    row: Record, told: Policy, book: dict[str, Answer], shut: tuple[str, ...]
) -> None:
    closed = _ended(row, told, book, closed=dict.fromkeys(shut, "budget"))
    assert not {question.provider for question in closed.asked} & set(shut)
    blocked = _ended(row, told, book, blocked=frozenset(shut))
    assert not {question.provider for question in blocked.asked} & set(shut)
    assert set(blocked.decision.blocked) <= set(shut)
    waiting = {name for fields in blocked.decision.blocked.values() for name in fields}
    assert not waiting & {change.field for change in blocked.decision.changes}
    assert not waiting & set(blocked.decision.unfilled)


@examples(100, short=15)
@given(rows, policies, books)
def test_what_is_written_closes_its_gap(row: Record, told: Policy, book: dict[str, Answer]) -> None:
    seen = _ended(row, told, book)
    written = {**row.values, **{change.property: change.value for change in seen.decision.changes}}
    after = look(Record("contact", "1", written), told)
    assert not {change.field for change in seen.decision.changes} & set(after.blank)
    assert set(IDENTITY) <= set(told.identity)
