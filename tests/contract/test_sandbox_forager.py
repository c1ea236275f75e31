"""Asks the imitated Forager as any client would."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from sandbox.people import Person
from tests.contract.sandbox_client import Client, client_of

CONTACTS = "/api/42/datastorage/person_contacts_lookup"
REVERSE = "/api/42/datastorage/person_detail_reverse_lookup"
DETAIL = "/api/42/datastorage/person_detail_lookup/"
ROLES = "/api/42/datastorage/person_role_search/"
COMPANIES = "/api/42/datastorage/organization_search/"
JOBS = "/api/42/datastorage/job_search/"
WEBSITE = "/api/42/datastorage/website_detail_lookup/"
LOG = "/api/42/subscriptions/balance_change_logs/"


@pytest.fixture(name="client")
async def forager_client() -> AsyncIterator[Client]:
    async with client_of("forager", credits=1000) as client:
        yield client


def someone(client: Client, fits: Callable[[Person], object]) -> Person:
    return next(person for person in client.vendor.world.people if fits(person))


def test_the_29_operations_are_routed_once_and_in_order() -> None:
    from sandbox.forager import Forager
    from sandbox.options import Options
    from sandbox.seeding import build_world

    options = Options(records=10, companies=5)
    routes = [(route.method, route.template) for route in Forager(build_world(options), options).routes()]
    twins = [template for _, template in routes if template.startswith("/api/{account_id}/datastorage/autocomplete")]
    assert len(routes) - len(twins) == 29
    assert len(set(routes)) == len(routes)
    assert all(template.endswith("/") for _, template in routes)


async def test_a_wrong_key_and_a_foreign_account_are_refused(client: Client) -> None:
    assert (await client.ask("GET", "/api/users/current/", headers={"X-API-KEY": "wrong"})).status == 401
    assert (await client.get("/api/43/subscriptions/balance_change_logs/")).status == 404


async def test_a_path_without_its_slash_is_redirected(client: Client) -> None:
    answer = await client.get("/api/users/current")
    assert (answer.status, answer.headers["Location"]) == (301, "/api/users/current/")


@pytest.mark.parametrize(
    ("operation", "price", "has", "keys"),
    [
        ("work_emails", 5, lambda knows: knows.work_emails, {"email", "email_type", "validation_status"}),
        ("personal_emails", 5, lambda knows: knows.personal_emails, {"email", "email_type", "validation_status"}),
        ("phone_numbers", 15, lambda knows: knows.phones, {"phone_number"}),
    ],
)
async def test_contacts_cost_on_a_hit_and_nothing_on_a_miss(
    client: Client, operation: str, price: int, has: Callable[[Any], object], keys: set[str]
) -> None:
    known = someone(client, lambda person: has(person.forager))
    without = someone(client, lambda person: not has(person.forager))
    hit = await client.post(f"{CONTACTS}/{operation}/", linkedin_public_identifier=known.slug)
    by_id = await client.post(f"{CONTACTS}/{operation}/", person_id=known.number)
    miss = await client.post(f"{CONTACTS}/{operation}/", linkedin_public_identifier=without.slug)
    nobody = await client.post(f"{CONTACTS}/{operation}/", linkedin_public_identifier="nobody-here")
    assert hit.json == by_id.json
    assert all(set(row) == keys for row in hit.json)
    assert [(answer.status, answer.json) for answer in (miss, nobody)] == [(200, [])] * 2
    assert [price for _, _, price in client.charged] == [price, price]


async def test_a_miss_can_come_without_a_body(client: Client) -> None:
    await client.control("POST", "switches", {"misses": "empty"})
    answer = await client.post(f"{CONTACTS}/personal_emails/", linkedin_public_identifier="nobody-here")
    assert (answer.status, answer.text) == (200, "")


async def test_enrichment_finds_addresses_that_are_not_kept(client: Client) -> None:
    person = someone(client, lambda one: not one.forager.work_emails and one.number % 5 == 0)
    path = f"{CONTACTS}/work_emails/"
    assert (await client.post(path, person_id=person.number)).json == []
    found = (await client.post(path, person_id=person.number, do_contacts_enrichment=True)).json
    assert found == [{"email": person.work_email, "email_type": "work", "validation_status": "unknown"}]


@pytest.mark.parametrize("body", [{}, {"person_id": 1, "linkedin_public_identifier": "a"}, {"person_id": "one"}, []])
async def test_exactly_one_identifier_is_needed(client: Client, body: object) -> None:
    assert (await client.ask("POST", f"{CONTACTS}/work_emails/", body)).status == 400


async def test_a_percent_encoded_slug_is_nobodys(client: Client) -> None:
    person = someone(client, lambda one: one.forager.work_emails and not one.slug.isascii())
    encoded = "".join(f"%{byte:02X}" if byte > 127 else chr(byte) for byte in person.slug.encode())
    assert (await client.post(f"{CONTACTS}/work_emails/", linkedin_public_identifier=encoded)).json == []
    assert (await client.post(f"{CONTACTS}/work_emails/", linkedin_public_identifier=person.slug)).json != []


async def test_person_detail_by_slug_mail_and_phone(client: Client) -> None:
    person = someone(client, lambda one: one.forager.detail and one.number % 29 and not one.former_employer)
    details = [
        await client.post(DETAIL, linkedin_public_identifier=person.slug),
        await client.post(f"{REVERSE}/by_email/", email=person.work_email.upper()),
        await client.post(f"{REVERSE}/by_phone_number/", phone_number=person.mobile),
    ]
    assert all(answer.json == details[0].json for answer in details)
    detail = details[0].json
    assert (detail["last_name"], detail["linkedin_info"]["public_identifier"]) == (person.last_name, person.slug)
    current = [role for role in detail["roles"] if role["is_current"]]
    assert [(role["role_title"], role["organization"]["domain"]) for role in current] == [
        (person.title, person.employer.domain)
    ]
    assert [price for _, _, price in client.charged] == [1, 5, 15]


async def test_a_person_may_have_several_current_roles_and_a_former_one(client: Client) -> None:
    side = someone(client, lambda one: one.forager.detail and one.number % 29 == 0)
    roles = (await client.post(DETAIL, person_id=side.number)).json["roles"]
    assert [role["is_current"] for role in roles][:2] == [True, True]
    assert roles[0]["organization"]["domain"] != side.employer.domain
    moved = someone(client, lambda one: one.forager.detail and one.former_employer)
    last = (await client.post(DETAIL, person_id=moved.number)).json["roles"][-1]
    assert moved.former_employer is not None
    assert (last["is_current"], last["organization"]["domain"]) == (False, moved.former_employer.domain)


async def test_role_search_finds_by_name_and_domain(client: Client) -> None:
    person = someone(client, lambda one: one.forager.detail and not one.full_name.isascii())
    answer = await client.post(
        ROLES, person_name=f'"{person.full_name}"', organization_domains=[person.employer.domain], role_is_current=True
    )
    slugs = [row["person"]["linkedin_info"]["public_identifier"] for row in answer.json["search_results"]]
    assert person.slug in slugs
    assert answer.json["total_search_results"] == len(slugs)
    assert all(row["organization"]["domain"] == person.employer.domain for row in answer.json["search_results"])
    assert [price for _, _, price in client.charged] == [1]


async def test_role_search_pages_from_zero_and_charges_each_page(client: Client) -> None:
    seen: list[int] = []
    page = 0
    while rows := (await client.post(ROLES, role_title="VP", page=page)).json["search_results"]:
        seen.extend(row["id"] for row in rows)
        page += 1
    assert len(seen) == len(set(seen)) > 10
    assert sum(price for _, _, price in client.charged) == page + 1


async def test_an_unknown_filter_is_ignored_and_strangers_come_back(client: Client) -> None:
    rows = (await client.post(ROLES, linkedin_public_identifiers=["nobody-here"])).json["search_results"]
    assert len(rows) == 10


async def test_totals_are_free_and_refuse_loose_words(client: Client) -> None:
    person = someone(client, lambda one: one.forager.detail)
    loose = await client.post(f"{ROLES}totals/", person_name=person.full_name)
    quoted = await client.post(f"{ROLES}totals/", person_name=f'"{person.full_name}"')
    empty = await client.post(f"{ROLES}totals/")
    others = [await client.post(f"{path}totals/") for path in (COMPANIES, JOBS)]
    assert loose.status == 400
    assert quoted.json["total_persons"] >= 1
    assert set(empty.json.values()) == {None}
    assert all(answer.json["total_search_results"] > 0 for answer in others)
    assert client.charged == []


async def test_boolean_text_filters(client: Client) -> None:
    titles = {
        row["role_title"]
        for row in (await client.post(ROLES, role_title='"VP Sales" OR (Founder) NOT Regional')).json["search_results"]
    }
    assert titles <= {"VP Sales", "Founder"}
    assert titles


async def test_organization_search_by_domain_is_noisy_and_shows_subsidiaries(client: Client) -> None:
    company = client.vendor.world.companies[9]
    rows = (await client.post(COMPANIES, domains=[company.domain])).json["search_results"]
    same = [row for row in rows if row["domain"] == company.domain]
    assert len(same) == 2
    assert min(same, key=lambda row: row["domain_rank"])["id"] == company.number
    assert same[0]["id"] != company.number


async def test_job_search_shows_active_jobs_unless_asked(client: Client) -> None:
    rows = (await client.post(JOBS)).json["search_results"]
    assert {row["is_active"] for row in rows} == {True}
    rows = (await client.post(JOBS, is_active=False)).json["search_results"]
    assert {row["is_active"] for row in rows} == {False}
    assert [price for _, _, price in client.charged] == [2, 2]


async def test_website_is_found_with_and_without_scheme(client: Client) -> None:
    company = client.vendor.world.companies[0]
    bodies: list[dict[str, Any]] = [
        {"domain": company.domain},
        {"domain": f"https://www.{company.domain}/"},
        {"organization_id": company.number},
        {"organization_linkedin_public_identifier": company.slug},
    ]
    answers = [await client.post(WEBSITE, **body) for body in bodies]
    assert all(answer.json == answers[0].json for answer in answers)
    assert len(answers[0].json["website_technologies"]) == len(company.technologies)


async def test_a_wrongly_typed_filter_is_refused_by_name(client: Client) -> None:
    answer = await client.post(ROLES, organization_domains="one.com")
    assert (answer.status, list(answer.json)) == (400, ["organization_domains"])


@pytest.mark.parametrize("start", ["/api", "/api/42"])
async def test_autocomplete_ids_are_strings(client: Client, start: str) -> None:
    answer = await client.get(f"{start}/datastorage/autocomplete/locations/?q=pari")
    assert answer.json["results"][0]["text"] == "Paris, France"
    assert isinstance(answer.json["results"][0]["id"], str)
    assert answer.json["pagination"] == {"more": False}
    assert (await client.get(f"{start}/datastorage/autocomplete/locations/")).status == 400


async def test_autocomplete_pages_from_one(client: Client) -> None:
    path = "/api/datastorage/autocomplete/organizations/?q=0"
    first, second = await client.get(path), await client.get(f"{path}&page=2")
    assert first.json["pagination"] == {"more": True}
    assert {row["id"] for row in first.json["results"]}.isdisjoint(row["id"] for row in second.json["results"])


async def test_the_balance_falls_and_the_log_shows_why(client: Client) -> None:
    person = someone(client, lambda one: one.forager.phones)
    await client.post(f"{CONTACTS}/phone_numbers/", person_id=person.number)
    account = (await client.get("/api/users/current/")).json["accounts"][0]
    assert Decimal(str(account["subscription"]["credits_balance"])) == 985
    assert account["subscription"]["subscription_tier"]["person_phone_number_lookup"] == 15
    log = (await client.get(LOG)).json
    assert (log["count"], log["next"], log["previous"]) == (1, None, None)
    row = log["results"][0]
    assert (row["change_type"], row["change_sum"]) == ("person_phone_number_lookup", -15)
    assert row["change_data"] == {"person_id": person.number}
    assert (await client.get(f"{LOG}totals/")).json == {"total_credits_spent": 15}


async def test_the_log_is_read_by_window_and_page(client: Client) -> None:
    person = someone(client, lambda one: one.forager.detail)
    for _ in range(60):
        await client.post(DETAIL, person_id=person.number)
    await client.control("POST", "clock", {"advance": 3600})
    between = client.vendor.clock.iso(seconds_ago=1800)
    await client.post(DETAIL, person_id=person.number)
    late = (await client.get(f"{LOG}?date_created_start={between}")).json
    early = (await client.get(f"{LOG}?date_created_end={between}")).json
    rest = (await client.get(f"{LOG}?date_created_end={between}&page=2")).json
    assert (late["count"], early["count"], len(early["results"]), early["next"]) == (1, 60, 50, 2)
    assert (len(rest["results"]), rest["next"], rest["previous"]) == (10, None, 1)
    assert (await client.get(f"{LOG}?page=9")).status == 404
    assert (await client.get(f"{LOG}?date_created_start=yesterday")).status == 400
    plus = between.replace("Z", "+00:00")
    assert (await client.get(f"{LOG}?date_created_start={plus}")).json["count"] == 1


@pytest.mark.parametrize("kind", ["hang", "close", "reset", "empty_body"])
async def test_a_lost_answer_shows_in_the_log_if_it_was_charged(client: Client, kind: str) -> None:
    person = someone(client, lambda one: one.forager.phones)
    for effect in (False, True):
        client.vendor.faults.add(kind, effect=effect)
        call = asyncio.create_task(client.post(f"{CONTACTS}/phone_numbers/", person_id=person.number))
        if kind == "hang":
            await client.vendor.holds.until(1)
            call.cancel()
            await client.vendor.holds.until_none()
        await asyncio.wait([call])
        assert (await client.get(f"{LOG}totals/")).json == {"total_credits_spent": 15 if effect else 0}
        assert call.cancelled() or call.exception() or call.result().text == ""


async def test_a_charge_may_show_late(client: Client) -> None:
    person = someone(client, lambda one: one.forager.detail)
    await client.control("POST", "act/log_lag", {"seconds": 60})
    await client.post(DETAIL, person_id=person.number)
    assert (await client.get(LOG)).json["count"] == 0
    await client.control("POST", "clock", {"advance": 61})
    assert (await client.get(LOG)).json["count"] == 1


async def test_nothing_is_sold_without_credits(client: Client) -> None:
    await client.control("POST", "balance", {"credits": 4})
    person = someone(client, lambda one: one.forager.work_emails and one.forager.detail)
    dear = await client.post(f"{CONTACTS}/work_emails/", person_id=person.number)
    cheap = await client.post(DETAIL, person_id=person.number)
    assert (dear.status, cheap.status) == (402, 200)
    assert [price for _, _, price in client.charged] == [1]


async def test_a_429_tells_when_to_come_back() -> None:
    async with client_of("forager", limits="real", records=20, companies=5) as client:
        answers = [await client.get("/api/users/current/") for _ in range(11)]
        assert [answer.status for answer in answers] == [200] * 10 + [429]
        assert answers[-1].headers["Retry-After"] == "1"
        await client.control("POST", "switches", {"retry_after": "none"})
        assert "Retry-After" not in (await client.get("/api/users/current/")).headers


async def test_a_key_may_serve_two_accounts(client: Client) -> None:
    await client.control("POST", "switches", {"accounts": 2})
    assert len((await client.get("/api/users/current/")).json["accounts"]) == 2


async def test_keys_are_made_used_and_deleted(client: Client) -> None:
    made = await client.post("/api/api_keys/", name="daemon")
    assert made.status == 201
    prefix, secret = made.json["prefix"], made.json["key"]
    assert (await client.ask("GET", "/api/users/current/", headers={"X-API-KEY": secret})).status == 200
    assert "key" not in (await client.get(f"/api/api_keys/{prefix}/")).json
    assert len((await client.get("/api/api_keys/")).json) == 2
    assert [(await client.ask("DELETE", f"/api/api_keys/{prefix}/")).status for _ in range(2)] == [204, 404]
    assert (await client.ask("GET", "/api/users/current/", headers={"X-API-KEY": secret})).status == 401
    assert (await client.post("/api/api_keys/", name="x" * 51)).status == 400


@pytest.mark.parametrize(
    ("kind", "field", "value", "status"),
    [
        ("work_emails", "email", "ada@example.com", "valid"),
        ("personal_emails", "email", "ada@example.com", "invalid"),
        ("phone_numbers", "phone_number", "+14155552671", "disconnected"),
    ],
)
async def test_each_feedback_adds_a_row(client: Client, kind: str, field: str, value: str, status: str) -> None:
    path = f"/api/42/datastorage/feedback/{kind}/"
    body = {field: value, "contact_status": status, "is_correct_person": True}
    first, second = await client.post(path, **body), await client.post(path, **body)
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] != second.json["id"]
    assert len(client.vendor.books.writes) == 2
    refused = await client.post(path, **{**body, "contact_status": "maybe"})
    assert (refused.status, list(refused.json)) == (400, ["contact_status"])
