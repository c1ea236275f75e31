"""Configurations of tests: tables laid over each other, and written as TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]


def laid_over(below: Config, above: Config) -> dict[str, Any]:
    """Returns two configurations as one: tables are joined, everything else is replaced."""
    joined = dict(below)
    for name, value in above.items():
        joined[name] = laid_over(joined.get(name) or {}, value) if isinstance(value, Mapping) else value
    return joined


def toml(config: Config, prefix: str = "") -> str:
    """Returns the configuration as TOML, which reads the JSON of a plain value; ``None`` stands for nothing."""
    plain = [
        f"{name} = {json.dumps(value)}"
        for name, value in config.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    tables = [
        f"[{prefix}{name}]\n{toml(value, f'{prefix}{name}.')}"
        for name, value in config.items()
        if isinstance(value, Mapping)
    ]
    return "\n".join([*plain, *tables]) + "\n"
