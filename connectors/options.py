"""Holds the common parts of every vendor's options: the kinds of values that people write in them.

A vendor's package declares its options once; ``config.paid`` and ``config.crms`` compose its tables of them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from connectors.addresses import parse_url
from connectors.limits import Window, parse_rate

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"\s*(\d+)\s*([smhd]|(?:second|minute|hour|day|month)s?)\s*")
_DAYS_OF_MONTH = 365 / 12


class Options(BaseModel):
    """Holds a frozen table of keys; refuses those that it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True, defer_build=True
    )


def parse_duration(text: object) -> timedelta:
    """Returns ``"75s"``, ``"5m"``, ``"1h"``, ``"90d"``, and the same in words: ``"5 minutes"``, ``"9 months"``.

    Raises:
        ValueError: the text is not such a duration; the message names the forms.
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) < 1:
        raise ValueError(
            f'"{text}" is not a valid duration; use a number and s, m, h or d, or the word, such as "90s", "5 minutes" '
            'or "9 months"'
        )
    count, unit = int(match[1]), match[2]
    days = round(count * _DAYS_OF_MONTH)
    seconds = days * _UNITS["d"] if unit.startswith("month") else count * _UNITS[unit[0]]
    if seconds > 100 * 366 * 86_400:
        raise ValueError(f'"{text}" is too long a duration; use at most "36500d"')
    return timedelta(seconds=seconds)


def parse_rates(value: object) -> tuple[Window, ...]:
    """Returns one rate or several: ``"10/second"``, ``["60/minute", "500/day"]``, or several with commas between them.

    Raises:
        ValueError: one of them is not a rate.
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f'"{value}" is not a valid rate; use "10/second", or a list of such')
    return tuple(window if isinstance(window, Window) else parse_rate(str(window).strip()) for window in value)


def _in_folder(path: Path, info: ValidationInfo) -> Path:
    """Returns the path; a relative one starts at refill.toml, not at the working directory."""
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / path.expanduser()).absolute()


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Rates = Annotated[tuple[Window, ...], BeforeValidator(parse_rates)]
Url = Annotated[str, BeforeValidator(parse_url)]
Place = Annotated[Path, AfterValidator(_in_folder)]
