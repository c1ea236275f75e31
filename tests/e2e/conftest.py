from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from tests.e2e.stage import WITHOUT_DELIVERIES, Stage

Open = Callable[..., Stage]
State = dict[tuple[str, str, str], dict[str, str]]
Undisturbed = Callable[[], Awaitable[State]]
RECORDS: Mapping[str, Any] = {"records": 30, "companies": 8}  # of a stage that is compared with an undisturbed one


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


@pytest.fixture(scope="session")
def seen() -> list[State]:
    """Returns what an undisturbed run left, once one has been played."""
    return []


@pytest.fixture
def undisturbed(opened: Open, seen: list[State]) -> Undisturbed:
    """Shows how the CRMs look when nothing goes wrong, with ``RECORDS`` and without deliveries."""

    async def state() -> State:
        if not seen:
            stage = opened(WITHOUT_DELIVERIES, **RECORDS)
            await stage.played()
            seen.append(stage.vendors.state())
        return seen[0]

    return state
