"""Reads the image's and the composition's files, for tests that build or start neither."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """Returns the Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def given(name: str) -> list[str]:
    """Returns the arguments of every instruction of that name."""
    return [value for instruction, value in instructions() if instruction == name]


def commands() -> list[str]:
    """Returns the shell commands with which the image is made."""
    return [command.strip() for run in given("RUN") for command in run.split("&&")]


def copied() -> list[str]:
    """Returns what is copied from the checkout into the image."""
    return [source for value in given("COPY") if not value.startswith("--from") for source in value.split()[:-1]]


def composition() -> dict[str, Any]:
    """Returns compose.yaml as it is loaded."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return loaded
