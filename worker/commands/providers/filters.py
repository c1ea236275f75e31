"""Turns typed words into the arguments of a provider's operation. Pure; a mistake is one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from connectors.forager.queries import Query
from connectors.options import parse_duration
from worker.commands.providers.output import WrongUseError
from worker.decide.values import domains, emails, linkedin, phones

Q = TypeVar("Q", bound=Query)
_PHONE = re.compile(r"\+?[\d\s().-]{6,}")
_RANGE = re.compile(r"(\d*)-(\d*)")


def domain(text: str) -> str:
    """Returns the bare host.

    Raises:
        WrongUseError: it has none.
    """
    host = domains.host(text)
    if not host:
        raise WrongUseError(f'"{text}" is not a valid domain; use one such as example.com')
    return host


def slug(text: str) -> str:
    """Returns a person's name on LinkedIn, spelled as a visit spells it, so that both find the same kept answer.

    Raises:
        WrongUseError: the text names no person.
    """
    found = linkedin.slug(text)
    if not found:
        raise WrongUseError("not a LinkedIn profile: write the part after /in/, such as ada-example-1a2b3c")
    return found


def phone(text: str) -> str:
    """Returns the number in E.164.

    Raises:
        WrongUseError: it is not valid, or has no country.
    """
    number = phones.read(text).e164
    if not number:
        raise WrongUseError("not a valid phone number. Write it with its country, such as +14155552671")
    return number


def email(text: str) -> str:
    """Returns the address, spelled as a visit asks by it.

    Raises:
        WrongUseError: it is none.
    """
    found = emails.key(text)
    if not found:
        raise WrongUseError("not an e-mail address. Write one such as ada@acme.com")
    return found


def whom(text: str) -> tuple[Literal["email", "phone", "slug"], str]:
    """Returns which of the three the text is, and its canonical form.

    Raises:
        WrongUseError: it is none of them, or belongs to nobody in particular: a paid question would find a stranger.
    """
    if "@" in text:
        address = email(text)
        if not emails.read(address).asked:
            raise WrongUseError(f"not one person's address ({emails.read(address).problem}). Ask by another")
        return "email", address
    if _PHONE.fullmatch(text.strip()):
        number = phone(text)
        if not phones.read(number).personal:
            raise WrongUseError("not one person's number. Ask by another")
        return "phone", number
    return "slug", slug(text)


def between(name: str, text: str | None) -> dict[str, int]:
    """Returns ``50-200``, ``50-`` or ``-200`` as ``<name>_start`` and ``<name>_end``."""
    if text is None:
        return {}
    match = _RANGE.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise WrongUseError(f'"{text}" is not a valid range; use one such as 50-200, 50- or -200')
    ends = {f"{name}_start": match[1], f"{name}_end": match[2]}
    return {key: int(value) for key, value in ends.items() if value}


def query(kind: type[Q], named: Mapping[str, Any], typed: Sequence[str] | None) -> Q:
    """Returns a search's query out of options and of ``NAME=VALUE`` texts.

    Raises:
        WrongUseError: there is no such filter, its value does not fit, or no filter was given at all.
    """
    values = {name: value for name, value in named.items() if value not in (None, [], ())}
    for text in typed or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise WrongUseError(
                f'"{text}" is not a valid filter; use NAME=VALUE, such as {next(iter(kind.model_fields))}=1'
            )
        if name not in kind.model_fields or name == "page":
            known = ", ".join(sorted(set(kind.model_fields) - {"page"}))
            raise WrongUseError(f'there is no filter "{name}"; known: {known}')
        try:
            values |= kind.from_arguments({name: value}).body()
        except ValueError:
            raise WrongUseError(f"the filter {name} does not take this value: lists and numbers are JSON") from None
    if not values:
        raise WrongUseError("name at least one filter: without one the search gives anybody")
    return kind(**values)


def moment(text: str | None, now: datetime) -> str:
    """Returns ``7d`` (so long ago), a date, or a date-time, as an ISO date-time in UTC; ``""`` for none.

    Raises:
        WrongUseError: it is none of them.
    """
    if text is None:
        return ""
    try:
        when = now - parse_duration(text)
    except ValueError:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise WrongUseError(f'"{text}" is not a valid time; use 7d, 2026-11-20 or 2026-11-20T09:00:00Z') from None
    when = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
