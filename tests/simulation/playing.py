"""Starts the simulation as a process of its own: it takes over time and chance, and may load a planted bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LONGEST_S = 900
WORLDS = 6  # seeds that far apart are of one world, which every process plays undisturbed, too
ORGS = 6  # so many worlds come after those, with Salesforce as the CRM


@dataclass(frozen=True, slots=True)
class Played:
    """Holds what it said: the last line of figures, and everything before it."""

    failed: bool
    figures: dict[str, Any]
    text: str


def simulate(*words: str) -> Played:
    """``python -m tests.simulation`` with these words."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    lines = done.stdout.splitlines()
    told = next((line for line in reversed(lines) if line.startswith('{"failed"')), "")
    assert told, done.stderr[-2_000:]
    return Played(done.returncode != 0, json.loads(told), done.stdout)
