"""Keeps journal entries short: what the JSON of most of them has in common is one byte each in the ledger."""

from __future__ import annotations

from worker.ledger.phrases import Phrases

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
