"""Decides which addresses of a vendor may be called and where a redirect may lead."""

from __future__ import annotations

import ipaddress
from urllib.parse import urljoin, urlsplit


def parse_url(value: object) -> str:
    """Returns an http(s) address without its trailing slash; plain http only to this machine.

    Raises:
        ValueError: it is something else, or carries a user name, a query or a fragment.
    """
    text = value if isinstance(value, str) else ""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a valid address; use one such as https://api.example.com") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("is not a valid address; use one such as https://api.example.com")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without user name, query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"goes over plain http to {host}: use https (plain http is for this machine only)")
    return text.strip().rstrip("/")


def is_loopback(host: str) -> bool:
    """Returns whether ``host`` is surely this machine: the only place plain http may go to.

    A name below ``.localhost`` is not: the resolver decides where it leads.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def onward(url: str, location: str) -> str:
    """Returns the target of a redirect, ``""`` if it is missing or another origin."""
    try:
        there = urljoin(url, location)
        same = there.isprintable() and _origin(there) == _origin(url)  # an invalid one would be refused when it is sent
    except ValueError:
        return ""
    return there if same and there != url else ""


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a user in the address")
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
