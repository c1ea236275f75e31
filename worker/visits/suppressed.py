"""Keeps who is on the suppression list out of what is stored and asked by hand."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.models import Person, Question
from connectors.openprospect.read import DeliveredCompany
from worker.decide import delivery
from worker.decide.handles import Handle, of_arguments, of_delivered
from worker.visits.watch import OnList


def about(question: Question) -> frozenset[Handle]:
    """Returns the handles that a question is sent with."""
    return of_arguments(question.arguments.values())


async def allowed(
    rows: Sequence[DeliveredCompany], suppressed: OnList
) -> list[tuple[DeliveredCompany, tuple[Person, ...]]]:
    """Returns the delivered rows whose company is not on the list, each with those of its people who are not."""
    companies = [of_delivered(delivery.company(row.company)) for row in rows]
    people = [of_delivered(delivery.person(one, row.company)) for row in rows for one in row.people]
    listed = await suppressed([*companies, *people])
    left, found = iter(listed[len(rows) :]), []
    for row, is_listed in zip(rows, listed[: len(rows)], strict=True):
        kept = tuple(one for one in row.people if not next(left))
        if not is_listed:
            found.append((row, kept))
    return found
