"""Checks vendors that are well, and each way in which they can be ill."""

from __future__ import annotations

import pytest

from tests.harness.installation import Refill
from tests.integration.commands.checking import checked, settled, switched

ALL = {"forager", "kaspr", "openprospect", "acme_hubspot", "acme_salesforce"}


async def test_all_is_well(refill: Refill) -> None:
    told = (await checked(refill)).told
    assert "credits left" in told["forager"]
    assert "person detail 1" in told["forager"]
    assert "appendfsync always" in told["redis"]
    assert told["redis"].startswith(("Valkey ", "Redis "))
    assert "by this user over a socket" in told["redis"]
    for part in ("kaspr", "openprospect", "acme_hubspot contact", "acme_hubspot company", "acme_salesforce lead"):
        assert part in told
    assert all(not vendor.charges() for name, vendor in refill.vendors.items() if name in {"forager", "kaspr"})
    assert "all is well" in (await refill("check")).out


async def test_a_crm_that_is_only_observed_is_checked_without_a_warning(refill: Refill) -> None:
    refill.set(REFILL_CRM__ACME_HUBSPOT__MODE="observe")
    ran = await refill.alone("check")
    assert (ran.code, ran.err) == (0, "")


async def test_hosts_sign_ins_and_scopes_that_a_key_lacks_are_told(refill: Refill) -> None:
    with refill.vendors["openprospect"].switched(withheld="orders:read"):
        found = await checked(refill)
    assert "lacks orders:read" in "".join(found.warned.values())
    assert found.told["hosts"].count("127.0.0.1:") == 5
    assert found.told["acme_salesforce sign-in"] == "signs in by client credentials; API version 66.0"


async def test_a_clock_that_is_far_off_is_warned_of(refill: Refill) -> None:
    refill.vendors["forager"].control("clock", {"advance": 40})
    try:
        found = await checked(refill)
    finally:
        refill.vendors["forager"].control("clock", {"advance": -40})
    (told,) = [one for one in found.rows if "its clock" in one["told"]]
    assert (told["part"], told["level"]) == ("forager", "warning")
    assert "s ahead of this machine's" in told["told"]


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
async def test_wrong_credential_is_named_and_hides_nothing(refill: Refill, variable: str, part: str, todo: str) -> None:
    refill.set(**{variable: "wrong"})
    found = await checked(refill, 1)
    assert found.failed.keys() == {part}
    assert todo in found.failed[part]
    assert len(found.told) >= 8  # the others were looked at all the same


async def test_every_failure_is_told_at_once(refill: Refill) -> None:
    refill.set(REFILL_PROVIDERS__FORAGER__API_KEY="wrong", REFILL_CRM__ACME_HUBSPOT__TOKEN="wrong")
    refill.change(refill.vendors["kaspr"].base_url, "http://127.0.0.1:9")
    failed = (await checked(refill, 1)).failed
    assert failed.keys() == {"forager", "kaspr", "acme_hubspot"}
    assert "it does not answer: " in failed["kaspr"]
    assert 'dialect = "v2"' in failed["kaspr"]  # the other one is at another host


async def test_redis_away_hides_no_vendor(refill: Refill) -> None:
    refill.set(REFILL_REDIS__URL="redis://127.0.0.1:9/0")
    found = await checked(refill, 1)
    assert found.failed.keys() == {"redis"}
    assert "does not answer" in found.failed["redis"]
    assert found.told.keys() >= ALL


async def test_a_portal_synced_with_salesforce_warns_against_delivering_to_both(refill: Refill) -> None:
    with switched(refill, "hubspot", salesforcecontactid=True):
        warned = (await checked(refill)).warned.values()
    assert any("salesforcecontactid" in told and "one of the two" in told for told in warned)


async def test_a_pause_does_not_keep_a_credential_from_being_looked_at(refill: Refill) -> None:
    await refill("pause", "all")
    await checked(refill)


@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["status"], ["dead", "list"]])
async def test_wrong_configuration_ends_with_2_and_the_key(refill: Refill, words: list[str]) -> None:
    refill.change("[web]", "[wep]")
    ran = await refill(*words)
    assert ran.code == 2
    assert "wep" in ran.out + ran.err


@pytest.mark.parametrize("words", [("status",), ("dead", "list"), ("pause", "all"), ("setup", "acme_hubspot")])
async def test_redis_away_is_one_sentence(refill: Refill, words: tuple[str, ...]) -> None:
    refill.set(REFILL_REDIS__URL="redis://127.0.0.1:9/0")
    ran = await refill(*words)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "REFILL_REDIS__URL" in ran.err


async def test_an_app_without_the_identity_scope_is_no_failure(refill: Refill) -> None:
    with settled(refill, "salesforce", openid=False):
        await checked(refill)


async def test_the_ends_of_sign_ins_and_versions_are_told_with_their_dates(refill: Refill) -> None:
    refill.change('kind = "salesforce"\n', 'kind = "salesforce"\napi_version = "40.0"\n')
    told = " ".join(one["told"] for one in (await refill("check", "--json")).json["checks"])
    assert "Salesforce ends API versions 31.0 to 40.0 with Summer '28" in told
    assert 'HubSpot ends API version "2026-09" about March 2028' in told
    assert "September 2027" in told


async def test_a_selection_by_what_is_no_option_is_warned_of_with_its_key(refill: Refill) -> None:
    lead = "[crm.acme_salesforce.watch.lead]\n"
    refill.change(lead, f'{lead}skip_if = {{ Status = "Open" }}\nwhere = {{ Industry = ["banking"] }}\n')
    assert (await checked(refill)).warned["acme_salesforce lead"] == (
        '"Open" is not an option of Status, so it matches no record: use the internal value or the label of an option'
        " in crm.acme_salesforce.watch.lead.skip_if.Status"
    )


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
    told = [
        one["told"] for one in (await checked(refill, 1)).rows if (one["part"], one["level"]) == ("files", "failed")
    ]
    assert [one.split(": run ")[1] for one in told] == [f"chmod o-rwx {env}", f"chmod o-rwx {key}"]
    for one in (env, key):
        one.chmod(0o600)
    assert "files" not in (await checked(refill, 1)).failed  # the key is none
