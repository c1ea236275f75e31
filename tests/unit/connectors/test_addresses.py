"""Follows an answer to the vendor's own origin, and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.addresses import is_loopback, onward, parse_url
from connectors.errors import AccessError
from connectors.salesforce import soql
from connectors.salesforce.tokens import pinned
from tests.harness.hostile import addresses

HERE = "https://acme.my.salesforce.com/services/data"
HOSTILE = addresses("acme.my.salesforce.com", "evil.example", "https")
_SIGNS = st.text(st.sampled_from("ab/\\@:?#%.。 \t\r\n[]\x7fé-0") | st.characters(max_codepoint=0x2FF), max_size=40)


@pytest.mark.parametrize("address", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_hostile_address_is_gone_to(address: str) -> None:
    there = onward(HERE, address)
    # what is a path of ours to every reader is a path of ours; the vendor's own host is asked for it
    assert there == "" or httpx.URL(there).host == "acme.my.salesforce.com"
    assert soql.more_path(address) == soql.more_path("/services/apexrest/x") == ""
    with pytest.raises(AccessError):
        pinned("acme", address, "https://acme.my.salesforce.com")


@given(_SIGNS)
@example("\\\\evil.example\\x")
@example("/\\evil.example")
@example("/\x7f")
@example("https://acme.my.salesforce.com\\@evil.example/")
def test_whatever_a_redirect_says_it_stays_on_the_origin_for_every_reader(location: str) -> None:
    there = onward(HERE, location)
    if not there:
        return
    read = httpx.URL(there)  # as it is sent
    assert (read.scheme, read.host, read.port, read.userinfo) == ("https", "acme.my.salesforce.com", None, b"")
    assert urlsplit(there).netloc == "acme.my.salesforce.com"


@given(_SIGNS)
def test_whatever_a_next_page_is_called_it_is_a_query_of_this_org(url: str) -> None:
    path = soql.more_path(f"/services/data/v66.0/query/{url}")
    assert path == "" or path.removeprefix("query/").replace("-", "").isalnum()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.0.0.1.evil.example", False), ("localhost.", False)],
)
def test_plain_http_is_for_this_machine_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    url = f"http://[{host}]" if ":" in host else f"http://{host}"
    if loopback:
        assert parse_url(f"{url}/") == url
    else:
        with pytest.raises(ValueError, match="plain http"):
            parse_url(url)
