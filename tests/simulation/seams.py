"""Time and chance of a whole process, taken over before anything of the product is imported.

The simulation runs in a process of its own, so nothing here reaches another test.
"""

from __future__ import annotations

import os
import random
import secrets
import time
import uuid
from typing import Any

START = 1_772_442_000.0  # 2026-03-02 09:00 UTC, a Monday


class Clock:
    """Holds what every clock of this process reads: the moment of the loop that runs, or the start."""

    def __init__(self) -> None:
        self.loop: Any = self
        self.moment = START

    def seconds(self) -> float:
        """Now, in epoch seconds."""
        moment: float = self.loop.moment
        return moment


CLOCK = Clock()
cpu_s = time.process_time  # the one clock that is left alone: how fast the simulation is
_chance = random.Random(0)


def seed(number: int) -> None:
    """Everything drawn from now on follows from ``number``."""
    random.seed(number)
    _chance.seed(number)


def install() -> None:
    """Replace the clocks and sources of chance."""
    replaced: dict[Any, dict[str, Any]] = {
        time: {
            "time": CLOCK.seconds,
            "time_ns": lambda: int(CLOCK.seconds() * 1e9),
            "monotonic": CLOCK.seconds,
            "perf_counter": CLOCK.seconds,
        },
        secrets: {
            "token_hex": lambda count=16: _chance.randbytes(count).hex(),
            "token_urlsafe": lambda count=16: _chance.randbytes(count).hex(),
        },
        os: {"fsync": lambda _file: None},  # what was written outlives a process anyhow
        uuid: {"uuid4": lambda: uuid.UUID(int=_chance.getrandbits(128), version=4)},
    }
    for module, names in replaced.items():
        for name, value in names.items():
            setattr(module, name, value)
