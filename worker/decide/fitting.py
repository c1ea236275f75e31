"""Fits values to the CRM's own properties: their kinds, lengths and options."""

from __future__ import annotations

import re

from msgspec import Struct

from connectors.models import Property
from worker.decide.values import countries, emails, phones
from worker.decide.values.fields import CUT_FIELDS, EMAIL_FIELDS, PHONE_FIELDS
from worker.decide.values.text import clean, cut, is_formula, is_masked

NO_OPTION = "option"
_URL = re.compile(r"^https?://[^\s/?#]+\.[^\s]+$", re.IGNORECASE)
_NUMBER = re.compile(r"^-?\d+(?:\.\d+)?$")
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


class Invalid(Struct, frozen=True):
    """Tells why a value cannot be written: one word for the count."""

    reason: str


def fit(value: str, field: str, property: Property) -> str | Invalid:
    """Returns ``value`` as ``property`` takes it. Free text is cut at the property's length; nothing else ever is."""
    if not property.writable:
        return Invalid("read_only")
    plain = clean(value)
    if not plain:
        return Invalid("blank")
    if is_masked(plain):
        return Invalid("masked")
    fitted = _of_kind(plain, field, property)
    if isinstance(fitted, Invalid):
        return fitted
    if is_formula(fitted) and not (field in PHONE_FIELDS and _is_e164(fitted)) and not _is_numeric(fitted, property):
        return Invalid("formula")
    if property.length and len(fitted) > property.length:
        return cut(fitted, property.length) if field in CUT_FIELDS else Invalid("too_long")
    return fitted


def chosen(value: str, property: Property) -> tuple[str, ...]:
    """Returns the internal values of the options that a person means by ``value``: an internal value or a label.

    A value that is neither stays as it is: records may still hold an option that was removed.
    """
    wanted = clean(value).casefold()
    for names in (lambda one: one, lambda one: property.labels.get(one, "")):
        found = tuple(sorted(one for one in property.options if wanted and clean(names(one)).casefold() == wanted))
        if found:
            return found
    if property.kind == "bool" and wanted in _TRUE | _FALSE:
        return ("true" if wanted in _TRUE else "false",)
    return (value,)


def _of_kind(plain: str, field: str, property: Property) -> str | Invalid:
    if field in EMAIL_FIELDS or property.kind == "email":
        return emails.normal(plain) or Invalid("email")
    if field in PHONE_FIELDS:
        return phones.read(plain).reachable or Invalid("phone")
    if property.kind == "options" or property.options:
        found = _option(plain, field, property)
        return plain if isinstance(found, Invalid) and property.is_open else found
    if property.kind == "url":
        address = plain if "://" in plain else f"https://{plain}"
        return address if _URL.match(address) else Invalid("url")
    if property.kind == "number":
        return plain if _NUMBER.match(plain) else Invalid("number")
    if property.kind == "bool":
        folded = plain.casefold()
        return "true" if folded in _TRUE else "false" if folded in _FALSE else Invalid("bool")
    if property.kind in {"date", "datetime"}:
        return Invalid("date")  # no canonical field holds a date
    return plain


def _option(plain: str, field: str, property: Property) -> str | Invalid:
    """Returns the internal value: exact, else by label or spelling, else by the meaning of a country's name."""
    if plain in property.options:
        return plain
    wanted = _folded(plain)
    names = {value: {_folded(value), _folded(property.labels.get(value, ""))} - {""} for value in property.options}
    found = {value for value, known in names.items() if wanted in known}
    if not found and field == "country":
        region = countries.region(plain)
        found = {
            value
            for value in property.options
            if region and region in {countries.region(value), countries.region(property.labels.get(value, ""))}
        }
    return found.pop() if len(found) == 1 else Invalid(NO_OPTION)


def _folded(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _is_e164(text: str) -> bool:
    return text.startswith("+") and text[1:].isdigit()


def _is_numeric(text: str, property: Property) -> bool:
    return property.kind == "number" and bool(_NUMBER.match(text))
