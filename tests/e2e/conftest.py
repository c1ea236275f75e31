from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tests.e2e.stage import Stage

Open = Callable[..., Stage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Many processes on few cores: these tests may take long where the others may not."""
    for item in items:
        if "tests/e2e/" in item.nodeid:
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """``opened(config, records=..., apart=...)``: a stage of this test's own, gone when the test ends."""
    stages: list[Stage] = []

    def open_(config: Mapping[str, Any] | None = None, **options: Any) -> Stage:
        stages.append(Stage.open(config or {}, **options))
        return stages[-1]

    yield open_
    for stage in stages:
        await stage.close()
