"""Plays people and administrators of both CRMs while workers write: they edit, approve, set rules and hide fields."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.yard import OBJECTS, Yard
from tests.e2e.test_undisturbed import WATCHED

EVERY_S = 0.1  # a look at what is visited now
LOCKED = 0.2  # share of the org's rows that is in approvals at a time
RULES = {
    "hubspot": ("settings", {"required_beside": {"contacts": {"jobtitle": "seniority"}}}, {"required_beside": {}}),
    "salesforce": (
        "rules",
        {
            "validations": [{"object": "Lead", "field": "Title", "needs": "LeadSource"}],
            "trigger_rows": {"Contact": 3, "Lead": 5},
        },
        {"validations": [], "trigger_rows": {}},
    ),
}
HIDDEN: Mapping[str, Any] = {"object": "Lead", "field": "MobilePhone"}
HIDDEN_FIELD = "mobile_phone"
DUPLICATE_RULE = {"object": "Contact", "field": "Email", "blocking": True}
Row = tuple[str, str, str]


@dataclass(slots=True)
class People:
    """Stands for whoever works in the CRMs of a yard. ``edited`` is what they typed: by row and property."""

    yard: Yard
    edited: dict[Row, dict[str, str]] = field(default_factory=dict)
    _locked: dict[str, Sequence[str]] = field(default_factory=dict)
    _rules: bool = False

    async def edit(self, most: int, chance: random.Random) -> None:
        """Fill blanks of rows that a worker visits at that moment, until ``most`` were filled."""
        while len(self.edited) < most:
            for (vendor, table), kind in OBJECTS.items():
                visited = await self.yard.leased(f"acme_{vendor}", kind)
                fresh = [id_ for id_ in visited if (vendor, table, id_) not in self.edited]
                if fresh and len(self.edited) < most:
                    await asyncio.to_thread(self._fill_in, (vendor, table, chance.choice(fresh)), chance)
            await asyncio.sleep(EVERY_S)

    def _fill_in(self, row: Row, chance: random.Random) -> None:
        vendor, table, id_ = row
        _, *phones, title = WATCHED[vendor, table]
        number = len(self.edited)
        name, value = chance.choice([*((one, f"+4930555{number:05}") for one in phones), (title, f"Typed {number}")])
        held = self.yard.vendors[vendor].control("edit", {"object": table, "id": id_, "properties": {}})
        if not held["properties"].get(name):
            change = {"object": table, "id": id_, "properties": {name: value}}
            self.yard.vendors[vendor].control("edit", change)
            self.edited[row] = {name: value}

    async def lock(self, chance: random.Random) -> None:
        """Approvals begin on some rows of the org, and end on those that were in one."""
        await asyncio.to_thread(self._approve)
        for table in ("Contact", "Lead"):
            ids = sorted(self.yard.vendors.rows("salesforce", table))
            self._locked[table] = chance.sample(ids, round(len(ids) * LOCKED))
            self._org("approval", {"object": table, "ids": self._locked[table]})
        self.yard.vendors["hubspot"].control("settings", {"locked_writes": 3})

    def _approve(self) -> None:
        for table, ids in self._locked.items():
            self._org("approval", {"object": table, "ids": ids, "ended": True})
        self._locked.clear()

    async def rule(self) -> None:
        """Rules are set in both CRMs, or those there are end."""
        self._rules = not self._rules
        for vendor, (path, begun, ended) in RULES.items():
            await asyncio.to_thread(self.yard.vendors[vendor].control, path, begun if self._rules else ended)

    async def hide(self, for_s: float) -> None:
        """A field is taken from us for a while; then somebody resumes what was paused for it."""
        self._org("hide", dict(HIDDEN))
        await asyncio.sleep(for_s)
        self._org("hide", {**HIDDEN, "hidden": False})
        for pause in await self.yard.ledger.pauses.all():
            if pause.target == "acme_salesforce" and pause.reason == "credentials":
                await self.yard.ledger.pauses.lift(pause.target, pause.reason)

    async def calm(self) -> None:
        """Every approval and rule ends, and everybody looks through the rows these kept back."""
        await asyncio.to_thread(self._approve)
        if self._rules:
            await self.rule()
        self.yard.vendors["hubspot"].control("settings", {"locked_writes": 0})
        for vendor, table in OBJECTS:
            ids = sorted(self.yard.vendors.rows(vendor, table))
            touched = {"object": table, "ids": ids}
            await asyncio.to_thread(self.yard.vendors[vendor].control, "same-stamp", touched)

    def _org(self, path: str, body: Mapping[str, Any]) -> None:
        self.yard.vendors["salesforce"].control(path, body)
