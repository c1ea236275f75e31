"""Reads the dead letters of a work, and tells those of one origin."""

from __future__ import annotations

from worker.ledger.work.work import DeadLetter, Work

PAGE = 500


async def letters(work: Work) -> list[DeadLetter]:
    """Returns every dead letter, oldest first."""
    found: list[DeadLetter] = []
    while page := await work.letters.page(PAGE, len(found)):
        found += page
        if len(page) < PAGE:
            break
    return found
