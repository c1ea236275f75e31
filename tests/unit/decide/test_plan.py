"""What is asked, in which order, what is written, and why the rest stays open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.models import Answer, Email, Grade, Offer, Outcome, Person, Phone, PhoneKind, Record, Role
from tests.unit.decide.scene import (
    ACME,
    ADA,
    BOB,
    ELSEWHERE,
    FORAGER_FIRST,
    KASPR_FIRST,
    MISS,
    OFFERS,
    by_name,
    emails,
    hit,
    phones,
    policy,
    record,
    rule,
    text,
    visit,
    with_slug,
)
from worker.decide.plan import candidates, decide
from worker.decide.policy import WriteRule
from worker.decide.reasons import Reason
from worker.decide.record import look

EMAIL, PHONES = rule("work_email"), rule("mobile_phone")
MOBILE, BERLIN, US = "+4915123456789", "+493023123456", "+14155552671"
WORK = Email("ada@acme.com", Grade.VALID, "work")
ROSE = Person(slug="ada-example", full_name="Rose Other", first_name="Rose", last_name="Other")


def kaspr(*people: Person, **values: Any) -> Answer:
    """A profile that names its person."""
    return hit(*(people or (Person(slug="ada-example", full_name="Ada Example", **values),)))


# ---- the right person ----------------------------------------------------------------------------------------------


def test_the_person_is_proved_for_one_credit_before_a_dear_question() -> None:
    seen = visit(with_slug(), policy(EMAIL), {"detail": hit(ADA), "work_emails": emails("ada@acme.com")})
    assert seen.operations == ["detail", "work_emails"]
    assert seen.values == {"work_email": "ada@acme.com"}


def test_nothing_is_asked_about_somebody_else() -> None:
    seen = visit(with_slug(), policy(), {"detail": hit(ROSE), "work_emails": emails("rose@acme.com")})
    assert seen.operations == ["detail"]
    assert seen.values == {}
    assert set(seen.decision.unfilled.values()) == {Reason.WRONG_PERSON}
    assert seen.decision.dropped == {"wrong_person": 1}


def test_a_person_nobody_names_is_not_paid_for() -> None:
    seen = visit(with_slug(), policy(EMAIL, PHONES), {"work_emails": emails("ada@acme.com")})
    assert seen.operations == ["detail", "profile"]
    assert set(seen.decision.unfilled.values()) == {Reason.NOT_FOUND}


def test_a_name_in_another_answer_is_proof_enough() -> None:
    book = {"profile": kaspr(), "phones": phones(MOBILE), "work_emails": emails("ada@acme.com")}
    seen = visit(with_slug(), policy(rule("mobile_phone", KASPR_FIRST)), book)
    assert seen.operations == ["profile", "phones"]
    assert seen.values == {"mobile_phone": MOBILE}


def test_an_answer_that_names_somebody_else_is_not_read_even_where_another_proved_the_person() -> None:
    book = {"detail": hit(ADA), "profile": kaspr(ROSE, ROSE), "phones": phones(MOBILE)}
    seen = visit(with_slug(), policy(rule("work_email"), rule("mobile_phone")), book)
    assert seen.values == {"mobile_phone": MOBILE}
    assert seen.decision.unfilled == {"work_email": Reason.WRONG_PERSON}


def test_verification_can_be_switched_off_and_a_name_that_differs_still_counts() -> None:
    rules = policy(rule("work_email"), rule("mobile_phone", KASPR_FIRST), verify_person=False)
    book = {"work_emails": emails("ada@acme.com"), "profile": hit(ROSE)}
    seen = visit(with_slug(), rules, book)
    assert seen.operations == ["work_emails", "profile"]
    assert seen.values == {}
    assert set(seen.decision.unfilled.values()) == {Reason.WRONG_PERSON}


def test_a_blank_last_name_contradicts_nothing_and_needs_no_proof() -> None:
    row = with_slug(lastname="", firstname="")
    seen = visit(row, policy(EMAIL), {"work_emails": emails("ada@acme.com")})
    assert seen.operations == ["work_emails"]
    assert seen.values == {"work_email": "ada@acme.com"}


def test_without_a_last_name_another_slug_in_the_answer_is_another_person() -> None:
    row = with_slug(lastname="", firstname="Ada")
    seen = visit(row, policy(rule("job_title")), {"detail": hit(BOB)})
    assert seen.decision.unfilled == {"job_title": Reason.WRONG_PERSON}
    assert visit(row, policy(rule("job_title")), {"detail": hit(ADA)}).values == {"job_title": "VP Sales"}


def test_a_named_answer_without_a_name_is_read_only_once_the_person_is_proved() -> None:
    nameless = hit(Person(slug="ada-example", phones=(Phone(MOBILE),)))
    rules = policy(rule("mobile_phone", KASPR_FIRST))
    assert visit(with_slug(), rules, {"profile": nameless}).values == {}
    proved = visit(with_slug(), rules, {"profile": nameless, "detail": hit(ADA)})
    assert proved.operations == ["profile", "detail"]
    assert proved.values == {"mobile_phone": MOBILE}


# ---- identity ------------------------------------------------------------------------------------------------------

AT_ACME = {"website": "https://acme.com"}


def test_the_slug_is_searched_before_it_is_looked_up_by_mail_before_by_phone() -> None:
    row = record({**AT_ACME, "email": "ada@acme.com", "mobilephone": MOBILE})
    seen = visit(row, policy(rule("phone")), {})
    assert seen.operations == ["search", "by_email", "by_phone"]
    assert seen.decision.unfilled == {"phone": Reason.NOT_FOUND}


def test_a_slug_that_was_found_is_identity_at_once_and_proves_the_person() -> None:
    book = {"search": hit(ADA), "work_emails": emails("ada@acme.com")}
    seen = visit(record(AT_ACME), policy(EMAIL, rule("linkedin_url"), rule("job_title")), book)
    assert seen.operations == ["search", "work_emails"]
    assert seen.decision.identity.slug == "ada-example"
    assert seen.decision.identity.email == "ada@acme.com"
    assert seen.values == {
        "work_email": "ada@acme.com",
        "linkedin_url": "https://www.linkedin.com/in/ada-example",
        "job_title": "VP Sales",
    }


def _at(person: Person, *roles: Role) -> Person:
    return Person(person.id, person.slug, person.full_name, person.first_name, person.last_name, roles=roles)


NAMESAKE = Person("9", "ada-example-9", "Ada Example", "Ada", "Example", roles=ADA.roles)


@pytest.mark.parametrize(
    "found",
    [
        hit(_at(ADA, Role("VP", ELSEWHERE, current=True))),
        hit(_at(ADA, Role("VP", ACME, current=False))),
        hit(_at(ADA)),
        hit(_at(BOB, *ADA.roles)),
        hit(ADA, NAMESAKE),
        hit(),
    ],
)
def test_a_search_counts_only_if_one_persons_name_and_current_employer_match(found: Answer) -> None:
    seen = visit(record(AT_ACME), policy(EMAIL), {"search": found, "work_emails": emails("ada@acme.com")})
    assert seen.operations == ["search"]
    assert seen.decision.unfilled == {"work_email": Reason.NOT_FOUND}


def test_a_search_result_with_a_full_name_only_counts_and_so_does_the_same_person_twice() -> None:
    full = Person("1", "ada-example", "Ada Example", roles=ADA.roles)
    seen = visit(record(AT_ACME), policy(EMAIL), {"search": hit(full, ADA, BOB), "work_emails": emails("a@acme.com")})
    assert seen.values == {"work_email": "a@acme.com"}


def test_a_reverse_lookup_of_somebody_else_is_not_followed() -> None:
    seen = visit(record({"email": "ada@gmail.com"}), policy(rule("phone")), {"by_email": hit(BOB)})
    assert seen.operations == ["by_email"]
    assert seen.decision.unfilled == {"phone": Reason.WRONG_PERSON}


def test_a_reverse_lookup_gives_a_name_to_a_record_without_one() -> None:
    row = record({"firstname": "", "lastname": "", "email": "ada@gmail.com"})
    book = {"by_email": hit(ADA), "profile": kaspr(phones=(Phone(MOBILE),))}
    seen = visit(row, policy(rule("mobile_phone", KASPR_FIRST), rule("last_name")), book)
    assert seen.operations == ["by_email", "profile"]
    assert seen.asked[1].name == "Ada Example"
    assert seen.values == {"mobile_phone": MOBILE, "last_name": "Example"}


def test_a_name_that_was_found_makes_a_search_possible() -> None:
    slugless = Person(full_name="Ada Example")
    row = record({**AT_ACME, "firstname": "", "lastname": "", "email": "office@gmail.com"})
    seen = visit(row, policy(rule("phone", ("forager",))), {"by_email": hit(slugless), "search": hit(ADA)})
    assert seen.operations == ["by_email", "search", "phones"]


def test_two_slugs_that_differ_are_a_conflict_and_nothing_more_is_bought() -> None:
    rules = policy(rule("phone"), rule("job_title"))
    unslugged = visit(record({"email": "ada@acme.com"}), rules, {"by_email": hit(ADA), "phones": phones(US)})
    assert "phone" in unslugged.values
    typed = with_slug("ada-other", email="ada@acme.com")
    seen = visit(typed, rules, {}, kept=unslugged.answers)
    assert (seen.operations, seen.values) == ([], {})
    assert set(seen.decision.unfilled.values()) == {Reason.IDENTITY_CONFLICT}


def test_a_kept_lookup_with_the_same_slug_proves_the_person_for_nothing() -> None:
    rules = policy(rule("mobile_phone", ("forager",)))
    unslugged = visit(record({"email": "ada@gmail.com"}), rules, {"by_email": hit(ADA)})
    seen = visit(with_slug(email="ada@gmail.com"), rules, {"phones": phones(US)}, kept=unslugged.answers)
    assert seen.operations == []
    assert unslugged.operations == ["by_email", "phones"]


def test_identity_is_not_bought_for_what_no_open_gap_can_use() -> None:
    full = {"email": "ada@acme.com", "phone": BERLIN, "mobilephone": MOBILE, "jobtitle": "CEO"}
    assert visit(record(full), policy(), {}).operations == []
    closed = visit(
        record({"email": "a@b.com"}), policy(rule("phone")), {}, closed={"forager": "budget", "kaspr": "budget"}
    )
    assert closed.operations == []
    assert closed.decision.unfilled == {"phone": Reason.BUDGET}


def test_nobody_is_found_dearly_for_a_cheap_field_alone() -> None:
    row = record({**AT_ACME, "email": "ada@acme.com", "mobilephone": MOBILE})
    title = visit(row, policy(rule("job_title", ("forager",))), {})
    assert title.operations == ["search"]
    assert title.decision.unfilled == {"job_title": Reason.NOT_FOUND}
    unsearchable = visit(record({"mobilephone": MOBILE}), policy(rule("job_title", ("forager",))), {})
    assert unsearchable.operations == []
    assert unsearchable.decision.unfilled == {"job_title": Reason.NO_IDENTITY}
    both = visit(record({"mobilephone": MOBILE}), policy(rule("job_title"), EMAIL), {"by_phone": hit(ADA)})
    assert both.operations[0] == "by_phone"
    assert both.values == {"job_title": "VP Sales"}


def test_an_address_found_without_a_slug_is_identity_at_once() -> None:
    directory = Offer("forager", "42", "directory", frozenset({"work_email"}), 1, "forager", by_name, names_person=True)
    rules = policy(rule("phone", ("forager",)), rule("work_email", ("forager",)))
    view = look(record(AT_ACME), rules)
    offers = (*(offer for offer in OFFERS if offer.operation != "search"), directory)
    first = decide(view, rules, offers, {})
    assert [(step.offer.operation, step.fields) for step in first.questions] == [("directory", ("work_email",))]
    found = {first.questions[0].question.key: hit(Person(full_name="Ada Example", emails=(WORK,)))}
    then = decide(view, rules, offers, found)
    assert [step.offer.operation for step in then.questions] == ["by_email"]
    assert [change.value for change in then.changes] == ["ada@acme.com"]
    assert then.identity.email == "ada@acme.com"
    both = decide(view, rules, (*OFFERS, directory), {}).questions
    assert [(step.offer.operation, step.fields) for step in both] == [("search", ("phone",))]


def test_a_slug_in_the_crm_is_searched_no_more() -> None:
    seen = visit(with_slug(**AT_ACME, email="ada@acme.com"), policy(rule("job_title", ("forager",))), {})
    assert seen.operations == ["detail"]


def test_no_name_no_slug_no_address_is_no_identity() -> None:
    seen = visit(record(), policy(), {})
    assert seen.operations == []
    assert set(seen.decision.unfilled.values()) == {Reason.NO_IDENTITY}


def test_an_address_of_nobody_is_no_slug() -> None:
    seen = visit(record({**AT_ACME, "hs_linkedin_url": "https://www.linkedin.com/sales/lead/ACw"}), policy(EMAIL), {})
    assert seen.operations == ["search"]


# ---- grades, employers and kinds -----------------------------------------------------------------------------------


def proved(book: dict[str, Answer]) -> dict[str, Answer]:
    return {"detail": hit(ADA), **book}


@pytest.mark.parametrize(
    ("grade", "accept", "taken"),
    [
        (Grade.VALID, {Grade.VALID}, True),
        (Grade.UNVERIFIED, {Grade.VALID}, False),
        (Grade.RISKY, {Grade.VALID, Grade.RISKY}, True),
        (Grade.INVALID, set(Grade), False),
    ],
)
def test_an_address_is_taken_by_its_grade(grade: Grade, accept: set[Grade], taken: bool) -> None:
    rules = policy(rule("work_email", ("forager",), accept=frozenset(accept)))
    seen = visit(with_slug(), rules, proved({"work_emails": emails("ada@acme.com", grade=grade)}))
    assert bool(seen.values) is taken
    if taken:
        assert seen.decision.changes[0].grade is grade
    else:
        assert seen.decision.unfilled == {"work_email": Reason.BELOW_GRADE}


def test_the_best_grade_of_an_answer_is_taken_first_and_the_company_s_own_domain_before_others() -> None:
    accept = frozenset({Grade.VALID, Grade.RISKY})
    offered = emails(
        Email("risky@acme.com", Grade.RISKY, "work"),
        Email("old@elsewhere.com", Grade.VALID, "work"),
        Email("ada@acme.com", Grade.VALID, "work"),
    )
    rules = policy(rule("work_email", accept=accept), allow_employer_changed=True)
    assert visit(with_slug(**AT_ACME), rules, proved({"work_emails": offered})).values == {"work_email": "ada@acme.com"}


@pytest.mark.parametrize(
    ("address", "settings", "row", "filled"),
    [
        ("ada@elsewhere.com", {}, AT_ACME, False),
        ("ada@elsewhere.com", {"allow_employer_changed": True}, AT_ACME, True),
        ("ada@mail.acme.com", {}, AT_ACME, True),
        ("ada@elsewhere.com", {}, {}, True),
    ],
)
def test_a_work_address_off_the_company_domain_is_held_back(
    address: str, settings: dict[str, bool], row: dict[str, str], filled: bool
) -> None:
    rules = policy(rule("work_email", ("forager",)), **settings)
    seen = visit(with_slug(**row), rules, proved({"work_emails": emails(address)}))
    assert bool(seen.values) is filled
    assert filled or seen.decision.unfilled == {"work_email": Reason.EMPLOYER_CHANGED}


def test_the_title_at_another_employer_is_held_back_and_the_place_is_not() -> None:
    moved = Person(
        "1", "ada-example", "Ada Example", "Ada", "Example", city="Paris", roles=(Role("CEO", ELSEWHERE, current=True),)
    )
    rules = policy(rule("job_title", ("forager",)), rule("city", ("forager",)), rule("company_name", ("forager",)))
    seen = visit(with_slug(**AT_ACME), rules, {"detail": hit(moved)})
    assert seen.values == {"city": "Paris"}
    assert seen.decision.unfilled == {"job_title": Reason.EMPLOYER_CHANGED, "company_name": Reason.EMPLOYER_CHANGED}


def test_of_several_current_roles_the_one_at_the_records_company_counts() -> None:
    roles = (Role("Advisor", ELSEWHERE, current=True), Role("VP", ACME, current=True), Role("X", ACME, current=False))
    rules = policy(rule("job_title"), rule("company_domain"), rule("company_name"))
    seen = visit(with_slug(**AT_ACME), rules, {"detail": hit(_at(ADA, *roles))})
    assert seen.values == {"job_title": "VP", "company_domain": "acme.com", "company_name": "Acme GmbH"}
    unknown = visit(with_slug(), rules, {"detail": hit(_at(ADA, *roles))})
    assert unknown.values["job_title"] == "Advisor"


def test_a_title_without_a_role_and_names_are_taken_from_the_person() -> None:
    row = with_slug(lastname="", firstname="")
    rules = policy(rule("job_title"), rule("first_name"), rule("last_name"), rule("country"))
    bare = Person(slug="ada-example", full_name="Ada Example", title="VP", country="Germany")
    assert visit(row, rules, {"detail": hit(bare)}).values == {
        "job_title": "VP",
        "first_name": "Ada",
        "last_name": "Example",
        "country": "Germany",
    }


def test_work_and_personal_addresses_are_told_apart() -> None:
    rules = policy(
        rule("work_email", ("kaspr",), accept=frozenset(Grade)),
        rule("personal_email", ("kaspr",), accept=frozenset(Grade)),
    )
    offered = kaspr(emails=(Email("ada@gmail.com"), Email("ada@acme.com"), Email("ada@home.example", kind="personal")))
    assert visit(with_slug(), rules, {"profile": offered}).values == {
        "work_email": "ada@acme.com",
        "personal_email": "ada@gmail.com",
    }
    only = kaspr(emails=(Email("ada@gmail.com", kind="work"), Email("ada@home.example", kind="personal")))
    seen = visit(with_slug(), rules, {"profile": only})
    assert seen.values == {"personal_email": "ada@home.example"}
    assert seen.decision.dropped == {"wrong_kind": 3}


def test_masked_and_broken_values_do_not_exist() -> None:
    rules = policy(rule("work_email", ("kaspr",), accept=frozenset(Grade)), rule("phone", ("kaspr",)))
    offered = kaspr(
        emails=(Email("a***@acme.com"), Email("ada@")),
        phones=(Phone("+49 *** 1"), Phone("ask reception"), Phone("+4912")),
    )
    seen = visit(with_slug(), rules, {"profile": offered})
    assert seen.values == {}
    assert seen.decision.dropped == {"invalid_value": 3, "masked": 2}
    assert set(seen.decision.unfilled.values()) == {Reason.INVALID_VALUE}


def test_a_masked_title_is_not_written_and_one_a_spreadsheet_would_run_neither() -> None:
    rules = policy(rule("job_title", ("forager",)))
    masked = visit(with_slug(), rules, {"detail": hit(_at(ADA, Role("V* Sales", ACME, current=True)))})
    assert (masked.values, masked.decision.dropped) == ({}, {"masked": 1})
    formula = visit(with_slug(), rules, {"detail": hit(_at(ADA, Role("=1+1", ACME, current=True)))})
    assert formula.decision.unfilled == {"job_title": Reason.INVALID_VALUE}


def test_a_mobile_field_takes_no_fixed_line_and_a_phone_field_takes_any() -> None:
    rules = policy(rule("mobile_phone", ("forager",)), rule("phone", ("forager",)))
    seen = visit(with_slug(), rules, proved({"phones": phones(BERLIN)}))
    assert seen.values == {"phone": BERLIN}
    assert seen.decision.unfilled == {"mobile_phone": Reason.NOT_FOUND}


def test_two_numbers_go_to_two_fields_and_the_fixed_one_to_the_phone() -> None:
    rules = policy(rule("phone", ("forager",)), rule("mobile_phone", ("forager",)))
    offered = hit(Person(phones=(Phone(US), Phone("+14155552672", PhoneKind.FIXED))))
    assert visit(with_slug(), rules, proved({"phones": offered})).values == {
        "mobile_phone": US,
        "phone": "+14155552672",
    }


def test_one_number_goes_to_both_fields_only_if_there_is_no_other() -> None:
    rules = policy(rule("phone", KASPR_FIRST), rule("mobile_phone", KASPR_FIRST))
    only = visit(with_slug(), rules, {"profile": kaspr(phones=(Phone(MOBILE),))})
    assert only.values == {"phone": MOBILE, "mobile_phone": MOBILE}
    assert only.operations == ["profile"]
    held = visit(with_slug(mobilephone=MOBILE), rules, {"profile": kaspr(phones=(Phone(MOBILE), Phone(BERLIN)))})
    assert held.values == {"phone": BERLIN}
    alone = visit(with_slug(mobilephone=MOBILE), rules, {"profile": kaspr(phones=(Phone(MOBILE),))})
    assert alone.values == {"phone": MOBILE}
    other_way = visit(with_slug(phone=MOBILE), rules, {"profile": kaspr(phones=(Phone(MOBILE),))})
    assert other_way.values == {"mobile_phone": MOBILE}


def test_a_number_without_plus_is_read_in_the_persons_country_then_the_records_then_the_default() -> None:
    rules = policy(rule("phone", ("kaspr",)), default_region="US")
    local = Phone("030 23123456")
    assert visit(with_slug(country="FR"), rules, {"profile": kaspr(phones=(local,), country="Germany")}).values == {
        "phone": BERLIN
    }
    assert visit(with_slug(country="Germany"), rules, {"profile": kaspr(phones=(local,))}).values == {"phone": BERLIN}
    assert visit(with_slug(), rules, {"profile": kaspr(phones=(Phone("(415) 555-2671"),))}).values == {"phone": US}


# ---- money ---------------------------------------------------------------------------------------------------------


def test_the_first_provider_with_a_value_ends_the_waterfall() -> None:
    book = proved({"work_emails": emails("ada@acme.com"), "profile": kaspr(emails=(Email("x@acme.com", Grade.VALID),))})
    assert visit(with_slug(), policy(EMAIL), book).operations == ["detail", "work_emails"]
    turned = visit(with_slug(), policy(rule("work_email", KASPR_FIRST)), book)
    assert turned.operations == ["profile"]
    assert turned.decision.changes[0].provider == "kaspr"


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


def test_a_second_pass_asks_nothing_and_decides_the_same() -> None:
    book = proved({"work_emails": emails("ada@acme.com"), "profile": kaspr(phones=(Phone(MOBILE),))})
    first = visit(with_slug(), policy(), book)
    second = visit(with_slug(), policy(), {}, kept=first.answers)
    assert second.operations == []
    assert second.decision == first.decision


def test_a_field_s_own_questions_never_cost_more_than_its_bound() -> None:
    cheap = visit(with_slug(), policy(rule("mobile_phone", KASPR_FIRST, max_credits=15)), {"profile": kaspr()})
    assert cheap.operations == ["profile"]
    assert cheap.decision.unfilled == {"mobile_phone": Reason.BUDGET}
    free_miss = {"profile": Answer(Outcome.MISS, credits=0), "detail": hit(ADA), "phones": phones(US)}
    told = visit(with_slug(), policy(rule("mobile_phone", KASPR_FIRST, max_credits=15)), free_miss)
    assert told.operations == ["profile", "detail", "phones"]
    spent = visit(
        with_slug(), policy(rule("mobile_phone", ("forager",), max_credits=15)), {}, spent={"mobile_phone": 1}
    )
    assert spent.operations == []


def test_identity_is_not_bought_where_its_follower_costs_too_much() -> None:
    seen = visit(record(AT_ACME), policy(rule("mobile_phone", ("forager",), max_credits=10)), {"search": hit(ADA)})
    assert seen.operations == []
    assert seen.decision.unfilled == {"mobile_phone": Reason.BUDGET}


def test_a_closed_provider_is_passed_over_and_named_only_if_nobody_else_helps() -> None:
    book = proved({"profile": kaspr(emails=(Email("ada@acme.com", Grade.VALID),))})
    helped = visit(with_slug(), policy(EMAIL), book, closed={"forager": "budget"})
    assert helped.operations == ["profile"]
    assert helped.values == {"work_email": "ada@acme.com"}
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
    assert seen.decision.blocked == {"kaspr": ("mobile_phone", "phone")}
    assert seen.decision.unfilled == {}
    other = visit(with_slug(), rules, book, blocked=frozenset({"forager"}))
    assert other.operations == ["profile"]
    assert other.decision.blocked == {"forager": ("work_email",)}


def test_a_question_without_an_answer_counts_as_a_miss_and_the_waterfall_goes_on() -> None:
    rules = policy(rule("mobile_phone", KASPR_FIRST))
    view = look(with_slug(), rules)
    first = decide(view, rules, OFFERS, {}).questions[0]
    assert first.offer.operation == "profile"
    seen = visit(with_slug(), rules, proved({"phones": phones(US)}), missed=frozenset({first.question.key}))
    assert seen.operations == ["detail", "phones"]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNREADABLE, Outcome.MISS])
def test_an_answer_that_is_no_hit_gives_nothing_even_if_it_carries_people(outcome: Outcome) -> None:
    seen = visit(with_slug(), policy(rule("job_title", ("forager",))), {"detail": Answer(outcome, (ADA,))})
    assert seen.values == {}


# ---- together ------------------------------------------------------------------------------------------------------


def test_questions_are_asked_together_only_when_no_answer_could_spare_the_other() -> None:
    rules = policy(rule("work_email", ("forager",)), rule("mobile_phone", ("forager",)), rule("personal_email"))
    view = look(with_slug(), rules)
    first = decide(view, rules, OFFERS, {})
    assert [step.offer.operation for step in first.questions] == ["detail"]
    assert first.questions[0].fields == ("work_email", "mobile_phone", "personal_email")
    answers = {first.questions[0].question.key: hit(ADA)}
    then = decide(view, rules, OFFERS, answers)
    assert [step.offer.operation for step in then.questions] == ["work_emails", "phones", "personal_emails"]


def test_a_profile_that_may_bring_what_another_field_asks_for_goes_alone() -> None:
    rules = policy(rule("mobile_phone", KASPR_FIRST), rule("work_email"))
    view = look(with_slug(), rules)
    assert [step.offer.operation for step in decide(view, rules, OFFERS, {}).questions] == ["profile"]


def test_unproved_questions_go_together_only_where_neither_can_name_somebody_else() -> None:
    rules = policy(
        rule("personal_email", ("forager",)),
        rule("work_email", ("forager",)),
        rule("phone", KASPR_FIRST),
        verify_person=False,
    )
    asked = decide(look(with_slug(), rules), rules, OFFERS, {}).questions
    assert [step.offer.operation for step in asked] == ["personal_emails", "work_emails"]


# ---- what is not asked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "settings", "reason"),
    [
        ({"opted_out": True}, {}, Reason.OPTED_OUT),
        ({}, {"mode": "observe"}, None),
        ({}, {"where": {"stage": ("lead",)}}, None),
    ],
)
def test_a_record_left_alone_is_neither_asked_about_nor_written(
    row: dict[str, bool], settings: dict[str, Any], reason: Reason | None
) -> None:
    rules = policy(**settings)
    left = Record("contact", "1", with_slug().values, **row)  # type: ignore[arg-type]  # flags of the record
    seen = visit(left, rules, {})
    assert seen.operations == []
    assert set(seen.decision.unfilled.values()) == ({reason} if reason else set())
    assert candidates(seen.view, rules, OFFERS, {}) == ()


def test_do_not_call_and_refused_gaps_are_counted_and_not_asked_about() -> None:
    row = Record("contact", "1", with_slug(email="a@acme.com", jobtitle="CEO").values, do_not_call=True)
    seen = visit(row, policy(), {})
    assert seen.operations == []
    assert seen.decision.unfilled == {"phone": Reason.OPTED_OUT, "mobile_phone": Reason.OPTED_OUT}


def test_a_property_that_cannot_be_written_is_not_paid_for() -> None:
    rules = policy(rule("job_title"))
    seen = visit(with_slug(), rules, {}, schema={"jobtitle": text("jobtitle", writable=False)})
    assert seen.operations == []
    assert seen.decision.unfilled == {"job_title": Reason.INVALID_VALUE}


def test_a_value_the_crm_does_not_take_lets_the_waterfall_go_on() -> None:
    rules = policy(rule("job_title", FORAGER_FIRST))
    schema = {"jobtitle": text("jobtitle", kind="options", options=frozenset({"Boss"}))}
    book = proved({"profile": kaspr(title="boss")})
    assert visit(with_slug(), rules, book, schema=schema).values == {"job_title": "Boss"}
    cut = visit(with_slug(), rules, book, schema={"jobtitle": text("jobtitle", 2)})
    assert cut.values == {"job_title": "VP"}


def test_a_value_that_is_there_already_is_no_change() -> None:
    rules = policy(rule("job_title", write=WriteRule.ALWAYS))
    assert visit(with_slug(jobtitle="VP Sales"), rules, {"detail": hit(ADA)}).decision.changes == ()
    assert visit(with_slug(jobtitle="CEO"), rules, {"detail": hit(ADA)}).values == {"job_title": "VP Sales"}
    missed = visit(with_slug(jobtitle="CEO"), rules, {})
    assert missed.decision.unfilled == {}


def test_a_url_that_is_known_from_another_property_is_not_bought() -> None:
    rules = policy(rule("linkedin_url"))
    rules = type(rules)(
        "c",
        "contact",
        rules=(type(rules.rules[0])("linkedin_url", "other_url", ("forager",)),),
        identity=rules.identity,
    )
    seen = visit(with_slug(), rules, {})
    assert seen.operations == []
    assert seen.decision.unfilled == {"linkedin_url": Reason.NOT_FOUND}


def test_a_field_nobody_offers_is_not_found() -> None:
    seen = visit(with_slug(), policy(rule("personal_email", ("kaspr",))), {})
    assert seen.decision.unfilled == {"personal_email": Reason.NOT_FOUND}


def test_a_company_is_never_taken_for_a_person() -> None:
    rules = replace(policy(rule("phone"), rule("city")), object="company")
    row = record({"hs_linkedin_url": "linkedin.com/in/ada", "mobilephone": MOBILE, "email": "info@acme.com"})
    seen = visit(row, rules, {"by_phone": hit(ADA)})
    assert seen.operations == []
    assert candidates(seen.view, rules, OFFERS, {}) == ()


def test_every_question_worth_loading_a_kept_answer_for_is_named() -> None:
    row = with_slug(**AT_ACME, email="ada@acme.com")
    rules = policy()
    told = {question.operation for question in candidates(look(row, rules), rules, OFFERS, {})}
    assert told == {"detail", "search", "work_emails", "personal_emails", "by_email", "phones", "profile"}
    only_kaspr = policy(rule("phone", ("kaspr",)))
    assert {one.operation for one in candidates(look(row, only_kaspr), only_kaspr, OFFERS, {})} == {"profile"}
    asked = visit(row, rules, {"detail": MISS})
    left = candidates(asked.view, rules, OFFERS, asked.answers)
    assert {question.operation for question in left} >= {"search", "by_email"}
    assert not {question.key for question in left} & set(asked.answers)
