"""Holds the product. redis-py imports PyJWT, and with it cryptography, for sign-ins that nobody here uses: it waits."""

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


sys.modules.setdefault("jwt", _Later("jwt"))
