"""Holds the rules' decision for a visit: questions to ask, values to write, and why the rest stays open."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from connectors.models import Discreet, Grade, Identity, Offer, Question
from worker.decide.reasons import Reason


class Next(Struct, frozen=True):
    """Names a question to ask, and the fields it is asked for."""

    question: Question
    offer: Offer
    fields: tuple[str, ...]


class Change(Discreet, frozen=True):
    """Holds a value for one field, and its source. ``grade`` is of e-mails, ``None`` for everything else."""

    hidden = frozenset({"value"})
    field: str
    property: str
    value: str
    provider: str
    grade: Grade | None
    question_key: str


class JobChange(Discreet, frozen=True):
    """Says that the provider's current role of the record's person is at another employer than the CRM's."""

    hidden = frozenset({"company", "title"})
    provider: str
    question_key: str
    domain: str
    company: str = ""
    title: str = ""


class Decision(Discreet, frozen=True):
    """Holds what to do. ``questions`` empty means that nothing new can be learned now.

    ``unfilled`` holds every blank watched field that gets no value and waits for no provider. ``blocked`` are fields
    by the provider that is next for them and has no capacity. ``rightly`` are questions whose answer
    named the record's person. ``dropped`` counts offered values that may not be
    written: the reasons, and ``masked`` and ``wrong_kind``. ``unfit`` are values that would be written if their
    property had such an option. ``job`` is news for people, and is not written.
    """

    hidden = frozenset({"identity"})
    questions: tuple[Next, ...] = ()
    changes: tuple[Change, ...] = ()
    unfilled: Mapping[str, Reason] = {}
    blocked: Mapping[str, tuple[str, ...]] = {}
    identity: Identity = Identity()
    rightly: frozenset[str] = frozenset()
    dropped: Mapping[str, int] = {}
    unfit: tuple[Change, ...] = ()
    job: JobChange | None = None
