"""Values as CRMs and providers really hold them, each with its right answers, read the way ``refill read`` reads them.

``tests/data/values.jsonl`` holds a row a line: ``right`` lists every acceptable answer, ``wrong_means`` says which way
a mistake leans. ``danger`` is somebody else's data, number or company.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from worker.commands.read import run_lines
from worker.decide.values import reading

ROWS = Path(__file__).parents[2] / "data" / "values.jsonl"


def _answers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sink = io.BytesIO()
    run_lines(io.BytesIO("\n".join(map(json.dumps, rows)).encode()), sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def _is_right(row: dict[str, Any], answer: dict[str, Any]) -> bool:
    return any(right.items() <= answer.items() for right in row["right"])


@pytest.mark.parametrize("kind", reading.READERS)
def test_rows_of_a_kind_are_read_right_and_none_dangerously_wrong(kind: str) -> None:
    rows = [row for line in ROWS.read_text("utf-8").splitlines() if (row := json.loads(line))["kind"] == kind]
    answers = _answers(rows)
    assert len(answers) == len(rows) > 0
    wrong = [row for row, answer in zip(rows, answers, strict=True) if not _is_right(row, answer)]
    assert not [row for row in wrong if row["wrong_means"] == "danger"]
    assert len(wrong) <= 0.03 * len(rows), Counter(row["wrong_means"] for row in wrong)
