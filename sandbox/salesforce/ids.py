"""Makes record ids: 15 case-sensitive characters, and the 18-character form with its checksum."""

import re
from itertools import count
from typing import Final

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")

HISTORIES: Final = ("Account", "Contact", "Lead")
"""Objects whose fields an administrator may have tracked."""
PREFIXES: Final = {
    "Account": "001", "Contact": "003", "Lead": "00Q", "User": "005", "RecordType": "012", "Opportunity": "006",
    **{f"{name}History": "017" for name in HISTORIES},
}  # fmt: skip


def long_form(record_id: str) -> str:
    """Returns the 18-character form; an 18-character id is returned as it is."""
    if len(record_id) != 15:
        return record_id
    suffix = ""
    for group in (record_id[:5], record_id[5:10], record_id[10:]):
        suffix += _CHECK[sum(1 << place for place, char in enumerate(group) if char.isupper())]
    return record_id + suffix


ORGANIZATION_ID: Final = long_form("00D5g0000000SBX")


def has_id_shape(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None


class IdSource:
    """Makes ids that sort in the order they were handed out, within one prefix."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def next(self, prefix: str) -> str:
        number, digits = next(self._numbers), ""
        for _ in range(9):
            number, rest = divmod(number, 62)
            digits = _BASE62[rest] + digits
        return long_form(f"{prefix}5g0{digits}")
