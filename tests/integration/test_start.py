"""A command imports what it runs: counted in modules, for seconds depend on the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

VENDORS = {"aiohttp", "httpx", "requests", "simple_salesforce"}
RULES = {"phonenumbers", "publicsuffixlist", "disposable_email_domains"}
ENGINE = {"arq", "starlette", "uvicorn"}


def imported(module: str) -> set[str]:
    """Return the names of all modules that are loaded after one import in a fresh interpreter."""
    code = f"import sys, {module}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("module", "without", "most"),
    [
        ("worker.cli", {"asyncio", "pydantic", "redis", "rich", "structlog", *VENDORS, *RULES, *ENGINE}, 180),
        ("worker.commands.status", {"cryptography.x509", "jwt.api_jwk", "pygments", *VENDORS, *RULES, *ENGINE}, 585),
        ("worker.commands.failures", {"pygments", *VENDORS, *RULES, *ENGINE}, 580),
        ("worker.commands.read", {"pygments", *VENDORS, *ENGINE}, 682),
        ("worker.service.runtime", {"click", "cryptography.fernet", "lxml", "pygments", "zeep", *ENGINE}, 815),
    ],
)
def test_a_command_imports_what_it_runs(module: str, without: set[str], most: int) -> None:
    found = imported(module)
    assert (found & without, len(found) <= most) == (set(), True), len(found)


def test_an_org_is_reached_without_the_soap_of_its_library() -> None:
    found = imported("worker, connectors.salesforce.wire")
    assert ("simple_salesforce.api" in found, found & {"lxml", "zeep"}) == (True, set())


def test_no_names_of_places_are_read_for_a_number() -> None:
    code = "from worker.decide.values.phones import *; import sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "phonenumbers" in ran.stdout.split()
    assert "phonenumbers.geodata" not in ran.stdout.split()  # the image leaves them out


def test_what_waits_to_be_imported_is_there_when_it_is_used() -> None:
    code = "import worker, redis.asyncio, jwt, sys; print(jwt.encode.__name__, sys.modules['jwt'].__file__ is not None)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["encode", "True"]
