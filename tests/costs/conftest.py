from __future__ import annotations

import pytest

from tests.harness import cpu


@pytest.fixture(scope="module")
def everyday_s() -> float:
    return cpu.everyday_s()
