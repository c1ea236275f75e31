from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sandbox import Sandbox
from tests.integration import operating
from tests.integration.operating import Refill


@pytest.fixture(scope="session")
def all_vendors() -> Iterator[dict[str, Sandbox]]:
    with operating.vendors() as found:
        yield found


@pytest.fixture
def vendors(all_vendors: dict[str, Sandbox]) -> dict[str, Sandbox]:
    """The five, without faults and with empty books."""
    for vendor in all_vendors.values():
        vendor.calm()
    return all_vendors


@pytest.fixture
def refill(tmp_path: Path, vendors: dict[str, Sandbox]) -> Refill:
    return Refill(tmp_path, vendors)
