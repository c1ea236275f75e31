"""Holds one message to people."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict


class AlertText(Struct, frozen=True):
    """Describes one thing to know. ``key`` stays the same from ``opened`` to ``closed``; times are ISO, UTC."""

    key: str
    state: Literal["opened", "closed", "test"]
    cause: str
    sentence: str
    since: str
    at: str
    installation: str = ""

    @property
    def subject(self) -> str:
        who = f"Refill {self.installation}".strip()
        words = {"opened": self.cause, "closed": f"over ({self.cause})", "test": "test"}[self.state]
        return f"[{who}] {words}"

    @property
    def text(self) -> str:
        return f"{self.subject}: {self.sentence}"

    def as_json(self) -> dict[str, str]:
        return asdict(self)
