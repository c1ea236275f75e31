"""Reads kept bodies with what they must be read as. Each names its source and whether it was seen or is assumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.models import Answer, Person, Reply

SAMPLES = Path(__file__).parents[2] / "samples"


def samples(vendor: str, kind: str = "") -> list[Any]:
    """A vendor's samples as pytest parameters."""
    rows = [(path.stem, json.loads(path.read_text("utf-8"))) for path in sorted((SAMPLES / vendor).glob("*.json"))]
    assert rows
    for name, row in rows:
        assert row["note"]["standing"] in {"seen", "assumed"}, name
        assert row["note"]["source"], name
    return [pytest.param(row, id=name) for name, row in rows if not kind or row["kind"] == kind]


def sample(vendor: str, name: str) -> Any:
    """Returns one kept body."""
    return json.loads((SAMPLES / vendor / f"{name}.json").read_text("utf-8"))["body"]


def reply(row: dict[str, Any]) -> Reply:
    """The sample as it would come over the wire."""
    body = row["text"].encode() if "text" in row else json.dumps(row["body"]).encode()
    return Reply(row.get("status", 200), row.get("headers", {}), body)


def shown(answer: Answer) -> dict[str, Any]:
    """An answer in the form samples write it down."""
    people = [shown_person(person) for person in answer.people]
    told = {"outcome": answer.outcome.value, "credits": answer.credits, "people": people}
    return told | ({"cause": answer.cause} if answer.cause else {})


def shown_person(person: Person) -> dict[str, Any]:
    """Returns what a person holds, absent values left out."""
    names = ("id", "slug", "full_name", "first_name", "last_name", "title", "city", "country")
    told: dict[str, Any] = {name: getattr(person, name) for name in names if getattr(person, name)}
    roles = [{"title": r.title, "domain": r.company.domain, "current": r.current} for r in person.roles]
    emails = [[row.address, row.grade.value, row.kind] for row in person.emails]
    phones = [row.number for row in person.phones]
    told |= {"roles": roles} if roles else {}
    told |= {"emails": emails} if emails else {}
    return told | ({"phones": phones} if phones else {})
