"""Sets a CRM up: shows what is missing, makes it in a portal, and writes what an org is to deploy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from tests.harness.installation import Refill
from tests.harness.sandbox import Sandbox
from tests.integration.commands.checking import checked, switched


def names(vendor: Sandbox, object: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in vendor.control(f"properties/{object}")}


@pytest.mark.parametrize("vendor", ["hubspot", "salesforce"])
async def test_a_missing_external_id_points_at_setup(refill: Refill, vendor: str) -> None:
    with switched(refill, vendor, openprospect_id=False):
        failed = (await checked(refill, 1)).failed
    assert {one.rpartition(": ")[2] for one in failed.values()} == {f"run refill setup acme_{vendor}"}


async def test_without_a_terminal_setup_only_shows(refill: Refill) -> None:
    with switched(refill, "hubspot", openprospect_id=False) as hubspot:
        ran = await refill("setup", "acme_hubspot")
        assert ran.code == 0
        assert ran.out.count("openprospect_id is missing") == 2
        assert "refill setup acme_hubspot --yes" in ran.out
        assert "openprospect_id" not in names(hubspot, "contacts")


async def test_what_is_missing_in_hubspot_is_made_once(refill: Refill) -> None:
    with switched(refill, "hubspot", openprospect_id=False) as hubspot:
        ran = await refill("setup", "acme_hubspot", "--yes")
        assert ran.code == 0
        assert "created" in ran.out
        for object in ("contacts", "companies"):
            assert names(hubspot, object)["openprospect_id"]["hasUniqueValue"] is True
        await checked(refill)
        again = await refill("setup", "acme_hubspot", "--yes")
        assert (again.code, again.out.count("nothing is missing")) == (0, 2)


async def test_what_to_deploy_in_salesforce_is_printed(refill: Refill) -> None:
    with switched(refill, "salesforce", openprospect_id=False):
        ran = await refill("setup", "acme_salesforce", "--yes")
    assert ran.code == 0
    assert "<fullName>OpenProspect_Id__c</fullName>" in ran.out
    assert "objects/Account.object" in ran.out
    assert "objects/Contact.object" in ran.out


async def test_what_to_deploy_in_salesforce_is_put_into_folders(refill: Refill, tmp_path: Path) -> None:
    with switched(refill, "salesforce", openprospect_id=False):
        ran = await refill("setup", "acme_salesforce", "--yes", "--out", str(tmp_path / "deploy"))
    assert ran.code == 0
    assert f"--metadata-dir {tmp_path / 'deploy' / 'contact'}" in ran.out
    assert "<" not in ran.out
    assert "at its next start" in ran.err
    written = sorted((tmp_path / "deploy" / "contact").rglob("*.*"))
    assert [one.name for one in written] == ["Contact.object", "package.xml", "Refill_Contact.permissionset"]
    for file in written:
        root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
        assert root.tag.startswith("{http://soap.sforce.com/")


async def test_an_unknown_crm_is_answered_with_the_known_ones(refill: Refill) -> None:
    ran = await refill("setup", "nobody")
    assert ran.code == 2
    assert ran.err == 'no crm is called "nobody"; known: acme_hubspot, acme_salesforce\n'
