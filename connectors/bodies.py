"""Defines the base models of vendor bodies, and reads the numbers that vendors tell, in headers and as text, too.

Unknown fields are ignored, null and odd values of optional fields read as absent, no validation error shows a value.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field

MOST = 10**15  # beyond any count, credit or time in ms that a vendor can mean


def finite(value: object) -> float | None:
    """Returns ``value`` as a number of at most ``MOST`` on either side of zero; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) <= MOST else None


def whole(value: object) -> int | None:
    """Returns ``value`` as a whole number, without its fraction; ``None`` if ``finite`` is."""
    number = finite(value)
    return None if number is None else int(number)


def count(value: object) -> int | None:
    """Returns a number of things: whole and not negative; ``None`` for anything else."""
    number = whole(value)
    return None if number is None or number < 0 else number


T = TypeVar("T")


class Body(BaseModel):
    """Reads a vendor's body: frozen, and tolerant of unknown members."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True, defer_build=True
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if finite(value) is not None else ""


def _count(value: Any) -> int:
    return whole(value) or 0


def _flag(value: Any) -> bool:
    return value is True


def _object(value: Any) -> Any:
    return value if isinstance(value, dict | BaseModel) else {}


def _rows(value: Any) -> Any:
    return [row for row in value if isinstance(row, dict | BaseModel)] if isinstance(value, list | tuple) else []


def _texts(value: Any) -> Any:
    """Keeps texts and whole numbers: other numbers are not texts, and cost more to write out than to read."""
    if not isinstance(value, list | tuple):
        return []
    return [text for item in value if (text := item.strip() if isinstance(item, str) else _whole_text(item))]


def _whole_text(item: Any) -> str:
    return str(item) if type(item) is int and -MOST <= item <= MOST else ""


class _FailFast(FailFast):
    """Allows use in a union, whose members Python 3.11 hashes."""

    __hash__ = object.__hash__


_FIRST_FAULT = _FailFast()  # the fault of a list's first wrong row is enough to know
Text = Annotated[str, BeforeValidator(_text)]
Count = Annotated[int, BeforeValidator(_count)]
Number = Annotated[float | None, BeforeValidator(finite)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Many = Annotated[tuple[T, ...], _FIRST_FAULT]
PAGE_ROWS = 1_000  # of a search: vendors send tens, and a reply of more would cost more to read than to refuse
Page = Annotated[tuple[T, ...], _FIRST_FAULT, Field(max_length=PAGE_ROWS)]
ManyListed = Annotated[list[T], _FIRST_FAULT]
Part = Annotated[T, BeforeValidator(_object)]  # an object that may be absent: its fields then are
Rows = Annotated[tuple[T, ...], _FIRST_FAULT, BeforeValidator(_rows)]  # a list that may be absent, of objects
