"""Tells how long an answer takes: lognormal, from a seed."""

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Describes delays: median seconds and spread (sigma of the logarithm), never above `cap_s`."""

    median_s: float = 0.0
    sigma: float = 0.5
    cap_s: float = 30.0


class Latency:
    def __init__(self, pace: Pace, seed: int) -> None:
        self.pace = pace
        self._random = random.Random(seed)

    def sample(self) -> float:
        """Returns the seconds to wait before the next answer."""
        pace = self.pace
        if not pace.median_s:
            return 0.0
        return min(pace.cap_s, self._random.lognormvariate(math.log(pace.median_s), pace.sigma))
