"""Draws the growth curve as SVG: CPU seconds by records, both in powers of ten."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Point = tuple[float, float]
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "growth.svg"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 60, 230, 20, 45
COLOURS = ("#1f6feb", "#d1570a", "#6e7781", "#a0a7ae")


def drawn(curves: Mapping[str, Sequence[Point]]) -> str:
    """Draws one line of points for each curve, with its name at the end."""
    points = [point for curve in curves.values() for point in curve]
    low_x, high_x = bounds(x for x, _ in points)
    low_y, high_y = bounds(y for _, y in points)

    def at(x: float, y: float) -> Point:
        across = (math.log10(x) - low_x) / (high_x - low_x)
        up = (math.log10(y) - low_y) / (high_y - low_y)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            'font-size="12"><title>CPU seconds by records</title><rect width="100%" height="100%" fill="#fff"/>'
        )
    ]
    for power in range(low_x, high_x + 1):
        x, y = at(10**power, 10**low_y)
        parts.append(f'<path d="M{x:.1f} {TOP}V{y:.1f}" stroke="#e4e7eb"/>')
        parts.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{10**power:,}</text>')
    for power in range(low_y, high_y + 1):
        x, y = at(10**low_x, 10**power)
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke="#e4e7eb"/>')
        parts.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">records in the CRM</text>')
    names = sorted(curves, key=lambda name: -at(*curves[name][-1])[1])
    below = float(HEIGHT)
    for name in names:
        colour = COLOURS[list(curves).index(name) % len(COLOURS)]
        placed = [at(*point) for point in curves[name]]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        below = min(placed[-1][1] + 4, below - 15)  # names do not lie on each other
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{below:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def bounds(values: Iterable[float]) -> tuple[int, int]:
    """Powers of ten around all values."""
    logs = [math.log10(value) for value in values]
    return math.floor(min(logs)), math.ceil(max(logs))
