"""How the properties are tried: often enough to find a broken rule, and however slow the machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("decide", max_examples=40, deadline=None)
settings.load_profile("decide")
