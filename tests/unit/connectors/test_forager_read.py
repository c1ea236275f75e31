"""Reads Forager's replies, and asks its questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connectors.bodies import PAGE_ROWS
from connectors.errors import ContractError
from connectors.forager import operations as op
from connectors.forager.client import Forager, open_transport, prices_of
from connectors.forager.models import Account, JobPage, OrganizationPage, RolePage
from connectors.forager.options import ForagerOptions
from connectors.forager.queries import OrganizationQuery, RoleQuery, quoted
from connectors.forager.read import answer, jobs, organizations, roles
from connectors.limits import NoLimiter
from connectors.models import Identity, Outcome, Question, Reply
from connectors.operations import Repeat
from connectors.ports import KeepsLog, Provider
from connectors.registry import PAID
from tests.unit.connectors.samples import reply, samples, shown


def question(name: str, price: int | None = None) -> Question:
    return Question("forager", "42", name, {}, op.PAID[name].credits if price is None else price)


@pytest.mark.parametrize("sample", samples("forager"))
def test_a_kept_reply_is_read_as_its_sample_says(sample: dict[str, Any]) -> None:
    assert shown(answer(question(sample["operation"]), reply(sample))) == sample["answer"]


@given(
    st.sampled_from(sorted(op.PAID)),
    st.integers(100, 999),
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["email", "id", "roles", "person", "search_results", "location", "organization", "domain"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_no_reply_makes_the_reader_raise(name: str, status: int, body: bytes) -> None:
    assert isinstance(answer(question(name), Reply(status, {}, body)).outcome, Outcome)


def test_credits_are_the_price_the_question_was_asked_at() -> None:
    hit = Reply(200, {}, b'[{"email": "ada@example.com"}]')
    assert answer(question("work_emails", price=9), hit).credits == 9


@pytest.fixture
async def forager() -> Any:
    options = ForagerOptions(api_key=SecretStr("s3cret"), account_id=42)
    client = Forager(open_transport(options, NoLimiter()), options)
    yield client
    await client.aclose()


ADA = Identity("ada-example-1a2b3c", "ada@example.com", "+14155552671", "Ada", "Example", "example.com")


async def test_offers_come_cheapest_first_and_ask_what_they_say(forager: Forager) -> None:
    provider: Provider = forager
    assert isinstance(forager, KeepsLog) is PAID["forager"].keeps_log
    offers = {offer.operation: offer for offer in provider.offers({})}
    assert [offer.price for offer in offers.values()] == sorted(offer.price for offer in offers.values())
    slug = {"linkedin_public_identifier": "ada-example-1a2b3c"}
    assert {name: dict(offer.arguments(ADA) or {}) for name, offer in offers.items()} == {
        "person_detail": slug,
        "work_emails": slug,
        "personal_emails": slug,
        "phone_numbers": slug,
        "by_email": {"email": "ada@example.com"},
        "by_phone": {"phone_number": "+14155552671"},
        "person_role_search": {"person_name": '"Ada Example"', "organization_domains": '["example.com"]'},
    }
    assert {name for name, offer in offers.items() if offer.names_person} == {
        "person_detail", "by_email", "by_phone", "person_role_search",
    }  # fmt: skip
    assert [name for name, offer in offers.items() if offer.searches] == ["person_role_search"]
    assert all(offer.arguments(Identity(first_name="Ada")) is None for offer in offers.values())


@pytest.mark.parametrize(
    ("first", "asked"),
    [("J.", False), ("J. R.", False), ("j", False), ("Ж.", False), ("J. Robert", True), ("Jo", True), ("伟", True)],
)
async def test_nobody_is_searched_by_initials(forager: Forager, first: str, asked: bool) -> None:
    search = next(offer for offer in forager.offers({}) if offer.searches)
    found = search.arguments(Identity(first_name=first, last_name="Example", domain="example.com"))
    assert (found is not None) is asked


def test_options_do_not_show_the_key() -> None:
    assert "s3cret" not in repr(ForagerOptions(api_key=SecretStr("s3cret"), account_id=42))


def test_a_search_question_comes_back_as_the_same_body() -> None:
    query = RoleQuery(
        page=2, person_name=quoted('Ada "The" Example'), organization_domains=["example.com"], role_is_current=True
    )
    assert query.arguments()["person_name"] == '"Ada The Example"'
    assert RoleQuery.from_arguments(query.arguments()) == query


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "description": st.text(),
            "domains": st.lists(st.text()),
            "industries": st.lists(st.integers()),
            "employees_start": st.integers(),
            "job_post_is_remote": st.booleans(),
        },
    )
)
def test_every_query_survives_its_question(filters: dict[str, Any]) -> None:
    query = OrganizationQuery(**filters)
    assert OrganizationQuery.from_arguments(query.arguments()) == query


def test_a_filter_the_vendor_would_ignore_is_refused() -> None:
    with pytest.raises(ValidationError):
        RoleQuery(linkedin_public_identifiers=["ada"])  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="linkedin"):
        RoleQuery.from_arguments({"linkedin_public_identifiers": '["ada"]'})


def test_parts_of_a_credit_count_as_whole_ones_and_odd_prices_not_at_all() -> None:
    tier = {"person_work_email_lookup": "5.50", "person_details_lookup": 1.0, "job_search_api_call": "n/a", "x": None}
    account = Account.model_validate({"id": 42, "subscription": {"subscription_tier": tier}})
    assert prices_of(account) == {"work_emails": 6, "person_detail": 1}


def test_the_table_says_what_costs() -> None:
    prices = {row.name: row.credits for row in op.OPERATIONS if row.repeat is Repeat.PAID}
    assert prices == {
        "job_search": 2, "organization_search": 1, "personal_emails": 5, "phone_numbers": 15, "work_emails": 5,
        "person_detail": 1, "by_email": 5, "by_phone": 15, "person_role_search": 1, "website_detail": 1,
    }  # fmt: skip
    assert set(op.LEDGER_NAMES) == set(prices)
    assert all(row.path.endswith("/") for row in op.OPERATIONS)


@pytest.mark.parametrize("read", [organizations, roles, jobs])
def test_a_page_of_more_rows_than_any_search_sends_is_refused_before_they_are_read(
    read: Callable[[Reply], RolePage | OrganizationPage | JobPage],
) -> None:
    def page(rows: int) -> Reply:
        return Reply(200, {}, json.dumps({"search_results": [{"id": n + 1} for n in range(rows)]}).encode())

    assert len(read(page(PAGE_ROWS)).search_results) == PAGE_ROWS
    with pytest.raises(ContractError, match="search_results"):
        read(page(PAGE_ROWS + 1))
