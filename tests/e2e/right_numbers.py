"""Holds rows against those of an undisturbed run where a lookup's outcome was uncertain."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from sandbox.truth import plain
from tests.e2e.right_person import FIELDS, Truth
from tests.e2e.stage import Stage

Row: TypeAlias = Mapping[str, str]
Place: TypeAlias = tuple[str, str, str]  # crm, table, id


async def differ_in_right_numbers_only(stage: Stage, expected: Mapping[Place, Row]) -> None:
    """Hold rows against those of an undisturbed run."""
    truth, actual = Truth(stage), stage.vendors.state()
    unexplained = [
        key
        for key, row in expected.items()
        if (now := actual.get(key, {})) != row
        and not is_right_number(truth, key, row, now, await stage.answered_for(key))
    ]
    shown = {key: (expected[key], actual.get(key)) for key in unexplained}
    assert not unexplained, f"{shown} asked {await stage.asked_of(unexplained)}"


def is_right_number(truth: Truth, place: Place, expected: Row, actual: Row, told: AbstractSet[str]) -> bool:
    """Whether a row is as undisturbed but for its phone, which is the number that the answers at hand call for.

    The same person's row in the other CRM may have met a lookup whose outcome is uncertain, and have led both rows to
    another provider. Kaspr tells one number, the mobile, which then stands in both fields; Forager the office's, too.
    """
    crm, _, id_ = place
    person, phone = truth.people_of(crm).get(id_), FIELDS[crm]["phone"]
    if person is None or expected != {**actual, phone: expected.get(phone)}:
        return False
    knows_office = "phone_numbers" in told and person.phone in person.forager.phones
    return plain(actual.get(phone, "")) == plain(person.phone if knows_office else person.mobile)
