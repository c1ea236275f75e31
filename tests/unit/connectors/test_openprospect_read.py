from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.errors import ContractError
from connectors.models import Reply
from connectors.openprospect.models import CompanyBody, NewOrder, Order, SearchEdit, WantedCompany
from connectors.openprospect.read import code, delivered, missing_scopes, moment_ms, page, pause
from tests.unit.connectors.samples import reply, samples, shown_person

COMPANY = TypeAdapter(CompanyBody)


@pytest.mark.parametrize("sample", samples("openprospect", "list"))
def test_a_list_is_read_as_its_sample_says(sample: dict[str, Any]) -> None:
    expect = sample["expect"]
    if "broken" in expect:
        with pytest.raises(ContractError) as caught:
            page(COMPANY, reply(sample), "companies", ("companies",), 0, 2)
        assert caught.value.field == expect["broken"]
        return
    got = page(COMPANY, reply(sample), "companies", ("companies",), 0, 2)
    assert {"ids": [row.id for row in got.items], "next": got.next_offset, "total": got.total} == expect


@pytest.mark.parametrize("sample", samples("openprospect", "error"))
def test_an_error_is_read_as_its_sample_says(sample: dict[str, Any]) -> None:
    expect, got = sample["expect"], reply(sample)
    assert code(got) == expect["code"]
    assert missing_scopes(got) == tuple(expect.get("scopes", ()))
    assert pause(got) == expect.get("pause")


@pytest.mark.parametrize("sample", samples("openprospect", "delivered"))
def test_a_row_is_a_company_with_people(sample: dict[str, Any]) -> None:
    row = delivered(COMPANY.validate_json(reply(sample).body), "given")
    expect = sample["expect"]
    for name, value in expect["company"].items():
        got = getattr(row.company, name)
        assert (list(got) if isinstance(got, tuple) else got) == value
    assert (row.search_id, row.source_id, row.delivered_at) == (
        expect["search_id"],
        expect["source_id"],
        expect["delivered_at"],
    )
    assert len(row.people) == len(expect["people"])
    for person, wanted in zip(row.people, expect["people"], strict=True):
        told = shown_person(person)
        assert {name: told.get(name, type(value)()) for name, value in wanted.items()} == wanted


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-20T08:00:00Z", 1795161600000),
        ("2026-11-20T09:00:00+01:00", 1795161600000),
        ("2026-11-20T08:00:00", 1795161600000),
        ("2026-11-20T08:00:00.250Z", 1795161600250),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_a_moment_is_ms(text: str, ms: int) -> None:
    assert moment_ms(text) == ms


@pytest.mark.parametrize(
    ("status", "ended"),
    [("RECEIVED", False), ("IN_PROGRESS", False), ("COMPLETED", True), ("REJECTED", True), ("NEW_WORD", False)],
)
def test_only_known_ends_end_an_order(status: str, ended: bool) -> None:
    assert Order(order_id="1", status=status).ended is ended


def test_an_order_without_an_id_is_none_and_with_the_other_name_is_one() -> None:
    assert Order.model_validate({"id": "7"}).order_id == "7"
    with pytest.raises(ValidationError):
        Order.model_validate({"status": "RECEIVED"})


def test_what_is_not_set_is_not_sent() -> None:
    order = NewOrder(order_type="ENRICHMENT", title="t", companies=(WantedCompany(company_name="A", external_id="1"),))
    assert order.body() == {
        "order_type": "ENRICHMENT",
        "title": "t",
        "companies": [{"company_name": "A", "external_id": "1"}],
    }
    assert SearchEdit(version=3, name="x").body() == {"version": 3, "name": "x"}


def test_a_pause_is_asked_for_by_429_only() -> None:
    assert pause(Reply(503, {}, b'{"retry_after": 9}')) is None
