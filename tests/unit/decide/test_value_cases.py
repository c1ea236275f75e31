"""Reads values as CRMs and providers really hold them, the way ``refill read`` reads them: each has its right answers.

``tests/data/values.jsonl`` holds a row a line: ``right`` lists every acceptable answer, ``wrong_means`` says which way
a mistake leans (``danger`` is somebody else's data, number or company), ``missed`` marks what is known to be read
wrong.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from worker.commands.read import run_lines
from worker.decide.values import reading

ROWS = Path(__file__).parents[2] / "data" / "values.jsonl"
TURNED = {"a": "b", "b": "a", "record": "found", "found": "record"}


def _rows(kind: str) -> list[dict[str, Any]]:
    return [row for line in ROWS.read_text("utf-8").splitlines() if (row := json.loads(line))["kind"] == kind]


def _answers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sink = io.BytesIO()
    run_lines(io.BytesIO("\n".join(map(json.dumps, rows)).encode()), sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def _is_right(row: dict[str, Any], answer: dict[str, Any]) -> bool:
    return any(right.items() <= answer.items() for right in row["right"])


@pytest.mark.parametrize("kind", reading.READERS)
def test_rows_of_a_kind_are_read_right(kind: str) -> None:
    rows = _rows(kind)
    answers = _answers(rows)
    assert len(answers) == len(rows) > 0
    wrong = [row for row, answer in zip(rows, answers, strict=True) if not _is_right(row, answer)]
    assert [row for row in wrong if not row.get("missed")] == []
    assert not [row for row in wrong if row["wrong_means"] == "danger"]
    assert len(wrong) <= 0.03 * len(rows)


@pytest.mark.parametrize("kind", ["profile", "person"])
def test_two_are_compared_alike_both_ways(kind: str) -> None:
    rows = [row for row in _rows(kind) if "by" not in row]  # a search asks for somebody
    turned = [{TURNED.get(name, name): value for name, value in row.items()} for row in rows]
    assert _answers(turned) == _answers(rows)
