"""What holds for every test: how rules draw their examples, and that nobody's data leaves in a log."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

import pytest
import structlog
from hypothesis import settings

from config.logs import configure_logs
from tests.harness.canaries import CANARIES, Watched
from tests.harness.examples import COMMON

# How long an example takes is the machine's affair, not a rule's. The short form begins as the whole one does.
settings.register_profile("short", derandomize=True, deadline=None, max_examples=COMMON // 4)
settings.register_profile("whole", derandomize=True, deadline=None, max_examples=COMMON)
settings.register_profile("explore", deadline=None, max_examples=20 * COMMON)
settings.load_profile("short")
WITH_PROCESSES = tuple(Path(__file__).parent / name for name in ("e2e", "chaos"))


@pytest.hookimpl(trylast=True)  # once those that are not asked for are gone
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins each worker's share with its part of the tests of whole processes: what is long ends last if begun last.

    Workers get equal shares of the list in its order, and take from each other's ends.
    """
    shares = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [one for one in items if any(one.path.is_relative_to(folder) for folder in WITH_PROCESSES)]
    begun = set(long)
    short = [one for one in items if one not in begun]
    ends = [len(short) * share // shares for share in range(shares + 1)]
    items[:] = [one for share in range(shares) for one in (*long[share::shares], *short[ends[share] : ends[share + 1]])]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Collects without a search for waste, and leaves out of later ones what stays until the end: all that was read."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Logs are set up as the product sets them up, and no line of them holds a secret or a person's datum."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(stream=cast("TextIO", Watched()), console=False)
    root.handlers[:0] = handlers
    logging.captureWarnings(capture=False)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    leaks = CANARIES.leaks()
    assert not leaks, "\n".join(leaks[:5])
