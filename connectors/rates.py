"""A vendor's rate as an option: one window or several, ready ones or as people write them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from connectors.limits import Window, parse_rate


def _windows(value: Any) -> Any:
    rows = value if isinstance(value, list | tuple) else (value,)
    return tuple(parse_rate(row) if isinstance(row, str) else row for row in rows)


Rate = Annotated[tuple[Window, ...], BeforeValidator(_windows)]
