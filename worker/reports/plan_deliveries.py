"""Foretells deliveries: rows that wait in the work, and those that OpenProspect has ready; reading them is free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from msgspec import Struct
from pydantic import TypeAdapter

from connectors.errors import ConnectorError
from connectors.openprospect.read import DeliveredCompany
from worker.ledger.journal.reviews import Proposed
from worker.reports.plan_sums import AskedBefore
from worker.service.runtime import Runtime

_TOGETHER = 25  # rows, so that their questions share calls
_ROW: TypeAdapter[DeliveredCompany] = TypeAdapter(DeliveredCompany)


class ForeseenDelivery(Struct, frozen=True):
    """Describes a delivered row's effect in one crm. ``lines`` without a row's id are about one to be created."""

    crm: str
    id: str
    lines: tuple[Proposed, ...]

    @property
    def made(self) -> list[tuple[str, str, list[Proposed]]]:
        """Lists the rows to be made: object, the key that no second one may have, values."""
        new = [one for one in self.lines if not one.row]
        rows = [(*who, list(group)) for who, group in groupby(new, lambda one: (one.object, one.external_id))]
        return [(object, _key(lines) or external_id, lines) for object, external_id, lines in rows]

    @property
    def written(self) -> list[Proposed]:
        """Lists what rows that are there would get."""
        return [one for one in self.lines if one.row]


@dataclass(slots=True)
class DeliverySums:
    rows: int = 0
    companies: int = 0
    people: int = 0
    values: int = 0
    _made: AskedBefore = field(default_factory=AskedBefore, repr=False)

    def add(self, one: ForeseenDelivery) -> None:
        """Adds one row; what two of them would make is made once."""
        self.rows += 1
        for object, key, _ in one.made:
            if not self._made.add(f"{object}|{key}"):
                self.companies += object == "company"
                self.people += object != "company"
        self.values += len(one.written)

    def as_json(self) -> dict[str, int]:
        return {"rows": self.rows, "companies": self.companies, "people": self.people, "values": self.values}


def _key(lines: Sequence[Proposed]) -> str:
    """Returns the domain of a company, the address or profile of a person, ``""`` if there is none."""
    values = {one.field: one.after for one in lines}
    names = ("domain",) if lines[0].object == "company" else ("work_email", "linkedin_url")
    return next((values[name].casefold() for name in names if values.get(name)), "")


async def foresee_deliveries(
    runtime: Runtime, crm: str, show: Callable[[ForeseenDelivery], None]
) -> tuple[dict[str, DeliverySums], str]:
    """Read and preview the deliveries of one crm, or of all; gives the sums by crm, and why OpenProspect was not read.

    Raises:
        ConnectorError: a CRM could not be read.
    """
    sums: dict[str, DeliverySums] = {}
    names = [name for name in sorted(runtime.deliverers) if crm in {"", name}]
    for name in names:
        async for rows in _together(_waiting(runtime, name)):
            await _add(runtime, name, rows, sums, show)
    why = ""
    if runtime.collector is not None and names:
        try:
            async for rows in _together(runtime.collector.ahead()):
                for name in names:
                    await _add(runtime, name, rows, sums, show)
        except ConnectorError as error:
            if error.vendor != "openprospect":
                raise
            why = error.hint or f"openprospect could not be read ({type(error).__name__})"
    return sums, why


async def _add(
    runtime: Runtime,
    crm: str,
    rows: Sequence[DeliveredCompany],
    sums: dict[str, DeliverySums],
    show: Callable[[ForeseenDelivery], None],
) -> None:
    found = await asyncio.gather(*(runtime.deliverers[crm].foresee(row) for row in rows))
    for row, lines in zip(rows, found, strict=True):
        one = ForeseenDelivery(crm, row.company.id, lines)
        sums.setdefault(crm, DeliverySums()).add(one)
        show(one)


async def _waiting(runtime: Runtime, crm: str) -> AsyncIterator[DeliveredCompany]:
    async for row in runtime.ledger.deliveries.owed(crm):
        yield _ROW.validate_json(row.json)


async def _together(rows: AsyncIterator[DeliveredCompany]) -> AsyncIterator[Sequence[DeliveredCompany]]:
    block: list[DeliveredCompany] = []
    async for row in rows:
        block.append(row)
        if len(block) == _TOGETHER:
            yield block
            block = []
    if block:
        yield block
