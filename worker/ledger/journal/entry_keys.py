"""Reads the keys of a record's journal entries, of which Redis keeps the first few in 9 bytes each."""

from __future__ import annotations

_SIZE, _MS = 9, 6  # as parts/journal.lua packs them: the time (ms), and the number within that millisecond


def unpacked_keys(packed: bytes) -> list[str]:
    """Returns keys of the journal's stream, as ``1764412345678-0``."""
    keys = (packed[at : at + _SIZE] for at in range(0, len(packed), _SIZE))
    return [f"{int.from_bytes(key[:_MS])}-{int.from_bytes(key[_MS:])}" for key in keys]
