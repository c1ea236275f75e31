"""Tells which step of a visit goes over a wire: a ledger script by its hash, a call by its first line."""

from __future__ import annotations

import hashlib
import re

from tests.chaos.plan import LEDGER
from worker.ledger.scripts import source

_RUN = re.compile(rb"EVALSHA\r\n\$40\r\n([0-9a-f]{40})")
_LINE = re.compile(rb"^([A-Z]+) (\S+) HTTP/1\.[01]\r\n")
_SCRIPTS = {hashlib.sha1(source(name).encode()).hexdigest().encode(): name for name in LEDGER}  # noqa: S324 - Redis' own

_CALLS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "forager": (("POST", "datastorage/", "paid"),),
    "kaspr": (("POST", "/profile/", "paid"),),
    "hubspot": (
        ("POST", "/batch/update", "write"), ("POST", "/batch/read", "read"), ("POST", "/search", "poll"),
        ("POST", "/batch/associate", "link"), ("POST", "/objects/", "create"),
    ),
    "salesforce": (
        ("PATCH", "/composite/sobjects", "write"), ("GET", "/query", "read"), ("PATCH", "/sobjects/", "create"),
    ),
    "openprospect": (("GET", "/deliveries/", "read"),),
}  # fmt: skip


def ledger_step(command: bytes) -> str:
    """The script that is called, ``""`` for any other command."""
    found = _RUN.search(command)
    return _SCRIPTS.get(found[1], "") if found else ""


def vendor_step(vendor: str, request: bytes) -> str:
    """``<vendor>.<paid|read|write|poll|other>`` of a request's first bytes."""
    line = _LINE.match(request)
    if line:
        method, path = line[1].decode(), line[2].decode()
        for wanted, part, name in _CALLS[vendor]:
            if method == wanted and part in path:
                return f"{vendor}.{name}"
    return f"{vendor}.other"
