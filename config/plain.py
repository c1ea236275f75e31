"""Makes texts of vendors, CRMs and people harmless on output: on a terminal, in a log line, in JSON, in a sheet.

Some characters steer instead of being read: they start a command to the terminal, turn the reading direction, hide, or
forge a line. ``shown`` puts a replacement in their place, ``escaped`` keeps them as JSON escapes.
"""

from __future__ import annotations

import re

# Controls, format characters (directions, invisible ones, tags), line separators, halves of characters. Joiners stay,
# since Persian and Indic names need them, and so do signs that are seen.
_STEERS = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    r"\ufff9-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\ud800-\udfff\U000e0001-\U000e007f"
)
_STEERING = re.compile(f"[{_STEERS}]")
REPLACED = "\ufffd"


def shown(text: str, *, lines: bool = False) -> str:
    """Returns the text as people may see it. Only ``lines`` keeps line ends, for our own texts."""
    if text.isprintable():
        return text
    text = _STEERING.sub(REPLACED, text)
    return text if lines else text.replace("\t", " ").replace("\n", " ")


def escaped(json_text: str) -> str:
    """Returns JSON with the same value and without such characters: in JSON they occur in strings only."""
    return _STEERING.sub(_as_escape, json_text)


def _as_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
