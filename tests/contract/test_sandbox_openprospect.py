"""Asks the imitated OpenProspect as any client would."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.openprospect.replies import ERROR_SHAPES
from sandbox.openprospect.state import SCOPES
from sandbox.openprospect.vendor import OpenProspect
from sandbox.options import Options
from sandbox.seeding import build_world
from tests.contract.sandbox_client import Answer, Client, client_of

ENRICHMENT: dict[str, Any] = {"order_type": "ENRICHMENT", "title": "gaps ref:1", "features": ["CONTACTS"]}


@pytest.fixture(name="client")
async def openprospect_client() -> AsyncIterator[Client]:
    async with client_of("openprospect", searches=2) as client:
        yield client


def prospector(client: Client) -> OpenProspect:
    assert isinstance(client.vendor, OpenProspect)
    return client.vendor


def active(client: Client) -> list[str]:
    return [one for one, search in prospector(client).stock.searches.items() if search["status"] == "ACTIVE"]


async def delivered(client: Client, search_id: str, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await client.get(f"/deliveries/{search_id}/companies?limit=100{query}")).json["items"]
    return rows


async def order_of(client: Client, **more: Any) -> Answer:
    company = client.vendor.world.companies[0]
    asked = [{"company_name": company.name, "website_url": company.website, "external_id": "CRM-1"}]
    return await client.post("/orders", **ENRICHMENT, companies=asked, **more)


def test_the_24_operations_come_first_and_in_order() -> None:
    options = Options(records=10, companies=5)
    operations = OpenProspect(build_world(options), options).operations()
    templates = [(route.method, route.template) for _, route in operations]
    assert len(set(templates)) == len(templates) == 26
    assert templates[0] == ("POST", "/orders")
    assert templates[23] == ("GET", "/deliveries/{id}/companies")


async def test_a_wrong_key_is_unauthorized(client: Client) -> None:
    answer = await client.ask("GET", "/orders", headers={"Authorization": "Bearer lnc_live_wrong"})
    assert (answer.status, answer.json["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_missing_scope_is_named(client: Client, scope: str) -> None:
    await client.control("POST", "switches", {"withheld": scope, "errors": "details"})
    for needed, route in prospector(client).operations():
        answer = await client.ask(route.method, route.template.replace("{id}", "x"), {})
        assert (answer.status == 403) is (scope in needed.split())
        if answer.status == 403:
            assert answer.json["details"]["required_scopes"] == needed.split()
    assert scope not in (await client.get("/auth/validate")).json["scopes"]


async def test_each_search_delivers_companies_with_prospects(client: Client) -> None:
    searches = (await client.get("/prospect-searches")).json["items"]
    assert [search["status"] for search in searches] == ["ACTIVE", "ACTIVE", "PAUSED"]
    sizes = []
    for search in searches:
        rows = await delivered(client, search["id"])
        sizes.append((len(rows), sum(len(row["prospects"]) for row in rows)))
    assert sizes == [(12, 30), (12, 30), (0, 0)]


async def test_some_of_what_is_delivered_is_in_the_crms_and_some_is_new(client: Client) -> None:
    truth = (await client.control("GET", "world"))["deliveries"]
    group = truth[active(client)[0]]
    companies = {row["in_crm"] for row in group}
    people = {person["in_crm"] for row in group if row["in_crm"] for person in row["prospects"]}
    assert companies == people == {True, False}


async def test_two_searches_name_one_company_under_two_ids(client: Client) -> None:
    first, second = [await delivered(client, search_id) for search_id in active(client)]
    shared = {row["domain"] for row in first} & {row["domain"] for row in second}
    assert len(shared) == 1
    ids = {row["id"] for row in (*first, *second) if row["domain"] in shared}
    assert len(ids) == 2


async def test_deliveries_differ_between_processes_only_in_time() -> None:
    seen = []
    for _ in range(2):
        async with client_of("openprospect") as client:
            rows = await delivered(client, active(client)[0])
            seen.append([(row["id"], [(one["id"], one["email"]) for one in row["prospects"]]) for row in rows])
    assert seen[0] == seen[1]


async def test_delivered_since_is_exclusive(client: Client) -> None:
    search_id = active(client)[0]
    rows = await delivered(client, search_id)
    newest, second = rows[0]["delivered_at"], rows[1]["delivered_at"]
    assert newest > second
    assert len(await delivered(client, search_id, f"&delivered_since={second.replace('Z', '+00:00')}")) == 1
    assert (await client.get(f"/deliveries/{search_id}/companies?delivered_since=soon")).status == 422


async def test_rows_that_arrive_mid_pass_move_the_others(client: Client) -> None:
    search_id = active(client)[0]
    await client.control("POST", "act/arrive", {"companies": 2})
    ids, offset = [], 0
    while True:
        page = (await client.get(f"/deliveries/{search_id}/companies?limit=5&offset={offset}")).json
        ids += [row["id"] for row in page["items"]]
        offset += 5
        if not page["has_more"]:
            break
    assert len(ids) == 14
    assert len(set(ids)) == 12


async def test_a_company_can_be_delivered_now(client: Client) -> None:
    search_id = active(client)[0]
    before = (await delivered(client, search_id))[0]["delivered_at"]
    ids = (await client.control("POST", "act/deliver", {"companies": 1}))["ids"]
    rows = await delivered(client, search_id, f"&delivered_since={before}")
    assert [row["id"] for row in rows] == ids


async def test_deliveries_can_have_ids_of_their_own(client: Client) -> None:
    search_id = active(client)[0]
    await client.control("POST", "switches", {"delivery_ids": "own"})
    assert (await client.get(f"/deliveries/{search_id}/companies")).status == 404
    own = prospector(client).credentials()["delivery_ids"][0]
    assert own.startswith("del_")
    assert len(await delivered(client, own)) == 12


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/orders", "orders"),
        ("/blacklists", "blacklists"),
        ("/prospect-searches", "prospect_searches"),
        ("/prospects", "prospects"),
        ("/deliveries/{search}/companies", "companies"),
        ("/companies?prospect_search_id={search}", "companies"),
    ],
)
async def test_lists_come_under_both_keys_and_bare(client: Client, path: str, name: str) -> None:
    path = path.format(search=active(client)[0])
    plain = (await client.get(path)).json
    assert set(plain) == {"items", "total", "limit", "offset", "has_more"}
    await client.control("POST", "switches", {"list_key": "collection", "paging": "no_has_more"})
    named = (await client.get(path)).json
    assert (named[name], "has_more" in named) == (plain["items"], False)
    await client.control("POST", "switches", {"paging": "bare"})
    assert (await client.get(path)).json == plain["items"]


@pytest.mark.parametrize(
    ("query", "status"), [("limit=0", 422), ("limit=101", 422), ("offset=-1", 422), ("limit=1", 200)]
)
async def test_paging_is_bounded(client: Client, query: str, status: int) -> None:
    assert (await client.get(f"/orders?{query}")).status == status


async def test_the_seeded_order_is_done_and_overlaps_the_deliveries(client: Client) -> None:
    order = (await client.get("/orders")).json["items"][0]
    assert (order["status"], order["company_count"], order["estimated_cost"]) == ("COMPLETED", 5, 25.0)
    results = (await client.get(f"/orders/{order['order_id']}/results")).json
    assert (results["order_id"], results["status"], results["total"]) == (order["order_id"], "COMPLETED", 5)
    rows = [row for search_id in active(client) for row in await delivered(client, search_id)]
    ids, domains = {row["id"] for row in rows}, {row["domain"] for row in rows}
    assert sum(row["id"] in ids for row in results["items"]) == 1
    assert sum(row["domain"] in domains for row in results["items"]) == 2
    assert all({"contacts", "technologies", "legal"} <= set(row) for row in results["items"])


async def test_an_order_walks_through_its_stages_by_the_clock(client: Client) -> None:
    order_id = (await order_of(client)).json["order_id"]
    seen = []
    for _ in range(4):
        order = (await client.get(f"/orders/{order_id}")).json
        results = await client.get(f"/orders/{order_id}/results")
        seen.append((order["status"], order["estimated_cost"], results.status))
        await client.control("POST", "clock", {"advance": 310 if order["status"] == "IN_PROGRESS" else 301})
        if order["status"] == "RECEIVED":
            assert results.json["code"] == "ORDER_NOT_COMPLETED"
    assert seen == [
        ("RECEIVED", None, 409), ("ACCEPTED", 5.0, 409), ("IN_PROGRESS", 5.0, 409), ("COMPLETED", 5.0, 200)
    ]  # fmt: skip
    row = (await client.get(f"/orders/{order_id}/results")).json["items"][0]
    assert row["source_id"] == "CRM-1"
    assert len(row["contacts"]) == 3


async def test_an_order_can_be_faster_or_end_otherwise(client: Client) -> None:
    await client.control("POST", "act/speed", {"speed": 1_000_000})
    first, second = (await order_of(client)).json["order_id"], (await order_of(client)).json["order_id"]
    await client.control("POST", "clock", {"advance": 1})
    assert (await client.get(f"/orders/{first}")).json["status"] == "COMPLETED"
    await client.control("POST", "act/order", {"order_id": second, "status": "REJECTED"})
    assert (await client.get(f"/orders/{second}")).json["status"] == "REJECTED"
    assert (await client.get(f"/orders/{second}/results")).status == 409
    listed = (await client.get("/orders?status=REJECTED")).json["items"]
    assert [order["order_id"] for order in listed] == [second]


@pytest.mark.parametrize(("honoured", "orders"), [("honoured", 1), ("ignored", 2)])
async def test_an_idempotency_key_makes_one_order_if_honoured(client: Client, honoured: str, orders: int) -> None:
    await client.control("POST", "switches", {"idempotency": honoured})
    body = {**ENRICHMENT, "companies": [{"company_name": "Somebody"}]}
    made = [await client.ask("POST", "/orders", body, headers={"Idempotency-Key": "ref-1"}) for _ in range(2)]
    assert len({answer.json["order_id"] for answer in made}) == orders
    assert set(made[0].json) == {"order_id", "order_type", "status", "company_count", "estimated_cost", "message"}
    assert sum(write.object == "order" for write in client.vendor.books.writes) == orders


async def test_an_order_can_be_created_and_then_hang(client: Client) -> None:
    client.vendor.faults.add("hang", route="/api/v1/orders", method="POST")
    call = asyncio.create_task(order_of(client))
    await client.vendor.holds.until(1)
    call.cancel()
    titles = [order["title"] for order in (await client.get("/orders")).json["items"]]
    assert titles[0] == ENRICHMENT["title"]


async def test_a_discovery_order_finds_new_companies(client: Client) -> None:
    made = await client.post("/orders", order_type="DISCOVERY", title="new", briefing_quantity=3)
    assert (made.status, made.json["company_count"]) == (201, 3)


@pytest.mark.parametrize(
    "body",
    [
        {"order_type": "GIFT", "title": "x"},
        {"order_type": "ENRICHMENT"},
        {"order_type": "ENRICHMENT", "title": "x", "companies": []},
        {"order_type": "ENRICHMENT", "title": "x", "companies": [{"city": "Berlin"}]},
        {"order_type": "DISCOVERY", "title": "x", "features": ["MAGIC"]},
    ],
)
async def test_a_bad_order_is_refused_with_the_field(client: Client, body: dict[str, Any]) -> None:
    answer = await client.ask("POST", "/orders", body)
    assert (answer.status, answer.json["code"]) == (422, "VALIDATION_ERROR")
    assert answer.json["details"]["validation_errors"][0]["field"]


@pytest.mark.parametrize("shape", ERROR_SHAPES)
async def test_errors_come_in_every_documented_shape(client: Client, shape: str) -> None:
    await client.control("POST", "switches", {"errors": shape})
    answer = await client.get("/orders/none")
    assert answer.status == 404
    body = answer.json
    if shape in {"resource", "entity"}:
        kind = "resource_type" if shape == "resource" else "entity_type"
        assert (body["code"], body[kind], body["identifier"]) == ("ORDER_NOT_FOUND", "order", "none")
    elif shape in {"details", "nested"}:
        assert (body if shape == "details" else body["error"])["code"] == "ORDER_NOT_FOUND"
    elif shape == "legacy":
        assert body["error"] == "ORDER_NOT_FOUND"
    else:
        assert isinstance(body["detail"], str if shape == "detail" else list)


async def test_a_body_that_is_no_object_is_an_invalid_request(client: Client) -> None:
    answer = await client.ask("POST", "/orders", [])
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST")


async def test_the_hourly_limit_is_told_in_epoch_seconds() -> None:
    async with client_of("openprospect", limits="real", records=20, companies=5) as client:
        first = await client.get("/health")
        assert first.headers["X-RateLimit-Remaining"] == "99"
        assert 3590 < int(first.headers["X-RateLimit-Reset"]) - client.vendor.clock.wall() < 3610
        for _ in range(99):
            await client.get("/health")
        refused = await client.get("/health")
        assert (refused.status, refused.json["error"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert int(refused.headers["Retry-After"]) == refused.json["retry_after"] > 3500


async def test_searches_are_edited_by_version(client: Client) -> None:
    path = f"/prospect-searches/{active(client)[0]}"
    edited = await client.ask("PATCH", path, {"version": 3, "name": "New", "geo_locations": ["FR"]})
    assert (edited.json["name"], edited.json["version"], edited.json["geo_locations"]) == ("New", 4, ["DE", "US"])
    assert edited.json["stripped_fields"] == ["geo_locations"]
    assert (await client.ask("PATCH", path, {"version": 3, "name": "Old"})).status == 409
    assert (await client.ask("PATCH", path, {"name": "Old"})).status == 422
    masked = await client.ask("PATCH", path, {"version": 4, "name": "Masked", "update_mask": ["geo_locations"]})
    assert masked.json["name"] == "New"


async def test_companies_need_a_search_and_can_be_filtered(client: Client) -> None:
    assert (await client.get("/companies")).status == 422
    path = f"/companies?prospect_search_id={active(client)[0]}"
    rows = (await client.get(path)).json["items"]
    assert all("prospects" not in row for row in rows)
    good = (await client.get(f"{path}&min_match_score=8")).json["items"]
    assert [row["id"] for row in good] == [row["id"] for row in rows if row["match_score"] >= 8]
    assert (await client.get(f"{path}&review_status=rejected")).json["items"] == []
    assert len((await client.get(f"{path}&search={rows[0]['name'].split()[1]}")).json["items"]) == 1
    one = (await client.get(f"/companies/{rows[0]['id']}")).json
    assert one == rows[0]


async def test_a_company_has_jobs_and_technologies(client: Client) -> None:
    found = prospector(client).stock.all_found()[0]
    jobs = (await client.get(f"/companies/{found.id}/jobs")).json
    intel = (await client.get(f"/companies/{found.id}/webtech-intel")).json
    assert jobs["total"] == found.company.number % 4
    assert [one["name"] for one in intel["technologies"]] == list(found.company.technologies)


async def test_prospects_are_filtered_and_read_one_by_one(client: Client) -> None:
    search_id = active(client)[0]
    rows = (await client.get(f"/prospects?prospect_search_id={search_id}&limit=100")).json["items"]
    assert len(rows) == 30
    company_id = rows[0]["company_id"]
    of_company = (await client.get(f"/prospects?company_id={company_id}")).json["items"]
    assert {row["company_id"] for row in of_company} == {company_id}
    assert (await client.get(f"/prospects/{rows[0]['id']}")).json == rows[0]


async def test_blacklists_live_and_die(client: Client) -> None:
    made = await client.post("/blacklists", name="Customers", description="from the CRM")
    assert made.status == 201
    path = f"/blacklists/{made.json['id']}"
    entries = [{"external_id": "CRM-1", "website_url": "https://one.com"}, {}]
    added = await client.post(f"{path}/entries", entries=entries)
    assert (added.status, added.json) == (201, {"added": 1, "skipped": 1, "total": 1})
    again = await client.post(f"{path}/entries", entries=entries[:1])
    assert again.json["total"] == 2
    rows = (await client.get(f"{path}/entries")).json["items"]
    removed = await client.ask("DELETE", f"{path}/entries", {"entry_ids": [rows[0]["id"], "none"]})
    assert removed.json == {"removed": 1}
    assert (await client.ask("PATCH", path, {"name": "Clients"})).json["name"] == "Clients"
    assert (await client.get(path)).json["entry_count"] == 1
    search = f"/prospect-searches/{active(client)[0]}/blacklists"
    assert (await client.get(search)).json == {"items": []}
    assigned = await client.ask("PUT", search, {"blacklist_ids": [made.json["id"]]})
    assert [one["name"] for one in assigned.json["items"]] == ["Clients"]
    assert [(await client.ask("DELETE", path)).status for _ in range(2)] == [204, 404]
    assert (await client.get(search)).json == {"items": []}


async def test_an_unknown_action_is_refused(client: Client) -> None:
    async with client.session.post(f"{client.vendor.origin}/_sandbox/act/dance", json={}) as answer:
        assert answer.status == 404
