"""Reads values that people write in a configuration: regions, zones, lists, and texts that stay secret."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr

from connectors.options import parse_duration


def parse_lock(text: object) -> timedelta:
    """Reads a duration, or ``"off"``.

    Raises:
        ValueError: the text is none of them.
    """
    if text == "off":
        return timedelta()
    try:
        return text if text == timedelta() and isinstance(text, timedelta) else parse_duration(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a valid lock; use a duration, such as "9 months", or "off"') from None


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # which of them depends on how wrong the name is
        raise ValueError(f'"{name}" is not a time zone; use one such as "UTC" or "Europe/Berlin"') from None
    return name


def _region(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ValueError(f'"{text}" is not a valid region; use two letters such as "DE"')
    return text.upper()


def _host_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", text.lower()):
        raise ValueError("is not a valid host name. Use one such as refill.internal, without scheme and port")
    return text.lower()


def _header_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", text):
        raise ValueError("is not a valid header name. Use one such as X-Forwarded-Groups")
    return text.lower()


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError(f'"{text}" is not a valid address; use one such as "10.0.0.7" or "10.0.0.0/24"') from None


def _listed(value: object) -> object:
    """Returns one value as a list, and splits a text with commas, as environment variables have them."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def dotted(raw: object) -> object:
    """Returns tables in tables as one table of dotted names; anything else as it is."""
    if not isinstance(raw, dict):
        return raw
    flat: dict[object, object] = {}
    for name, value in raw.items():
        inner = dotted(value)
        flat |= {f"{name}.{one}": held for one, held in inner.items()} if isinstance(inner, dict) else {name: inner}
    return flat


def _texts(value: object) -> object:
    """Returns ``where = { isvip = true }`` and numbers, as the CRM's texts."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return value


def _selection(value: object) -> object:
    values: Any = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(_texts(one) for one in values)


def _blank_values(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(value.strip() for value in values):
        raise ValueError("holds an empty text, which is a gap anyway. Leave it out")
    return values


def _secrets(value: object) -> object:
    """Returns two secrets while one is being replaced, with a comma between them."""
    if isinstance(value, str):
        return tuple(SecretStr(part.strip()) for part in value.split(",") if part.strip())
    return value


Lock = Annotated[timedelta, BeforeValidator(parse_lock)]
Zone = Annotated[str, AfterValidator(_zone)]
Region = Annotated[str, AfterValidator(_region)]
Listed = BeforeValidator(_listed)
HeaderName = Annotated[str, AfterValidator(_header_name)]
Network = Annotated[str, AfterValidator(_network)]
HostName = Annotated[str, AfterValidator(_host_name)]
Text = Annotated[str, BeforeValidator(_texts)]
BlankValues = Annotated[tuple[Text, ...], Listed, AfterValidator(_blank_values)]
Selection = Annotated[tuple[str, ...], BeforeValidator(_selection)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_secrets)]
