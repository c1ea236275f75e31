"""Reads one value of one kind, given as JSON: what ``refill read`` shows and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from worker.decide.values import blanks, domains, emails, linkedin, names, person, phones, titles
from worker.decide.values.person import PersonName

COMPARED = frozenset({"person", "profile"})
_NAMES = frozenset({"first_name", "last_name", "full_name", "name"})
Line = Mapping[str, object]
Read = Mapping[str, object]


def read(line: Line) -> Read:
    """Returns the reading of the value in ``line``.

    Raises:
        ValueError: the line's kind is not known, or one of its values has the wrong type. Says what to use.
    """
    kind = line.get("kind")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise ValueError(f"`kind` must be one of {', '.join(READERS)}.")
    return reader(line)


def _text(line: Line, key: str = "text") -> str:
    value = line.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"`{key}` must be a text.")  # noqa: TRY004 - one class for every wrong line
    return value


def _countries(line: Line) -> tuple[str, ...]:
    value = line.get("countries")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("`countries` must be a list of texts.")
    return tuple(value)


def _linkedin(line: Line) -> Read:
    return {"slug": linkedin.slug(_text(line))}


def _phone(line: Line) -> Read:
    number = phones.read(_text(line), _countries(line))
    return {"e164": number.e164, "mobile": number.mobile, "phone": bool(number.personal)}


def _email(line: Line) -> Read:
    address = emails.read(_text(line))
    return {"email": address.email, "work": address.work, "asked": address.asked}


def _domain(line: Line) -> Read:
    return {"domain": domains.company_domain(_text(line))}


def _name(line: Line) -> Read:
    name = PersonName(_text(line, "first"), _text(line, "last"), _text(line))
    first, last = person.parts(name)
    return {"first": first, "last": last}


def _blank(line: Line) -> Read:
    text = _text(line)
    if _text(line, "of") in _NAMES:
        return {"blank": names.is_placeholder(text)}
    return {"blank": blanks.is_blank(text) or blanks.says_nothing(text)}


def _title(line: Line) -> Read:
    return {"title": titles.read(_text(line))}


def _person(line: Line) -> Read:
    strict = _text(line, "by") == "search"
    verdict = person.compare(_person_name(line, "record"), _person_name(line, "found"), strict=strict)
    return {"verdict": verdict.name.lower()}


def _person_name(line: Line, key: str) -> PersonName:
    parts = line.get(key)
    if not isinstance(parts, Mapping):
        raise ValueError(f"`{key}` must be an object with first, last or full.")  # noqa: TRY004 - as above
    return PersonName(_text(parts, "first"), _text(parts, "last"), _text(parts, "full"))


def _profile(line: Line) -> Read:
    one, other = _text(line, "a"), _text(line, "b")
    at_linkedin = not all(linkedin.profile(text).is_elsewhere for text in (one, other))
    return {"same": linkedin.same(one, other) if at_linkedin else domains.same_host(one, other)}


READERS: Mapping[str, Callable[[Line], Read]] = {
    "linkedin": _linkedin,
    "phone": _phone,
    "email": _email,
    "domain": _domain,
    "name": _name,
    "blank": _blank,
    "title": _title,
    "person": _person,
    "profile": _profile,
}
