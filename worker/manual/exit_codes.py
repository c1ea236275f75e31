"""Names the exit codes of every command; README lists them."""

from __future__ import annotations

DONE = 0
FAILED = 1
WRONG_USE = 2
DEAD_LETTERS = 3
LEFT = 4
