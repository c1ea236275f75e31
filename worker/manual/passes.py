"""Holds the arguments of one pass."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

PATIENCE_S = 150.0  # longer than a lease


class Pass(Struct, frozen=True):
    """Holds the arguments of a pass.

    ``record`` is (crm, object, id) of the only record to look at, ``plan`` the file of the plan to carry out.
    """

    full: bool = False
    record: tuple[str, str, str] | None = None
    max_credits: int | None = None
    patience_s: float = PATIENCE_S
    plan: Path | None = None
