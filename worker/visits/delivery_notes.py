"""Holds what one visit of a delivered row has come to know, and the way out of its nested steps."""

from __future__ import annotations

from dataclasses import dataclass, field

from worker.ledger.work.work import Lease


class Deferred(Exception):  # noqa: N818 - no error: the way out of a nested step
    """The row, or one of its people, is looked at again at a time."""

    def __init__(self, until_ms: int, reason: str) -> None:
        super().__init__(reason)
        self.until_ms, self.reason = until_ms, reason


@dataclass(slots=True)
class DeliveryNotes:
    """``closed`` are rows of people who may not be written, with the reason, ``made`` rows that this visit created.

    ``at_company`` says at which company a row was when it was read. ``linked`` are entries of links, which are told
    however the visit ends: no intent is kept of them. ``fresh`` says when (ms) rows were made by this visit, or by one
    that was cut short, by object and external id.
    ``problems`` are what a person has to look at: sentences that name rows and prospects by their ids.
    """

    lease: Lease
    entries: list[str] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    at_company: dict[str, str] = field(default_factory=dict)
    linked: list[str] = field(default_factory=list)
    fresh: dict[tuple[str, str], int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def count(self, name: str, by: int = 1) -> None:
        """Count something for the run's report."""
        self.counts[name] = self.counts.get(name, 0) + by
