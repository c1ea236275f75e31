"""Tells when a failed visit is tried again."""

from __future__ import annotations

FIRST_MS = 2_000
LONGEST_MS = 15 * 60_000


def backoff_ms(attempt: int, chance: float) -> int:
    """Tells how long to wait after failure number ``attempt`` (from 1): full jitter by ``chance`` in [0, 1).

    The window doubles from 2 s to 15 min; nothing is tried again within a quarter of the first window.
    """
    window = min(LONGEST_MS, FIRST_MS << min(max(attempt, 1) - 1, 20))
    return max(FIRST_MS // 4, int(window * chance))
