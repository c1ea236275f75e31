"""Describes the CRM that deliveries go to."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from connectors.models import Grade, Property
from connectors.ports import Crm
from worker.ledger.journal.reviews import Reviews
from worker.ledger.work.work import Work
from worker.visits.watch import AreBad, Hashes, OnList


class Target(Struct, frozen=True):
    """Holds everything by object. ``person`` is what people are created as, ``people`` where they are searched.

    ``properties`` maps canonical fields to the properties they are written to, without those whose rule is ``never``;
    ``readable`` includes these. ``constants`` are what every new row gets besides, by property. ``fill`` is the work
    that brought people join, of the watched objects, ``memory`` the work that remembers undone, cleared and rejected
    values by object. ``suppressed`` asks the suppression list by ``hashes`` of handles, ``are_bad`` the list of bad
    values. ``opt_out`` are the values by property with which people opt out. ``reviews`` are kept if a person approves
    first. ``locks`` are for how long (ms) a cleared value locks its property. ``consent`` are properties that hold
    opt-outs: nothing is written on a row that does not show them.
    """

    crm: str
    vendor: Crm
    person: str
    people: tuple[str, ...]
    external_id: str
    properties: Mapping[str, Mapping[str, str]]
    readable: Mapping[str, Mapping[str, str]]
    schema: Mapping[str, Mapping[str, Property]]
    accept: Mapping[str, frozenset[Grade]]
    default_region: str
    work: Work
    fill: Mapping[str, Work]
    suppressed: OnList
    hashes: Hashes
    are_bad: AreBad
    constants: Mapping[str, Mapping[str, str]] = {}
    blank_values: tuple[str, ...] = ()
    opt_out: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    reviews: Reviews | None = None
    locks: Mapping[str, Mapping[str, int]] = {}
    memory: Mapping[str, Work] = {}
    consent: Mapping[str, tuple[str, ...]] = {}
