"""Reads the handles of a person or company: what a suppression names, and what a record is compared with.

A handle is (kind, value), where the kind is ``email``, ``slug``, ``phone`` or ``domain`` and the value the one spelling
that everything which means the same is read as. Of kind ``record`` it is a record itself, which may bear no other, of
kind ``question`` a lookup by its key: whatever row asks it, it is about the same person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from connectors.models import Identity
from worker.decide.values import domains, emails, linkedin, phones
from worker.decide.values.fields import EMAIL_FIELDS, PHONE_FIELDS

if TYPE_CHECKING:
    from worker.decide.decision import Decision
    from worker.decide.delivery import Delivered

Kind = Literal["email", "slug", "phone", "domain", "record", "question"]
KINDS: tuple[Kind, ...] = ("email", "slug", "phone", "domain")  # that a text can give


class Handle(NamedTuple):
    """Names somebody in one way."""

    kind: Kind
    value: str


def read(text: str, kind: str = "", countries: tuple[str, ...] = ()) -> Handle | None:
    """Returns the handle that a text gives, of ``kind`` where that is said; ``None`` when it gives none."""
    tried = (kind,) if kind else _guesses(text)
    return next((found for one in tried if (found := _read(text, one, countries))), None)


def _guesses(text: str) -> tuple[str, ...]:
    if "linkedin." in text.casefold():
        return ("slug",)
    if "@" in text:
        return ("email",)
    return ("phone", "domain", "slug") if any(sign.isdigit() for sign in text) else ("domain", "slug")


def _read(text: str, kind: str, countries: tuple[str, ...]) -> Handle | None:
    match kind:
        case "email":
            return _handle("email", emails.read(text).email.lower())
        case "slug":
            return _handle("slug", linkedin.slug(text))
        case "phone":
            return _handle("phone", phones.read(text, countries).e164)
        case _:
            return _handle("domain", domains.company_domain(text))


def _handle(kind: Kind, value: str) -> Handle | None:
    return Handle(kind, value) if value else None


def of_values(values: Mapping[str, str], countries: tuple[str, ...] = ()) -> frozenset[Handle]:
    """Returns the handles among values by canonical field, each e-mail with its domain."""
    return frozenset(_of_fields(values, countries))


def of_value(field: str, value: str, countries: tuple[str, ...] = ()) -> Handle | None:
    """Returns the address or number that a field holds; ``None`` of every other kind of value."""
    kind: Kind | None = "email" if field in EMAIL_FIELDS else "phone" if field in PHONE_FIELDS else None
    return _read(value, kind, countries) if kind else None


def _of_fields(values: Mapping[str, str], countries: tuple[str, ...]) -> Iterator[Handle]:
    for name, text in values.items():
        if name in EMAIL_FIELDS or name == "email":
            yield from _of_email(text)
        elif name in PHONE_FIELDS:
            yield from _one("phone", text, countries)
        elif name == "linkedin_url":
            yield from _one("slug", text)
        elif name in {"company_domain", "company_website", "domain", "website"}:
            yield from _one("domain", text)


def _of_email(text: str) -> Iterator[Handle]:
    yield from _one("email", text)
    yield from _one("domain", emails.domain(text))


def _one(kind: Kind, text: str, countries: tuple[str, ...] = ()) -> Iterator[Handle]:
    found = _read(text, kind, countries) if text else None
    if found:
        yield found


def of_record(crm: str, object: str, id: str) -> Handle:
    """Returns the handle of a record itself: whoever was forgotten by it may bear no other."""
    return Handle("record", f"{crm}:{object}:{id}")


def of_question(key: str) -> Handle:
    """Returns the handle of a question: its answer was erased, so no row may have it bought again."""
    return Handle("question", key)


def of_identity(identity: Identity) -> frozenset[Handle]:
    """Returns the handles that somebody is looked up by."""
    texts = {"email": identity.email, "phone": identity.phone, "linkedin_url": identity.slug, "domain": identity.domain}
    return of_values({name: value for name, value in texts.items() if value})


def of_decision(decision: Decision) -> frozenset[Handle]:
    """Returns the handles that a visit has learned: of the person found, and of the values it would write."""
    return of_identity(decision.identity) | of_values({one.field: one.value for one in decision.changes})


def of_delivered(delivered: Delivered) -> frozenset[Handle]:
    """Returns the handles of a delivered company or person, those that may not be written included."""
    kinds: Mapping[str, Kind] = {"email": "email", "slug": "slug", "domain": "domain"}
    keys = ((kind, value) for kind, _, value in (key.partition(":") for key in delivered.keys) if kind in kinds)
    numbers = {Handle("phone", number) for number in delivered.facts.numbers}
    return frozenset({Handle(kinds[kind], value) for kind, value in keys} | numbers) | of_values(delivered.values)


def of_arguments(arguments: Iterable[str]) -> frozenset[Handle]:
    """Returns the handles that a lookup by hand is sent with."""
    return frozenset(found for text in arguments if (found := read(text)))


def personal(handles: Iterable[Handle]) -> frozenset[Handle]:
    """Returns the handles that are one person's and not a whole company's."""
    return frozenset(one for one in handles if one.kind != "domain")
