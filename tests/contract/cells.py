"""Shows the suite as a table: a line for every operation, a column for every case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.contract.suite import CASES

NOTE = "cell"
Cell = tuple[str, str, str]  # vendor, operation, case
_FOR_ALL = ("good", *(case.name for case in CASES))
COLUMNS = ("good", "miss", *(case.name for case in CASES))
_KINDS = {"test_good": "good", "test_miss": "miss"}


def cell_of(item: pytest.Item) -> Cell | None:
    """Returns which cell a test fills, ``None`` for tests beside the table."""
    params: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    row, case = params.get("row"), params.get("case")
    name = case.name if case is not None else _KINDS.get(getattr(item, "originalname", ""), "")
    if row is None or not name:
        return None
    module = item.module.__name__.rpartition(".")[2]  # type: ignore[attr-defined]  # a function has one
    vendor = module.removeprefix("test_").removesuffix("_suite")
    spoken = params.get("dialect", params.get("version", ""))
    return (f"{vendor} {spoken}".strip(), row.operation.name, name)


def lines(ended: Mapping[Cell, bool]) -> Iterator[str]:
    """The table as text: ``+`` passed, ``F`` failed, ``!`` a case that is not there, blank where no miss exists."""
    rows = list(dict.fromkeys((vendor, operation) for vendor, operation, _ in ended))
    wide = max((len(f"{vendor}  {operation}") for vendor, operation in rows), default=0)
    for place, name in enumerate(COLUMNS):
        yield " " * wide + "  " + "| " * place + name
    for vendor, operation in sorted(rows, key=lambda row: row[0]):
        signs = [_sign(ended.get((vendor, operation, case)), case) for case in COLUMNS]
        yield f"{vendor}  {operation}".ljust(wide) + "  " + " ".join(signs)
    lacking = sum((vendor, name, case) not in ended for vendor, name in rows for case in _FOR_ALL)
    passed = sum(ended.values())
    failed = len(ended) - passed
    yield f"{len(rows)} operations, {len(ended)} cells: {passed} passed, {failed} failed, {lacking} not run"


def _sign(passed: bool | None, case: str) -> str:
    if passed is None:
        return "!" if case in _FOR_ALL else " "
    return "+" if passed else "F"
