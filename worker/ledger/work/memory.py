"""Remembers a settled record, packed small: 18 bytes of times, what stays blank, and the fingerprint.

A bucket holds some twenty ids at 100,000 records and some 250 at a million, so that Redis keeps it as one listpack.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping

from connectors.models import Discreet
from worker.ledger.compact_json import Phrases, compact

_HEX = frozenset(string.hexdigits.lower())
# So texts about values in four fields fit the 64 bytes up to which Redis keeps many in one listpack.
_OWN = Phrases(
    *(
        rf'"{field}":"{{\"value_hash\":\"'
        for field in ("work_email", "phone", "mobile_phone", "job_title", "linkedin_url", "personal_email", "city")
    ),
    r'\",\"refused\":false}"',
    r'\",\"refused\":true}"',
)


class Memory(Discreet, frozen=True):
    """Holds the memory of the last settled visit.

    ``fingerprint`` is ``""`` when it settled without one. ``stamp`` and ``read_at`` are of the vendor's clock (ms),
    ``look_at`` of ours (ms, 0 = never by itself). ``own`` maps a field to an opaque text about our value in it,
    ``left`` are opaque letters on what stays blank.
    """

    hidden = frozenset({"own"})
    fingerprint: str
    stamp: int
    read_at: int
    look_at: int
    own: Mapping[str, str] = {}
    left: str = ""

    def knows(self, fingerprint: str, now_ms: int) -> bool:
        """Says whether a row with this fingerprint tells nothing new, and it is not time to look again."""
        is_time = 0 < self.look_at <= now_ms
        return bool(fingerprint) and fingerprint == self.fingerprint and not is_time


def bucket(id: str) -> str:
    """Returns the bucket (3 hex digits) an id's memory lies in; the same sum as in ``common.lua``."""
    total = 0
    for byte in id.encode():
        total = (total * 31 + byte) % 65521
    return f"{total % 4096:03x}"


BUCKETS = tuple(f"{number:03x}" for number in range(4096))


def pack_fingerprint(fingerprint: str | None) -> bytes:
    """Returns Hex digits (16 of them are plenty) at half their size, any other text as it is; empty for none."""
    if not fingerprint:
        return b""
    if len(fingerprint) % 2 == 0 and _HEX.issuperset(fingerprint):
        return b"h" + bytes.fromhex(fingerprint)
    return b"t" + fingerprint.encode()


def pack_left(left: str) -> bytes:
    """Returns letters for the gaps that stay blank, to precede the packed fingerprint; empty for none."""
    return b"r" + bytes([len(left)]) + left.encode("ascii") if left else b""


def _unpack_left(packed: bytes) -> tuple[str, bytes]:
    ends = 2 + packed[1] if packed[:1] == b"r" else 0
    return packed[2:ends].decode("ascii"), packed[ends:]


def _unpack_fingerprint(packed: bytes) -> str:
    if not packed:
        return ""
    return packed[1:].hex() if packed[:1] == b"h" else packed[1:].decode()


def pack_own(own: Mapping[str, str] | None) -> str:
    """Returns the stored text of ``own``; ``""`` if there is nothing to keep."""
    return _OWN.packed(compact(dict(sorted(own.items())))) if own else ""


def unpack_own(kept: str) -> dict[str, str]:
    """Returns ``own`` from its stored text."""
    return dict(json.loads(_OWN.unpacked(kept))) if kept else {}


def unpack(packed: bytes | None, own: bytes | None) -> Memory | None:
    """Returns the memory behind what Redis holds, ``None`` when it holds neither."""
    if not packed and not own:
        return None
    packed = packed or bytes(18)
    stamp, read_at, look_at = (int.from_bytes(packed[start : start + 6], "big") for start in (0, 6, 12))
    left, fingerprint = _unpack_left(packed[18:])
    values = unpack_own((own or b"").decode())
    return Memory(_unpack_fingerprint(fingerprint), stamp, read_at, look_at, values, left)
