"""``check`` and ``setup`` against vendors that are well, and in every way they can be ill."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from tests.harness.installation import Ran, Refill
from tests.harness.sandbox import Sandbox


def failed(ran: Ran) -> dict[str, tuple[str, str]]:
    """Returns what failed: part -> what was found and what to do."""
    return {one["part"]: (one["told"], one["do"]) for one in ran.json["checks"] if one["level"] == "failed"}


def warned(ran: Ran) -> list[str]:
    return [one["told"] for one in ran.json["checks"] if one["level"] == "warning"]


@contextlib.contextmanager
def without_external_id(vendor: Sandbox) -> Iterator[None]:
    vendor.control("switch", {"openprospect_id": False})
    try:
        yield
    finally:
        vendor.control("switch", {"openprospect_id": True})


async def test_all_is_well(refill: Refill) -> None:
    ran = await refill("check", "--json")
    assert ran.code == 0
    assert ran.json["ok"] is True
    told = {one["part"]: one["told"] for one in ran.json["checks"]}
    assert "credits left" in told["forager"]
    assert "person detail 1" in told["forager"]
    assert "appendfsync always" in told["redis"]
    assert told["redis"].startswith(("Valkey ", "Redis "))
    assert "by this user over a socket" in told["redis"]
    for part in ("kaspr", "openprospect", "acme_hubspot contact", "acme_hubspot company", "acme_salesforce lead"):
        assert part in told
    assert all(not vendor.charges() for name, vendor in refill.vendors.items() if name in {"forager", "kaspr"})


async def test_a_crm_that_is_only_observed_is_checked_without_a_warning(refill: Refill) -> None:
    refill.set(REFILL_CRM__ACME_HUBSPOT__MODE="observe")
    ran = await refill.alone("check")
    assert (ran.code, ran.err) == (0, "")


async def test_hosts_sign_ins_and_scopes_that_a_key_lacks_are_told(refill: Refill) -> None:
    with refill.vendors["openprospect"].switched(withheld="orders:read"):
        ran = await refill("check", "--json")
    told = {one["part"]: one["told"] for one in ran.json["checks"]}
    assert any("lacks orders:read" in one for one in warned(ran))
    assert told["hosts"].count("127.0.0.1:") == 5
    assert told["acme_salesforce sign-in"] == "signs in by client credentials; API version 66.0"


async def test_a_clock_that_is_far_off_is_warned_of(refill: Refill) -> None:
    refill.vendors["forager"].control("clock", {"advance": 40})
    try:
        ran = await refill("check", "--json")
    finally:
        refill.vendors["forager"].control("clock", {"advance": -40})
    assert ran.code == 0
    (told,) = [one for one in ran.json["checks"] if "its clock" in one["told"]]
    assert (told["part"], told["level"]) == ("forager", "warning")
    assert "s ahead of this machine's" in told["told"]


async def test_a_table_for_people_says_so_too(refill: Refill) -> None:
    ran = await refill("check")
    assert ran.code == 0
    assert "all is well" in ran.out


@pytest.mark.parametrize(
    ("variable", "part", "todo"),
    [
        ("REFILL_PROVIDERS__FORAGER__API_KEY", "forager", "REFILL_PROVIDERS__FORAGER__API_KEY"),
        ("REFILL_PROVIDERS__KASPR__API_KEY", "kaspr", 'auth_scheme = "raw"'),
        ("REFILL_PROVIDERS__OPENPROSPECT__API_KEY", "openprospect", "REFILL_PROVIDERS__OPENPROSPECT__API_KEY"),
        ("REFILL_CRM__ACME_HUBSPOT__TOKEN", "acme_hubspot", "REFILL_CRM__ACME_HUBSPOT__TOKEN"),
        ("REFILL_CRM__ACME_SALESFORCE__CLIENT_SECRET", "acme_salesforce", "client id and client secret"),
    ],
)
async def test_a_wrong_credential_is_named_and_hides_nothing(
    refill: Refill, variable: str, part: str, todo: str
) -> None:
    refill.set(**{variable: "wrong"})
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert failed(ran).keys() == {part}
    assert todo in failed(ran)[part][1]
    assert len({one["part"] for one in ran.json["checks"]}) >= 8  # the others were looked at all the same


async def test_every_failure_is_told_at_once(refill: Refill) -> None:
    refill.set(REFILL_PROVIDERS__FORAGER__API_KEY="wrong", REFILL_CRM__ACME_HUBSPOT__TOKEN="wrong")
    refill.change(refill.vendors["kaspr"].base_url, "http://127.0.0.1:9")
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert failed(ran).keys() == {"forager", "kaspr", "acme_hubspot"}


async def test_a_silent_host_of_kaspr_points_at_the_other_dialect(refill: Refill) -> None:
    refill.change(refill.vendors["kaspr"].base_url, "http://127.0.0.1:9")
    told, todo = failed(await refill("check", "--json"))["kaspr"]
    assert told == "it does not answer"
    assert 'dialect = "v2"' in todo


async def test_a_property_that_does_not_exist_is_named_with_its_key(refill: Refill) -> None:
    refill.change(
        "[crm.acme_hubspot.watch.contact]\n",
        '[crm.acme_hubspot.watch.contact]\nfields.job_title = { property = "no_such_title" }\n'
        'fields.phone = { property = "createdate" }\nwhere = { no_such_stage = "lead" }\n',
    )
    ran = await refill("check", "--json")
    assert ran.code == 1
    found = [(one["told"], one["do"]) for one in ran.json["checks"] if one["level"] == "failed"]
    assert any(
        "no_such_title" in told and "crm.acme_hubspot.watch.contact.fields.job_title" in do for told, do in found
    )
    assert any("read-only" in told and "fields.phone" in do for told, do in found)
    assert any("no_such_stage" in told and "crm.acme_hubspot.watch.contact.where" in do for told, do in found)


async def test_a_portal_synced_with_salesforce_warns_against_delivering_to_both(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    hubspot.control("switch", {"salesforcecontactid": True})
    try:
        ran = await refill("check", "--json")
    finally:
        hubspot.control("switch", {"salesforcecontactid": False})
    assert ran.code == 0
    assert any("salesforcecontactid" in told and "one of the two" in told for told in warned(ran))


@pytest.mark.parametrize(("vendor", "crm"), [("hubspot", "acme_hubspot"), ("salesforce", "acme_salesforce")])
async def test_a_missing_external_id_points_at_setup(refill: Refill, vendor: str, crm: str) -> None:
    with without_external_id(refill.vendors[vendor]):
        ran = await refill("check", "--json")
    assert ran.code == 1
    assert {todo for _, todo in failed(ran).values()} == {f"run refill setup {crm}"}


async def test_redis_away_hides_no_vendor(refill: Refill) -> None:
    refill.set(REFILL_REDIS__URL="redis://127.0.0.1:9/0")
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert failed(ran).keys() == {"redis"}
    assert "does not answer" in failed(ran)["redis"][0]
    assert {"forager", "kaspr", "openprospect", "acme_hubspot", "acme_salesforce"} <= {
        one["part"] for one in ran.json["checks"]
    }


async def test_a_pause_does_not_keep_a_credential_from_being_looked_at(refill: Refill) -> None:
    await refill("pause", "all")
    assert (await refill("check", "--json")).code == 0


@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["status"], ["dead", "list"]])
async def test_wrong_configuration_ends_with_2_and_the_key(refill: Refill, words: list[str]) -> None:
    refill.change("[web]", "[wep]")
    ran = await refill(*words)
    assert ran.code == 2
    assert "wep" in ran.out + ran.err


# ---- what the daemon asks ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def hidden(org: Sandbox, **what: str) -> Iterator[None]:
    """A field, or an object, that the integration user may not see."""
    org.control("hide", {**what, "hidden": True})
    try:
        yield
    finally:
        org.control("hide", {**what, "hidden": False})


@contextlib.contextmanager
def settled(vendor: Sandbox, **settings: object) -> Iterator[None]:
    before = vendor.control("settings", {})
    vendor.control("settings", settings)
    try:
        yield
    finally:
        vendor.control("settings", {name: before[name] for name in settings})


@pytest.mark.parametrize("field", ["HasOptedOutOfEmail", "DoNotCall"])
async def test_consent_that_cannot_be_read_is_a_failure_unless_it_is_accepted(refill: Refill, field: str) -> None:
    with hidden(refill.vendors["salesforce"], object="Contact", field=field):
        ran = await refill("check", "--json")
        assert ran.code == 1
        told, todo = failed(ran)["acme_salesforce contact"]
        assert field in told
        assert 'crm.acme_salesforce.consent_unreadable = "accept"' in todo
        refill.change('kind = "salesforce"\n', 'kind = "salesforce"\nconsent_unreadable = "accept"\n')
        assert (await refill("check", "--json")).code == 0


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ({"object": "Account", "field": "Website"}, "Website"),
        ({"object": "Account", "field": "Name"}, "Name"),
        ({"object": "Contact", "field": "AccountId"}, "AccountId"),
        ({"object": "Account"}, "Account"),
    ],
)
async def test_accounts_that_polls_read_are_looked_at_too(refill: Refill, what: dict[str, str], named: str) -> None:
    refill.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', 'deliver_to = ["acme_hubspot"]')
    with hidden(refill.vendors["salesforce"], **what):
        ran = await refill("check", "--json")
    assert ran.code == 1
    found = failed(ran)["acme_salesforce contact"]
    assert named in " ".join(found)
    assert "read access" in " ".join(found)


async def test_the_companies_scope_of_a_portal_is_looked_at_too(refill: Refill) -> None:
    refill.change('deliver_to = ["acme_hubspot", "acme_salesforce"]', 'deliver_to = ["acme_salesforce"]')
    scopes = ["crm.objects.contacts.read", "crm.objects.contacts.write"]
    with settled(refill.vendors["hubspot"], scopes=scopes):
        ran = await refill("check", "--json")
    assert ran.code == 1
    assert "crm.objects.companies.read" in failed(ran)["acme_hubspot contact"][1]


async def test_an_app_without_the_identity_scope_is_no_failure(refill: Refill) -> None:
    with settled(refill.vendors["salesforce"], openid=False):
        assert (await refill("check", "--json")).code == 0


async def test_a_retired_version_is_told_with_what_to_set(refill: Refill) -> None:
    with settled(refill.vendors["salesforce"], retired_below=67.0):
        ran = await refill("check", "--json")
    assert ran.code == 1
    assert "set crm.acme_salesforce.api_version to 67.0" in failed(ran)["acme_salesforce"][1]


async def test_the_ends_of_sign_ins_and_versions_are_told_with_their_dates(refill: Refill) -> None:
    refill.change('kind = "salesforce"\n', 'kind = "salesforce"\napi_version = "40.0"\n')
    told = " ".join(one["told"] for one in (await refill("check", "--json")).json["checks"])
    assert "Salesforce ends API versions 31.0 to 40.0 with Summer '28" in told
    assert 'HubSpot ends API version "2026-09" about March 2028' in told
    assert "September 2027" in told


async def test_a_selection_by_what_is_no_id_is_named_with_its_key(refill: Refill) -> None:
    refill.change(
        "[crm.acme_salesforce.watch.lead]\n",
        '[crm.acme_salesforce.watch.lead]\nwhere = { OwnerId = "0055g0000000PERAAB" }\n',
    )
    ran = await refill("check", "--json")
    assert ran.code == 1
    assert "crm.acme_salesforce.watch.lead.where.OwnerId" in failed(ran)["acme_salesforce lead"][0]


async def test_a_selection_by_what_is_no_option_is_warned_of_with_its_key(refill: Refill) -> None:
    refill.change(
        "[crm.acme_salesforce.watch.lead]\n",
        '[crm.acme_salesforce.watch.lead]\nskip_if = { Status = "Open" }\nwhere = { Industry = ["banking"] }\n',
    )
    ran = await refill("check", "--json")
    told = [one for one in ran.json["checks"] if one["part"] == "acme_salesforce lead" and one["level"] == "warning"]
    assert [(one["told"], one["do"]) for one in told] == [
        (
            '"Open" is not an option of Status, so it matches no record',
            "use the internal value or the label of an option in crm.acme_salesforce.watch.lead.skip_if.Status",
        )
    ]


# ---- setup -------------------------------------------------------------------------------------------------------


async def test_setup_shows_that_nothing_is_missing_once_it_was_created(refill: Refill) -> None:
    await refill("setup", "acme_hubspot", "--yes")
    ran = await refill("setup", "acme_hubspot", "--yes")
    assert ran.code == 0
    assert ran.out.count("nothing is missing") == 2


async def test_secrets_that_everybody_can_read_fail_with_the_command_that_mends_it(refill: Refill) -> None:
    env, key = refill.folder / ".env", refill.folder / "org.pem"
    key.write_text("")
    refill.change('kind = "salesforce"\n', 'kind = "salesforce"\nauth = "jwt"\n')
    refill.set(
        REFILL_CRM__ACME_SALESFORCE__USERNAME="integration@sandbox.example",
        REFILL_CRM__ACME_SALESFORCE__PRIVATE_KEY_FILE=str(key),
    )
    for one, mode in ((refill.folder, 0o755), (env, 0o644), (key, 0o644)):
        one.chmod(mode)
    ran = await refill("check", "--json")
    assert ran.code == 1
    told = [one["told"] for one in ran.json["checks"] if (one["part"], one["level"]) == ("files", "failed")]
    assert [one.split(": run ")[1] for one in told] == [f"chmod o-rwx {env}", f"chmod o-rwx {key}"]
    for one in (env, key):
        one.chmod(0o600)
    again = await refill("check", "--json")
    assert "files" not in failed(again)


async def test_setup_without_a_terminal_only_shows(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    with without_external_id(hubspot):
        ran = await refill("setup", "acme_hubspot")
        assert ran.code == 0
        assert ran.out.count("openprospect_id is missing") == 2
        assert "refill setup acme_hubspot --yes" in ran.out
        assert "openprospect_id" not in names(hubspot, "contacts")


async def test_setup_creates_what_is_missing_in_hubspot(refill: Refill) -> None:
    hubspot = refill.vendors["hubspot"]
    with without_external_id(hubspot):
        ran = await refill("setup", "acme_hubspot", "--yes")
        assert ran.code == 0
        assert "created" in ran.out
        for object in ("contacts", "companies"):
            assert names(hubspot, object)["openprospect_id"]["hasUniqueValue"] is True
        assert (await refill("check", "--json")).code == 0


async def test_setup_prints_what_to_deploy_in_salesforce(refill: Refill) -> None:
    salesforce = refill.vendors["salesforce"]
    with without_external_id(salesforce):
        ran = await refill("setup", "acme_salesforce", "--yes")
    assert ran.code == 0
    assert "<fullName>OpenProspect_Id__c</fullName>" in ran.out
    assert "objects/Account.object" in ran.out
    assert "objects/Contact.object" in ran.out


async def test_an_unknown_crm_is_answered_with_the_known_ones(refill: Refill) -> None:
    ran = await refill("setup", "nobody")
    assert ran.code == 2
    assert ran.err == 'no crm is called "nobody"; known: acme_hubspot, acme_salesforce\n'


def names(vendor: Sandbox, object: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in vendor.control(f"properties/{object}")}


@pytest.mark.parametrize("words", [("status",), ("dead", "list"), ("pause", "all"), ("setup", "acme_hubspot")])
async def test_redis_away_is_one_sentence(refill: Refill, words: tuple[str, ...]) -> None:
    refill.set(REFILL_REDIS__URL="redis://127.0.0.1:9/0")
    ran = await refill(*words)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "REFILL_REDIS__URL" in ran.err


async def test_what_salesforce_is_to_deploy_is_put_into_folders(refill: Refill, tmp_path: Path) -> None:
    refill.vendors["salesforce"].control("switch", {"openprospect_id": False})
    try:
        ran = await refill("setup", "acme_salesforce", "--yes", "--out", str(tmp_path / "deploy"))
    finally:
        refill.vendors["salesforce"].control("switch", {"openprospect_id": True})
    assert ran.code == 0
    assert f"--metadata-dir {tmp_path / 'deploy' / 'contact'}" in ran.out
    assert "<" not in ran.out
    assert "at its next start" in ran.err
    written = sorted((tmp_path / "deploy" / "contact").rglob("*.*"))
    assert [one.name for one in written] == ["Contact.object", "package.xml", "Refill_Contact.permissionset"]
    for file in written:
        root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
        assert root.tag.startswith("{http://soap.sforce.com/")
