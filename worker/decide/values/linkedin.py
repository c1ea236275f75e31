"""LinkedIn profile addresses in every form people paste, as one slug.

A slug is what follows ``/in/``: percent-decoded, NFC, lower case. It is the one spelling that questions, identities
and comparisons use.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, unquote

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:/{0,2}", re.IGNORECASE)
_HOST = re.compile(r"^(?:[a-z0-9-]+\.)*linkedin\.(?:com|cn)\.?(?::\d+)?$", re.IGNORECASE)
_LOCALE = re.compile(r"^[a-z]{2}(?:[-_][a-z]{2,4})?$", re.IGNORECASE)
_TAIL = re.compile(r"[?#].*$", re.DOTALL)
_MEMBER_ID = re.compile(r"^ac[owr][a-z0-9_-]{25,}$", re.IGNORECASE)
_PUB_PART = re.compile(r"^[0-9a-z]{1,3}$", re.IGNORECASE)
_REFUSED = {
    "sales": "sales_navigator",
    "talent": "recruiter",
    "recruiter": "recruiter",
    "company": "company",
    "showcase": "company",
    "school": "school",
    "edu": "school",
}
_JOINERS = frozenset("-_'\u2019\u200c\u200d\u00b7\u2013")
_PLACEHOLDERS = frozenset(
    {"none", "null", "nil", "unknown", "undefined", "n-a", "na", "nan", "tbd", "todo", "missing", "linkedin", "profile",
     "not-found", "notfound", "no", "yes", "true", "false", "me", "edit", "test", "unavailable", "in", "pub"}
)  # fmt: skip
_MAX = 200  # a slug has 3 to 100 characters; signs outside ASCII count more than one at some vendors


@dataclass(frozen=True, slots=True)
class Profile:
    """A slug, or why the text gives none: exactly one of the two is ``""``.

    ``refused``: blank, sales_navigator, recruiter, company, school, member_id, not_linkedin, not_a_profile, malformed.
    """

    slug: str = ""
    refused: str = ""


def slug(text: str) -> str:
    """The slug of a LinkedIn address or of a bare slug; ``""`` when it names no person."""
    return profile(text).slug


def url(slug: str) -> str:
    """The canonical address of a slug, percent-encoded."""
    return f"https://www.linkedin.com/in/{quote(slug, safe='')}" if slug else ""


def profile(text: str) -> Profile:
    """What ``text`` says: a slug, or the reason why it gives none."""
    plain = text.strip().strip("<>\"'").strip().replace("\\", "/")
    if "/" not in plain and "%2f" in plain.lower():
        plain = _decoded(plain)
    if not plain:
        return Profile(refused="blank")
    bare = _TAIL.sub("", plain)
    path = _SCHEME.sub("", bare).lstrip("/")
    head, slash, rest = path.partition("/")
    if _HOST.match(head.rpartition("@")[2]):
        return _of_path(rest)
    if not slash and path == bare:
        return _host_or_slug(head)
    if head.casefold() in {"in", "pub"}:
        return _of_path(path)
    return Profile(refused="not_linkedin")


def _host_or_slug(word: str) -> Profile:
    if "." in word or ":" in word or "@" in word:
        return Profile(refused="not_linkedin")
    return _checked(word)


def _of_path(path: str) -> Profile:
    parts = [part for part in _decoded(path).split("/") if part.strip()]
    while parts and (parts[0].casefold() in {"m", "mwlite", "comm"} or (len(parts) > 1 and _is_locale(parts))):
        parts = parts[1:]
    if not parts:
        return Profile(refused="not_a_profile")
    room = parts[0].casefold()
    if room in _REFUSED:
        return Profile(refused=_REFUSED[room])
    if room not in {"in", "pub"} or len(parts) < 2:
        return Profile(refused="not_a_profile")
    if room == "pub":
        return _checked(_pub(parts[1:]))
    return _checked(_TAIL.sub("", parts[1]).rstrip("&"))


def _is_locale(parts: list[str]) -> bool:
    return parts[0].casefold() != "in" and bool(_LOCALE.match(parts[0])) and parts[1].casefold() in {"in", "pub"}


def _pub(parts: list[str]) -> str:
    """Old addresses: ``/pub/ada-example/1a/2b3/c4d`` is the slug ``ada-example-c4d2b31a``."""
    name, ids = parts[0], parts[1:4]
    if len(ids) == 3 and all(_PUB_PART.match(part) for part in ids):
        first, second, third = ids
        return f"{name}-{third.zfill(3)}{second.zfill(3)}{first.lstrip('0')}"
    return name


def _decoded(text: str) -> str:
    """Percent-decoded until nothing changes: exports encode twice and more."""
    while (plain := unquote(text)) != text:
        text = plain
    return text


def _checked(word: str) -> Profile:
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", _decoded(word)).lower()).strip(" '\t\r\n")
    if _MEMBER_ID.match(plain):
        return Profile(refused="member_id")  # case matters in these, so their lower case finds nobody
    if plain in _PLACEHOLDERS:
        return Profile(refused="blank")
    if not (2 if not plain.isascii() else 3) <= len(plain) <= _MAX or not all(_is_slug_sign(sign) for sign in plain):
        return Profile(refused="malformed")
    if not any(sign.isalnum() for sign in plain):
        return Profile(refused="malformed")
    return Profile(slug=plain)


def _is_slug_sign(sign: str) -> bool:
    """Letters and digits of any script, their marks, hyphens, and the symbols some people adorn theirs with."""
    return sign in _JOINERS or unicodedata.category(sign)[0] in "LMN" or unicodedata.category(sign) in {"So", "Sk"}
