"""Sees the imitated portal by HubSpot's own client, by their OpenAPI files, and by plain requests."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest
from hubspot import HubSpot as Sdk
from hubspot.crm.associations.v4 import BatchInputPublicDefaultAssociationMultiPost, PublicDefaultAssociationMultiPost
from hubspot.crm.contacts import (
    ApiException,
    BatchReadInputSimplePublicObjectId,
    Filter,
    FilterGroup,
    PublicObjectSearchRequest,
    SimplePublicObjectId,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.properties import PropertyCreate

from tests.contract.openapi import check
from tests.contract.sandbox_client import TOKEN, Answer, Client, client_of, listening

V3, DATED = "/crm/v3/objects", "/crm/objects/2026-09"
_NUMBERS = count(1)


@pytest.fixture
async def portal() -> AsyncIterator[Client]:
    async with client_of("hubspot", records=20, companies=8) as client:
        yield client


def sdk(portal: Client) -> Any:
    """HubSpot's client at the sandbox; its token is set as it sets it itself."""
    return Sdk(access_token=TOKEN, host=portal.vendor.base_url)


async def blocking(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await asyncio.to_thread(call, *args, **kwargs)


async def made(portal: Client, kind: str = "contacts", **properties: Any) -> str:
    properties = properties or {"email": f"somebody{next(_NUMBERS)}@acme.example"}
    answer = await portal.post(f"{V3}/{kind}", properties=properties)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


async def dumped(portal: Client, record_id: str, kind: str = "contacts") -> dict[str, Any]:
    rows = await portal.control("GET", f"records/{kind}")
    return next(row for row in rows if row["id"] == record_id)


def valid(generation: str, method: str, path: str, answer: Answer) -> Any:
    check(generation, method, path.partition("?")[0], answer.status, answer.json)
    return answer.json


class TestTheirOwnClient:
    async def test_creates_reads_changes_and_archives_a_contact(self, portal: Client) -> None:
        api = sdk(portal).crm.contacts.basic_api
        body = SimplePublicObjectInputForCreate(properties={"email": "Ada@Acme.example"}, associations=[])
        created = await blocking(api.create, simple_public_object_input_for_create=body)
        change = SimplePublicObjectInput(properties={"jobtitle": "Head"})
        await blocking(api.update, contact_id=created.id, simple_public_object_input=change)
        read = await blocking(
            api.get_by_id, "ada@acme.example", id_property="email", properties=["jobtitle", "phone", "no_such_property"]
        )
        assert read.id == created.id
        assert read.properties["jobtitle"] == "Head"
        assert read.properties["phone"] is None
        assert "no_such_property" not in read.properties
        await blocking(api.archive, contact_id=created.id)
        with pytest.raises(ApiException) as gone:
            await blocking(api.get_by_id, created.id)
        assert gone.value.status == 404

    async def test_batch_read_gives_what_exists_and_one_group_for_the_rest(self, portal: Client) -> None:
        one = await made(portal)
        body = BatchReadInputSimplePublicObjectId(
            properties=["email"],
            properties_with_history=["email"],
            inputs=[SimplePublicObjectId(one), SimplePublicObjectId("5"), SimplePublicObjectId("6")],
        )
        answer = await blocking(sdk(portal).crm.contacts.batch_api.read, body)
        assert [result.id for result in answer.results] == [one]
        assert answer.results[0].properties_with_history["email"][0].source_type == "INTEGRATION"
        assert answer.num_errors == 1
        assert answer.errors[0].context == {"ids": ["5", "6"]}

    async def test_search_filters_sorts_and_counts(self, portal: Client) -> None:
        for name in ("Zoe", "Ann", "Mia"):
            await made(portal, firstname=name, company="Quist")
        body = PublicObjectSearchRequest(
            filter_groups=[FilterGroup(filters=[Filter(property_name="company", operator="EQ", value="QUIST")])],
            properties=["firstname"],
            sorts=["-firstname"],
            limit=2,
            after="0",
        )
        answer = await blocking(sdk(portal).crm.contacts.search_api.do_search, body)
        assert answer.total == 3
        assert [result.properties["firstname"] for result in answer.results] == ["Zoe", "Mia"]
        assert answer.paging.next.after == "2"

    async def test_reads_and_creates_definitions(self, portal: Client) -> None:
        api = sdk(portal).crm.properties.core_api
        listed = await blocking(api.get_all, "contacts")
        by_name = {item.name: item for item in listed.results}
        assert by_name["hs_email_optout"].modification_metadata.read_only_value is True
        assert by_name["openprospect_id"].has_unique_value is True
        new = PropertyCreate(
            name="refill_run", label="Run", type="string", field_type="text", group_name="contactinformation"
        )
        created = await blocking(api.create, "contacts", new)
        assert created.hubspot_defined is False
        await made(portal, email="run@acme.example", refill_run="7")

    async def test_associates_contact_and_company(self, portal: Client) -> None:
        contact, company = await made(portal), await made(portal, "companies", name="Acme")
        api = sdk(portal).crm.associations.v4
        body = BatchInputPublicDefaultAssociationMultiPost(
            inputs=[PublicDefaultAssociationMultiPost(_from={"id": contact}, to={"id": company})]
        )
        await blocking(api.batch_api.create_default, "contacts", "companies", body)
        page = await blocking(api.basic_api.get_page, "contacts", contact, "companies")
        assert page.results[0].to_object_id == company
        assert [one.type_id for one in page.results[0].association_types] == [1, 279]
        assert (await dumped(portal, contact))["properties"]["associatedcompanyid"] == company


class TestPublishedShapes:
    @pytest.mark.parametrize(("base", "file"), [(V3, "contacts-v3"), (DATED, "contacts-2026-09")])
    async def test_every_answer_about_contacts_fits(self, portal: Client, base: str, file: str) -> None:
        path = f"{base}/contacts"
        one, other = await made(portal), await made(portal)
        inputs = [{"id": one, "properties": {"city": "Oslo"}}, {"id": "5", "properties": {"city": "Oslo"}}]
        upserts = [{"id": "new@acme.example", "idProperty": "email", "properties": {"city": "Rom"}}]
        requests: list[tuple[str, str, Any]] = [
            ("GET", f"{path}?limit=3&associations=companies&propertiesWithHistory=email", None),
            ("GET", f"{path}/{one}?properties=phone", None),
            ("GET", f"{path}/5", None),
            ("POST", path, {"properties": {"email": "fresh@acme.example"}}),
            ("POST", path, {"properties": {"email": "fresh@acme.example"}}),
            ("POST", path, {"properties": {"email": "no address"}}),
            ("PATCH", f"{path}/{one}", {"properties": {"phone": ""}}),
            ("POST", f"{path}/batch/read", {"inputs": [{"id": one}, {"id": "5"}], "properties": ["email"]}),
            ("POST", f"{path}/batch/update", {"inputs": inputs}),
            ("POST", f"{path}/batch/create", {"inputs": [{"properties": {"lastname": "Ek"}}]}),
            ("POST", f"{path}/batch/upsert", {"inputs": upserts}),
            ("POST", f"{path}/search", {"limit": 2}),
            ("POST", f"{path}/merge", {"primaryObjectId": one, "objectIdToMerge": other}),
        ]
        for method, where, body in requests:
            valid(file, method, where, await portal.ask(method, where, body))

    @pytest.mark.parametrize(
        ("base", "file"), [("/crm/v3/properties", "properties-v3"), ("/crm/properties/2026-09", "properties-2026-09")]
    )
    async def test_every_answer_about_definitions_fits(self, portal: Client, base: str, file: str) -> None:
        path = f"{base}/contacts"
        new = {
            "name": "kind",
            "label": "Kind",
            "type": "enumeration",
            "fieldType": "select",
            "groupName": "contactinformation",
            "options": [{"label": "A", "value": "a", "hidden": False}],
        }
        requests: list[tuple[str, str, Any]] = [
            ("GET", path, None),
            ("GET", f"{path}/email", None),
            ("POST", path, new),
            ("POST", path, new),
            ("PATCH", f"{path}/kind", {"label": "Sort"}),
            ("POST", f"{path}/batch/read", {"inputs": [{"name": "email"}, {"name": "nope"}]}),
            ("GET", f"{path}/groups", None),
            ("POST", f"{path}/groups", {"name": "refill", "label": "Refill"}),
        ]
        for method, where, body in requests:
            valid(file, method, where, await portal.ask(method, where, body))

    @pytest.mark.parametrize(
        ("objects", "pairs", "file"),
        [
            ("/crm/v4/objects", "/crm/v4/associations", "associations-v4"),
            ("/crm/objects/2026-09", "/crm/associations/2026-09", "associations-2026-09"),
        ],
    )
    async def test_every_answer_about_links_fits(self, portal: Client, objects: str, pairs: str, file: str) -> None:
        contact, company = await made(portal), await made(portal, "companies", name="Acme")
        both = f"{pairs}/contacts/companies/batch"
        primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
        pair = {"from": {"id": contact}, "to": {"id": company}}
        requests: list[tuple[str, str, Any]] = [
            ("PUT", f"{objects}/contacts/{contact}/associations/default/companies/{company}", None),
            ("POST", f"{both}/associate/default", {"inputs": [pair]}),
            ("PUT", f"{objects}/contacts/{contact}/associations/companies/{company}", primary),
            ("POST", f"{both}/create", {"inputs": [{**pair, "types": primary}]}),
            ("POST", f"{both}/read", {"inputs": [{"id": contact}]}),
        ]
        for method, where, body in requests:
            valid(file, method, where, await portal.ask(method, where, body))


class TestWriting:
    async def test_one_bad_value_refuses_the_whole_batch(self, portal: Client) -> None:
        one, other = await made(portal), await made(portal)
        inputs = [
            {"id": one, "properties": {"city": "Oslo"}},
            {"id": other, "properties": {"email": "no", "nope": "1"}},
        ]
        answer = await portal.post(f"{DATED}/contacts/batch/update", inputs=inputs)
        assert answer.status == 400
        assert [error["code"] for error in answer.json["errors"]] == ["INVALID_EMAIL", "PROPERTY_DOESNT_EXIST"]
        assert "city" not in (await dumped(portal, one))["properties"]

    async def test_the_same_id_twice_is_refused(self, portal: Client) -> None:
        one = await made(portal)
        answer = await portal.post(f"{V3}/contacts/batch/update", inputs=[{"id": one, "properties": {"city": "A"}}] * 2)
        assert answer.status == 400
        assert answer.json["context"] == {"ids": [one]}

    async def test_more_than_a_hundred_inputs_are_refused(self, portal: Client) -> None:
        answer = await portal.post(f"{V3}/contacts/batch/read", inputs=[{"id": str(n)} for n in range(101)])
        assert (answer.status, answer.json["category"]) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize(
        ("properties", "code"),
        [
            ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
            ({"hs_email_optout": "true"}, "READ_ONLY_VALUE"),
            ({"lifecyclestage": "Lead"}, "INVALID_OPTION"),
            ({"associatedcompanyid": "abc"}, "INVALID_INTEGER"),
        ],
    )
    async def test_bad_values_are_named(self, portal: Client, properties: dict[str, str], code: str) -> None:
        answer = await portal.ask("PATCH", f"{V3}/contacts/{await made(portal)}", {"properties": properties})
        assert (answer.status, answer.json["errors"][0]["code"]) == (400, code)

    async def test_a_lifecycle_stage_only_moves_forward(self, portal: Client) -> None:
        one = await made(portal, email="stage@acme.example", lifecyclestage="customer")
        await portal.ask("PATCH", f"{V3}/contacts/{one}", {"properties": {"lifecyclestage": "lead"}})
        assert (await dumped(portal, one))["properties"]["lifecyclestage"] == "customer"

    @pytest.mark.parametrize(("style", "text"), [("id", "Existing ID: {}"), ("none", "Contact already exists.")])
    async def test_taken_address_is_a_conflict_with_or_without_id(self, portal: Client, style: str, text: str) -> None:
        await portal.control("POST", "settings", {"conflict_style": style})
        one = await made(portal, email="taken@acme.example")
        answer = await portal.post(f"{V3}/contacts", properties={"email": "TAKEN@acme.example"})
        assert answer.status == 409
        assert answer.json["message"].endswith(text.format(one))

    async def test_trace_ids_let_a_create_succeed_in_part(self, portal: Client) -> None:
        taken = await made(portal, email="taken@acme.example")
        inputs = [
            {"objectWriteTraceId": "0", "properties": {"email": "taken@acme.example"}},
            {"objectWriteTraceId": "1", "properties": {"email": "free@acme.example"}},
        ]
        without = await portal.post(
            f"{V3}/contacts/batch/create", inputs=[{"properties": one["properties"]} for one in inputs]
        )
        assert without.status == 409
        answer = await portal.post(f"{V3}/contacts/batch/create", inputs=inputs)
        assert answer.status == 207
        assert [one["objectWriteTraceId"] for one in answer.json["results"]] == ["1"]
        assert answer.json["errors"][0]["context"] == {"objectWriteTraceId": ["0"], "existingId": [taken]}

    async def test_a_batch_with_one_impossible_creation_creates_nothing(self, portal: Client) -> None:
        await portal.control("POST", "settings", {"required_on_create": {"contacts": ["lastname"]}})
        inputs = [
            {"properties": {"email": "a@acme.example", "lastname": "A"}},
            {"properties": {"email": "b@acme.example"}},
        ]
        answer = await portal.post(f"{DATED}/contacts/batch/create", inputs=inputs)
        assert answer.json["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
        assert (await portal.get(f"{V3}/contacts/a@acme.example?idProperty=email")).status == 404
        numbered = await portal.post(f"{V3}/contacts/batch/create", inputs=inputs)
        assert numbered.status == 201

    async def test_a_creation_can_link_to_a_company_that_exists(self, portal: Client) -> None:
        company = await made(portal, "companies", name="Acme")
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
        bodies = [
            {"properties": {"lastname": "Ek"}, "associations": [{"to": {"id": one}, "types": types}]}
            for one in (company, "5")
        ]
        linked, refused = [await portal.post(f"{DATED}/contacts", **body) for body in bodies]
        assert (linked.status, refused.status) == (201, 404)
        row = await dumped(portal, linked.json["id"])
        assert row["links"] == {"companies": {company: [1, 279]}}
        await portal.ask("DELETE", f"{DATED}/contacts/{row['id']}/associations/companies/{company}")
        assert "associatedcompanyid" not in (await dumped(portal, row["id"]))["properties"]

    async def test_the_dated_generation_answers_200_with_errors(self, portal: Client) -> None:
        answer = await portal.post(f"{DATED}/contacts/batch/read", inputs=[{"id": "5"}])
        assert (answer.status, answer.json["numErrors"]) == (200, 1)

    async def test_upsert_by_email_tells_new_from_held_and_by_domain_is_refused(self, portal: Client) -> None:
        await made(portal, email="held@acme.example")
        inputs = [
            {"id": f"{name}@acme.example", "idProperty": "email", "properties": {"city": "Rom"}}
            for name in ("held", "fresh")
        ]
        answer = await portal.post(f"{V3}/contacts/batch/upsert", inputs=inputs)
        assert [one["new"] for one in answer.json["results"]] == [False, True]
        by_domain = [{"id": "acme.example", "idProperty": "domain", "properties": {"city": "Rom"}}]
        refused = await portal.post(f"{V3}/companies/batch/upsert", inputs=by_domain)
        assert refused.status == 400
        assert "non-unique 0-2 property domain" in refused.json["message"]

    async def test_books_hold_every_changed_property(self, portal: Client) -> None:
        one = await made(portal, email="books@acme.example", city="Rom")
        await portal.control("POST", "reset-books", {})
        await portal.ask(
            "PATCH", f"{V3}/contacts/{one}", {"properties": {"city": "Oslo", "email": "books@acme.example"}}
        )
        writes = [(w.action, w.id, w.property, w.before, w.after, w.by) for w in portal.vendor.books.writes]
        assert writes == [("update", one, "city", "Rom", "Oslo", "integration")]


class TestMergedAndArchived:
    async def test_a_merge_makes_a_new_id_that_reads_follow_and_batch_updates_do_not(self, portal: Client) -> None:
        one, other = await made(portal, email="one@acme.example"), await made(portal, lastname="Ek", phone="+491")
        company = await made(portal, "companies", name="Acme")
        await portal.control("POST", "link", {"contact": other, "company": company})
        survivor = (await portal.post(f"{V3}/contacts/merge", primaryObjectId=one, objectIdToMerge=other)).json["id"]
        assert survivor not in {one, other}
        read = await portal.post(f"{V3}/contacts/batch/read", inputs=[{"id": one}, {"id": other}])
        assert (read.status, [result["id"] for result in read.json["results"]]) == (200, [survivor])
        patch = await portal.ask("PATCH", f"{V3}/contacts/{other}", {"properties": {"city": "Rom"}})
        assert patch.json["id"] == survivor
        batch = await portal.post(f"{V3}/contacts/batch/update", inputs=[{"id": one, "properties": {"city": "Oslo"}}])
        assert (batch.status, batch.json["errors"][0]["context"]["ids"]) == (207, [one])
        held = await dumped(portal, survivor)
        assert held["properties"]["hs_merged_object_ids"] == f"{one};{other}"
        assert held["properties"]["phone"] == "+491"
        assert held["properties"]["associatedcompanyid"] == company

    async def test_archived_records_show_only_when_asked_for_and_never_in_search(self, portal: Client) -> None:
        one = await made(portal, lastname="Archivald")
        await portal.ask("DELETE", f"{V3}/contacts/{one}")
        assert (await portal.get(f"{V3}/contacts/{one}")).status == 404
        shown = await portal.get(f"{V3}/contacts/{one}?archived=true")
        assert shown.json["archived"] is True
        found = await portal.post(f"{V3}/contacts/search", query="Archivald")
        assert found.json["total"] == 0

    async def test_an_erased_address_cannot_come_back(self, portal: Client) -> None:
        one = await made(portal, email="erased@acme.example")
        erased = await portal.post(f"{V3}/contacts/gdpr-delete", objectId=one)
        assert erased.status == 204
        assert (await portal.post(f"{V3}/contacts", properties={"email": "erased@acme.example"})).status == 400


class TestSearch:
    async def test_the_index_sees_a_write_when_its_lag_is_over(self, portal: Client) -> None:
        await portal.control("POST", "settings", {"index_lag": 5})
        await made(portal, lastname="Laggard")
        assert (await portal.post(f"{V3}/contacts/search", query="laggard")).json["total"] == 0
        await portal.control("POST", "clock", {"advance": 6})
        assert (await portal.post(f"{V3}/contacts/search", query="laggard")).json["total"] == 1

    @pytest.mark.parametrize(
        ("item", "found"),
        [
            ({"operator": "EQ", "value": "NILS"}, {"nils"}),
            ({"operator": "NEQ", "value": "nils"}, {"nora", "otto"}),
            ({"operator": "IN", "values": ["nils", "otto"]}, {"nils", "otto"}),
            ({"operator": "IN", "values": ["NILS"]}, set()),
            ({"operator": "NOT_IN", "values": ["nils"]}, {"nora", "otto"}),
            ({"operator": "HAS_PROPERTY"}, {"nils", "nora", "otto"}),
            ({"operator": "CONTAINS_TOKEN", "value": "n*"}, {"nils", "nora"}),
            ({"operator": "BETWEEN", "value": "nils", "highValue": "nz"}, {"nils", "nora"}),
            ({"operator": "GT", "value": "nora"}, {"otto"}),
        ],
    )
    async def test_operators_are_as_documented(self, portal: Client, item: dict[str, Any], found: set[str]) -> None:
        for name in ("nils", "nora", "otto"):
            await made(portal, firstname=name, company="Operators")
        await made(portal, lastname="blank", company="Operators")
        mine = {"propertyName": "company", "operator": "EQ", "value": "operators"}
        answer = await portal.post(
            f"{V3}/contacts/search",
            filterGroups=[{"filters": [mine, {"propertyName": "firstname", **item}]}],
            properties=["firstname"],
        )
        assert {one["properties"]["firstname"] for one in answer.json["results"]} == found

    @pytest.mark.parametrize("value", ["ms", "iso"])
    async def test_modified_dates_are_compared_in_both_spellings(self, portal: Client, value: str) -> None:
        body = {"object": "contacts", "properties": {"lastname": "Early"}, "seconds_ago": 3600}
        await portal.control("POST", "commit-late", body)
        one = await made(portal, lastname="Late")
        at = (await dumped(portal, one))["properties"]["lastmodifieddate"]
        wall = portal.vendor.clock.wall()
        low = str(int((wall - 1800) * 1000)) if value == "ms" else at[:11] + "00:00:00Z"
        low = at if value == "iso" else low
        item = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": low}
        answer = await portal.post(f"{V3}/contacts/search", filterGroups=[{"filters": [item]}], limit=200)
        ids = {found["id"] for found in answer.json["results"]}
        assert one in ids
        assert all(found["properties"]["lastmodifieddate"] >= at[:14] for found in answer.json["results"])

    @pytest.mark.parametrize(
        "body",
        [
            {"after": "10000"},
            {"after": "9900", "limit": 200},
            {"limit": 201},
            {"sorts": ["a", "b"]},
            {"filterGroups": [{"filters": []}] * 6},
            {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * 7}]},
            {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * 5}] * 4},
            {"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "HAS_PROPERTY"}]}]},
            {"query": "x" * 3000},
        ],
    )
    async def test_what_is_beyond_the_limits_is_refused(self, portal: Client, body: dict[str, Any]) -> None:
        assert (await portal.post(f"{V3}/contacts/search", **body)).status == 400


class TestAccessAndLimits:
    async def test_missing_unknown_and_expired_tokens_are_told_apart(self, portal: Client) -> None:
        missing = await portal.ask("GET", f"{V3}/contacts", headers={"Authorization": ""})
        unknown = await portal.ask("GET", f"{V3}/contacts", headers={"Authorization": "Bearer nonsense"})
        assert (missing.status, missing.json["category"]) == (401, "INVALID_AUTHENTICATION")
        assert (unknown.status, unknown.json["category"]) == (401, "EXPIRED_AUTHENTICATION")
        assert unknown.json["context"]["expire time"][0].startswith("1970")

    async def test_a_refresh_token_gives_half_an_hour(self, portal: Client) -> None:
        held = portal.vendor.credentials()
        form = {"grant_type": "refresh_token", **{k: held[k] for k in ("client_id", "client_secret", "refresh_token")}}
        url = f"{portal.vendor.origin}/oauth/2026-09/token"
        async with portal.session.post(url, data=form) as response:
            granted = await response.json()
        assert granted["expires_in"] == 1800
        headers = {"Authorization": f"Bearer {granted['access_token']}"}
        assert (await portal.ask("GET", f"{V3}/contacts", headers=headers)).status == 200
        await portal.control("POST", "clock", {"advance": 1801})
        late = await portal.ask("GET", f"{V3}/contacts", headers=headers)
        assert (late.status, late.json["category"]) == (401, "EXPIRED_AUTHENTICATION")
        async with portal.session.post(url, data=form | {"refresh_token": "other"}) as response:
            assert response.status == 400
            assert (await response.json())["status"] == "BAD_REFRESH_TOKEN"

    async def test_the_ten_second_window_has_headers_and_a_refusal(self, portal: Client) -> None:
        window = {"name": "TEN_SECONDLY_ROLLING", "allowed": 2, "seconds": 10}
        await portal.control("POST", "limits", {"bucket": "burst", "windows": [window]})
        answers = [await portal.get(f"{V3}/contacts?limit=1") for _ in range(3)]
        assert [answer.headers["X-HubSpot-RateLimit-Remaining"] for answer in answers[:2]] == ["1", "0"]
        assert (answers[2].status, answers[2].json["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
        await portal.control("POST", "clock", {"advance": 11})
        assert (await portal.get(f"{V3}/contacts?limit=1")).status == 200

    async def test_search_has_a_limit_of_its_own_and_no_headers(self, portal: Client) -> None:
        window = {"name": "SECONDLY", "allowed": 1, "seconds": 1}
        await portal.control("POST", "limits", {"bucket": "search", "windows": [window]})
        first, second = [await portal.post(f"{V3}/contacts/search") for _ in range(2)]
        assert not [name for name in first.headers if "RateLimit" in name]
        assert (second.status, second.json["category"]) == (429, "RATE_LIMITS")
        assert (await portal.get(f"{V3}/contacts?limit=1")).status == 200


class TestWebhooks:
    async def test_changes_arrive_signed_in_arrays_until_accepted_and_own_ones_are_marked(self, portal: Client) -> None:
        one, secret = await made(portal), portal.vendor.credentials()["client_secret"].encode()
        async with listening((500, ""), (200, "")) as (hook, url):
            await portal.control("POST", "webhooks", {"url": url, "properties": ["jobtitle"], "retry_s": 0.01})
            await portal.ask("PATCH", f"{V3}/contacts/{one}", {"properties": {"jobtitle": "Head", "city": "Rom"}})
            edit = {"object": "contacts", "id": one, "properties": {"jobtitle": "Boss"}}
            await portal.control("POST", "edit", edit)
            await hook.until(lambda: len(hook.bodies) == 2)
        for body, headers in zip(hook.bodies, hook.headers, strict=True):
            source = b"POST" + url.encode() + body + headers["X-HubSpot-Request-Timestamp"].encode()
            signature = base64.b64encode(hmac.new(secret, source, hashlib.sha256).digest()).decode()
            assert hmac.compare_digest(signature, headers["X-HubSpot-Signature-v3"])
        own, person = json.loads(hook.bodies[1])
        assert (own["subscriptionType"], own["propertyName"], own["propertyValue"]) == (
            "contact.propertyChange", "jobtitle", "Head",
        )  # fmt: skip
        assert (own["changeSource"], own["sourceId"]) == ("INTEGRATION", str(portal.vendor.credentials()["app_id"]))
        assert (person["changeSource"], person["propertyValue"], person["attemptNumber"]) == ("CRM_UI", "Boss", 1)
        assert person["objectId"] == int(one)
