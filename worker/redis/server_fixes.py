"""Tells whether a Redis or Valkey has the security fixes of October 2025, by its version. Pure.

They close ways out of the Lua sandbox (CVE-2025-49844, CVE-2025-46817, CVE-2025-46818, CVE-2025-46819), open to whoever
may run scripts. A distribution may have put them into an older version, which the version does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping

# By branch, the first patch that has them; newer branches had them from the start.
_FIXED: Mapping[str, Mapping[tuple[int, int], int]] = {
    "redis": {(6, 2): 20, (7, 2): 11, (7, 4): 6, (8, 0): 4, (8, 2): 2},
    "valkey": {(7, 2): 11, (8, 0): 6, (8, 1): 4},
}


def lacks_fixes(kind: str, version: str) -> bool:
    """Tells whether a server (``redis`` or ``valkey``) of a version such as ``7.2.4`` came before them."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    if len(numbers) < 3:
        return True
    fixed, branch = _FIXED[kind], (numbers[0], numbers[1])
    return branch <= max(fixed) and numbers[2] < fixed.get(branch, numbers[2] + 1)
