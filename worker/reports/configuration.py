"""Tells the configuration as it was loaded, with every secret masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.settings import Settings

MASKED = "••••••••"


def configured(settings: Settings) -> list[tuple[str, str]]:
    """Returns each key with its value, in the order of the settings; a secret shows only that it is set."""
    return list(_leaves(settings.model_dump(mode="json", exclude_none=True), ()))


def _leaves(value: Any, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*above, str(name)))
        return
    text = "yes" if value is True else "no" if value is False else _text(value)
    yield ".".join(above), MASKED if text and set(text) == {"*"} else text


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    return "" if value in ({}, None) else str(value)
