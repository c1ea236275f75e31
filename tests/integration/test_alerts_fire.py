"""Prometheus fires each alert for one fault, and none on a normal day."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on the PATH: make alerts tells how")
def test_alerts_fire_for_their_fault_and_on_no_normal_day() -> None:
    ran = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yaml"], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
