"""Every crash point of the failure model has a test that bears its number."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
POINTS = {f"{number:02}" for number in range(1, 26)}


def test_each_of_the_25_crash_points_has_a_test_named_after_it() -> None:
    found = {
        number
        for path in TESTS.rglob("test_*.py")
        for number in re.findall(r"def test_crash_point_(\d\d)_", path.read_text(encoding="utf-8"))
    }
    assert found == POINTS
