"""An installation on the session's Redis, and somebody to ask about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.operations import Operation
from tests.contract.suite import route_of
from tests.harness.installation import Ran, Refill
from tests.harness.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Hand:
    """Commands by hand. ``person`` is known to both paid providers, with a phone number at Kaspr."""

    refill: Refill
    person: dict[str, Any]
    company: dict[str, Any]

    async def __call__(self, *words: str) -> Ran:
        return await self.refill(*words)

    async def json(self, *words: str) -> Any:
        """Returns what a command that works says to scripts."""
        ran = await self.refill(*words, "--json")
        assert ran.code == 0, ran.err
        return ran.json

    async def refused(self, *words: str, code: int = 1) -> str:
        """The one sentence of a command that does not work; what ``--yes`` said before is left out."""
        ran = await self.refill(*words)
        assert ran.code == code, ran
        assert ran.out == ""
        said = ran.err.splitlines()
        assert len(said) == 1 or (len(said) == 2 and "--yes" in words), ran.err
        return said[-1]

    def vendor(self, name: str) -> Sandbox:
        return self.refill.vendors[name]

    def requests(self, vendor: str, operation: Operation) -> int:
        """Counts the calls of an operation that the vendor's books show."""
        sandbox = self.vendor(vendor)
        return len(sandbox.requests(route_of(sandbox, operation), operation.method))

    @property
    def slug(self) -> str:
        return str(self.person["slug"])

    @property
    def name(self) -> str:
        return f"{self.person['first_name']} {self.person['last_name']}"

    async def first(self, *words: str, key: str = "id") -> str:
        """The id of the first row that a listing shows."""
        return str((await self.json(*words))[0][key])


def somebody(sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = next(
        row
        for row in sandbox.world["people"]
        if row["slug"].isascii()
        and row["kaspr"]["known"]
        and row["kaspr"]["phone"]
        and row["kaspr"]["work_email"]
        and row["forager"]["detail"]
        and row["forager"]["work_emails"]
    )
    return found
