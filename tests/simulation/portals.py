"""Draws what administrators and colleagues do in a portal: rules, locks, hidden fields, and later deliveries.

It is drawn apart from the rest of a world, which stays what it is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sandbox.hubspot import HubSpot
from sandbox.hubspot.table import PERSON
from sandbox.people import Person

if TYPE_CHECKING:
    from tests.simulation.world import Scene

RULE = {"contacts": {"jobtitle": "seniority"}}
LOCKED_WRITES = 3


class Colleagues:
    """Draws what they do by ``until`` seconds after the start."""

    def __init__(self, scene: Scene, hub: HubSpot, number: int, until: float) -> None:
        self._scene, self._hub, self._until = scene, hub, until
        self._contacts = hub.portal.tables["contacts"]
        self._chance = random.Random(f"colleagues-{number}")

    def draw(self, coming: Sequence[Person], number: int) -> None:
        """With people whose company is delivered later."""
        for _ in range(2):
            self._at(2, self._until, partial(setattr, self._hub.settings, "locked_writes", LOCKED_WRITES))
        if number % 2 == 0:
            self._ruled()
        if number % 3 == 1:
            self._closed("phone")
        self._works_elsewhere(coming[0])
        self._is_entered(coming[1])

    def _at(self, first: float, last: float, event: Callable[[], object]) -> None:
        self._scene.events.append((self._chance.uniform(first, last), event))

    def _ruled(self) -> None:
        """A rule wants one property beside another, until somebody fills that in for everybody and ends the rule."""
        self._hub.settings.required_beside = RULE

        def event() -> None:
            self._hub.settings.required_beside = {}
            for id_, _ in list(self._scene.living("contacts")):
                record = self._contacts.records[int(id_)]
                self._hub.portal.update(self._contacts, record, {"seniority": "senior"}, PERSON)
                self._scene.changed(id_)

        self._at(5, self._until, event)

    def _closed(self, name: str) -> None:
        """A property is closed to integrations for a while; nobody touches a row when that ends."""
        item = self._contacts.properties[name]
        self._at(3, self._until / 2, partial(self._contacts.define, replace(item, read_only=True)))
        self._at(self._until / 2, self._until, partial(self._contacts.define, item))

    def _works_elsewhere(self, person: Person) -> None:
        """Somebody who is delivered later is there before, at a company that a person chose."""
        company = next(iter(self._hub.portal.tables["companies"].records.values())).id
        record = self._hub.portal.create(self._contacts, {**_told(person), "associatedcompanyid": company}, PERSON)
        self._scene.names["contacts", record.id] = f"who works elsewhere, {person.number}"
        self._scene.typed[record.id, "associatedcompanyid"] = company

    def _is_entered(self, person: Person) -> None:
        """A colleague enters somebody who is delivered at that time, unless they are there already."""

        def event() -> None:
            told = _told(person)
            held = [values for _, values in self._scene.living("contacts")]
            if not any(values.get(name) == told[name] for values in held for name in ("email", "hs_linkedin_url")):
                record = self._hub.portal.create(self._contacts, told, PERSON)
                self._scene.changed(record.id)

        self._at(self._until / 2, self._until, event)


def _told(person: Person) -> dict[str, str]:
    return {
        "firstname": person.first_name,
        "lastname": person.last_name,
        "email": person.work_email,
        "hs_linkedin_url": person.linkedin_url,
    }
