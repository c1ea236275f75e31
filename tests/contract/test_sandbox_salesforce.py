"""Sees the imitated org by simple-salesforce, and by plain requests where that cannot show it."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce as Sf
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from tests.contract.sandbox_client import Answer, Client, acknowledged, listening, org_of, token

DATA = "/services/data/v66.0"


@pytest.fixture
async def org() -> AsyncIterator[Client]:
    async with org_of(records=30, companies=8) as client:
        yield client


class BaseAdapter(HTTPAdapter):
    """Lets the library, which only speaks https, reach one http host."""

    def __init__(self, base: str) -> None:
        self.base = urlsplit(base)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        if parts.netloc == self.base.netloc:
            request.url = parts._replace(scheme=self.base.scheme).geturl()
        kwargs["timeout"] = kwargs.get("timeout") or 10
        return super().send(request, *args, **kwargs)


@contextmanager
def library(org: Client) -> Iterator[Any]:
    """simple-salesforce in direct mode, as the contract's recipe has it."""
    session = requests.Session()
    session.trust_env = False
    bearer = org.session.headers["Authorization"]

    def authorized(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = bearer
        return request

    session.auth = authorized
    base = org.vendor.origin
    session.mount(f"https://{urlsplit(base).netloc}/", BaseAdapter(base))
    with session:
        yield Sf(instance_url=base, session_id="unused", version="66.0", session=session, object_pairs_hook=dict)


async def using(org: Client, work: Callable[[Any], Any]) -> Any:
    def run() -> Any:
        with library(org) as sf:
            return work(sf)

    return await asyncio.to_thread(run)


async def made(org: Client, kind: str = "Contact", **values: Any) -> str:
    answer = await org.post(f"{DATA}/sobjects/{kind}", **(values or {"LastName": "Ek"}))
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


async def asked(org: Client, soql: str, path: str = "query", **headers: str) -> Answer:
    return await org.ask("GET", f"{DATA}/{path}?{urlencode({'q': soql})}", headers=headers)


async def found(org: Client, condition: str, kind: str = "Contact", field: str = "LastName") -> list[Any]:
    answer = await asked(org, f"SELECT Id, {field} FROM {kind} WHERE {condition}")  # noqa: S608 - SOQL of this file
    assert answer.status == 200, answer.text
    return [record[field] for record in answer.json["records"]]


async def held(org: Client, record_id: str, kind: str = "Contact") -> dict[str, Any]:
    rows = await org.control("GET", f"records/{kind}")
    return next(row["properties"] for row in rows if row["id"] == record_id)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json[0]["errorCode"]


class TestTheirOwnClient:
    async def test_creates_reads_changes_and_deletes_a_row(self, org: Client) -> None:
        def work(sf: Any) -> Any:
            created = sf.Contact.create({"LastName": "Ek", "Email": "ek@acme.example"})
            status = sf.Contact.update(created["id"], {"Title": "Head"})
            read = sf.Contact.get(created["id"])
            deleted = sf.Contact.delete(created["id"])
            with pytest.raises(SalesforceResourceNotFound) as gone:
                sf.Contact.get(created["id"])
            return created, status, read, deleted, gone.value.content

        created, status, read, deleted, gone = await using(org, work)
        assert (created["success"], status, deleted) == (True, 204, 204)
        assert (read["Title"], read["Name"], read["Phone"]) == ("Head", "Ek", None)
        assert gone[0]["errorCode"] == "ENTITY_IS_DELETED"

    async def test_a_dead_locator_is_told(self, org: Client) -> None:
        await org.control("POST", "settings", {"page_size": 7})
        first = await asked(org, "SELECT Id FROM Contact")
        await org.control("POST", "expire-locators", {})
        answer = await org.get(first.json["nextRecordsUrl"])
        assert code(answer) == (400, "INVALID_QUERY_LOCATOR")

    async def test_values_escaped_by_the_library_are_found_again(self, org: Client) -> None:
        name = 'O\'Brien \\ "quoted" ü'
        await made(org, LastName=name)
        soql = format_soql("SELECT LastName FROM Contact WHERE LastName = {}", name)
        answer = await using(org, lambda sf: sf.query(soql))
        assert [record["LastName"] for record in answer["records"]] == [name]

    async def test_upserts_by_external_id_and_refuses_several_matches(self, org: Client) -> None:
        def work(sf: Any) -> Any:
            first = sf.Contact.upsert("OpenProspect_Id__c/p-1", {"LastName": "Ek"})
            second = sf.Contact.upsert("OpenProspect_Id__c/p-1", {"Title": "Head"})
            for _ in range(2):
                sf.Contact.create({"LastName": "Twin", "Email": "twin@acme.example"})
            with pytest.raises(SalesforceMoreThanOneRecord) as several:
                sf.Contact.upsert("Email/twin@acme.example", {"Title": "Head"})
            return first, second, several.value.content

        first, second, several = await using(org, work)
        assert (first, second) == (201, 200)
        assert len(several) == 2
        assert all(path.startswith(f"{DATA}/sobjects/Contact/003") for path in several)

    async def test_limits_and_usage_are_told(self, org: Client) -> None:
        usage: list[str] = []

        def work(sf: Any) -> Any:
            sf.session.hooks["response"] = [lambda answer, **_: usage.append(answer.headers["Sforce-Limit-Info"])]
            return sf.limits()

        limits = await using(org, work)
        assert limits["DailyApiRequests"] == {"Max": 100_000, "Remaining": 99_999}
        assert usage == ["api-usage=1/100000"]

    async def test_a_row_changed_since_is_412(self, org: Client) -> None:
        def work(sf: Any) -> Any:
            one = sf.Contact.create({"LastName": "Ek"})["id"]
            old = {"If-Unmodified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}
            with pytest.raises(SalesforceGeneralError) as changed:
                sf.Contact.update(one, {"Title": "Head"}, headers=old)
            with pytest.raises(SalesforceMalformedRequest):
                sf.Contact.update(one, {"Title": "Head"}, headers={"If-Unmodified-Since": "yesterday"})
            return changed.value.status

        assert await using(org, work) == 412

    async def test_bulk_ingest_tells_good_rows_from_bad(self, org: Client) -> None:
        def work(sf: Any) -> Any:
            records = [{"LastName": "Ek", "Email": "ek@acme.example"}, {"LastName": "Bo", "Email": "none"}]
            counts = sf.bulk2.Contact.insert(records=records)[0]
            return counts, sf.bulk2.Contact.get_failed_records(counts["job_id"])

        counts, failed = await using(org, work)
        assert (counts["numberRecordsProcessed"], counts["numberRecordsFailed"]) == (2, 1)
        assert "INVALID_EMAIL_ADDRESS" in failed
        assert await found(org, "Email = 'ek@acme.example'") == ["Ek"]


class TestAuth:
    async def test_every_grant_gives_a_token(self, org: Client) -> None:
        held_ = org.vendor.credentials()
        password = {"username": held_["username"], "password": "sandbox-passwordsandboxtoken"}
        forms: list[dict[str, str]] = [
            {"grant_type": "client_credentials"},
            {"grant_type": "refresh_token", "refresh_token": held_["refresh_token"]},
            {"grant_type": "password", **password},
            {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion(held_)},
        ]
        for form in forms:
            granted = await token(org.session, org.vendor.origin, held_, **form)
            assert granted["status"] == 200, form["grant_type"]
            assert granted["instance_url"] == org.vendor.origin
            assert granted["id"].endswith(held_["user_id"])
            assert "expires_in" not in granted

    @pytest.mark.parametrize(
        ("claims", "text"),
        [
            ({"exp": "1"}, "expired authorization code"),
            ({"aud": "https://elsewhere.example"}, "audience is invalid"),
            ({"sub": "somebody@else.example"}, "user hasn't approved this consumer"),
        ],
    )
    async def test_a_bad_assertion_says_why(self, org: Client, claims: dict[str, Any], text: str) -> None:
        held_ = org.vendor.credentials()
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion(held_, **claims)}
        refused = await token(org.session, org.vendor.origin, held_, **form)
        assert refused == {"error": "invalid_grant", "error_description": text, "status": 400}

    async def test_basic_authorization_names_the_client_too(self, org: Client) -> None:
        held_ = org.vendor.credentials()
        url = f"{org.vendor.origin}/services/oauth2/token"
        pair = base64.b64encode(f"{held_['client_id']}:{held_['client_secret']}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        async with org.session.post(url, data={"grant_type": "client_credentials"}, headers=headers) as response:
            assert response.status == 200

    async def test_a_refresh_token_used_twice_costs_the_connection(self, org: Client) -> None:
        await org.control("POST", "settings", {"rotate_refresh_tokens": True})
        held_ = org.vendor.credentials()
        form = {"grant_type": "refresh_token", "refresh_token": held_["refresh_token"]}
        first = await token(org.session, org.vendor.origin, held_, **form)
        for spent in (held_["refresh_token"], first["refresh_token"]):
            refused = await token(org.session, org.vendor.origin, held_, **form | {"refresh_token": spent})
            assert refused["error_description"] == "expired access/refresh token"
        assert code(await org.get(f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")

    async def test_the_token_endpoint_has_moods(self, org: Client) -> None:
        await org.control("POST", "settings", {"token_moods": ["retry", "busy"]})
        held_ = org.vendor.credentials()
        told = [await token(org.session, org.vendor.origin, held_, grant_type="client_credentials") for _ in range(3)]
        assert [one["status"] for one in told] == [400, 400, 200]
        assert [one.get("error_description") for one in told[:2]] == [
            "retry your request",
            "token request is already being processed",
        ]

    async def test_an_org_that_moved_refuses_at_its_old_address(self, org: Client) -> None:
        moved = (await org.control("POST", "move-instance", {}))["instance_url"]
        assert code(await org.get(f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")
        granted = await token(org.session, org.vendor.origin, org.vendor.credentials(), grant_type="client_credentials")
        assert granted["instance_url"] == moved

    async def test_soap_login_is_gone_from_version_65_on(self, org: Client) -> None:
        user = "<username>integration@sandbox.example</username>"
        body = f"<login>{user}<password>sandbox-passwordsandboxtoken</password></login>"
        for version, status in (("64.0", 200), ("66.0", 500)):
            async with org.session.post(f"{org.vendor.origin}/services/Soap/u/{version}", data=body) as response:
                assert response.status == status


def assertion(held_: dict[str, Any], **claims: Any) -> str:
    """Signs as the library does: `exp` is a string there. The sandbox looks at the claims and not at the signature."""
    given = {
        "iss": held_["client_id"],
        "sub": held_["username"],
        "aud": "https://login.salesforce.com",
        "exp": str(int(time.time()) + 180),
    }
    parts = [{"alg": "RS256"}, given | claims]
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "c2ln"])


class TestQueries:
    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ("LastName LIKE 'zz%' AND Phone = null", ["zza"]),
            ("LastName LIKE 'ZZ_' AND Phone != null", ["zzb", "zzc"]),
            ("LastName IN ('zza', 'ZZC')", ["zza", "zzc"]),
            ("LastName LIKE 'zz%' AND LastName NOT IN ('zza')", ["zzb", "zzc"]),
            ("LastName LIKE 'zz%' AND (Title = 'Head' OR Phone = '2')", ["zzb", "zzc"]),
            ("LastName LIKE 'zz%' AND NOT (Title = 'head')", ["zza", "zzc"]),
            ("LastName LIKE 'zz%' AND Account.Website LIKE '%zed%'", ["zzb"]),
            ("LastName LIKE 'zz%' AND Account.Name = null", ["zza", "zzc"]),
            ("LastName >= 'zzb' AND LastName < 'zzc' AND HasOptedOutOfEmail = false", ["zzb"]),
            ("LastName LIKE 'zz%' AND CreatedDate > 2099-01-01T00:00:00Z", []),
            ("LastName LIKE 'zz%' AND CreatedDate > 2020-01-01T01:00:00+01:00", ["zza", "zzb", "zzc"]),
            ("LastName LIKE '100\\\\%'", ["100%"]),
        ],
    )
    async def test_conditions_choose(self, org: Client, condition: str, names: list[str]) -> None:
        account = await made(org, "Account", Name="Zed", Website="https://zed.example")
        await made(org, LastName="zza")
        await made(org, LastName="zzb", Phone="1", Title="Head", AccountId=account)
        await made(org, LastName="zzc", Phone="2")
        await made(org, LastName="100%")
        await made(org, LastName="1000")
        condition = condition.replace("\\\\", "\\")
        assert sorted(await found(org, condition)) == names

    async def test_a_late_commit_appears_below_what_was_already_seen(self, org: Client) -> None:
        now = await made(org)
        late = await org.control(
            "POST", "commit-late", {"object": "Contact", "properties": {"LastName": "Late"}, "seconds_ago": 300}
        )
        assert (await held(org, late["id"]))["SystemModstamp"] < (await held(org, now))["SystemModstamp"]

    async def test_sorts_by_several_and_puts_nulls_first(self, org: Client) -> None:
        for last, title in (("q1", "b"), ("q2", None), ("q3", "a"), ("q4", "b")):
            await made(org, LastName=last, Title=title)
        ordered = await found(org, "LastName LIKE 'q_' ORDER BY Title, LastName DESC")
        assert ordered == ["q2", "q3", "q4", "q1"]
        assert await found(org, "LastName LIKE 'q_' ORDER BY Title DESC NULLS LAST LIMIT 2 OFFSET 1") == ["q4", "q3"]

    async def test_counts(self, org: Client) -> None:
        answer = await asked(org, "SELECT COUNT() FROM Account", path="query/")
        assert answer.json == {"totalSize": 8, "done": True, "records": []}

    async def test_parents_nest_and_may_be_null(self, org: Client) -> None:
        account = await made(org, "Account", Name="Zed", Website="https://zed.example")
        for last, account_id in (("n1", account), ("n2", None)):
            await made(org, LastName=last, AccountId=account_id)
        answer = await asked(
            org, "SELECT Account.Website, Account.Name FROM Contact WHERE LastName LIKE 'n_' ORDER BY LastName"
        )
        first, second = answer.json["records"]
        assert (first["Account"]["Website"], first["Account"]["attributes"]["type"]) == (
            "https://zed.example",
            "Account",
        )
        assert second["Account"] is None

    @pytest.mark.parametrize(
        ("soql", "refusal"),
        [
            ("SELECT Nope FROM Contact", "INVALID_FIELD"),
            ("SELECT Id FROM Nope", "INVALID_TYPE"),
            ("SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01T00:00:00", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01'", "INVALID_FIELD"),
            ("SELECT Id FROM Contact WHERE Id IN ()", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE Title = 'a' Title", "MALFORMED_QUERY"),
            ("SELECT Id FROM Contact WHERE Keeper.Name = 'a'", "INVALID_FIELD"),
        ],
    )
    async def test_what_cannot_be_asked_is_refused(self, org: Client, soql: str, refusal: str) -> None:
        assert code(await asked(org, soql)) == (400, refusal)

    async def test_a_long_uri_is_414_and_long_headers_are_431(self, org: Client) -> None:
        long = await asked(org, "SELECT Id FROM Contact WHERE LastName = '" + "x" * 17_000 + "'")
        assert long.status == 414
        headers = {f"X-Pad-{number}": "x" * 6_000 for number in range(3)}
        assert (await org.ask("GET", f"{DATA}/limits", headers=headers)).status == 431


class TestWriting:
    @pytest.mark.parametrize(
        ("values", "refusal"),
        [
            ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
            ({"Title": "x" * 129}, "STRING_TOO_LONG"),
            ({"Nope": "x"}, "INVALID_FIELD"),
            ({"Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
            ({"LastName": ""}, "REQUIRED_FIELD_MISSING"),
            ({"AccountId": "001000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
            ({"AccountId": "x"}, "MALFORMED_ID"),
            ({"Title": 7}, "JSON_PARSER_ERROR"),
        ],
    )
    async def test_bad_values_refuse_the_row(self, org: Client, values: dict[str, Any], refusal: str) -> None:
        one = await made(org)
        assert code(await org.ask("PATCH", f"{DATA}/sobjects/Contact/{one}", values)) == (400, refusal)

    async def test_a_lead_needs_a_company_and_a_known_status(self, org: Client) -> None:
        without = await org.post(f"{DATA}/sobjects/Lead", LastName="Ek")
        wrong = await org.post(f"{DATA}/sobjects/Lead", LastName="Ek", Company="A", Status="Hot")
        assert code(without) == (400, "REQUIRED_FIELD_MISSING")
        assert code(wrong) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")

    async def test_a_converted_lead_cannot_be_changed_and_names_its_contact(self, org: Client) -> None:
        lead = await made(org, "Lead", LastName="Ek", Company="Acme", Email="ek@acme.example")
        became = await org.control("POST", "convert", {"id": lead})
        answer = await org.ask("PATCH", f"{DATA}/sobjects/Lead/{lead}", {"Title": "x"})
        assert code(answer) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
        row = await held(org, lead, "Lead")
        assert (row["IsConverted"], row["ConvertedContactId"]) == (True, became["id"])
        assert (await held(org, became["id"]))["Email"] == "ek@acme.example"

    async def test_text_is_trimmed_and_blank_text_is_null(self, org: Client) -> None:
        row = await held(org, await made(org, LastName=" Ek ", Title=""))
        assert (row["LastName"], row["Title"]) == ("Ek", None)

    async def test_stamps_are_whole_seconds(self, org: Client) -> None:
        assert (await held(org, await made(org)))["SystemModstamp"].endswith(".000+0000")

    async def test_an_alerting_duplicate_rule_can_be_passed_and_a_blocking_one_not(self, org: Client) -> None:
        await made(org, LastName="Ek", Email="twin@acme.example")
        allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}
        values = {"LastName": "Ek", "Email": "TWIN@acme.example"}
        for blocking, passed in ((False, 201), (True, 400)):
            rule = {"object": "Contact", "field": "Email", "blocking": blocking}
            await org.control("POST", "duplicate-rules", {"rules": [rule]})
            assert code(await org.ask("POST", f"{DATA}/sobjects/Contact", values)) == (400, "DUPLICATES_DETECTED")
            assert (await org.ask("POST", f"{DATA}/sobjects/Contact", values, headers=allow)).status == passed

    async def test_all_or_none_takes_everything_back(self, org: Client) -> None:
        one = await made(org)
        await org.control("POST", "reset-books", {})
        records = [
            {"attributes": {"type": "Contact"}, "id": one, "Title": "Head"},
            {"attributes": {"type": "Contact"}, "id": one, "Title": "Boss"},
        ]
        answer = await org.ask("PATCH", f"{DATA}/composite/sobjects", {"allOrNone": True, "records": records})
        codes = [result["errors"][0]["statusCode"] for result in answer.json]
        assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "DUPLICATE_VALUE"]
        assert (await held(org, one))["Title"] is None
        assert not org.vendor.books.writes

    async def test_collections_create_upsert_read_and_delete(self, org: Client) -> None:
        contact = {"attributes": {"type": "Contact"}}
        created = await org.post(f"{DATA}/composite/sobjects", records=[contact | {"LastName": "a"}, contact])
        assert [result["success"] for result in created.json] == [True, False]
        one = created.json[0]["id"]
        keyed = [contact | {"OpenProspect_Id__c": key, "LastName": key} for key in ("p-1", "p-2", "p-1")]
        path = f"{DATA}/composite/sobjects/Contact"
        upserted = await org.ask("PATCH", f"{path}/OpenProspect_Id__c", {"records": keyed})
        assert [result["created"] for result in upserted.json] == [True, True, False]
        read = await org.post(path, ids=[one, "003000000000000AAA"], fields=["LastName"])
        assert [row and row["LastName"] for row in read.json] == ["a", None]
        deleted = await org.ask("DELETE", f"{DATA}/composite/sobjects?ids={one},{one}&allOrNone=false")
        assert [result["success"] for result in deleted.json] == [True, False]

    async def test_more_than_two_hundred_rows_are_refused(self, org: Client) -> None:
        records = [{"attributes": {"type": "Contact"}, "LastName": "a"}] * 201
        assert (await org.post(f"{DATA}/composite/sobjects", records=records)).status == 400

    async def test_composite_uses_earlier_answers_and_conditional_updates(self, org: Client) -> None:
        one = await made(org)
        used = org.vendor.books.requests[-1].seq
        row = f"{DATA}/sobjects/Contact/{one}"
        old = {"If-Unmodified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}
        answer = await org.post(
            f"{DATA}/composite",
            compositeRequest=[
                {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "a", "body": {"Name": "Zed"}},
                {"method": "PATCH", "url": row, "referenceId": "b", "body": {"AccountId": "@{a.id}"}},
                {"method": "PATCH", "url": row, "referenceId": "c", "body": {"Title": "x"}, "httpHeaders": old},
            ],
        )
        results = answer.json["compositeResponse"]
        assert [result["httpStatusCode"] for result in results] == [201, 204, 412]
        assert (await held(org, one))["AccountId"] == results[0]["body"]["id"]
        assert [entry.route for entry in org.vendor.books.requests if entry.seq > used][:1] == [
            "/services/data/{version}/composite"
        ]

    async def test_composite_all_or_none_takes_everything_back(self, org: Client) -> None:
        one = await made(org)
        row = f"{DATA}/sobjects/Contact/{one}"
        calls = [
            {"method": "PATCH", "url": row, "referenceId": "a", "body": {"Title": "x"}},
            {"method": "PATCH", "url": row, "referenceId": "b", "body": {"Email": "none"}},
        ]
        answer = await org.post(f"{DATA}/composite", allOrNone=True, compositeRequest=calls)
        assert [result["httpStatusCode"] for result in answer.json["compositeResponse"]] == [400, 400]
        assert (await held(org, one))["Title"] is None

    async def test_updated_and_deleted_rows_are_listed(self, org: Client) -> None:
        kept, gone = await made(org), await made(org)
        await org.ask("DELETE", f"{DATA}/sobjects/Contact/{gone}")
        wall = org.vendor.clock.wall()
        start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall + shift)) for shift in (-3600, 120))
        changed = (await org.get(f"{DATA}/sobjects/Contact/updated/?start={start}&end={end}")).json
        deleted = (await org.get(f"{DATA}/sobjects/Contact/deleted/?start={start}&end={end}")).json
        assert kept in changed["ids"]
        assert [one["id"] for one in deleted["deletedRecords"]] == [gone]
        assert code(await org.get(f"{DATA}/sobjects/Contact/updated?start={end}&end={start}")) == (
            400, "INVALID_REPLICATION_DATE",
        )  # fmt: skip

    async def test_the_daily_limit_is_403(self, org: Client) -> None:
        window = {"name": "day", "allowed": 1, "seconds": 86_400}
        await org.control("POST", "limits", {"bucket": "daily", "windows": [window]})
        answers = [await org.get(f"{DATA}/limits") for _ in range(2)]
        assert answers[0].headers["Sforce-Limit-Info"] == "api-usage=1/1"
        assert code(answers[1]) == (403, "REQUEST_LIMIT_EXCEEDED")

    async def test_books_tell_whose_write_it_was(self, org: Client) -> None:
        one = await made(org)
        await org.control("POST", "reset-books", {})
        await org.ask("PATCH", f"{DATA}/sobjects/Contact/{one}", {"Title": "Head"})
        await org.control("POST", "edit", {"object": "Contact", "id": one, "properties": {"Title": "Boss"}})
        writes = [(w.action, w.id, w.property, w.before, w.after, w.by) for w in org.vendor.books.writes]
        assert writes == [
            ("update", one, "Title", None, "Head", "integration"),
            ("update", one, "Title", "Head", "Boss", "person"),
        ]


class TestOutboundMessages:
    async def test_a_message_is_sent_again_until_it_is_acknowledged(self, org: Client) -> None:
        one = await made(org)
        async with listening((200, acknowledged("false")), (200, acknowledged())) as (hook, url):
            await org.control("POST", "outbound", {"url": url, "retry_s": 0.01})
            await org.ask("PATCH", f"{DATA}/sobjects/Contact/{one}", {"Email": "a&b@acme.example"})
            await hook.until(lambda: len(hook.bodies) == 2)
        message = hook.bodies[0].decode()
        assert hook.bodies[1].decode() == message
        assert f"<sf:Id>{one}</sf:Id><sf:Email>a&amp;b@acme.example</sf:Email>" in message
        assert f"<OrganizationId>{org.vendor.credentials()['organization_id']}</OrganizationId>" in message
