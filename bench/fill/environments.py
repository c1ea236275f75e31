"""Creates an environment for each contender, under .venv/bench, and keeps it until its pins change."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINS = {
    "floor": ("aiohttp==3.14.5", "orjson==3.13.0"),
    "hubspot_sdk": ("hubspot-api-client==12.0.0", "requests==2.34.2"),
    "dlt_loop": ("dlt==1.31.0",),
    "celery_tasks": ("celery[redis]==5.7.0", "requests==2.34.2", "packaging"),
    "arq_jobs": ("arq==0.28.0", "httpx==0.28.1"),
    "py_spy": ("py-spy==0.4.3",),  # no contender: it samples Refill (shares.py)
    "salesforce_loop": ("simple-salesforce==1.12.10", "requests==2.34.2"),
}
REFILL = "refill"
ENV = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Holds the environment of contenders, with their modules compiled."""


@cache
def python_of(contender: str) -> Path:
    """Returns the interpreter of a contender, after installing its packages if they are missing.

    Raises:
        SystemExit: pip could not install them.
    """
    folder = ROOT / ".venv" / "bench" / contender
    python, mark = folder / "bin" / "python", folder / "pins"
    lock = ROOT / "requirements.lock"
    pins = lock.read_text(encoding="utf-8") if contender == REFILL else "\n".join(PINS[contender])
    if mark.exists() and mark.read_text(encoding="utf-8") == pins:
        _compile(contender, python)
        return python
    print(f"installing {contender} into .venv/bench/{contender}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    steps = [[*pip, *PINS[contender]]] if contender != REFILL else [
        [*pip, "--no-deps", "--require-hashes", "-r", str(lock)],
        [*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
    ]  # fmt: skip
    for words in steps:
        if subprocess.run(words, check=False).returncode:
            raise SystemExit(f"{contender} could not be installed: see what pip says above")
    mark.write_text(pins, encoding="utf-8")
    _compile(contender, python)
    return python


def _compile(contender: str, python: Path) -> None:
    """Compiles Refill's own modules in place; pip has compiled all others."""
    if contender == REFILL:
        rooms = [str(ROOT / room) for room in ("config", "connectors", "worker")]
        subprocess.run([str(python), "-m", "compileall", "-q", *rooms], check=True, env=ENV)
