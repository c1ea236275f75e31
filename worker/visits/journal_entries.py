"""Writes the journal's lines: lookups, changes and creations, with source, time, reason and price."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import asdict

from connectors.models import Question
from worker.decide import pushing
from worker.decide.journal_line import JournalLine, as_line
from worker.decide.undo import REDO, UNDO
from worker.ledger.compact_json import compact
from worker.ledger.journal.journal import Entry


class IntentEntry(Struct, frozen=True):
    """Describes one change that is about to be written: kept with the record until a read tells what became of it.

    ``credits`` is the cost of the answer behind it, 0 if it was kept from before. ``at`` is in ms.
    """

    field: str
    property: str
    before: str
    after: str
    provider: str
    grade: str
    question: str
    credits: int
    rule: str
    run: str
    at: int
    object: str = ""  # set if the row is not the leased record itself: a delivery's company or person
    id: str = ""
    external_id: str = ""  # the company or person delivered
    values: Mapping[str, str] | None = None  # by property, of a row about to be created
    company_id: str = ""  # the company at which a row is created or to which it is linked

    @classmethod
    def creation(
        cls, object: str, external_id: str, run: str, at: int, values: Mapping[str, str], company_id: str = ""
    ) -> IntentEntry:
        """Returns a row about to be created under an external id."""
        facts = ("", "", "", external_id, "openprospect", "", "", 0, "created", run, at, object)
        return cls(*facts, values=dict(values), company_id=company_id)

    @classmethod
    def link(cls, object: str, id: str, company_id: str, run: str, at: int, external_id: str) -> IntentEntry:
        """Returns a row about to be linked to its company."""
        facts = ("", "", "", "", "openprospect", "", "", 0, "linked", run, at, object, id, external_id)
        return cls(*facts, company_id=company_id)

    @classmethod
    def archiving(cls, run: str, at: int, external_id: str) -> IntentEntry:
        """Returns the leased record, which we made, about to be archived."""
        return cls("", "", "", "", "", "", "", 0, "archived", run, at, external_id=external_id)

    @classmethod
    def of_row(
        cls, object: str, id: str, field: str, property: str, after: str, run: str, at: int, external_id: str = ""
    ) -> IntentEntry:
        """Returns a delivered value about to be written on a blank of a matched row."""
        return cls(field, property, "", after, "openprospect", "", "", 0, "if_blank", run, at, object, id, external_id)

    def is_undo(self) -> bool:
        """Tells whether it takes a change back, or brings one that was taken back again."""
        return self.rule in {UNDO, REDO}

    def is_creation(self) -> bool:
        """Tells whether it is a row rather than a value."""
        return self.rule == "created"

    def is_archiving(self) -> bool:
        """Tells whether it takes the whole row back."""
        return self.rule == "archived"

    def is_link(self) -> bool:
        """Tells whether it is a link rather than a value."""
        return self.rule == "linked"

    def text(self) -> str:
        return compact(_said(asdict(self)))


_OPTIONAL = frozenset({"external_id", "values", "company_id", "cause", "request"})


def _said(values: Mapping[str, object]) -> dict[str, object]:
    """Returns an entry's content without its blanks of deliveries and of data that a CRM did not give."""
    return {name: value for name, value in values.items() if value or name not in _OPTIONAL}


def plain(intent: IntentEntry) -> pushing.Intent:
    """Returns the part of an intent from which the rules tell what became of it."""
    return pushing.Intent(intent.question, intent.field, intent.property, intent.before, intent.after)


def intent(text: str) -> IntentEntry:
    """Returns an intent from the form the ledger keeps."""
    return IntentEntry(**json.loads(text))


def last_creations(texts: Iterable[str]) -> dict[tuple[str, str], IntentEntry]:
    """Returns the last intent for each row about to be created, by object and external id."""
    return {(one.object, one.after): one for one in map(intent, texts) if one.is_creation()}


def change_entry(intent: IntentEntry, state: str, *, cause: str = "", request: str = "") -> str:
    """Returns a change whose end is known: ``confirmed``, ``seen``, ``unsent``, ``refused``, ``overtaken`` or ``gone``.

    ``cause`` is the CRM's message on one that it refused, ``request`` its own id of the call, if it gives one.
    """
    return _entry("change", _said(asdict(intent) | {"state": state, "cause": cause, "request": request}))


def lookup_entry(question: Question, outcome: str, credits: int, at: int) -> str:
    """Returns a paid lookup and how it ended."""
    return _entry(
        "lookup",
        {
            "provider": question.provider,
            "operation": question.operation,
            "question": question.key,
            "outcome": outcome,
            "credits": credits,
            "at": at,
        },
    )


def created_entry(
    object: str, id: str, external_id: str, at: int, values: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Returns a row that a delivery created, with its values by property as far as the answer took them."""
    facts = {"made_object": object, "made_id": id, "external_id": external_id, "values": dict(values), "at": at}
    return _entry("created", facts)


def linked_entry(object: str, id: str, company_id: str, external_id: str, at: int) -> str:
    """Returns a row that a delivery linked to its company."""
    facts = {"provider": "openprospect", "company_id": company_id, "external_id": external_id, "at": at}
    return _entry("linked", {"object": object, "id": id} | facts)


def kept_back_entry(object: str, id: str, external_id: str, cause: str, at: int) -> str:
    """Returns a row that a delivery could not make, fill or link, with the CRM's word on that.

    ``id`` is "" of a new one.
    """
    facts = {"signal": "kept_back", "provider": "openprospect", "external_id": external_id, "cause": cause, "at": at}
    return _entry("signal", {"object": object, "id": id} | facts)


def signal_entry(
    signal: str, provider: str, question: str, values: Mapping[str, str], at: int, credits: int | None = None
) -> str:
    """Returns something worth a person's look that is never written, such as ``job_change``.

    ``credits`` are the cost of the question that it is about.
    """
    facts = {"signal": signal, "provider": provider, "question": question, "at": at}
    facts |= {} if credits is None else {"credits": credits}
    return _entry("signal", facts | dict(values))


_PERSONAL = frozenset(
    {"before", "after", "question", "external_id", "employer", "employer_domain", "title", "values"}
)  # a question's key can be guessed from an address


def scrub(entry: Mapping[str, object]) -> dict[str, object]:
    """Returns an entry without its texts about a person: the action, its author and its price stay."""
    return {name: _blanked(value) if name in _PERSONAL else value for name, value in entry.items()}


def _blanked(value: object) -> object:
    return dict.fromkeys(value, "") if isinstance(value, Mapping) else value and ""


def scrubbed(entry: str) -> str:
    """Returns ``scrub`` of the form the ledger keeps."""
    return compact(scrub(json.loads(entry)))


def subject_of(entry: Mapping[str, object]) -> tuple[str, str]:
    """Returns (object, id) of the row that a delivery's entry is about; blanks in an entry about its own record."""
    object, id = ("made_object", "made_id") if entry.get("kind") == "created" else ("object", "id")
    return str(entry.get(object) or ""), str(entry.get(id) or "")


def _entry(kind: str, values: Mapping[str, object]) -> str:
    return compact({"kind": kind} | dict(values))


def line_of(entry: Entry) -> JournalLine:
    """Returns the line of an entry that the ledger keeps."""
    return as_line(entry.key, (entry.crm, entry.object, entry.id), entry.run, json.loads(entry.entry), entry.at_ms)
