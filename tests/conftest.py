"""Rules that are shown on drawn examples: the same ones in every ``make test``, others and more of them on demand."""

from __future__ import annotations

from hypothesis import settings

from tests.examples import COMMON

# How long an example takes is the machine's affair, not a rule's. The short form begins as the whole one does.
settings.register_profile("short", derandomize=True, deadline=None, max_examples=COMMON // 2)
settings.register_profile("whole", derandomize=True, deadline=None, max_examples=COMMON)
settings.register_profile("explore", deadline=None, max_examples=20 * COMMON)
settings.load_profile("short")
