"""Gets a record without a slug one where that pays, and proves by it who was found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace

import pytest

from connectors.models import Answer, AskedBy, Identity, Offer, Person, Phone, Question, Record, Role
from tests.unit.decide.scene import (
    ACME,
    ADA,
    AT_ACME,
    BERLIN,
    BOB,
    ELSEWHERE,
    EMAIL,
    KASPR_FIRST,
    MISS,
    MOBILE,
    OFFERS,
    US,
    WORK,
    at,
    by_name,
    emails,
    hit,
    kaspr,
    phones,
    policy,
    record,
    rule,
    visit,
    with_slug,
)
from worker.decide.decision import Decision
from worker.decide.plan import decide
from worker.decide.policy import Policy
from worker.decide.reasons import Reason
from worker.decide.record import look
from worker.decide.waterfall import Supply


@pytest.mark.parametrize(
    ("held", "operations"),
    [
        ({"email": "ada@acme.com", "mobilephone": MOBILE}, ["search", "by_email"]),  # nobody there bears the name
        ({"mobilephone": MOBILE}, ["search", "by_phone"]),
    ],
)
def test_the_slug_is_searched_before_a_lookup_by_mail_or_phone(held: dict[str, str], operations: list[str]) -> None:
    seen = visit(record({**AT_ACME, **held}), policy(rule("phone")), {})
    assert (seen.operations, seen.decision.unfilled) == (operations, {"phone": Reason.NOT_FOUND})


@pytest.mark.parametrize("slug", ["bob-other-1a2b", "otto-example"])
def test_nobody_is_asked_about_a_profile_that_spells_another_name(slug: str) -> None:
    seen = visit(record({**AT_ACME, "hs_linkedin_url": slug}), policy(EMAIL), {"search": hit(ADA)})
    assert (seen.operations[0], seen.decision.identity.slug) == ("search", "ada-example")


@pytest.mark.parametrize("slug", ["ada-example-1", "ada-married", "growth-hacker", "example-ada", "bob", "adaexample"])
def test_a_profile_whose_name_may_be_the_record_s_is_asked_about(slug: str) -> None:
    assert look(record({**AT_ACME, "hs_linkedin_url": slug}), policy(EMAIL)).identity.slug == slug


def test_a_slug_that_was_found_is_identity_at_once_and_proves_the_person() -> None:
    book = {"search": hit(ADA), "work_emails": emails("ada@acme.com")}
    seen = visit(record(AT_ACME), policy(EMAIL, rule("linkedin_url"), rule("job_title")), book)
    assert (seen.operations, seen.decision.identity.slug) == (["search", "work_emails"], "ada-example")
    assert seen.decision.identity.email == "ada@acme.com"
    assert seen.values == {
        "work_email": "ada@acme.com",
        "linkedin_url": "https://www.linkedin.com/in/ada-example",
        "job_title": "VP Sales",
    }


FORMER = Person("8", "ada-example-8", "Ada Example", roles=(Role("VP", ACME, current=False),))
NAMESAKE = Person("9", "ada-example-9", "Ada Example", "Ada", "Example", roles=ADA.roles)


@pytest.mark.parametrize(
    "found",
    [
        hit(at(ADA, Role("VP", ELSEWHERE, current=True))),
        hit(at(ADA, Role("VP", ACME, current=False))),
        hit(at(ADA)),
        hit(at(BOB, *ADA.roles)),
        hit(ADA, NAMESAKE),
        hit(ADA, FORMER),
        hit(),
    ],
)
def test_a_search_counts_only_if_one_persons_name_and_current_employer_match(found: Answer) -> None:
    seen = visit(record(AT_ACME), policy(EMAIL), {"search": found, "work_emails": emails("ada@acme.com")})
    assert (seen.operations, seen.decision.unfilled) == (["search"], {"work_email": Reason.NOT_FOUND})


def test_a_search_result_with_a_full_name_only_counts_and_so_does_the_same_person_twice() -> None:
    full = Person("1", "ada-example", "Ada Example", roles=ADA.roles)
    seen = visit(record(AT_ACME), policy(EMAIL), {"search": hit(full, ADA, BOB), "work_emails": emails("a@acme.com")})
    assert seen.values == {"work_email": "a@acme.com"}


def test_a_reverse_lookup_of_somebody_else_is_not_followed() -> None:
    seen = visit(record({"email": "ada@gmail.com"}), policy(rule("phone")), {"by_email": hit(BOB)})
    assert (seen.operations, seen.decision.unfilled) == (["by_email"], {"phone": Reason.WRONG_PERSON})


def test_a_reverse_lookup_gives_a_name_to_a_record_without_one() -> None:
    row = record({"firstname": "", "lastname": "", "email": "ada@gmail.com"})
    book = {"by_email": hit(ADA), "profile": kaspr(phones=(Phone(MOBILE),))}
    seen = visit(row, policy(rule("mobile_phone", KASPR_FIRST), rule("last_name")), book)
    assert (seen.operations, seen.asked[1].name) == (["by_email", "profile"], "Ada Example")
    assert seen.values == {"mobile_phone": MOBILE, "last_name": "Example"}


def test_a_name_that_was_found_makes_a_search_possible() -> None:
    slugless = Person(full_name="Ada Example")
    row = record({**AT_ACME, "firstname": "", "lastname": "", "email": "ada.ex@gmail.com"})
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
        record({"email": "ada@acme.com"}), policy(rule("phone")), {}, closed={"forager": "budget", "kaspr": "budget"}
    )
    assert (closed.operations, closed.decision.unfilled) == ([], {"phone": Reason.BUDGET})


def test_nobody_is_found_dearly_for_a_cheap_field_alone() -> None:
    row = record({**AT_ACME, "email": "ada@acme.com", "mobilephone": MOBILE})
    title = visit(row, policy(rule("job_title", ("forager",))), {})
    assert (title.operations, title.decision.unfilled) == (["search"], {"job_title": Reason.NOT_FOUND})
    unsearchable = visit(record({"mobilephone": MOBILE}), policy(rule("job_title", ("forager",))), {})
    assert (unsearchable.operations, unsearchable.decision.unfilled) == ([], {"job_title": Reason.NO_IDENTITY})
    both = visit(record({"mobilephone": MOBILE}), policy(rule("job_title"), EMAIL), {"by_phone": hit(ADA)})
    assert (both.operations[0], both.values) == ("by_phone", {"job_title": "VP Sales"})


def test_an_address_found_without_a_slug_is_identity_at_once() -> None:
    directory = Offer(
        "forager", "42", "directory", frozenset({"work_email"}), 1, "forager", AskedBy.NAME, by_name, names_person=True
    )
    rules = policy(rule("phone", ("forager",)), rule("work_email", ("forager",)))
    view = look(record(AT_ACME), rules)
    offers = (*(offer for offer in OFFERS if offer.operation != "search"), directory)
    first = decide(view, rules, Supply(offers), {})
    assert [(step.offer.operation, step.fields) for step in first.questions] == [("directory", ("work_email",))]
    found = {first.questions[0].question.key: hit(Person(full_name="Ada Example", emails=(WORK,)))}
    then = decide(view, rules, Supply(offers), found)
    assert [step.offer.operation for step in then.questions] == ["by_email"]
    assert [change.value for change in then.changes] == ["ada@acme.com"]
    assert then.identity.email == "ada@acme.com"
    both = decide(view, rules, Supply((*OFFERS, directory)), {}).questions
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


def by_slug_or_id(identity: Identity) -> Mapping[str, str] | None:
    if identity.slug:
        return {"slug": identity.slug}
    return {"person_id": known} if (known := identity.id_at("forager")) else None


WITH_IDS = [
    dataclasses.replace(one, arguments=by_slug_or_id, account="43") if one.operation == "work_emails" else one
    for one in OFFERS
]
NO_PROFILE = replace(ADA, slug="")


def asked_until_done(row: Record, rules: Policy, book: Mapping[str, Answer]) -> tuple[list[Question], Decision]:
    answers: dict[str, Answer] = {}
    asked: list[Question] = []
    while (decision := decide(look(row, rules), rules, Supply(WITH_IDS), answers)).questions:
        for step in decision.questions:
            asked.append(step.question)
            answers[step.question.key] = book.get(step.question.operation, MISS)
    return asked, decision


def test_whoever_was_found_without_a_profile_is_asked_about_by_the_provider_s_own_id() -> None:
    book = {"search": hit(NO_PROFILE), "work_emails": emails("ada@acme.com")}
    asked, decision = asked_until_done(record(AT_ACME), policy(EMAIL), book)
    assert [(one.operation, one.arguments) for one in asked][1:] == [("work_emails", {"person_id": "1"})]
    assert [change.value for change in decision.changes] == ["ada@acme.com"]


def test_two_people_without_a_profile_are_nobody() -> None:
    book = {"search": hit(NO_PROFILE, replace(NO_PROFILE, id="2")), "work_emails": emails("ada@acme.com")}
    asked, decision = asked_until_done(record(AT_ACME), policy(EMAIL), book)
    assert ([one.operation for one in asked], decision.changes) == (["search"], ())


def test_the_next_domain_of_the_employer_is_searched_after_a_miss_and_not_after_a_hit() -> None:
    row = record({"website": "https://acme.com", "email": "info@acme-group.com"}, company_domain="acme.de")

    def answer(question: Question) -> Answer:
        return hit(at(ADA, Role("VP", replace(ACME, domain="acme.de"), current=True))) if there(question) else MISS

    def there(question: Question) -> bool:
        return question.operation == "search" and question.arguments.get("domain") == "acme.de"

    seen = visit(row, policy(rule("job_title")), answer)
    assert [one.arguments["domain"] for one in seen.asked if one.operation == "search"] == ["acme.com", "acme.de"]
    assert seen.values == {"job_title": "VP"}
    missed = visit(row, policy(rule("job_title")), {})
    searched = [one.arguments["domain"] for one in missed.asked if one.operation == "search"]
    assert searched == ["acme.com", "acme.de", "acme-group.com"]
