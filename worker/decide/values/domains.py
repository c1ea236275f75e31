"""Which company a host belongs to: registrable domains by the public suffix list."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from worker.decide.values.free_mail import FREE, NOBODYS

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:/{0,2}", re.IGNORECASE)
_PAGE = re.compile(r"[/?#][^/\s]")
_LABEL = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)$")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def host(text: str) -> str:
    """The host of an address, e-mail or bare host: lower case, punycode, without ``www.``; ``""`` when it has none."""
    rest = _SCHEME.sub("", text.strip()).lstrip("/")
    rest = re.split(r"[/?#\\\s]", rest, maxsplit=1)[0].rpartition("@")[2]
    name = rest.partition(":")[0].strip(".,;<>()\"'").lower()
    try:
        name = name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    labels = name.split(".")
    if len(labels) < 2 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        return ""
    return name.removeprefix("www.") if len(labels) > 2 else name


@lru_cache(maxsize=65_536)
def _registrable(name: str) -> str:
    return str(_suffixes().privatesuffix(name) or "") if name else ""


def registrable(text: str) -> str:
    """The registrable domain of an address, e-mail or host: ``https://de.acme.co.uk/x`` gives ``acme.co.uk``."""
    return _registrable(host(text))


def is_free(text: str) -> bool:
    """Whether the mail host is a free or access provider's, so that it says nothing about an employer."""
    name = host(text)
    return name in FREE or _registrable(name) in FREE


def company_domain(text: str) -> str:
    """The registrable domain when it can be a company's own; ``""`` for free mail hosts and for pages at social sites.

    A social site's bare host is its own company's: ``linkedin.com`` employs people, ``linkedin.com/company/acme`` not.
    """
    name = registrable(text)
    if name in FREE or (name in NOBODYS and _PAGE.search(_SCHEME.sub("", text.strip()).lstrip("/"))):
        return ""
    return name


def same_domain(one: str, other: str) -> bool:
    """Whether both belong to one registrable domain; an unknown one is the same as none."""
    first = registrable(one)
    return bool(first) and first == registrable(other)


def same_host(one: str, other: str) -> bool:
    """Whether both are addresses at one host; ``www.`` does not count."""
    first = host(one)
    return bool(first) and first == host(other) and not (_is_linkedin(first))


def _is_linkedin(name: str) -> bool:
    return _registrable(name) in {"linkedin.com", "linkedin.cn"}
