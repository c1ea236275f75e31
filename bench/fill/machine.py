"""Describes the machine of a run and its other load, without naming it."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from posting import redis_program


def described() -> dict[str, Any]:
    cpu = next((line.split(":")[1].strip() for line in _lines("cpuinfo") if line.startswith("model name")), "unknown")
    memory_kb = next(int(line.split()[1]) for line in _lines("meminfo") if line.startswith("MemTotal"))
    server = subprocess.run([redis_program(None), "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "cpu": cpu, "cores": os.cpu_count(), "memory GB": round(memory_kb / 1e6), "system": platform.system(),
        "python": platform.python_version(), "redis": " ".join(server.split()[:3]),
    }  # fmt: skip


def load() -> float:
    """Processes that wanted a core over the last minute."""
    return round(os.getloadavg()[0], 1)


def _lines(name: str) -> list[str]:
    return Path(f"/proc/{name}").read_text(encoding="ascii", errors="replace").splitlines()
