"""Defines the base models of vendor bodies.

Unknown fields are ignored, null and odd values of optional fields read as absent, no validation error shows a value.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field

from connectors.numbers import MOST, finite, whole

T = TypeVar("T")


class Body(BaseModel):
    """Reads what a vendor sent: frozen, and tolerant of what is unknown."""

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
    """Keeps texts and whole numbers: other numbers are nobody's text, and cost more to write out than to read."""
    if not isinstance(value, list | tuple):
        return []
    return [text for item in value if (text := item.strip() if isinstance(item, str) else _whole_text(item))]


def _whole_text(item: Any) -> str:
    return str(item) if type(item) is int and -MOST <= item <= MOST else ""


class _FailFast(FailFast):
    """Allows to stand in a union, whose members Python 3.11 hashes."""

    __hash__ = object.__hash__


_FIRST_FAULT = _FailFast()  # what is wrong with a list's first wrong row is enough to know
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
