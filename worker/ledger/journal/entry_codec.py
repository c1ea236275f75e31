"""Keeps journal entries and their keys short: what the JSON of most of them has in common is one byte each."""

from __future__ import annotations

from worker.ledger.work.memory import Phrases

# None begins with the quote that ends an object or a row, or takes their names where they are not blank: scripts read
# which row an entry names (``parts/journal.lua``).
_PHRASES = Phrases(
    '{"kind":"lookup","provider":"',
    ',"operation":"',
    ',"outcome":"miss","credits":0,"at":',
    ',"outcome":"hit","credits":',
    '{"kind":"change","field":"',
    ',"property":"',
    ',"before":"","after":"',
    ',"provider":"',
    ',"grade":"","question":"","credits":0,"rule":"',
    ',"grade":"',
    ',"question":"',
    ',"credits":',
    ',"rule":"if_blank",',
    ',"rule":"if_ours",',
    ',"rule":"always",',
    ',"object":"","id":"","state":"confirmed"}',
    ',"object":"","id":"","state":"',
    '{"kind":"signal","signal":"',
    '{"kind":"created",',
    '{"kind":"linked",',
    ',"external_id":"',
    ',"at":',
)
_OF_RUN = "\x1f"  # its own run, as the stream names it beside the entry: set by the script, which alone knows it


def packed(entry: str) -> str:
    """Returns the form of an entry that the ledger keeps."""
    return _PHRASES.packed(entry)


def unpacked(kept: str, run: str) -> str:
    """Returns an entry of ``run`` from the form that the ledger keeps."""
    return _PHRASES.unpacked(kept.replace(_OF_RUN, f'"run":"{run}"'))


_SIZE, _MS = 9, 6  # as parts/journal.lua packs them: the time (ms), and the number within that millisecond


def unpacked_keys(packed: bytes) -> list[str]:
    """Returns keys of the journal's stream, as ``1764412345678-0``; of a record the first few are 9 bytes each."""
    keys = (packed[at : at + _SIZE] for at in range(0, len(packed), _SIZE))
    return [f"{int.from_bytes(key[:_MS])}-{int.from_bytes(key[_MS:])}" for key in keys]
