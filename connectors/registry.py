"""Registers the vendors that sell lookups. A new one is its name here; all else of it lies in its own packages.

Each package gives a ``VENDOR``, which names no HTTP library: a configuration is read without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from connectors.ports import PaidVendor

# In the order in which a visit asks where the operator names none and nothing is known of what pays.
NAMES = (
    "kaspr",
    "forager",
)
PAID: Mapping[str, PaidVendor] = {name: import_module(f"connectors.{name}").VENDOR for name in NAMES}
