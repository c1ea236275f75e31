"""Sends tokens to the configured host or Salesforce's, and asks for them as the org's address tells."""

import pytest

from connectors.errors import AccessError
from connectors.salesforce.options import SalesforceOptions
from connectors.salesforce.tokens import audiences, check, identity, pinned

BASE = "https://acme.my.salesforce.com"


@pytest.mark.parametrize(
    ("instance", "base", "origin"),
    [
        ("https://acme.my.salesforce.com", BASE, "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/", BASE, "https://acme.my.salesforce.com"),
        ("https://eu5.salesforce.com", BASE, "https://eu5.salesforce.com"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:8123", "http://127.0.0.1:9000"),
    ],
)
def test_tokens_go_to_the_configured_host_or_salesforces(instance: str, base: str, origin: str) -> None:
    assert pinned("acme", instance, base) == origin


@pytest.mark.parametrize(
    "instance",
    [
        "http://acme.my.salesforce.com", "https://evil.example", "https://salesforce.com.evil.example",
        "https://evilsalesforce.com", "https://acme.my.salesforce.com@evil.example",
        "https://user:pw@acme.my.salesforce.com", "https://eu5.salesforce.com:8443", "http://127.0.0.1:80",
        "http://169.254.169.254", "https://[::1", "file:///etc/passwd", "",
    ],
)  # fmt: skip
def test_a_token_answer_cannot_send_us_elsewhere(instance: str) -> None:
    with pytest.raises(AccessError):
        pinned("acme", instance, BASE)


PRODUCTION, TEST = "https://login.salesforce.com", "https://test.salesforce.com"


@pytest.mark.parametrize(
    ("base", "likeliest"),
    [
        (BASE, PRODUCTION),
        ("https://acme-dev-ed.develop.my.salesforce.com", PRODUCTION),
        ("https://words-4cx0i2-dev-ed.trailblaze.my.salesforce.com", PRODUCTION),
        ("https://eu5.salesforce.com", PRODUCTION),
        ("https://na139.salesforce.com", PRODUCTION),
        ("https://usa2.sfdc-yfeipo.salesforce.com", PRODUCTION),
        ("https://login.salesforce.com", PRODUCTION),
        ("https://acme--uat.sandbox.my.salesforce.com", TEST),
        ("https://acme--uat.sandbox.my.salesforce.mil", TEST),
        ("https://words-dev-ed.scratch.my.salesforce.com", TEST),
        ("https://acme--uat.my.salesforce.com", TEST),  # as before enhanced domains
        ("https://acme--uat.cs42.my.salesforce.com", TEST),
        ("https://cs42.salesforce.com", TEST),
        ("https://usa2s.sfdc-yfeipo.salesforce.com", TEST),
        ("https://test.salesforce.com", TEST),
    ],
)
def test_the_audience_follows_from_the_orgs_address_and_the_other_one_is_next(base: str, likeliest: str) -> None:
    options = SalesforceOptions(base_url=base)
    assert audiences(options) == (likeliest, TEST if likeliest == PRODUCTION else PRODUCTION)


@pytest.mark.parametrize(
    ("more", "audience"),
    [
        ({"login_base": TEST}, TEST),
        ({"login_base": "https://acme.my.site.com/customers"}, "https://acme.my.site.com/customers"),
        ({"audience": "https://elsewhere.example"}, "https://elsewhere.example"),
        ({"audience": PRODUCTION, "login_base": TEST}, PRODUCTION),
    ],
)
def test_a_setting_overrules_what_the_address_tells(more: dict[str, str], audience: str) -> None:
    assert audiences(SalesforceOptions.model_validate({"base_url": BASE, **more}))[0] == audience


@pytest.mark.parametrize(
    ("auth", "lost"),
    [
        ("client_credentials", "client_secret"),
        ("jwt", "username and private_key_file"),
        ("refresh_token", "refresh_token"),
    ],
)
def test_a_missing_secret_is_named(auth: str, lost: str) -> None:
    options = SalesforceOptions.model_validate({"base_url": BASE, "auth": auth, "client_id": "x"})
    with pytest.raises(ValueError, match=f"needs {lost}"):
        check("acme", options)


def test_org_and_user_come_from_the_identity_url() -> None:
    assert identity("https://login.salesforce.com/id/00Dxx/005xx") == ("00Dxx", "005xx")
    assert identity("") == ("", "")
