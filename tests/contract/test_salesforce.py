"""Puts Salesforce through simple-salesforce to the sandbox, over sockets."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import defusedxml.ElementTree
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from connectors.errors import (
    AccessError,
    ConflictError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
)
from connectors.limits import NoLimiter
from connectors.models import Cursor, Fate, Write, Writer, Written
from connectors.oauth import OwnGrants
from connectors.ports import Watched
from connectors.salesforce.client import Salesforce
from connectors.salesforce.options import SalesforceOptions
from tests.contract.crm_suite import check_part_of_a_text, check_staff, drained, ids_found
from tests.contract.wire import KeptTicket
from tests.contract.writes import Rest, written
from tests.harness.sandbox import Sandbox, Start
from worker.decide.fitting import Invalid, chosen, fit
from worker.decide.values.domains import host

WATCHED = Watched("contact", ("Email", "Phone", "MobilePhone", "Title", "FirstName", "LastName"))
LEADS = Watched("lead", ("Email", "Phone", "Title", "FirstName", "LastName"))
SETTINGS = {"page_size": None, "rotate_refresh_tokens": False, "always_unauthorized": False, "is_sandbox": False}
FRESH = itertools.count(1)
Open = Callable[..., Salesforce]


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    org = start_sandbox("salesforce", "--records", "30", "--companies", "10")
    org.control("settings", {**SETTINGS, "retired_below": 31.0, "api_enabled": True, "openid": True})
    org.control("switch", {"openprospect_id": True})
    org.control("duplicate-rules", {"rules": []})
    return org


@pytest.fixture
async def open_crm(sandbox: Sandbox) -> AsyncIterator[Open]:
    opened: list[Salesforce] = []

    def opener(
        *,
        grants: Any = None,
        rest: Any = None,
        limiter: Any = None,
        connect_s: float = 10,
        read_s: float = 60,
        **more: Any,
    ) -> Salesforce:
        info = sandbox.info
        values = {
            "base_url": info["base_url"],
            "client_id": info["client_id"],
            "client_secret": info["client_secret"],
            **more,
        }
        options = SalesforceOptions.model_validate(values)
        limiter, rest = limiter or NoLimiter(), rest or Rest()
        crm = Salesforce.opened("acme", options, limiter, grants=grants, rest=rest, connect_s=connect_s, read_s=read_s)
        opened.append(crm)
        return crm

    yield opener
    for crm in opened:
        await crm.aclose()


@pytest.fixture
def crm(open_crm: Open) -> Salesforce:
    return open_crm()


def row(sandbox: Sandbox, table: str, **properties: Any) -> str:
    return str(sandbox.control(f"records/{table}", {"properties": properties})["id"])


def contact(sandbox: Sandbox, **properties: Any) -> str:
    return row(sandbox, "Contact", **{"FirstName": "Mara", "LastName": "Quist", **properties})


def lead(sandbox: Sandbox, **properties: Any) -> str:
    return row(sandbox, "Lead", **{"LastName": "Quist", "Company": "Quist AB", **properties})


def account(sandbox: Sandbox, **properties: Any) -> str:
    return row(sandbox, "Account", **{"Name": "Quist AB", **properties})


def email() -> str:
    return f"mara.{next(FRESH)}.{id(FRESH)}@quist-example.se"


def held(sandbox: Sandbox, record_id: str, table: str = "Contact") -> dict[str, Any]:
    rows = sandbox.control(f"records/{table}")
    properties: dict[str, Any] = next(one for one in rows if one["id"] == record_id)["properties"]
    return properties


def stamp(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def count(sandbox: Sandbox, end: str) -> int:
    return sum(1 for one in sandbox.requests() if one["route"].rstrip("/").endswith(end))


# ---- login ---------------------------------------------------------------------------------------------------------


async def test_a_login_by_client_credentials_tells_org_and_user(sandbox: Sandbox, crm: Salesforce) -> None:
    status = await crm.account_status()
    assert status.who == sandbox.info["organization_id"]
    assert crm.user_id == sandbox.info["user_id"]
    assert "API calls left today" in status.notes[0]
    assert count(sandbox, "/token") == 1


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    return path


@pytest.mark.parametrize("is_sandbox", [False, True])
async def test_a_login_by_signed_assertion_works_out_whom_it_is_for(
    sandbox: Sandbox, open_crm: Open, key_file: Path, is_sandbox: bool
) -> None:
    sandbox.control("settings", {"is_sandbox": is_sandbox})
    crm = open_crm(auth="jwt", username=sandbox.info["username"], private_key_file=key_file)
    assert (await crm.account_status()).who == sandbox.info["organization_id"]
    sandbox.control("expire-tokens", {})
    await crm.account_status()
    assert count(sandbox, "/token") == 2 + is_sandbox  # what was learned is remembered


async def test_a_configured_audience_is_the_only_one(sandbox: Sandbox, open_crm: Open, key_file: Path) -> None:
    sandbox.control("settings", {"is_sandbox": True})
    more = {"auth": "jwt", "username": sandbox.info["username"], "private_key_file": key_file}
    with pytest.raises(AccessError, match="set audience"):
        await open_crm(audience="https://login.salesforce.com", **more).account_status()
    assert count(sandbox, "/token") == 1
    await open_crm(audience="https://test.salesforce.com", **more).account_status()
    await open_crm(login_base=sandbox.base_url, audience="https://test.salesforce.com", **more).account_status()


async def test_a_key_file_that_is_none_is_for_an_operator(sandbox: Sandbox, open_crm: Open, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key")
    crm = open_crm(auth="jwt", username=sandbox.info["username"], private_key_file=path)
    with pytest.raises(AccessError, match="private key file"):
        await crm.account_status()


async def test_a_login_to_another_org_is_refused(open_crm: Open) -> None:
    with pytest.raises(AccessError, match="another org"):
        await open_crm(org_id="00D000000000001").account_status()


async def test_a_rotated_refresh_token_is_kept(sandbox: Sandbox, open_crm: Open) -> None:
    grants = OwnGrants(SecretStr(sandbox.info["refresh_token"]))
    sandbox.control("settings", {"rotate_refresh_tokens": True})
    crm = open_crm(auth="refresh_token", refresh_token=sandbox.info["refresh_token"], grants=grants)
    await crm.account_status()
    assert grants.refresh_token is not None
    kept = grants.refresh_token.get_secret_value()
    assert kept != sandbox.info["refresh_token"]
    sandbox.info["refresh_token"] = kept  # the old one is dead for every later test of this process
    sandbox.control("expire-tokens", {})
    await crm.account_status()  # the kept one is spent, and not the configured one
    sandbox.info["refresh_token"] = grants.refresh_token.get_secret_value()


async def test_concurrent_calls_over_an_expiry_share_one_refresh(sandbox: Sandbox, crm: Salesforce) -> None:
    await asyncio.gather(*(crm.now() for _ in range(4)), *(crm.properties("contact") for _ in range(8)))
    assert count(sandbox, "/token") == 1
    sandbox.control("expire-tokens", {})
    await asyncio.gather(*(crm.properties("contact") for _ in range(12)))
    assert count(sandbox, "/token") == 2


async def test_an_app_whose_scopes_hide_the_identity_service_works_all_the_same(
    sandbox: Sandbox, crm: Salesforce
) -> None:
    sandbox.control("settings", {"openid": False})
    assert (await crm.account_status()).who == sandbox.info["organization_id"]
    assert crm.user_id == sandbox.info["user_id"]
    assert await crm.now()


@pytest.mark.parametrize(
    ("settings", "version", "todo"),
    [
        ({"retired_below": 67.0}, "66.0", "does not answer API version 66.0: set crm.acme.api_version to a newer one"),
        ({}, "30.0", "does not answer API version 30.0: set crm.acme.api_version to a newer one"),
        ({"api_enabled": False}, "66.0", "API Enabled"),
        ({"always_unauthorized": True}, "66.0", "give the app the scope"),
    ],
)
async def test_what_no_call_can_do_is_told_with_what_to_set(
    sandbox: Sandbox, open_crm: Open, settings: dict[str, Any], version: str, todo: str
) -> None:
    sandbox.control("settings", settings)
    crm = open_crm(api_version=version)
    for call in (crm.properties("contact"), crm.walk(WATCHED, ""), crm.companies(["001000000000000AAA"])):
        with pytest.raises(AccessError, match=todo):
            await call


@pytest.mark.parametrize("version", ["30.0", "99.0"])
async def test_a_version_that_the_org_does_not_list_is_told_with_its_newest(open_crm: Open, version: str) -> None:
    with pytest.raises(AccessError, match=f"no API version {version}: set crm.acme.api_version to 67.0"):
        await open_crm(api_version=version).account_status()


async def test_an_org_that_moves_is_followed(start_sandbox: Start, open_crm: Open) -> None:
    org = start_sandbox("salesforce", "--records", "4", "--companies", "2")
    crm = open_crm(base_url=org.base_url, login_base=org.base_url)
    record_id = contact(org)
    assert (await crm.read(WATCHED, [record_id]))[record_id].fate is Fate.FOUND
    org.control("move-instance", {})
    assert (await crm.read(WATCHED, [record_id]))[record_id].fate is Fate.FOUND


# ---- schema --------------------------------------------------------------------------------------------------------


async def test_the_schema_tells_what_may_be_written(crm: Salesforce) -> None:
    schema = await crm.properties("contact")
    assert (schema["Email"].kind, schema["Email"].length) == ("email", 80)
    assert schema["Phone"].kind == "phone"
    assert schema["HasOptedOutOfEmail"].kind == "bool"
    assert not schema["Id"].writable
    assert schema["Title"].label
    assert crm.missing("contact", schema) == ()


async def test_a_missing_external_id_is_named_and_its_definition_given(sandbox: Sandbox, crm: Salesforce) -> None:
    sandbox.control("switch", {"openprospect_id": False})
    for object in ("contact", "lead", "company"):
        assert crm.missing(object, await crm.properties(object)) == ("OpenProspect_Id__c",)
    text = await crm.setup("company", ("OpenProspect_Id__c",))
    assert "<fullName>OpenProspect_Id__c</fullName>" in text
    assert "# objects/Account.object" in text
    assert "Refill_Source__c" not in text


async def test_the_definitions_of_all_our_fields_are_three_files_of_good_xml(crm: Salesforce) -> None:
    text = await crm.setup("lead", ("OpenProspect_Id__c", *crm.provenance.names))
    files = dict(re.findall(r"^# (\S+)\n(<\?xml.*?)(?=^# |\Z)", text, re.DOTALL | re.MULTILINE))
    assert list(files) == ["package.xml", "objects/Lead.object", "permissionsets/Refill_Lead.permissionset"]
    trees = [defusedxml.ElementTree.fromstring(one.strip().encode()) for one in files.values()]
    names = {"Lead.OpenProspect_Id__c", "Lead.Refill_Source__c", "Lead.Refill_Checked_At__c"}
    spoken = "{http://soap.sforce.com/2006/04/metadata}"
    assert names <= {one.text for one in trees[0].iter(f"{spoken}members")}
    assert {f"Lead.{one.text}" for one in trees[1].iter(f"{spoken}fullName")} == names
    assert {one.text for one in trees[1].iter(f"{spoken}type")} == {"Text", "DateTime"}
    assert {one.text for one in trees[2].iter(f"{spoken}field")} == names


async def test_a_field_that_is_hidden_stops_the_poll_with_its_name(sandbox: Sandbox, crm: Salesforce) -> None:
    sandbox.control("hide", {"object": "Contact", "field": "MobilePhone"})
    try:
        with pytest.raises(AccessError, match="MobilePhone"):
            await crm.changed(WATCHED, Cursor(start=1))
    finally:
        sandbox.control("hide", {"object": "Contact", "field": "MobilePhone", "hidden": False})


async def test_a_hidden_consent_flag_hides_no_record(sandbox: Sandbox, crm: Salesforce) -> None:
    record_id = contact(sandbox)
    sandbox.control("hide", {"object": "Contact", "field": "DoNotCall"})
    try:
        found = (await crm.read(WATCHED, [record_id]))[record_id]
        assert found.fate is Fate.FOUND
    finally:
        sandbox.control("hide", {"object": "Contact", "field": "DoNotCall", "hidden": False})


# ---- watch ---------------------------------------------------------------------------------------------------------


async def test_ties_beyond_a_page_are_neither_skipped_nor_repeated(sandbox: Sandbox, crm: Salesforce) -> None:
    ids = [contact(sandbox, LastName=f"Tie{n}") for n in range(25)]
    sandbox.control("same-stamp", {"object": "contact", "ids": ids, "seconds_ago": 30})
    sandbox.control("settings", {"page_size": 4})
    start = await crm.now() - 120_000
    seen, page = await drained(crm, WATCHED, Cursor(start=start))
    assert [i for i in seen if i in set(ids)] == sorted(ids)
    assert len(seen) == len(set(seen))
    assert page.cursor.end == 0
    assert page.cursor.start >= start


async def test_a_row_committed_late_is_seen_by_the_next_pass(sandbox: Sandbox, crm: Salesforce) -> None:
    _, page = await drained(crm, WATCHED, Cursor(start=await crm.now() - 3_600_000))
    late = sandbox.control(
        "commit-late", {"object": "Contact", "properties": {"LastName": "Late"}, "seconds_ago": 120}
    )["id"]
    seen, _ = await drained(crm, WATCHED, page.cursor)
    assert late in seen


async def test_a_row_changed_in_the_second_a_pass_starts_with_is_seen(sandbox: Sandbox, crm: Salesforce) -> None:
    for _ in range(3):
        start = await crm.now()
        new = contact(sandbox, LastName="Now")  # its stamp is the beginning of its second
        seen, _ = await drained(crm, WATCHED, Cursor(start=start, end=start + 5000, stamp=start))
        assert new in seen


async def test_gaps_where_and_skip_if_choose_the_rows(sandbox: Sandbox, crm: Salesforce) -> None:
    start = await crm.now() - 5000
    full = contact(sandbox, Email=email(), Phone="+4681", LeadSource="Web")
    gap = contact(sandbox, Email=email(), LeadSource="Web")
    other = contact(sandbox, LeadSource="Partner")
    skipped = contact(sandbox, LeadSource="Web", Title='Intern\'s "best"')
    watched = Watched(
        "contact",
        ("Email", "Phone"),
        gaps=("Email", "Phone"),
        where={"LeadSource": ("Web", "Other'); x"), "HasOptedOutOfEmail": ("false",)},
        skip_if={"Title": 'Intern\'s "best"'},
    )
    seen, _ = await drained(crm, watched, Cursor(start=start, end=await crm.now() + 5000, stamp=start))
    assert gap in seen
    assert not {full, other, skipped} & set(seen)


async def test_gaps_in_long_text_are_chosen_by_us(sandbox: Sandbox, crm: Salesforce) -> None:
    start = await crm.now() - 5000
    full, gap = contact(sandbox, Description="x", Email=email()), contact(sandbox, Email=email())
    watched = Watched("contact", ("Description", "Email"), gaps=("Description", "Email"))
    seen, _ = await drained(crm, watched, Cursor(start=start, end=await crm.now() + 5000, stamp=start))
    assert gap in seen
    assert full not in seen


async def test_deleted_and_converted_rows_are_no_changes(sandbox: Sandbox, crm: Salesforce) -> None:
    start = await crm.now() - 5000
    gone, stays, converted = lead(sandbox), lead(sandbox), lead(sandbox)
    sandbox.control("delete", {"object": "Lead", "id": gone})
    sandbox.control("convert", {"id": converted})
    seen, _ = await drained(crm, LEADS, Cursor(start=start, end=await crm.now() + 5000, stamp=start))
    assert stays in seen
    assert not {gone, converted} & set(seen)


async def test_an_expired_token_is_refreshed_once_in_the_midst_of_a_pass(sandbox: Sandbox, crm: Salesforce) -> None:
    ids = [contact(sandbox, LastName=f"Mid{n}") for n in range(8)]
    sandbox.control("settings", {"page_size": 3})
    start = await crm.now() - 5000
    first = await crm.changed(WATCHED, Cursor(start=start, end=await crm.now() + 5000, stamp=start))
    assert not first.done
    sandbox.control("expire-tokens", {})
    rest, _ = await drained(crm, WATCHED, first.cursor)
    assert set(ids) <= {*(record.id for record in first.records), *rest}
    assert count(sandbox, "/token") == 2


async def test_a_walk_sees_every_record_once_in_id_order(sandbox: Sandbox, crm: Salesforce) -> None:
    sandbox.control("settings", {"page_size": 7})
    seen: list[str] = []
    after, done = "", False
    while not done:
        page = await crm.walk(WATCHED, after)
        seen += [record.id for record in page.records]
        after, done = page.cursor.id, page.done
    everybody = {one["id"] for one in sandbox.control("records/Contact") if not one["properties"]["IsDeleted"]}
    assert seen == sorted(everybody)


# ---- read ----------------------------------------------------------------------------------------------------------


async def test_a_contact_is_read_with_company_and_flags(sandbox: Sandbox, crm: Salesforce) -> None:
    firm = account(sandbox, Website="https://www.quist-example.se/about")
    record_id = contact(sandbox, AccountId=firm, HasOptedOutOfEmail=True, DoNotCall=True, Email=email())
    flagged = Watched("contact", ("Email", "Phone", "HasOptedOutOfEmail", "Account.Name"))
    found = await crm.read(flagged, [record_id, record_id[:15]])
    record = found[record_id].record
    assert record is not None
    assert found[record_id[:15]].fate is Fate.FOUND
    linked = (record.company_id, record.company_name, record.company_domain)
    assert linked == (firm, "Quist AB", "https://www.quist-example.se/about")
    assert (record.opted_out, record.do_not_call) == (True, True)
    assert record.modified == stamp(held(sandbox, record_id)["SystemModstamp"])
    assert record.read_at >= record.modified - 1000
    told = {name: record.values[name] for name in ("Phone", "HasOptedOutOfEmail", "Account.Name")}
    assert told == {"Phone": None, "HasOptedOutOfEmail": "true", "Account.Name": "Quist AB"}


async def test_a_lead_is_read_with_its_own_company(sandbox: Sandbox, crm: Salesforce) -> None:
    record_id = lead(sandbox, Website="www.quist-example.se")
    record = (await crm.read(LEADS, [record_id]))[record_id].record
    assert record is not None
    assert (record.company_name, record.company_domain, record.company_id) == ("Quist AB", "www.quist-example.se", "")


async def test_a_value_is_matched_by_the_label_of_a_restricted_picklist(sandbox: Sandbox, crm: Salesforce) -> None:
    sandbox.control(
        "properties/Lead",
        {"name": "Rating", "type": "picklist", "length": 40, "options": ["Hot lead"], "restricted": True},
    )
    rating = (await crm.properties("lead"))["Rating"]
    assert rating.labels == {"Hot lead": "Hot lead"}
    assert fit("hot-lead", "industry", rating) == "Hot lead"
    assert isinstance(fit("warm", "industry", rating), Invalid)


async def test_a_picklist_that_takes_any_text_gets_the_value_of_a_label(sandbox: Sandbox, crm: Salesforce) -> None:
    options = {"options": ["COMPUTER_SOFTWARE"], "labels": ["Software Development"]}
    sandbox.control("properties/Lead", {"name": "Trade__c", "type": "picklist", "length": 40, **options})
    trade = (await crm.properties("lead"))["Trade__c"]
    assert fit("software development", "industry", trade) == "COMPUTER_SOFTWARE"
    assert fit("Beekeeping", "industry", trade) == "Beekeeping"
    assert chosen("Software Development", trade) == ("COMPUTER_SOFTWARE",)
    assert chosen("Beekeeping", trade) == ("Beekeeping",)


async def test_merged_deleted_purged_and_unknown_ids_each_have_a_fate(sandbox: Sandbox, crm: Salesforce) -> None:
    stays, master, loser, gone, purged = (contact(sandbox, LastName=f"F{n}") for n in range(5))
    sandbox.control("merge", {"object": "Contact", "id": master, "losers": [loser]})
    sandbox.control("delete", {"object": "Contact", "id": gone})
    sandbox.control("purge", {"object": "Contact", "id": purged})
    found = await crm.read(WATCHED, [stays, loser, gone, purged, "003000000000000AAA", "no-id"])
    assert {one: known.fate for one, known in found.items()} == {
        stays: Fate.FOUND, loser: Fate.MOVED, gone: Fate.GONE, purged: Fate.GONE, "003000000000000AAA": Fate.GONE,
        "no-id": Fate.GONE,
    }  # fmt: skip
    survivor = found[loser].record
    assert survivor is not None
    assert survivor.id == found[loser].moved_to == master


async def test_a_merge_of_merges_moves_to_its_last_survivor(sandbox: Sandbox, crm: Salesforce) -> None:
    master, loser, chained = (contact(sandbox, LastName=f"M{n}") for n in range(3))
    sandbox.control("merge", {"object": "Contact", "id": loser, "losers": [chained]})
    sandbox.control("merge", {"object": "Contact", "id": master, "losers": [loser]})
    found = await crm.read(WATCHED, [loser, chained])
    for one in (loser, chained):
        assert (found[one].fate, found[one].moved_to, found[one].moved_object) == (Fate.MOVED, master, "contact")
        assert found[one].record is not None


async def test_a_converted_lead_has_moved_to_its_contact(sandbox: Sandbox, crm: Salesforce) -> None:
    record_id = lead(sandbox, Email=email())
    became = sandbox.control("convert", {"id": record_id})
    found = (await crm.read(LEADS, [record_id]))[record_id]
    assert (found.fate, found.moved_object) == (Fate.MOVED, "contact")
    assert found.moved_to == held(sandbox, record_id, "Lead")["ConvertedContactId"]
    assert found.moved_to in str(became)


async def test_linked_accounts_are_read_at_once(sandbox: Sandbox, crm: Salesforce) -> None:
    firm = account(sandbox, Website="quist-example.se", NumberOfEmployees=12)
    told = await crm.companies([firm, "001000000000000AAA"])
    assert set(told) == {firm}
    assert (told[firm].name, told[firm].domain, told[firm].employee_count) == ("Quist AB", "quist-example.se", 12)


async def test_there_is_no_history(crm: Salesforce) -> None:
    assert await crm.history("contact", ["003000000000001AAA"], ("Email",)) == {}


# ---- write ---------------------------------------------------------------------------------------------------------


async def test_a_batch_is_written_in_one_call_and_fails_row_by_row(sandbox: Sandbox, crm: Salesforce) -> None:
    good = [contact(sandbox) for _ in range(8)]
    bad, gone, converted = contact(sandbox), contact(sandbox), lead(sandbox)
    sandbox.control("delete", {"object": "Contact", "id": gone})
    await crm.properties("contact")
    sandbox.calm()
    writes = [*(Write(i, {"Title": f"T{i}"}) for i in good), Write(gone, {"Title": "x"})]
    results = await crm.write("contact", [*writes, Write(bad, {"Title": "t" * 200, "Email": "no address"})])
    assert {results[i].outcome for i in good} == {Written.DONE}
    assert results[gone].outcome is Written.GONE
    assert results[bad].outcome is Written.INVALID
    assert set(results[bad].properties) & {"Title", "Email"}
    assert len(sandbox.requests()) == 1
    assert held(sandbox, good[3])["Title"] == f"T{good[3]}"
    sandbox.control("convert", {"id": converted})
    (told,) = (await crm.write("lead", [Write(converted, {"Title": "x"})])).values()
    assert told.outcome is Written.GONE


async def test_numbers_flags_and_blanks_are_sent_as_the_field_wants_them(sandbox: Sandbox, crm: Salesforce) -> None:
    firm = account(sandbox, Phone="1")
    (told,) = (await crm.write("company", [Write(firm, {"NumberOfEmployees": "40", "Phone": ""})])).values()
    assert told.outcome is Written.DONE
    assert (held(sandbox, firm, "Account")["NumberOfEmployees"], held(sandbox, firm, "Account")["Phone"]) == (40, None)


async def test_locked_rows_are_read_and_tried_again_without_their_neighbours(sandbox: Sandbox, crm: Salesforce) -> None:
    rest = Rest()
    free, locked, stuck = contact(sandbox), contact(sandbox), contact(sandbox)
    sandbox.control("lock", {"id": locked, "times": 1})
    sandbox.control("lock", {"id": stuck, "times": 5})
    rows = await written(crm, "contact", [Write(i, {"Title": "CTO"}) for i in (free, locked, stuck)], rest)
    assert [bool(rows[one].written) for one in (free, locked, stuck)] == [True, True, False]
    word = rows[stuck].word
    assert word is not None
    assert word.outcome is Written.LOCKED
    assert rest.waits == [2.0, 2.0]
    sandbox.control("lock", {"id": stuck, "times": 0})


async def test_a_duplicate_rule_refuses_its_row_and_keeps_its_code(sandbox: Sandbox, crm: Salesforce) -> None:
    taken = email()
    contact(sandbox, Email=taken)
    mine, other = contact(sandbox), contact(sandbox)
    sandbox.control("duplicate-rules", {"rules": [{"object": "Contact", "field": "Email", "blocking": True}]})
    results = await crm.write("contact", [Write(mine, {"Email": taken}), Write(other, {"Email": email()})])
    assert (results[mine].outcome, results[mine].code) == (Written.INVALID, "DUPLICATES_DETECTED")
    assert results[other].outcome is Written.DONE


async def test_a_field_that_does_not_exist_costs_its_rows_only(sandbox: Sandbox, crm: Salesforce) -> None:
    one, other = contact(sandbox), contact(sandbox)
    results = await crm.write("contact", [Write(one, {"Ghost__c": "x"}), Write(other, {"Title": "CTO"})])
    assert (results[one].outcome, results[one].properties) == (Written.INVALID, ("Ghost__c",))
    assert results[other].outcome is Written.DONE


async def test_a_strict_write_leaves_a_newer_row_alone(sandbox: Sandbox, open_crm: Open) -> None:
    crm = open_crm(strict=True)
    ids = [contact(sandbox, LastName=f"S{n}") for n in range(30)]
    for one in ids:  # a minute old, so that an edit of now is newer by more than the second a stamp can tell
        sandbox.control("commit-late", {"object": "Contact", "id": one, "seconds_ago": 60})
    found = await crm.read(WATCHED, ids)
    seen = {i: found[i].record.modified for i in ids}  # type: ignore[union-attr]  # just written: all are found
    sandbox.control("edit", {"object": "Contact", "id": ids[4], "properties": {"Title": "a person's"}})
    sandbox.calm()
    await crm.properties("contact")
    sandbox.calm()
    results = await crm.write("contact", [Write(i, {"Title": "ours"}, seen[i]) for i in ids])
    assert results[ids[4]].outcome is Written.CHANGED
    assert sum(r.outcome is Written.DONE for r in results.values()) == 29
    assert held(sandbox, ids[4])["Title"] == "a person's"
    assert held(sandbox, ids[5])["Title"] == "ours"
    assert count(sandbox, "/composite") == 2


async def test_a_strict_write_keeps_its_condition_over_an_expired_token(sandbox: Sandbox, open_crm: Open) -> None:
    crm = open_crm(strict=True)
    record_id = contact(sandbox)
    sandbox.control("commit-late", {"object": "Contact", "id": record_id, "seconds_ago": 60})
    found = (await crm.read(WATCHED, [record_id]))[record_id].record
    assert found is not None
    sandbox.control("edit", {"object": "Contact", "id": record_id, "properties": {"Title": "a person's"}})
    sandbox.control("expire-tokens", {})
    with pytest.raises(UnavailableError):  # a fresh token is there, and what was read is to be read again
        await crm.write("contact", [Write(record_id, {"Title": "ours"}, found.modified)])
    (told,) = (await crm.write("contact", [Write(record_id, {"Title": "ours"}, found.modified)])).values()
    assert told.outcome is Written.CHANGED
    assert held(sandbox, record_id)["Title"] == "a person's"


# ---- deliver -------------------------------------------------------------------------------------------------------


async def test_contacts_are_found_by_email_and_external_id(sandbox: Sandbox, crm: Salesforce) -> None:
    address, key = email(), f"op-{next(FRESH)}"
    record_id = contact(sandbox, Email=address, OpenProspect_Id__c=key)
    told = await ids_found(crm, "contact", "Email", [address.upper(), "nobody@quist-example.se", "o'brien@x.se"])
    assert told == {address.upper(): (record_id,), "nobody@quist-example.se": (), "o'brien@x.se": ()}
    assert await ids_found(crm, "contact", "OpenProspect_Id__c", [key]) == {key: (record_id,)}


async def test_a_found_row_tells_whose_it_is_and_where_that_person_works(sandbox: Sandbox, crm: Salesforce) -> None:
    address, place = email(), account(sandbox, Name="Ny AB", Website="https://www.ny-example.se")
    contact(sandbox, Email=address, FirstName="Mara", AccountId=place)
    (row,) = (await crm.find("contact", "Email", [address], ("FirstName", "Phone")))[address]
    assert (row.values["FirstName"], row.values["Phone"]) == ("Mara", None)
    assert (row.company_id, row.company_domain) == (place, "https://www.ny-example.se")


async def test_accounts_are_found_by_host_however_the_website_is_written(sandbox: Sandbox, crm: Salesforce) -> None:
    mark = f"{next(FRESH)}-{id(crm)}"
    one = account(sandbox, Website=f"http://www.one-{mark}.se/start")
    twin = account(sandbox, Website=f"ONE-{mark}.se")
    near = account(sandbox, Website=f"https://notone-{mark}.se")
    told = await ids_found(crm, "company", "Website", [f"one-{mark}.se", f"two_{mark}.se"], host)
    assert set(told[f"one-{mark}.se"]) == {one, twin}
    assert near not in told[f"one-{mark}.se"]
    assert told[f"two_{mark}.se"] == ()


async def test_rows_are_found_by_a_part_of_a_text(sandbox: Sandbox, crm: Salesforce) -> None:
    await check_part_of_a_text(crm, "LinkedIn_URL__c", lambda text: contact(sandbox, LinkedIn_URL__c=text))


async def test_staff_is_found_by_company_and_last_name(sandbox: Sandbox, crm: Salesforce) -> None:
    here, there = account(sandbox), account(sandbox)
    last = f"Quist{next(FRESH)}"
    ada = contact(sandbox, LastName=last, AccountId=here)
    contact(sandbox, LastName="Other", AccountId=here)
    contact(sandbox, LastName=last, AccountId=there)
    await check_staff(crm, (here, last), ada)


async def test_a_creation_with_our_id_is_one_row_however_often_it_is_sent(sandbox: Sandbox, crm: Salesforce) -> None:
    key, ticket = f"op/{next(FRESH)}?#%", KeptTicket()
    values = {"OpenProspect_Id__c": key, "LastName": "Ny", "Email": email()}
    record_id = await crm.create("contact", values, ticket)
    assert ticket.steps == ["sent", "stored"]
    assert await crm.create("contact", values, KeptTicket()) == record_id
    assert held(sandbox, record_id)["OpenProspect_Id__c"] == key


async def test_a_creation_that_a_duplicate_rule_stops_is_a_conflict(sandbox: Sandbox, crm: Salesforce) -> None:
    taken, ticket = email(), KeptTicket()
    there = contact(sandbox, Email=taken)
    sandbox.control("duplicate-rules", {"rules": [{"object": "Contact", "field": "Email", "blocking": True}]})
    with pytest.raises(ConflictError) as caught:
        await crm.create("contact", {"LastName": "Ny", "Email": taken}, ticket)
    assert caught.value.existing_id in {"", there}
    assert ticket.steps == ["sent", "released"]


async def test_a_creation_with_a_bad_value_names_it(crm: Salesforce) -> None:
    ticket = KeptTicket()
    with pytest.raises(RejectedError) as caught:
        await crm.create("contact", {"LastName": "Ny", "Email": "no address"}, ticket)
    assert caught.value.fields == ("Email",)
    assert ticket.steps == ["sent", "released"]


async def test_a_creation_without_an_answer_is_unknown_and_found_by_its_key(sandbox: Sandbox, crm: Salesforce) -> None:
    key, ticket = f"op-{next(FRESH)}-lost", KeptTicket()
    await crm.properties("contact")
    sandbox.fault("close", times=1)
    with pytest.raises(OutcomeUnknownError):
        await crm.create("contact", {"LastName": "Ny", "OpenProspect_Id__c": key}, ticket)
    assert ticket.steps == ["sent", "uncertain"]
    assert len((await ids_found(crm, "contact", "OpenProspect_Id__c", [key]))[key]) == 1


async def test_a_creation_that_never_got_ready_gives_its_ticket_back(sandbox: Sandbox, crm: Salesforce) -> None:
    ticket = KeptTicket()
    sandbox.fault("status", params={"status": 503, "body": {}})
    with pytest.raises(UnavailableError):
        await crm.create("contact", {"LastName": "Ny"}, ticket)
    assert ticket.steps == ["released"]


async def test_a_link_fills_a_blank_account_and_leaves_a_persons_choice(sandbox: Sandbox, crm: Salesforce) -> None:
    firm, chosen = account(sandbox), account(sandbox)
    free, taken, a_lead = contact(sandbox), contact(sandbox, AccountId=chosen), lead(sandbox)
    for _ in range(2):
        await crm.link("contact", [(free, firm), (taken, firm)])
    assert held(sandbox, free)["AccountId"] == firm
    assert held(sandbox, taken)["AccountId"] == chosen
    await crm.link("lead", [(a_lead, firm)])


# ---- limits and failures -------------------------------------------------------------------------------------------


async def test_an_org_that_is_not_there_is_unavailable(open_crm: Open) -> None:
    with pytest.raises(UnavailableError):
        await open_crm(base_url="http://127.0.0.1:9").account_status()


async def test_field_history_tells_who_wrote_a_tracked_field_and_when(sandbox: Sandbox, crm: Salesforce) -> None:
    ids = [
        str(sandbox.control("records/Contact", {"properties": {"LastName": f"Tracked{next(FRESH)}"}})["id"])
        for _ in range(3)
    ]
    assert await crm.edits("contact", ids, ["Title", "Phone"]) == {one: {} for one in ids}  # the org tracks nothing
    sandbox.control("track", {"object": "Contact", "fields": ["Title"]})
    other = Salesforce.opened("acme", crm._options, NoLimiter())  # what is hidden is believed for ten minutes
    try:
        sandbox.control("edit", {"object": "Contact", "id": ids[0], "properties": {"Title": "Chief", "Phone": "1"}})
        sandbox.control("edit", {"object": "Contact", "id": ids[0], "properties": {"Title": None}})
        await other.account_status()
        await other.write("contact", [Write(ids[1], {"Title": "Head", "Phone": "+493012345678"})])
        before = len(sandbox.requests())
        found = await other.edits("contact", ids, ["Title", "Phone"])
        asked = [one["route"] for one in sandbox.requests()[before:] if one["route"].endswith("/query")]
    finally:
        await other.aclose()
    assert len(asked) == 1
    assert found[ids[2]] == {}
    assert {one: found[one].keys() for one in ids[:2]} == {one: {"Title"} for one in ids[:2]}
    theirs, ours = found[ids[0]]["Title"], found[ids[1]]["Title"]
    assert (theirs.by, theirs.cleared, ours.by, ours.cleared) == (Writer.PERSON, True, Writer.INTEGRATION, False)
    assert theirs.at > 1_700_000_000_000
