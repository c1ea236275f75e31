"""Keeps Forager's own account: prices, balance rows, and the pages that a client reads of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.clock import Clock, iso

PRICES: Mapping[str, int] = {
    "person_details_lookup": 1,
    "person_work_email_lookup": 5,
    "person_personal_email_lookup": 5,
    "person_phone_number_lookup": 15,
    "person_reverse_email_search": 5,
    "person_reverse_phone_number_search": 15,
    "person_role_search_api_call": 1,
    "job_search_api_call": 2,
    "organization_search_api_call": 1,
    "organization_technologies_lookup": 1,
}
PAGE = 50


@dataclass(frozen=True, slots=True)
class BalanceRow:
    id: int
    at: float
    change_type: str
    change_sum: float
    change_data: dict[str, Any]

    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "date_created": iso(self.at),
            "change_type": self.change_type,
            "change_sum": self.change_sum,
            "change_data": self.change_data,
        }


class BalanceLog:
    """Keeps the balance rows. They survive a reset of the books: they are the vendor's and not the test's."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: list[BalanceRow] = []
        self.lag_s = 0.0
        """Seconds until a row shows."""

    def add(self, change_type: str, change_sum: float, data: dict[str, Any]) -> None:
        self.rows.append(BalanceRow(len(self.rows) + 1, self.clock.stamp(), change_type, change_sum, data))

    def window(self, start: str | None, end: str | None) -> list[BalanceRow]:
        """Returns the rows of a time window, newest first. Raises: ValueError for an invalid date."""
        since = _epoch(start) if start else 0.0
        until = _epoch(end) if end else float("inf")
        until = min(until, self.clock.wall() - self.lag_s)
        return [row for row in reversed(self.rows) if since <= row.at <= until]


def _epoch(text: str) -> float:
    # a plus sign that was not escaped arrives as a blank
    return datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text).timestamp()
