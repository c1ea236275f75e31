"""Keeps a plan in a file: a line for each record, its id and the fields to fill. No person's data is in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from config.problems import ConfigError
from worker.ledger.work.planned import PlannedFields
from worker.visits.foresight import ForeseenVisit

FORMAT = 1
_HEAD = "refill_plan"


class PlanWriter:
    """Writes a plan to a temporary file beside its path, and moves it there when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        """Begin the file.

        Raises:
            ConfigError: it cannot be written, or is there already and no plan.
        """
        if not _may_be_replaced(self._path):
            raise ConfigError([f"{self._path} is there already and is not a plan: name another file"])
        try:
            self._file = os.fdopen(
                os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            )
        except OSError as error:
            raise ConfigError([f"the plan cannot be saved as {self._path}: {error.strerror}"]) from None
        self._line({_HEAD: FORMAT})
        return self

    def add(self, one: ForeseenVisit) -> None:
        """Add a record with something to do."""
        if one.does_something:
            fields = list(one.fields)
            self._line({"crm": one.crm, "object": one.object, "id": one.id, "fields": fields, "mark": one.mark})

    def __exit__(self, failed: object, *raised: object) -> None:
        """Move the file to its path, or remove it if the plan was not finished."""
        if self._file is None:
            return
        self._file.close()
        if failed:
            self._part.unlink(missing_ok=True)
        else:
            self._part.replace(self._path)

    def _line(self, fields: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(fields, separators=(",", ":")) + "\n")


def _may_be_replaced(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.readline(100)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return not head or _HEAD.encode() in head


def saved_plan(path: Path) -> Iterator[PlannedFields]:
    """Yields the records of a plan that was saved.

    Raises:
        ConfigError: the file cannot be read, or is not a plan of this version; the message names the line.
    """
    try:
        with path.open(encoding="utf-8") as file:
            yield from _rows(path, file)
    except OSError as error:
        raise ConfigError([f"the plan {path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path} is not a plan: make one with refill plan --save FILE"]) from None


def _rows(path: Path, file: Iterable[str]) -> Iterator[PlannedFields]:
    number = 0
    for number, line in enumerate(file, 1):
        try:
            fields = json.loads(line)
            if number == 1:
                is_fit = fields[_HEAD] == FORMAT
                row = None
            else:
                texts = [fields[name] for name in ("crm", "object", "id", "mark")]
                row = PlannedFields(
                    fields["crm"], fields["object"], fields["id"], tuple(fields["fields"]), fields["mark"]
                )
                is_fit = all(isinstance(one, str) and one for one in (*texts, *row.fields)) and bool(row.fields)
        except (ValueError, KeyError, TypeError):
            is_fit, row = False, None
        if not is_fit:
            what = "is not a plan" if number == 1 else f"is not a whole plan, line {number} cannot be read"
            raise ConfigError([f"{path} {what}: make one with refill plan --save FILE"])
        if row is not None:
            yield row
    if not number:
        raise ConfigError([f"{path} is empty: make a plan with refill plan --save FILE"])
