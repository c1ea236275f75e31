"""Puts HubSpot in both generations of paths to the sandbox, over sockets."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.batching import Batcher
from connectors.errors import (
    AccessError,
    ConflictError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
)
from connectors.hubspot.client import HubSpot
from connectors.hubspot.options import SEARCH, HubSpotOptions
from connectors.hubspot.paths import PATHS
from connectors.limits import NoLimiter, Window
from connectors.models import Cursor, Fate, Write, Written
from connectors.oauth import OwnGrants
from connectors.ports import Watched
from tests.contract.crm_suite import check_part_of_a_text, check_staff, drained, ids_found
from tests.contract.wire import KeptTicket
from tests.contract.writes import Rest, written
from tests.harness.sandbox import Sandbox, Start
from worker.decide.fitting import Invalid, fit

WATCHED = Watched("contact", ("email", "phone", "mobilephone", "jobtitle", "firstname", "lastname", "hs_linkedin_url"))
FRESH = itertools.count(1)
KINDS = ("contacts", "companies")
Open = Callable[..., HubSpot]


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    held = start_sandbox("hubspot", "--records", "40", "--companies", "10")
    held.control(
        "settings",
        {"index_lag": 0, "token_life_s": 1800.0, "rotate_refresh_tokens": False, "locked_writes": 0, "retired": []},
    )
    held.control("switch", {"openprospect_id": True, "salesforcecontactid": False})
    return held


@pytest.fixture(params=PATHS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def open_crm(sandbox: Sandbox, version: str) -> AsyncIterator[Open]:
    opened: list[HubSpot] = []

    def opener(
        *,
        oauth: bool = False,
        grants: Any = None,
        rest: Any = None,
        wall_clock: Any = time.time,
        limiter: Any = None,
        **more: Any,
    ) -> HubSpot:
        info = sandbox.info
        secrets: dict[str, Any] = {"token": info["token"]}
        if oauth:
            secrets = {name: info[name] for name in ("client_id", "client_secret", "refresh_token")}
        values = {"base_url": info["base_url"], "api_version": version} | secrets | more
        options = HubSpotOptions.model_validate(values)
        limiter, rest = limiter or NoLimiter(), rest or Rest()
        crm = HubSpot.opened("acme", options, limiter, grants=grants, wall_clock=wall_clock, rest=rest)
        opened.append(crm)
        return crm

    yield opener
    for crm in opened:
        await crm.aclose()


@pytest.fixture
def crm(open_crm: Open) -> HubSpot:
    return open_crm()


def contact(sandbox: Sandbox, **properties: str) -> str:
    values = {"firstname": "Mara", "lastname": "Quist", **properties}
    return str(sandbox.control("records/contacts", {"properties": values})["id"])


def company(sandbox: Sandbox, **properties: str) -> str:
    return str(sandbox.control("records/companies", {"properties": {"name": "Quist AB", **properties}})["id"])


def email() -> str:
    return f"mara.{next(FRESH)}.{id(FRESH)}@quist-example.se"


def held(sandbox: Sandbox, record_id: str, object: str = "contacts") -> dict[str, Any]:
    rows = sandbox.control(f"records/{object}")
    listed = rows if isinstance(rows, list) else rows["records"]
    properties: dict[str, Any] = next(row for row in listed if str(row["id"]) == record_id)["properties"]
    return properties


def searches(sandbox: Sandbox) -> int:
    return sum(1 for row in sandbox.requests() if row["route"].endswith("/search"))


# ---- standing and schema -------------------------------------------------------------------------------------------


async def test_a_portal_fed_by_salesforce_is_told_of(sandbox: Sandbox, crm: HubSpot) -> None:
    sandbox.control("switch", {"salesforcecontactid": True})
    assert "Salesforce" in (await crm.account_status()).notes[0]


async def test_a_value_is_matched_by_the_label_of_an_option(sandbox: Sandbox, crm: HubSpot) -> None:
    industry = (await crm.properties("company"))["industry"]
    assert industry.labels["COMPUTER_SOFTWARE"] == "Software Development"
    for told in ("Software Development", "software  development", "Computer Software", "COMPUTER_SOFTWARE"):
        assert fit(told, "industry", industry) == "COMPUTER_SOFTWARE"
    for told in ("Software", "Computer Hardware"):
        assert isinstance(fit(told, "industry", industry), Invalid)
    written = await crm.write(
        "company", [Write(company(sandbox), {"industry": str(fit("Banking", "industry", industry))})]
    )
    assert {one.outcome for one in written.values()} == {Written.DONE}


async def test_an_ended_api_version_is_told_with_what_to_set(sandbox: Sandbox, open_crm: Open, version: str) -> None:
    sandbox.control("settings", {"retired": ["dated", "numbered"]})
    with pytest.raises(AccessError, match=f"API version {version}: set crm.acme.api_version to a newer one"):
        await open_crm().properties("contact")


async def test_a_missing_scope_is_named(sandbox: Sandbox, crm: HubSpot) -> None:
    scopes = ["crm.objects.contacts.read", "crm.objects.companies.read"]
    sandbox.control("settings", {"scopes": scopes})
    try:
        with pytest.raises(AccessError, match=r"crm\.objects\.contacts\.write"):
            await crm.write("contact", [Write(contact(sandbox), {"jobtitle": "CTO"})])
    finally:
        more = ["crm.objects.contacts.write", "crm.objects.companies.write"]
        sandbox.control(
            "settings", {"scopes": [*scopes, *more, "crm.schemas.contacts.write", "crm.schemas.companies.write"]}
        )


async def test_the_schema_tells_what_may_be_written(crm: HubSpot) -> None:
    schema = await crm.properties("contact")
    kinds = {name: schema[name].kind for name in ("email", "mobilephone", "lifecyclestage")}
    assert kinds == {"email": "email", "mobilephone": "phone", "lifecyclestage": "options"}
    assert schema["jobtitle"].writable
    assert not schema["hs_object_id"].writable
    assert "lead" in schema["lifecyclestage"].options
    assert crm.missing("contact", schema) == ()


@pytest.mark.parametrize("object", ["contact", "company"])
async def test_setup_makes_what_is_missing_and_takes_what_is_there(sandbox: Sandbox, crm: HubSpot, object: str) -> None:
    sandbox.control("switch", {"openprospect_id": False})
    assert crm.missing(object, await crm.properties(object)) == ("openprospect_id",)
    names = ("openprospect_id", *crm.provenance.names)
    for name in crm.provenance.names:
        sandbox.control(f"properties/{'contacts' if object == 'contact' else 'companies'}/{name}", method="DELETE")
    assert (await crm.setup(object, names)).splitlines() == [f"{object}: {name} created" for name in names]
    schema = await crm.properties(object)
    assert crm.missing(object, schema) == ()
    assert [schema[name].kind for name in names] == ["text", "text", "datetime"]
    assert [schema[name].unique for name in names] == [True, False, False]
    assert (await crm.setup(object, names)).count("was there already") == 3


async def test_the_clock_is_the_vendors_by_a_property_of_every_portal(sandbox: Sandbox, crm: HubSpot) -> None:
    sandbox.control("reset-books", {})
    told = await crm.now()
    assert [request["status"] for request in sandbox.requests()] == [200]
    page = await crm.changed(WATCHED, Cursor(start=told - 1000))
    assert abs(page.server_time - told) < 5000
    assert page.server_time % 1000 == 0


# ---- watch ---------------------------------------------------------------------------------------------------------


async def test_ties_beyond_a_page_are_neither_skipped_nor_repeated(sandbox: Sandbox, crm: HubSpot) -> None:
    ids = [contact(sandbox, lastname=f"Tie{n}") for n in range(230)]
    sandbox.control("same-stamp", {"object": "contacts", "ids": ids, "seconds_ago": 30})
    sandbox.calm()
    now = await crm.now()
    seen, page = await drained(crm, WATCHED, Cursor(start=now - 60_000, end=now + 2000))
    assert [i for i in seen if i in set(ids)] == sorted(ids, key=int)
    assert (page.cursor.end, page.cursor.id, page.cursor.start >= now - 60_000) == (0, "", True)
    assert searches(sandbox) >= 2


async def test_a_row_that_changes_between_two_pages_is_seen_by_the_next_window(sandbox: Sandbox, crm: HubSpot) -> None:
    ids = [contact(sandbox, lastname=f"Move{n}") for n in range(210)]
    sandbox.control("same-stamp", {"object": "contacts", "ids": ids, "seconds_ago": 60})
    now = await crm.now()
    first = await crm.changed(WATCHED, Cursor(start=now - 90_000, end=now - 30_000))
    assert not first.done
    late = max(ids, key=int)
    sandbox.control("edit", {"object": "contacts", "id": late, "properties": {"jobtitle": "moved on"}})
    rest, page = await drained(crm, WATCHED, first.cursor)
    assert late not in rest
    again, _ = await drained(crm, WATCHED, Cursor(start=page.cursor.start, end=await crm.now() + 2000))
    assert late in again


async def test_a_row_indexed_late_is_seen_by_the_overlap(sandbox: Sandbox, crm: HubSpot) -> None:
    now = await crm.now()
    _, page = await drained(crm, WATCHED, Cursor(start=now - 1000))
    late = sandbox.control(
        "commit-late", {"object": "contacts", "properties": {"lastname": "Late"}, "seconds_ago": 20}
    )["id"]
    seen, _ = await drained(crm, WATCHED, Cursor(start=page.cursor.end or now - 300_000))
    assert str(late) in seen


async def test_gaps_where_and_skip_if_choose_the_rows(sandbox: Sandbox, crm: HubSpot) -> None:
    now = await crm.now()
    full = contact(sandbox, email=email(), phone="+4681", lifecyclestage="lead")
    gap = contact(sandbox, email=email(), lifecyclestage="lead")
    other = contact(sandbox, lifecyclestage="customer")
    skipped = contact(sandbox, lifecyclestage="lead", jobtitle="Intern")
    watched = Watched(
        "contact",
        ("email", "phone"),
        gaps=("email", "phone"),
        where={"lifecyclestage": ("lead", "opportunity")},
        skip_if={"jobtitle": "intern"},
    )
    seen, _ = await drained(crm, watched, Cursor(start=now - 2000, end=now + 5000))
    assert gap in seen
    assert not {full, other, skipped} & set(seen)


async def test_many_gaps_are_chosen_by_us(sandbox: Sandbox, crm: HubSpot) -> None:
    now = await crm.now()
    gaps = ("email", "phone", "mobilephone", "jobtitle", "city", "country", "zip")
    full = contact(sandbox, **{name: f"x{name}" for name in gaps if name != "email"}, email=email())
    gap = contact(sandbox, **{name: f"x{name}" for name in gaps[1:]})
    seen, _ = await drained(crm, Watched("contact", gaps, gaps=gaps), Cursor(start=now - 2000, end=now + 5000))
    assert gap in seen
    assert full not in seen


async def test_a_property_that_is_gone_stops_the_poll_with_its_name(sandbox: Sandbox, crm: HubSpot) -> None:
    with pytest.raises(AccessError, match="no_such_thing"):
        await crm.changed(Watched("contact", ("email", "no_such_thing")), Cursor(start=1))


async def test_a_walk_sees_every_record_once_in_id_order(sandbox: Sandbox, crm: HubSpot) -> None:
    for n in range(110):
        contact(sandbox, lastname=f"Walk{n}")
    seen: list[str] = []
    after, pages, done = "", 0, False
    while not done:
        page = await crm.walk(WATCHED, after)
        seen += [record.id for record in page.records]
        after, done, pages = page.cursor.id, page.done, pages + 1
    rows = sandbox.control("records/contacts")
    everybody = [str(r["id"]) for r in (rows if isinstance(rows, list) else rows["records"]) if not r.get("archived")]
    assert pages > 1
    assert seen == sorted(set(everybody), key=int)


# ---- read ----------------------------------------------------------------------------------------------------------


async def test_a_record_is_read_with_company_and_opt_out(sandbox: Sandbox, crm: HubSpot) -> None:
    record_id, account = (
        contact(sandbox, email=email()),
        company(sandbox, domain="quist-example.se"),
    )
    sandbox.control("link", {"contact": record_id, "company": account})
    found = (await crm.read(WATCHED, [record_id]))[record_id]
    assert found.fate is Fate.FOUND
    assert found.record is not None
    assert found.record.company_id == account
    assert found.record.modified > 0
    assert found.record.read_at > 0
    assert not found.record.opted_out
    assert found.record.values["phone"] in {None, ""}
    linked = await crm.companies([account, "999999999"])
    assert set(linked) == {account}
    assert (linked[account].name, linked[account].domain) == ("Quist AB", "quist-example.se")


async def test_merged_deleted_and_unknown_ids_each_have_a_fate(sandbox: Sandbox, crm: HubSpot) -> None:
    stays, one, other, gone = (contact(sandbox, email=email()) for _ in range(4))
    survivor = str(sandbox.control("merge", {"object": "contacts", "id": one, "other": other})["id"])
    sandbox.control("delete", {"object": "contacts", "id": gone})
    found = await crm.read(WATCHED, [stays, one, other, gone, "987654321", "no-id"])
    assert {i: f.fate for i, f in found.items()} == {
        stays: Fate.FOUND,
        one: Fate.MOVED if one != survivor else Fate.FOUND,
        other: Fate.MOVED,
        gone: Fate.GONE,
        "987654321": Fate.GONE,
        "no-id": Fate.GONE,
    }
    assert found[other].moved_to == survivor
    moved = found[other].record
    assert moved is not None
    assert moved.id == survivor


async def test_a_read_of_many_is_cut_into_the_vendors_batches(sandbox: Sandbox, crm: HubSpot) -> None:
    ids = [contact(sandbox, lastname=f"Batch{n}") for n in range(130)]
    found = await crm.read(WATCHED, ids)
    assert {f.fate for f in found.values()} == {Fate.FOUND}
    assert sum(1 for row in sandbox.requests() if row["route"].endswith("/batch/read")) == 2


async def test_history_names_the_writers_newest_first(sandbox: Sandbox, crm: HubSpot) -> None:
    record_id = contact(sandbox, jobtitle="Clerk")
    await crm.write("contact", [Write(record_id, {"jobtitle": "CTO"})])
    told = await crm.history("contact", [record_id], ("jobtitle", "phone"))
    values = told[record_id]["jobtitle"]
    assert [value for value, _ in values] == ["CTO", "Clerk"]
    assert values[0][1].startswith("INTEGRATION:")
    assert not values[1][1].startswith("INTEGRATION:")
    assert not told[record_id]["phone"]


# ---- write ---------------------------------------------------------------------------------------------------------


async def test_a_batch_is_written_in_one_call(sandbox: Sandbox, crm: HubSpot) -> None:
    ids = [contact(sandbox) for _ in range(20)]
    sandbox.calm()
    results = await crm.write("contact", [Write(i, {"jobtitle": f"T{i}"}) for i in ids])
    assert {r.outcome for r in results.values()} == {Written.DONE}
    assert all(r.modified > 0 for r in results.values())
    assert len(sandbox.requests()) == 1
    assert held(sandbox, ids[7])["jobtitle"] == f"T{ids[7]}"


async def test_gone_and_unwritten_rows_of_a_batch_do_not_hold_up_the_others(sandbox: Sandbox, crm: HubSpot) -> None:
    good, gone, one, other = (contact(sandbox) for _ in range(4))
    sandbox.control("delete", {"object": "contacts", "id": gone})
    survivor = str(sandbox.control("merge", {"object": "contacts", "id": one, "other": other})["id"])
    results = await crm.write("contact", [Write(i, {"jobtitle": "CTO"}) for i in (good, gone, other)])
    assert results[good].outcome is Written.DONE
    assert results[gone].outcome is Written.GONE
    assert results[other].outcome in {Written.GONE, Written.UNKNOWN}
    assert held(sandbox, survivor).get("jobtitle") != "CTO"


async def test_an_owner_is_active_or_left_or_was_never_there(sandbox: Sandbox, crm: HubSpot) -> None:
    async def why(id: str) -> str:
        return (await crm.unusable("contact", {"hubspot_owner_id": id})).get("hubspot_owner_id", "")

    scopes = [f"crm.{kind}.{of}.{do}" for kind in ("objects", "schemas") for of in KINDS for do in ("read", "write")]
    sandbox.control("settings", {"archived_owners": ["1002"], "scopes": [*scopes, "crm.objects.owners.read"]})
    try:
        told = [await why(id) for id in ("1001", "1002", "77")]
        sandbox.control("settings", {"scopes": scopes})
        assert await why("77") == ""  # nobody tells
    finally:
        sandbox.control("settings", {"archived_owners": [], "scopes": [*scopes, "crm.objects.owners.read"]})
    assert told == ["", "this owner is not active", "the portal has no such owner"]


async def test_a_refused_batch_is_split_and_only_the_bad_values_are_left_out(sandbox: Sandbox, crm: HubSpot) -> None:
    ids = [contact(sandbox) for _ in range(16)]
    bad = {ids[3]: {"email": "no address"}, ids[11]: {"lifecyclestage": "no such stage", "jobtitle": "CTO"}}
    rows = await written(crm, "contact", [Write(i, bad.get(i, {"jobtitle": "CTO", "email": email()})) for i in ids])
    assert {i: set(row.refused) for i, row in rows.items() if row.refused} == {
        ids[3]: {"email"},
        ids[11]: {"lifecyclestage"},
    }
    assert sum(len(row.written) == 2 for row in rows.values()) == 14
    assert rows[ids[11]].written == {"jobtitle": "CTO"}
    assert held(sandbox, ids[0])["jobtitle"] == "CTO"


async def test_a_property_that_does_not_exist_or_is_read_only_is_named(sandbox: Sandbox, crm: HubSpot) -> None:
    ids = [contact(sandbox) for _ in range(6)]
    writes = [Write(i, {"no_such_thing": "x", "jobtitle": "CTO"}) for i in ids[:5]]
    results = await crm.write("contact", [*writes, Write(ids[5], {"jobtitle": "CTO"})])
    assert {(results[i].outcome, results[i].properties) for i in ids[:5]} == {(Written.INVALID, ("no_such_thing",))}
    assert results[ids[5]].outcome is Written.SPLIT
    await crm.properties("contact")
    sandbox.calm()
    rows = await written(crm, "contact", [*writes, Write(ids[5], {"jobtitle": "CTO"})])
    assert {row.written.get("jobtitle") for row in rows.values()} == {"CTO"}
    assert len(sandbox.requests()) == 5  # two rounds of a read, the refused call, and one for each kind of row
    (told,) = (await crm.write("contact", [Write(ids[0], {"createdate": "1"})])).values()
    assert (told.outcome, told.properties) == (Written.INVALID, ("createdate",))


async def test_an_address_for_two_rows_of_a_batch_is_the_first_ones(sandbox: Sandbox, crm: HubSpot) -> None:
    ids, one = [contact(sandbox) for _ in range(12)], email()
    wanted = {record_id: email() for record_id in ids} | {ids[3]: one, ids[8]: one.upper()}
    sandbox.calm()
    rows = await written(crm, "contact", [Write(record_id, {"email": wanted[record_id]}) for record_id in ids])
    assert {record_id: row.refused["email"].existing_id for record_id, row in rows.items() if row.refused} == {
        ids[8]: ids[3]
    }
    assert sum(row.written == {"email": wanted[record_id]} for record_id, row in rows.items()) == 11
    calls = [call for call in sandbox.requests() if "/properties/" not in call["route"]]
    assert len(calls) == 4  # a read and the others, a read and the second


async def test_addresses_that_others_have_are_told_by_one_read(sandbox: Sandbox, crm: HubSpot) -> None:
    taken = [email() for _ in range(3)]
    owners = [contact(sandbox, email=one) for one in taken]
    ids = [contact(sandbox) for _ in range(40)]
    wanted = dict(zip(ids, (email() for _ in ids), strict=True)) | dict(zip(ids[::15], taken, strict=True))
    sandbox.calm()
    rows = await written(crm, "contact", [Write(one, {"email": wanted[one]}) for one in ids])
    assert {one: row.refused["email"].existing_id for one, row in rows.items() if row.refused} == dict(
        zip(ids[::15], owners, strict=True)
    )
    assert sum(row.written == {"email": wanted[one]} for one, row in rows.items()) == 37
    calls = [one for one in sandbox.requests() if "/properties/" not in one["route"]]
    assert len(calls) == 5  # a read, the refused call, whose the addresses are, a read, and the others


async def test_a_lock_is_waited_out_and_one_that_stays_is_told(sandbox: Sandbox, crm: HubSpot) -> None:
    rest, record_id = Rest(), contact(sandbox)
    sandbox.control("settings", {"locked_writes": 1})
    (row,) = (await written(crm, "contact", [Write(record_id, {"jobtitle": "CTO"})], rest)).values()
    assert row.written == {"jobtitle": "CTO"}
    assert rest.waits == [2.0]
    sandbox.control("settings", {"locked_writes": 5})
    (row,) = (await written(crm, "contact", [Write(record_id, {"jobtitle": "CEO"})])).values()
    assert row.word is not None
    assert row.word.outcome is Written.LOCKED
    sandbox.control("settings", {"locked_writes": 0})


async def test_two_writes_to_one_record_become_one(sandbox: Sandbox, crm: HubSpot) -> None:
    record_id = contact(sandbox)
    await crm.write("contact", [Write(record_id, {"jobtitle": "A"}), Write(record_id, {"jobtitle": "B", "phone": "1"})])
    assert (held(sandbox, record_id)["jobtitle"], held(sandbox, record_id)["phone"]) == ("B", "1")


# ---- deliver -------------------------------------------------------------------------------------------------------


async def test_a_contact_is_found_by_email_whatever_its_case(sandbox: Sandbox, crm: HubSpot) -> None:
    address = email()
    record_id = contact(sandbox, email=address)
    told = await ids_found(crm, "contact", "email", [address.upper(), "nobody@quist-example.se"])
    assert told == {address.upper(): (record_id,), "nobody@quist-example.se": ()}
    assert searches(sandbox) == 0


async def test_a_row_that_is_found_tells_whose_it_is(sandbox: Sandbox, crm: HubSpot) -> None:
    address, slug = email(), f"mara-quist-{next(FRESH)}-{id(crm)}"
    record_id = contact(sandbox, email=address, firstname="Mara", hs_linkedin_url=f"https://linkedin.com/in/{slug}")
    for property, value in (("email", address), ("hs_linkedin_url", f"https://linkedin.com/in/{slug}")):
        (row,) = (await crm.find("contact", property, [value], ("firstname",)))[value]
        assert (row.id, row.values["firstname"], row.company_id) == (record_id, "Mara", "")


async def test_a_row_is_found_by_our_external_id_though_the_index_lags(start_sandbox: Start, open_crm: Open) -> None:
    lagging = start_sandbox("hubspot", "--records", "2", "--companies", "2", "--index-lag", "600")
    crm, key = open_crm(base_url=lagging.base_url), f"op-{next(FRESH)}"
    record_id = contact(lagging, openprospect_id=key)
    assert await ids_found(crm, "contact", "openprospect_id", [key, "op-none"]) == {key: (record_id,), "op-none": ()}
    assert await ids_found(crm, "contact", "lastname", ["Quist"]) == {"Quist": ()}  # a search knows nothing of it yet


async def test_companies_are_found_by_first_and_additional_domain(sandbox: Sandbox, crm: HubSpot) -> None:
    mark = f"{next(FRESH)}-{id(crm)}"
    first = company(sandbox, domain=f"one-{mark}.se")
    second = company(sandbox, domain=f"two-{mark}.se", hs_additional_domains=f"three-{mark}.se;FOUR-{mark}.se")
    twin = company(sandbox, domain=f"one-{mark}.se")
    asked = [
        f"one-{mark}.se",
        f"four-{mark}.se",
        f"five-{mark}.se",
        *(f"no{n}-{mark}.se" for n in range(9)),
    ]
    told = await ids_found(crm, "company", "domain", asked)
    assert set(told[asked[0]]) == {first, twin}
    assert told[asked[1]] == (second,)
    assert not any(told[value] for value in asked[2:])


async def test_rows_are_found_by_a_part_of_a_text(sandbox: Sandbox, crm: HubSpot) -> None:
    await check_part_of_a_text(crm, "hs_linkedin_url", lambda text: contact(sandbox, hs_linkedin_url=text))


async def test_staff_is_found_by_company_and_last_name(sandbox: Sandbox, crm: HubSpot) -> None:
    here, there = company(sandbox), company(sandbox)
    last = f"Quist{next(FRESH)}"
    ada = contact(sandbox, lastname=last, associatedcompanyid=here)
    contact(sandbox, lastname="Other", associatedcompanyid=here)
    contact(sandbox, lastname=last, associatedcompanyid=there)
    await check_staff(crm, (here, last), ada)


async def test_a_write_bears_the_portals_own_id_of_its_request(sandbox: Sandbox, crm: HubSpot) -> None:
    body = {"status": "COMPLETE", "results": [{"id": "101", "properties": {}, "updatedAt": "2026-11-20T09:00:00Z"}]}
    params = {"status": 200, "body": body, "headers": {"X-HubSpot-Correlation-Id": "5c2f-canary"}}
    sandbox.fault("status", "*", method="POST", params=params, times=1)
    results = await crm.write("contact", [Write("101", {"jobtitle": "CTO"})])
    assert (results["101"].outcome, results["101"].request) == (Written.DONE, "5c2f-canary")


@pytest.mark.parametrize("style", ["id", "newer", "none"])
async def test_a_creation_of_somebody_there_names_them(sandbox: Sandbox, crm: HubSpot, style: str) -> None:
    address, ticket = email(), KeptTicket()
    record_id = contact(sandbox, email=address)
    if style != "id":
        params = {
            "status": 409,
            "body": {"status": "error", "category": "CONFLICT", "message": "Contact already exists"},
        }
        if style == "newer":
            params["body"] = {"category": "OBJECT_ALREADY_EXISTS", "identityProfile": {"vid": int(record_id)}}
        sandbox.fault("status", "*", method="POST", params=params, times=1)
    with pytest.raises(ConflictError) as caught:
        await crm.create("contact", {"email": address}, ticket)
    assert caught.value.existing_id == record_id
    assert ticket.steps == ["sent", "released"]


async def test_a_second_row_with_our_external_id_is_a_conflict(sandbox: Sandbox, crm: HubSpot) -> None:
    key = f"op-{next(FRESH)}-{id(crm)}"
    there = company(sandbox, openprospect_id=key)
    with pytest.raises(ConflictError) as caught:
        await crm.create("company", {"name": "Twice", "openprospect_id": key}, KeptTicket())
    assert caught.value.existing_id == there


async def test_a_creation_with_a_bad_value_names_it(crm: HubSpot) -> None:
    ticket = KeptTicket()
    with pytest.raises(RejectedError) as caught:
        await crm.create("contact", {"email": "no address", "lastname": "Ny"}, ticket)
    assert caught.value.fields == ("email",)
    assert ticket.steps == ["sent", "released"]


async def test_a_creation_without_an_answer_is_unknown_and_found_by_its_key(sandbox: Sandbox, crm: HubSpot) -> None:
    key, ticket = f"op-{next(FRESH)}-{id(crm)}", KeptTicket()
    sandbox.fault("close", "*", method="POST", times=1)
    with pytest.raises(OutcomeUnknownError):
        await crm.create("contact", {"lastname": "Ny", "openprospect_id": key}, ticket)
    assert ticket.steps == ["sent", "uncertain"]
    assert len((await ids_found(crm, "contact", "openprospect_id", [key]))[key]) == 1
    assert sum(1 for row in sandbox.requests() if row["route"].endswith("/contacts")) <= 1


async def test_linking_again_changes_nothing(sandbox: Sandbox, crm: HubSpot) -> None:
    record_id, account = contact(sandbox), company(sandbox)
    for _ in range(2):
        await crm.link("contact", [(record_id, account)])
    found = (await crm.read(WATCHED, [record_id]))[record_id]
    assert found.record is not None
    assert found.record.company_id == account


async def test_a_pair_that_cannot_be_linked_does_not_hold_up_its_neighbours(sandbox: Sandbox, crm: HubSpot) -> None:
    record_id, account = contact(sandbox), company(sandbox)

    async def link(pairs: Sequence[tuple[str, str]]) -> dict[str, bool]:
        await crm.link("contact", pairs)
        return {one: True for one, _ in pairs}

    linker: Batcher[tuple[str, str], bool] = Batcher("acme", "link", link, lambda pair: pair[0], 100, linger_s=0.01)
    good, bad = await asyncio.gather(
        linker.ask((record_id, account)), linker.ask(("999999998", account)), return_exceptions=True
    )
    assert good is True
    assert isinstance(bad, RejectedError)


# ---- credential and limits -----------------------------------------------------------------------------------------


def token_calls(sandbox: Sandbox) -> int:
    return sum(1 for row in sandbox.requests() if row["route"].endswith("/token"))


async def test_an_expired_token_is_refreshed_once_in_the_midst_of_a_walk(sandbox: Sandbox, open_crm: Open) -> None:
    for n in range(70):
        contact(sandbox, lastname=f"More{n}")
    crm = open_crm(oauth=True)
    first = await crm.walk(WATCHED, "")
    assert token_calls(sandbox) == 1
    sandbox.control("expire-tokens", {})
    assert not first.done
    second = await crm.walk(WATCHED, first.cursor.id)
    assert second.records
    assert not {r.id for r in first.records} & {r.id for r in second.records}
    assert token_calls(sandbox) == 2


async def test_concurrent_calls_share_one_refresh(sandbox: Sandbox, open_crm: Open) -> None:
    crm = open_crm(oauth=True)
    await asyncio.gather(*(crm.account_status() for _ in range(12)))
    assert token_calls(sandbox) == 1
    sandbox.control("expire-tokens", {})
    await asyncio.gather(*(crm.account_status() for _ in range(12)))
    assert token_calls(sandbox) == 2


async def test_a_token_about_to_end_is_refreshed_ahead_of_time(sandbox: Sandbox, open_crm: Open) -> None:
    clock = Clock()
    crm = open_crm(oauth=True, wall_clock=clock)
    await crm.account_status()
    clock.now += 1600
    await crm.account_status()
    assert token_calls(sandbox) == 1
    clock.now += 100
    await crm.account_status()
    assert token_calls(sandbox) == 2
    assert not [row for row in sandbox.requests() if row["status"] == 401]


async def test_a_rotated_refresh_token_is_kept(sandbox: Sandbox, open_crm: Open) -> None:
    grants = OwnGrants(SecretStr(sandbox.info["refresh_token"]))
    sandbox.control("settings", {"rotate_refresh_tokens": True})
    crm = open_crm(oauth=True, grants=grants)
    await crm.account_status()
    assert grants.refresh_token is not None
    assert grants.refresh_token.get_secret_value() != sandbox.info["refresh_token"]
    sandbox.control("expire-tokens", {})
    await crm.account_status()  # the kept one is spent, and not the configured one
    sandbox.control("settings", {"rotate_refresh_tokens": False})
    sandbox.info["refresh_token"] = grants.refresh_token.get_secret_value()  # the others are dead for every later test


class Buckets(NoLimiter):
    """Keeps which buckets were asked and paused."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.paused: list[tuple[str, float | None]] = []

    async def slot(self, bucket: str, patience_s: float = 5.0) -> None:
        self.asked.append(bucket)

    async def limited(self, bucket: str, retry_after_s: float | None, why: str = "") -> None:
        self.paused.append((bucket, retry_after_s))


def limit(sandbox: Sandbox, policy: str, message: str, calls: int = 3) -> None:
    body = {"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy}
    sandbox.fault("status", "*", params={"status": 429, "body": body}, times=calls)


@pytest.mark.parametrize(
    ("policy", "message", "wait"),
    [
        ("SECONDLY", "You have reached your secondly limit.", 1.0),
        ("DAILY", "You have reached your daily limit.", 3600.0),
    ],
)
async def test_a_limit_met_by_a_search_pauses_the_search_bucket_only(
    sandbox: Sandbox, open_crm: Open, policy: str, message: str, wait: float
) -> None:
    limiter = Buckets()
    crm = open_crm(limiter=limiter)
    now = await crm.now()
    await crm.changed(WATCHED, Cursor(start=now - 1000))
    limit(sandbox, policy, message)
    with pytest.raises(RateLimitedError) as caught:
        await crm.changed(WATCHED, Cursor(start=now - 1000))
    assert caught.value.bucket == "acme:search"
    assert set(limiter.paused) == {("acme:search", wait)}
    assert set(limiter.asked) == {"acme", "acme:search"} == set(crm.buckets)


def test_an_account_s_own_rate_takes_the_place_of_the_usual_one() -> None:
    options = HubSpotOptions.model_validate({"token": "t", "rate": ["100/10 seconds", "625000/day"]})
    crm = HubSpot.opened("acme", options, NoLimiter())
    assert crm.buckets == {"acme": (Window(100, 10), Window(625_000, 86_400)), "acme:search": (SEARCH,)}


def test_secrets_are_needed_and_hidden() -> None:
    options = HubSpotOptions(token=SecretStr("pat-na1-secret"))
    assert "pat-na1-secret" not in repr(options)
    with pytest.raises(ValueError, match="needs a token"):
        HubSpot.opened("acme", HubSpotOptions(), NoLimiter())
