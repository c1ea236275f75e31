"""What holds for every test: how rules draw their examples, and that nobody's data leaves in a log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TextIO, cast

import pytest
import structlog
from hypothesis import settings

from config.logs import configure_logs
from tests.canaries import CANARIES, Watched
from tests.examples import COMMON

# How long an example takes is the machine's affair, not a rule's. The short form begins as the whole one does.
settings.register_profile("short", derandomize=True, deadline=None, max_examples=COMMON // 2)
settings.register_profile("whole", derandomize=True, deadline=None, max_examples=COMMON)
settings.register_profile("explore", deadline=None, max_examples=20 * COMMON)
settings.load_profile("short")


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
