from __future__ import annotations

from pathlib import Path

import pytest

from config.crms import CrmSettings
from config.load import load
from connectors.errors import (
    AccessError,
    ConnectorError,
    ContractError,
    CreditsError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from connectors.models import Property
from worker.commands.check_crms import wrong_properties
from worker.commands.check_results import failure

TOML = """
[crm.one]
kind = "hubspot"
[crm.one.watch.contact]
fields.work_email = { property = "email" }
fields.job_title = { property = "made_title", write = "never" }
fields.phone = { property = "phone" }
identity.linkedin_url = "made_url"
where = { lifecyclestage = "lead" }
skip_if = { made_optout = "true" }
"""


@pytest.fixture
def crm(tmp_path: Path) -> CrmSettings:
    path = tmp_path / "refill.toml"
    path.write_text(TOML, encoding="utf-8")
    return load(path, {"REFILL_CRM__ONE__TOKEN": "t"}).crm["one"]


def schema(*read_only: str, without: str = "") -> dict[str, Property]:
    names = ["email", "made_title", "phone", "made_url", "lifecyclestage", "made_optout", "mobilephone", "jobtitle"]
    names += ["firstname", "lastname", "company", "hs_linkedin_url"]
    return {name: Property(name, "text", writable=name not in read_only) for name in names if name != without}


def test_a_schema_with_everything_has_nothing_wrong(crm: CrmSettings) -> None:
    assert list(wrong_properties("one", crm, "contact", schema())) == []


@pytest.mark.parametrize(
    ("lost", "key"),
    [
        ("email", "crm.one.watch.contact.fields.work_email"),
        ("made_title", "crm.one.watch.contact.fields.job_title"),
        ("made_url", "crm.one.watch.contact.identity.linkedin_url"),
        ("lifecyclestage", "crm.one.watch.contact.where"),
        ("made_optout", "crm.one.watch.contact.skip_if"),
    ],
)
def test_a_property_that_is_gone_is_named_with_its_key(crm: CrmSettings, lost: str, key: str) -> None:
    ((told, do),) = wrong_properties("one", crm, "contact", schema(without=lost))
    assert lost in told
    assert do == f"create it, let our user see it, or change {key}"


def test_only_a_property_we_write_must_be_writable(crm: CrmSettings) -> None:
    ((told, do),) = wrong_properties("one", crm, "contact", schema("phone", "made_title", "made_url"))
    assert told == "phone is read-only for our user"
    assert "crm.one.watch.contact.fields.phone" in do


def test_an_object_that_is_not_mapped_has_nothing_wrong(crm: CrmSettings) -> None:
    assert list(wrong_properties("one", crm, "company", {})) == []


@pytest.mark.parametrize(
    ("error", "told", "do"),
    [
        (AccessError("v", "o", 401), "it refuses our credential (status 401)", "check KEY"),
        (AccessError("v", "o", 404, hint="look there"), "it cannot be used (status 404)", "look there"),
        (CreditsError("v", "o", 402), "it has no credits left", "buy some"),
        (ContractError("v", "o", "user"), "its answer is not that of this API (field user)", "check base_url"),
        (UnavailableError("v", "o"), "it does not answer", "check base_url and the network"),
        (UnavailableError("v", "o", 503), "it has a fault (status 503)", "try again later"),
        (RateLimitedError("v", "o", 429), "it has a fault (status 429)", "try again later"),
        (RejectedError("v", "o", 400), "it refuses the request (status 400)", "check base_url and KEY"),
        (TimeoutError(), "it does not answer", "check base_url and the network"),
    ],
)
def test_every_kind_of_failure_says_what_to_do(error: ConnectorError, told: str, do: str) -> None:
    found = failure("part", "KEY", error)
    assert (found.part, found.level, found.text, found.do) == ("part", "failed", told, do)
