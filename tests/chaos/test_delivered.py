"""A delivered person may have either of their own numbers on a row; nobody else is excused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.chaos.delivered import Desk
from tests.chaos.plan import Storm
from tests.chaos.yard import Yard, options_of
from tests.harness.vendors import Vendors

STORM = Storm(records=60)


@dataclass
class Vendored(Yard):
    """A yard of vendors alone."""

    def __init__(self, vendors: Vendors) -> None:
        self.vendors = vendors


@contextmanager
def opened(storm: Storm) -> Iterator[Desk]:
    vendors = Vendors(*(word for name, value in options_of(storm).items() for word in (f"--{name}", str(value))))
    try:
        yield Desk(Vendored(vendors), storm)
    finally:
        vendors.close()


def test_what_only_a_delivery_without_a_last_name_told_may_be_on_its_persons_row() -> None:
    with opened(Storm(seed=3, records=160)) as desk:
        whole = {one.number for one in desk.truth.prospects.values()}
        told = next(one for one in desk.truth.nameless if one["person"] in whole and one["email"])
        row = ("hubspot", "contacts", f"made for person {told['person']}")
        other = next(one for one in desk.truth.delivered.values() if one["email"] and one["person"] != told["person"])

        assert desk.is_of_nameless(row, [("", told["email"])])
        assert desk.is_of_nameless(row, [(told["email"], "")])
        assert not desk.is_of_nameless(row, [])
        assert not desk.is_of_nameless(row, [("", other["email"])])
        assert not desk.is_of_nameless(row, [(other["email"], told["email"])])
        assert not desk.is_of_nameless(
            ("hubspot", "contacts", f"made for person {other['person']}"), [("", other["email"])]
        )


def test_a_row_of_somebody_delivered_may_have_another_of_their_own_numbers() -> None:
    with opened(STORM) as desk:
        ids = desk.truth.stage.vendors["salesforce"].control("world")["ids"]
        delivered = {one.number for one in desk.truth.prospects.values()}
        rows = {row.person.number: row for row in desk.truth.world.rows["salesforce"]}
        theirs = next(row for number, row in rows.items() if number in delivered)
        others = next(row for number, row in rows.items() if number not in delivered)
        place = ("salesforce", "Contact", str(ids[str(theirs.number)]))
        own, another = (theirs.person.phone, theirs.person.mobile), (theirs.person.phone, others.person.mobile)

        assert desk.is_their_own(place, [own])
        assert desk.is_their_own(("salesforce", "Contact", f"made for person {theirs.person.number}"), [own])
        assert not desk.is_their_own(place, [own, another])
        pair = (others.person.phone, others.person.mobile)
        assert not desk.is_their_own(("salesforce", "Contact", str(ids[str(others.number)])), [pair])
