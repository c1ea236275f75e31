"""Faults by level and seed: `light`, `medium` and `heavy` give each kind of fault a probability on every route."""

import random
from collections.abc import Mapping
from typing import Any

from sandbox.calls import Call
from sandbox.faults import Rule

LEVELS = ("none", "light", "medium", "heavy")
# kind, params, whether the request takes effect (None: as the kind does), share of all faults
SHARES: tuple[tuple[str, Mapping[str, Any], bool | None, float], ...] = (
    ("status", {"status": 429, "headers": {"Retry-After": "1"}, "body": {"message": "Too many requests"}}, False, 0.26),
    ("status", {"status": 500, "body": {"message": "Internal server error"}}, False, 0.16),
    ("status", {"status": 502, "body": {"message": "Bad gateway"}}, True, 0.10),
    ("status", {"status": 503, "body": {"message": "Unavailable"}}, False, 0.12),
    ("close", {}, None, 0.10),
    ("reset", {}, None, 0.08),
    ("cut_body", {}, None, 0.06),
    ("reset_mid_body", {}, None, 0.04),
    ("garbled_status", {}, None, 0.02),
    ("extra_field", {}, None, 0.04),
    ("hang", {}, None, 0.02),
)
PROBABILITY = {"light": 0.01, "medium": 0.05, "heavy": 0.20}
"""Of a fault of any kind, per request."""


class Weather:
    """Draws a fault, or none, for each request; equal seeds draw the same on each route, independent of the others."""

    def __init__(self, level: str, seed: int, vendor: str) -> None:
        self.level = level
        self._seed, self._vendor = seed, vendor
        self._routes: dict[str, random.Random] = {}

    def draw(self, call: Call) -> Rule | None:
        route = f"{call.method} {call.route.template}"
        dice = self._routes.get(route)
        if dice is None:
            dice = self._routes[route] = random.Random(f"{self._seed} {self._vendor} {route}")
        if dice.random() >= PROBABILITY[self.level]:
            return None
        weights = [share for *_, share in SHARES]
        kind, params, effect, _ = dice.choices(SHARES, weights)[0]
        return Rule(kind, effect=effect, params=dict(params))
