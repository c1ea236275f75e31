from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tests.e2e.stage import Stage

Open = Callable[..., Stage]


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
