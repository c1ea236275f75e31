"""Tells the configuration as it was loaded, each value as it is written in the file, with every secret masked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from config.settings import Settings

MASKED = "••••••••"
RATE = {"calls", "seconds"}  # the parts of one rate
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def configured(settings: Settings) -> list[tuple[str, str]]:
    """Returns each key with its value, in the order of the settings; a secret shows only that it is set."""
    return list(_leaves(settings.model_dump(exclude_none=True), ()))


def _leaves(value: Any, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value and value.keys() != RATE:
        for name, inner in value.items():
            yield from _leaves(inner, (*above, str(name)))
    else:
        yield ".".join(above), _text(value)


def _text(value: Any) -> str:
    match value:
        case SecretStr():
            return MASKED if value.get_secret_value() else ""
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return _duration(value)
        case {"calls": calls, "seconds": seconds}:
            return f"{calls}/{seconds} seconds" if seconds > 1 else f"{calls}/second"
        case str():
            return value
        case Collection():
            return ", ".join(map(_text, value))
        case _:
            return str(value)


def _duration(value: timedelta) -> str:
    """Returns a duration in the largest unit that says it in whole numbers: ``75s``, ``1h``, ``180d``."""
    seconds = value.total_seconds()
    unit, length = next(((unit, length) for unit, length in UNITS.items() if not seconds % length), ("s", 1))
    return f"{seconds / length:g}{unit}" if seconds else "0s"
