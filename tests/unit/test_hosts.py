"""Pages are answered where they are asked for by a name that no stranger can own."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.settings import Web
from worker.web.hosts import Hosts

OURS = Hosts(Web(public_url="https://refill.acme.com", hosts=("Refill.internal",)))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080", "10.1.2.3", "[::1]:8080", "[2001:db8::1]", "localhost", "localhost:8080", "refill:8080",
        "refill.acme.com", "REFILL.acme.com.:443", "refill.internal:8080",
    ],
)  # fmt: skip
def test_names_of_ours_and_addresses_are_known(host: str) -> None:
    assert OURS.knows(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "refill.acme.com.evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.example", "1.2.3"],
)
def test_a_name_that_somebody_else_may_own_is_not(host: str) -> None:
    assert not OURS.knows(host)


@pytest.mark.parametrize("name", ["https://refill.acme.com", "refill:8080", "", "*"])
def test_a_listed_name_is_a_name_and_nothing_else(name: str) -> None:
    with pytest.raises(ValidationError, match="host name"):
        Web(hosts=(name,))
