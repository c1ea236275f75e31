"""Tells whether something takes more CPU than its bytes allow, on whatever machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress

from connectors.errors import ConnectorError

MIB = 1 << 20
# 50 ms, told by what ``json`` takes for a MiB of everyday rows in the same run: 8 ms where this was set.
MOST = 50 / 8
EVERYDAY = json.dumps([{"id": n, "name": "Mara Quist", "email": "mara@quist.example"} for n in range(14_000)]).encode()


def everyday_s() -> float:
    """Returns seconds of CPU that a MiB of everyday rows takes here and now."""
    return min(cpu_s(lambda: json.loads(EVERYDAY)) for _ in range(9)) / (len(EVERYDAY) / MIB)


def cpu_s(step: Callable[[], object], ends: type[Exception] = ConnectorError) -> float:
    began = time.process_time()
    with suppress(ends):  # whatever else it ended with would be no typed outcome
        step()
    return time.process_time() - began


def is_slow(step: Callable[[], object], size: int, everyday: float, ends: type[Exception] = ConnectorError) -> bool:
    """Tells whether even the quickest of some readings takes too long; less than a MiB counts as one."""
    most_s = MOST * everyday * max(1.0, size / MIB)
    return all(cpu_s(step, ends) > most_s for _ in range(5))
