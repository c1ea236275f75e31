"""Shells complete commands."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell: str) -> None:
    env = {**os.environ, "_REFILL_COMPLETE": f"complete_{shell}", "COMP_WORDS": "refill su", "COMP_CWORD": "1"}
    env |= {"_TYPER_COMPLETE_ARGS": "refill su", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    words = [sys.executable, "-c", "import sys; sys.argv[0] = 'refill'; from worker.cli import main; main()"]
    ran = subprocess.run(words, capture_output=True, text=True, env=env, check=False, timeout=60)
    assert "suppress" in ran.stdout, (ran.stdout, ran.stderr)
