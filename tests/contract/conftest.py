from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from tests.contract.sandbox import Start, sandboxes


@pytest.fixture(scope="session")
def start_sandbox() -> Iterator[Start]:
    """``start_sandbox("forager")``: a running vendor without faults and with empty books."""
    with sandboxes() as start:
        yield start


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Repeats inside a call wait for nothing."""
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield
