"""Holds the product, and keeps out what libraries import for features that nobody here uses.

redis-py imports PyJWT, and with it cryptography, for sign-ins: it waits until somebody signs. Its clients of a cluster,
which Refill refuses, the coloured tracebacks that structlog would draw with pygments, httpx's command line and
simple-salesforce's metadata with their SOAP, are never loaded.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType


class _Later(ModuleType):
    """Stands for a module until something is taken from it."""

    def __getattr__(self, name: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        found: object = getattr(import_module(self.__name__), name)
        return found


class _Never(ModuleType):
    """Stands for a module of which others import names and use none: each is an empty class."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


sys.modules.setdefault("jwt", _Later("jwt"))
for _name in (
    "httpx._main",
    "redis.asyncio.cluster",
    "redis.cluster",
    "redis.commands.cluster",
    "rich.traceback",
    "simple_salesforce.metadata",
):
    sys.modules.setdefault(_name, _Never(_name))
