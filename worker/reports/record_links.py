"""Reads the record that a person means: an id, or the address of its page in the CRM. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_ID = re.compile(r"\d{1,19}|[A-Za-z0-9]{15}|[A-Za-z0-9]{18}")


def ids_in(text: str) -> list[str]:
    """Returns possible ids, most likely first: of an address the last parts of its path that look like one."""
    if "://" not in text:
        return [text]
    try:
        parts = urlsplit(text).path.split("/")
    except ValueError:
        return []
    return [part for part in reversed(parts) if _ID.fullmatch(part)][:1]
