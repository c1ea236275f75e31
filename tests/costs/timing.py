"""Measures how long a reader takes, so that other work on the machine does not show."""

from __future__ import annotations

import time
from collections.abc import Callable


def quickest(read: Callable[[str], object], text: str, of: int = 5) -> float:
    """Returns the CPU seconds of the quickest ``of`` several readings, each of a text not seen before."""
    seconds = []
    for run in range(of):
        fresh = f"{text}{run}"
        began = time.process_time()
        read(fresh)
        seconds.append(time.process_time() - began)
    return min(seconds)
