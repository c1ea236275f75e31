"""Holds what the rules tell a visit: what to ask, what to write, and why the rest stays open."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.models import Grade, Identity, Offer, Question
from worker.decide.reasons import Reason


@dataclass(frozen=True, slots=True)
class Next:
    """Names a question to ask, and the fields it is asked for."""

    question: Question
    offer: Offer
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Holds a value for one field, and where it is from. ``grade`` is of e-mails, ``None`` for everything else."""

    field: str
    property: str
    value: str = dataclasses.field(repr=False)
    provider: str
    grade: Grade | None
    question_key: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Holds what to do. ``questions`` empty means that nothing new can be learned now.

    ``unfilled`` holds every blank watched field that gets no value and waits for no provider. ``blocked`` are fields
    by the provider that is next for them and has no capacity. ``rightly`` are questions whose answer
    named the record's person. ``dropped`` counts offered values that may not be
    written: the reasons, and ``masked`` and ``wrong_kind``.
    """

    questions: tuple[Next, ...] = ()
    changes: tuple[Change, ...] = ()
    unfilled: Mapping[str, Reason] = dataclasses.field(default_factory=dict)
    blocked: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    identity: Identity = dataclasses.field(default_factory=Identity, repr=False)
    rightly: frozenset[str] = frozenset()
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)
