"""Presents a vendor's credential as ``Transport`` takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import SecretStr


class Auth(Protocol):
    async def headers(self) -> Mapping[str, str]:
        """Returns the headers that prove us now; may fetch a token first."""

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """Tells whether there is another credential after a 401 on ``refused``. One refresh at a time."""


class NoAuth:
    """Signs nothing: the vendor asks for no credential."""

    async def headers(self) -> Mapping[str, str]:
        return {}

    async def renewed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - nothing else to show
        return False


class StaticAuth:
    """Sends a key that does not change, in one header."""

    def __init__(self, header: str, value: SecretStr) -> None:
        self._header, self._value = header, value

    async def headers(self) -> Mapping[str, str]:
        return {self._header: self._value.get_secret_value()}

    async def renewed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - nothing else to show
        return False
