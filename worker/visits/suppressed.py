"""Keeps suppressed people and bad values out of stored rows, lookups by hand and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connectors.models import Person, Question
from connectors.openprospect.read import DeliveredCompany
from worker.decide import delivery
from worker.decide.delivery import Delivered
from worker.decide.handles import Handle, of_arguments, of_question, of_value
from worker.decide.reasons import Reason
from worker.visits.watch import AreBad, OnList


def about(question: Question) -> frozenset[Handle]:
    """Returns the handles that a question contains, and its own."""
    return of_arguments(question.arguments.values()) | {of_question(question.key)}


async def allowed(
    rows: Sequence[DeliveredCompany], suppressed: OnList
) -> list[tuple[DeliveredCompany, tuple[Person, ...]]]:
    """Returns the delivered rows whose company is not on the list, each with only its unlisted people."""
    companies = [delivery.company(row.company).handles for row in rows]
    people = [delivery.person(one, row.company).handles for row in rows for one in row.people]
    listed = await suppressed([*companies, *people])
    left, found = iter(listed[len(rows) :]), []
    for row, is_listed in zip(rows, listed[: len(rows)], strict=True):
        kept = tuple(one for one in row.people if not next(left))
        if not is_listed:
            found.append((row, kept))
    return found


async def without_bad(rows: Sequence[Delivered], are_bad: AreBad) -> list[Delivered]:
    """Returns delivered companies and people without the addresses and numbers that a CRM has called bad."""
    handles = [{name: of_value(name, text) for name, text in row.values.items()} for row in rows]
    bad = await are_bad({one for named in handles for one in named.values() if one})
    return [
        replace(
            row,
            values={name: text for name, text in row.values.items() if named[name] not in bad},
            dropped={**row.dropped, Reason.BAD_VALUE: sum(one in bad for one in named.values())},
        )
        if bad
        else row
        for row, named in zip(rows, handles, strict=True)
    ]
