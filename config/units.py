"""Values that people write in a configuration: durations, rates, addresses, and texts that stay secret."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo

from connectors.addresses import is_loopback
from connectors.limits import Window, parse_rate
from connectors.salesforce.ids import long_id

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"\s*(\d+)\s*([smhd])\s*")


def parse_duration(text: object) -> timedelta:
    """``"75s"``, ``"5m"``, ``"1h"``, ``"90d"``.

    Raises:
        ValueError: the text is no such duration; the message says which forms are.
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) < 1:
        raise ValueError(f'"{text}" is no duration: write a number and s, m, h or d, such as "90s", "5m" or "30d"')
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > 100 * 366 * 86_400:
        raise ValueError(f'"{text}" is no duration anybody waits for: write at most "36500d"')
    return timedelta(seconds=seconds)


def parse_rates(value: object) -> tuple[Window, ...]:
    """One rate or several: ``"10/second"``, ``["60/minute", "500/day"]``, or several with commas between them.

    Raises:
        ValueError: one of them is no rate.
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f'"{value}" is no rate: write "10/second", or a list of such')
    return tuple(window if isinstance(window, Window) else parse_rate(str(window).strip()) for window in value)


def parse_url(value: object) -> str:
    """An http(s) address without its trailing slash; plain http only to this machine.

    Raises:
        ValueError: it is something else, or carries a user name, a query or a fragment.
    """
    text = value if isinstance(value, str) else ""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no address: write one such as https://api.example.com") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("is no address: write one such as https://api.example.com")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without user name, query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"goes over plain http to {host}: use https (plain http is for this machine only)")
    return text.strip().rstrip("/")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # which of them depends on how wrong the name is
        raise ValueError(f'"{name}" is no time zone: write one such as "UTC" or "Europe/Berlin"') from None
    return name


def _region(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ValueError(f'"{text}" is no region: write two letters such as "DE"')
    return text.upper()


def _host_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", text.lower()):
        raise ValueError("is not a valid host name. Use one such as refill.internal, without scheme and port")
    return text.lower()


def _listed(value: object) -> object:
    """One value where a list is meant, and a list with commas, as environment variables have them."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def dotted(raw: object) -> object:
    """Tables in tables as one table of dotted names; anything else as it is."""
    if not isinstance(raw, dict):
        return raw
    flat: dict[object, object] = {}
    for name, value in raw.items():
        inner = dotted(value)
        flat |= {f"{name}.{one}": held for one, held in inner.items()} if isinstance(inner, dict) else {name: inner}
    return flat


def _salesforce_id(text: str) -> str:
    try:
        return long_id(text)
    except ValueError as error:
        raise ValueError(f'"{text}" {error}') from None


def _texts(value: object) -> object:
    """``where = { isvip = true }`` and numbers, as the CRM's texts."""
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
    """Two secrets while one is being replaced, with a comma between them."""
    if isinstance(value, str):
        return tuple(SecretStr(part.strip()) for part in value.split(",") if part.strip())
    return value


def _in_folder(path: Path, info: ValidationInfo) -> Path:
    """A relative path starts where refill.toml lies, not where the command was typed."""
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / path.expanduser()).absolute()


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Rates = Annotated[tuple[Window, ...], BeforeValidator(parse_rates)]
Url = Annotated[str, BeforeValidator(parse_url)]
Place = Annotated[Path, AfterValidator(_in_folder)]
Zone = Annotated[str, AfterValidator(_zone)]
Region = Annotated[str, AfterValidator(_region)]
SalesforceId = Annotated[str, AfterValidator(_salesforce_id)]
Listed = BeforeValidator(_listed)
HostName = Annotated[str, AfterValidator(_host_name)]
Text = Annotated[str, BeforeValidator(_texts)]
BlankValues = Annotated[tuple[Text, ...], Listed, AfterValidator(_blank_values)]
Selection = Annotated[tuple[str, ...], BeforeValidator(_selection)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_secrets)]
