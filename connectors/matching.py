"""When two spellings of an address, a host or a profile mean the same, and which spellings a CRM may hold.

A CRM's query compares text; people and forms write one web address in a dozen ways. A connector asks for the
likely spellings, or for the part they share, and compares what comes back here once more.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

_SCHEME = re.compile(r"^\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PROFILE = re.compile(
    r"linkedin\.[a-z]{2,3}(?:\.[a-z]{2})?/(?:[a-z]{2}/)?(?:in|pub|company)/([^/?#\s]+)", re.IGNORECASE
)


def bare_host(value: str) -> str:
    """The lower-case host of a web address or domain without ``www.``; ``""`` when there is none."""
    host = re.split(r"[/?#]", _SCHEME.sub("", value.strip()), maxsplit=1)[0].rpartition("@")[2]
    host = host.partition(":")[0].strip().rstrip(".").lower()
    return host.removeprefix("www.")


def profile_slug(value: str) -> str:
    """The last part of a LinkedIn address in one spelling; ``""`` when ``value`` is no such address."""
    match = _PROFILE.search(value)
    return unicodedata.normalize("NFC", unquote(match[1])).casefold() if match else ""


def profile_address(property: str, value: str) -> str:
    """``value`` as a LinkedIn address where it is the bare slug of a LinkedIn property, else as it stands."""
    bare = value.strip()
    if "linkedin" not in property.lower() or not bare or "/" in bare or " " in bare:
        return value
    return f"https://www.linkedin.com/in/{bare}"


def spellings(value: str) -> tuple[str, ...]:
    """How a CRM may hold a web address: with and without scheme, ``www.`` and a trailing slash. Lower case too.

    Anything that is no web address has one spelling, its own, and its lower case.
    """
    text = value.strip()
    if "/" not in text:
        return tuple(dict.fromkeys((text, text.lower())))
    rest = _SCHEME.sub("", text).rstrip("/")
    rest = rest[4:] if rest.lower().startswith("www.") else rest
    forms = [
        f"{scheme}{www}{rest}{slash}"
        for scheme in ("https://", "http://", "")
        for www in ("www.", "")
        for slash in ("", "/")
    ]
    return tuple(dict.fromkeys([text, *forms, *(form.lower() for form in forms)]))


def alike(wanted: str, held: str) -> bool:
    """Whether a CRM's value is the one asked for: case aside, a LinkedIn address by its slug, a web address bare."""
    one, other = wanted.strip(), held.strip()
    if one.casefold() == other.casefold():
        return True
    slug = profile_slug(one)
    if slug:
        return slug == profile_slug(other)
    if "/" in one or "/" in other:
        return _bare(one) == _bare(other)
    return False


def _bare(value: str) -> str:
    return _SCHEME.sub("", value).casefold().removeprefix("www.").rstrip("/")
