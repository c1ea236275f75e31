"""Compares money by both sides: the vendors' books, read as they grow, against the ledger's totals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.forager import operations as forager
from connectors.kaspr import operations as kaspr
from connectors.models import Question
from tests.harness.vendors import PROVIDERS, Vendors
from worker.ledger.money.budgets import Budgets, Totals

_FORAGER = {theirs: name for name, theirs in forager.LEDGER_NAMES.items()}
_SEARCH = re.compile(r"^organization_domains=\['(.*?)'\]&person_name=(.*)$")


@dataclass(frozen=True, slots=True)
class Reading:
    """Holds a provider's bill between two readings of our totals."""

    before: Totals
    bill: int
    after: Totals

    @property
    def spent(self) -> int:
        return self.before.spent

    @property
    def at_most(self) -> int:
        """Returns what is perhaps charged together with what surely is."""
        return self.after.spent + self.after.sent + self.after.uncertain

    @property
    def holds(self) -> bool:
        """Tells whether spent <= bill <= spent + sent + uncertain."""
        return self.spent <= self.bill <= self.at_most


async def reading(budgets: Budgets, provider: str, bill: Callable[[], int]) -> Reading:
    """Returns both sides as they stand now."""
    before = await budgets.totals(provider)
    charged = bill()
    return Reading(before, charged, await budgets.totals(provider))


@dataclass(slots=True)
class Bill:
    """Collects what one provider has charged so far, in the order it did."""

    vendors: Vendors
    provider: str
    charges: list[Mapping[str, Any]] = field(default_factory=list)
    credits: int = 0
    _seen: int = 0

    def read(self) -> int:
        """Returns credits charged until now."""
        rows = self.vendors[self.provider].control(f"books?kind=charges&since={self._seen}")["charges"]
        self.charges += rows
        self.credits += round(sum(row["credits"] for row in rows))
        self._seen = max([self._seen, *(row["seq"] for row in rows)])
        return self.credits

    def twice(self) -> list[tuple[str, str]]:
        """Lists questions that were charged more than once."""
        asked = Counter((row["operation"], row["identity"]) for row in self.charges)
        return [question for question, times in asked.items() if times > 1]

    def keys(self, account: str) -> set[str]:
        """Returns the keys of the questions that were charged."""
        return {question_of(self.provider, account, row).key for row in self.charges}


def question_of(provider: str, account: str, charge: Mapping[str, Any]) -> Question:
    """Returns the question behind a row of the vendor's books."""
    identity = charge["identity"]
    if provider == "kaspr":
        return Question(provider, account, kaspr.PROFILE.name, {"id": identity}, 0)
    name = _FORAGER[charge["operation"]]
    arguments = {"linkedin_public_identifier": identity}
    if name == forager.BY_EMAIL.name:
        arguments = {"email": identity}
    elif name == forager.BY_PHONE.name:
        arguments = {"phone_number": identity}
    elif name == forager.ROLE_SEARCH.name and (found := _SEARCH.match(identity)):
        arguments = {"organization_domains": f'["{found[1]}"]', "person_name": found[2]}
    return Question(provider, account, name, arguments, 0)


@dataclass(slots=True)
class Books:
    """Watches both paid providers. ``broken`` are the instants at which the bounds did not hold."""

    bills: Mapping[str, Bill]
    checks: int = 0
    broken: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, vendors: Vendors) -> Books:
        return cls({name: Bill(vendors, name) for name in PROVIDERS})

    async def check(self, budgets: Budgets) -> None:
        """Checks spent <= bill <= spent + sent + uncertain; our side is read before and after the bill."""
        for name, bill in self.bills.items():
            found = await reading(budgets, name, bill.read)
            self.checks += 1
            if not found.holds:
                self.broken.append(f"{name}: {found}")

    async def totals(self, budgets: Budgets) -> dict[str, tuple[Totals, int]]:
        """Returns our totals and their bill, now."""
        return {name: (await budgets.totals(name), bill.read()) for name, bill in self.bills.items()}
