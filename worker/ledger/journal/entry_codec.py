"""Keeps journal entries short: what the JSON of most of them has in common is one byte each in the ledger.

JSON escapes control characters, so none stands in an entry, and each may stand for a phrase. The values themselves stay
as they are: a search for what is kept of somebody finds them. Entries of versions before hold no control characters and
are read as they stand.
"""

from __future__ import annotations

# By position: what is kept was written with them. Append new ones, and never change, move or take one out. A longer
# phrase comes before those that it contains. None begins with the quote that ends an object or a row, or takes their
# names where they are not blank: scripts read which row an entry names (``parts/journal.lua``).
_PHRASES = (
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
_TOKENS = tuple(zip(map(chr, range(1, 1 + len(_PHRASES))), _PHRASES, strict=True))


def packed(entry: str) -> str:
    """Returns the form of an entry that the ledger keeps."""
    for token, phrase in _TOKENS:
        entry = entry.replace(phrase, token)
    return entry


def unpacked(kept: str, run: str) -> str:
    """Returns an entry of ``run`` from the form that the ledger keeps."""
    entry = kept.replace(_OF_RUN, f'"run":"{run}"')
    for token, phrase in _TOKENS:
        entry = entry.replace(token, phrase)
    return entry
