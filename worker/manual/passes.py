"""Holds what a person asks of one pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 150.0  # longer than a lease


@dataclass(frozen=True, slots=True)
class Pass:
    """Holds what a pass is asked to do.

    ``record`` is (crm, object, id) of the only record to look at, ``plan`` the file of the plan to carry out.
    """

    full: bool = False
    record: tuple[str, str, str] | None = None
    max_credits: int | None = None
    patience_s: float = PATIENCE_S
    plan: Path | None = None
