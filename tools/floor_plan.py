"""Counts the rooms of ``worker/``, the floors they stand on and the arrows between them, from the imports.

A room is a folder of ``worker/`` or a module that lies in it directly; an arrow means that one room imports another.
A room's floor is one above the highest that it imports, so the ground floor imports nothing of ``worker/``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.trees import nodes

ROOT = Path(__file__).parent.parent
HOUSE = "worker"


def imported(path: Path) -> Iterator[str]:
    """Yields the dotted name of every module that a file imports, wherever the statement stands."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names if node.module == HOUSE)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def rooms() -> Mapping[str, frozenset[str]]:
    """Returns the rooms that each room imports, itself left out."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / HOUSE).rglob("*.py")):
        room = _room(path.relative_to(ROOT).with_suffix("").parts)
        if room:
            names = (_room(tuple(name.split("."))) for name in imported(path))
            found.setdefault(room, set()).update(name for name in names if name and name != room)
    return {room: frozenset(others) for room, others in found.items()}


def files(folder: str) -> Mapping[str, frozenset[str]]:
    """Returns the modules of a folder that each of its modules imports, also where only types are checked."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / folder).rglob("*.py")}
    names = {name: {node for node in nodes(path) if isinstance(node, ast.ImportFrom)} for name, path in paths.items()}
    return {
        name: frozenset(
            other
            for node in found
            for other in (node.module, *(f"{node.module}.{one.name}" for one in node.names))
            if other in paths and other != name
        )
        for name, found in names.items()
    }


def _room(parts: tuple[str, ...]) -> str:
    return parts[1] if len(parts) > 1 and parts[0] == HOUSE and parts[1] != "__init__" else ""


def floors(plan: Mapping[str, frozenset[str]]) -> Mapping[str, int]:
    """Returns the floor of each room.

    Raises:
        ValueError: two rooms import each other, directly or over others.
    """
    found: dict[str, int] = {}
    while len(found) < len(plan):
        ready = [room for room in plan if room not in found and plan[room] <= found.keys()]
        if not ready:
            raise ValueError(f"in a circle: {', '.join(sorted(plan.keys() - found.keys()))}")
        found |= {room: 1 + max((found[other] for other in plan[room]), default=0) for room in ready}
    return found


def main() -> None:
    plan = rooms()
    of = floors(plan)
    for floor in range(max(of.values()), 0, -1):
        for room in sorted(room for room in plan if of[room] == floor):
            print(f"{floor}  {room:<12} -> {' '.join(sorted(plan[room]))}")
    print(f"{len(plan)} rooms, {max(of.values())} floors, {sum(map(len, plan.values()))} arrows")


if __name__ == "__main__":
    main()
