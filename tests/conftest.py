"""Sets what holds for every test: how rules draw their examples, and that nobody's data leaves in a log."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

import pytest
import structlog
from _pytest.logging import LogCaptureHandler
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


class LogWatch:
    """Sets logs up as the product does, with every line looked at; again only where a test has set up others."""

    def __init__(self) -> None:
        self._root = logging.getLogger()
        self._ours: tuple[object, object] = (None, None)

    def stands(self) -> bool:
        """Tells whether lines still go where they are looked at."""
        handler, processors = self._ours
        return (
            self._root.level == logging.INFO
            and handler in self._root.handlers
            and structlog.get_config()["processors"] is processors
        )

    def set_up(self) -> None:
        """Sets up the logs beside the handlers of pytest, which stand for a part of a test only."""
        theirs = [one for one in self._root.handlers if isinstance(one, LogCaptureHandler)]
        configure_logs(stream=cast("TextIO", Watched()), console=False)
        # A test that catches events catches those below the level as well.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
        self._ours = (self._root.handlers[0], structlog.get_config()["processors"])
        self._root.handlers[:0] = theirs
        logging.captureWarnings(capture=False)


WATCH = LogWatch()


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Logs are set up as the product sets them up, and no line of them holds a secret or a person's datum."""
    if not WATCH.stands():
        WATCH.set_up()
    yield
    leaks = CANARIES.leaks()
    assert not leaks, "\n".join(leaks[:5])
