"""Rules that are shown on drawn examples: the same ones in every ``make test``, others and more of them on demand."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes is the machine's affair, not a rule's.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=20 * settings.get_profile("default").max_examples, deadline=None)
settings.load_profile("same")
