"""Reads the company of a host: registrable domains by the public suffix list, and domains that are nobody's own."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files

import idna
from publicsuffixlist import PublicSuffixList

from worker.decide.values import hosts
from worker.decide.values.text import unescape, visible
from worker.decide.values.words import words

_SCHEME = re.compile(
    r"^(?:(?:https?|ftp|mailto|url|www|web(?:site|page)?|homepage|domain)\s*:/{0,3}\s*|/{1,3})+", re.IGNORECASE
)
_LINK = re.compile(  # of HTML, of a spreadsheet, of Markdown
    r"<a\s[^<>]{0,500}?href\s*=\s*[\"']?([^\"'\s<>]+)"
    r"|^=HYPERLINK\(\s*\"([^\"\s]+)\"|^\[[^\[\]]{0,300}\]\(([^()\s]+)\)$",
    re.IGNORECASE,
)
_END = re.compile(r"[/?#\\\s,;|]")
_USUAL = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]+", re.IGNORECASE | re.ASCII)
_LABEL = re.compile(r"^(?!-)[a-z0-9-]{1,63}(?<!-)$")
_REGISTRY = re.compile(
    r"^(?:(?:com?|org|net|edu|gov|ac|biz|info|firm|ltd|plc)\.[a-z]{2,3}|[a-z]{2,3}\.(?:com|net|org))$"
)
_AROUND = " \t\r\n.,;:<>()[]{}\"'`"
_PLACEHOLDER_NAMES = words(
    """
    example test testing none noemail no-email nomail noreply no-reply unknown na null undefined invalid fake
    fakemail dummy sample placeholder nowhere nobody notprovided notavailable nodomain no-domain nowebsite
    no-website noweb yourcompany your-company yourdomain your-domain yourwebsite your-website yoursite mycompany
    my-company mydomain mywebsite companyname company-name domainname domain company website companywebsite asdf
    asdfasdf asd qwe qwerty xxx xxxx foo foobar localhost tbd tbc noname anonymous temp nocompany no-company
    notapplicable notreal blah email-unknown unknownemail unknown-email donotemail nonexistent empty blank missing
    abcdef aaaa somewhere anywhere
    """
)
_PLACEHOLDERS_ANYWHERE = words("esempio ejemplo exemple exemplo voorbeeld przyklad priklad pelda ornek")
_ONE_LETTER = words("q.com x.com z.com i.net q.net x.org")  # the only ones that were ever given away
_PLACEHOLDER_SUFFIXES = words("com net org info biz edu")
_NOT_IN_USE = frozenset({"arpa", "onion"})  # suffixes of the list under which no company has its mail
_LONGEST = 2000
_LONGEST_NAME = 253
_LIKE_LATIN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
_WRITTEN_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)
_OF_ALL = frozenset({"MODIFIER", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"})  # marks that several scripts share


@cache
def _suffixes(*, encoded: bool, registries: bool = False) -> PublicSuffixList:
    """Returns the list, or its registries alone. Rules of other scripts, in punycode, only stand in it ``encoded``.

    No other name could match one, and to encode them takes longer than all else about the list.
    """
    lines = (files("publicsuffixlist") / "public_suffix_list.dat").read_text("utf-8").splitlines()
    rules = [line for line in lines if line.isascii()]
    if encoded:
        rules = [line if line.isascii() or line.startswith("//") else _punycode(line) for line in lines]
    return PublicSuffixList(rules, accept_unknown=False, accept_encoded_idn=False, only_icann=registries)


def _punycode(rule: str) -> str:
    name = rule.removeprefix("!")
    return "!" * (len(rule) - len(name)) + name.split(" ")[0].lower().encode("idna").decode("ascii")


@lru_cache(maxsize=4_096)
def host(text: str) -> str:
    """Returns the host of an address, e-mail or bare host, lower case, punycode (IDNA 2008), without ``www.``.

    ``""`` if there is none, or its last label is not a public suffix: ``acme.local``, ``John.Smith``,
    or a label imitates another in a second alphabet.
    """
    if len(text) > _LONGEST:
        return ""
    name = _END.split(_address(text), maxsplit=1)[0].rpartition("@")[2].partition(":")[0].strip(_AROUND)
    if len(name) <= _LONGEST_NAME and _USUAL.fullmatch(name):  # what most are like: IDNA only lowers them
        name = name.lower()
    else:
        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii") if name else ""
        except (idna.IDNAError, UnicodeError):
            return ""
    labels = name.split(".")
    if (
        len(labels) < 2
        or labels[-1] in _NOT_IN_USE
        or not all(_LABEL.match(label) for label in labels)
        or any(map(_imitates, labels))
        or not _registrable(name)
    ):
        return ""
    return name.removeprefix("www.") if len(labels) > 2 else name


def _address(text: str) -> str:
    """Returns the part behind the scheme of the first address in ``text``."""
    shown = visible(unescape(text)).strip()
    if link := _LINK.search(shown):
        shown = next(filter(None, link.groups()))
    return _SCHEME.sub("", shown.strip(_AROUND))


@lru_cache(maxsize=4_096)
def _registrable(name: str) -> str:
    return str(_suffixes(encoded="xn--" in name).privatesuffix(name) or "") if name else ""


def registrable(text: str) -> str:
    """Returns the registrable domain of an address, e-mail or host: ``de.acme.co.uk/x`` gives ``acme.co.uk``."""
    return _registrable(host(text))


def is_free(text: str) -> bool:
    """Tells whether the mail host is a free or access provider's, so that it says nothing about an employer."""
    name = host(text)
    return hosts.is_free(name, _registrable(name))


def is_disposable(text: str) -> bool:
    """Tells whether mail at the host is thrown away after minutes."""
    name = host(text)
    return hosts.is_disposable(name, _registrable(name))


@lru_cache(maxsize=4_096)
def company_domain(text: str) -> str:
    """Returns the registrable domain when it can be a company's own.

    ``""`` for free, disposable, alumni and placeholder hosts, for pages and subdomains at networks, shops and
    builders. A network's bare host is its own company's: ``linkedin.com`` employs people, ``linkedin.com/company/acme``
    does not.
    """
    name = host(text)
    own = _registrable(name)
    if not own or is_placeholder(own) or not employs(name):
        return ""
    if _is_platform(own) or hosts.is_nobodys(name, own):
        return ""
    if hosts.is_shared(own):
        return own if name == own and not _names_page(text) else ""
    return own


def employs(name: str) -> bool:
    """Tells whether people with mail at a host can be its company's own."""
    own = _registrable(name)
    return not (hosts.is_free(name, own) or hosts.is_disposable(name, own) or hosts.is_of_former(name))


def is_placeholder(name: str) -> bool:
    """Tells whether a registrable domain is an example: ``example.com``, ``test.com``, ``yourcompany.com``."""
    label, _, suffix = name.partition(".")
    if label in _PLACEHOLDERS_ANYWHERE:
        return True
    if suffix not in _PLACEHOLDER_SUFFIXES:
        return False
    return label in _PLACEHOLDER_NAMES or (
        len(label) == 1 and suffix in {"com", "net", "org"} and name not in _ONE_LETTER
    )


def _is_platform(own: str) -> bool:
    """Tells whether a domain is a customer's at a platform, and not one of a registry such as ``uk.com``."""
    if own.count(".") == 1:  # right under a top-level domain, which only registries have: no need to read their list
        return False
    by_registry = str(_suffixes(encoded="xn--" in own, registries=True).privatesuffix(own) or "")
    return by_registry != own and not _REGISTRY.match(by_registry)


def _names_page(text: str) -> bool:
    """Tells whether an address goes on behind its host."""
    rest = _address(text)
    end = _END.search(rest)
    return end is not None and bool(rest[end.end() :].strip(" /?#"))


def same_host(one: str, other: str) -> bool:
    """Tells whether both are addresses at one host, ``www.`` aside.

    Of pages at a shared host, whether both are one page.
    """
    first = host(one)
    if not first or first != host(other):
        return False
    own = _registrable(first)
    if not hosts.is_shared(own) and not hosts.is_nobodys(first, own):
        return True
    return _page(one) == _page(other)


def _page(text: str) -> str:
    return _address(text).removeprefix("www.").rstrip("/").casefold()


@lru_cache(maxsize=2048)
def _imitates(label: str) -> bool:
    """Tells whether a label, punycode or not, mixes alphabets that look alike: ``acme`` with a Cyrillic ``а``.

    Follows the "moderately restrictive" level of Unicode's UTS 39: Latin letters stand beside those of one other
    script, save the ones that look like them, and beside all that Japanese, Korean and Chinese are written in.
    """
    try:
        shown = idna.decode(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return True  # punycode of a name that no registry allows
    scripts = {_script(sign) for sign in shown if unicodedata.category(sign).startswith("L")} - _OF_ALL
    if len(scripts) < 2 or any(scripts <= together for together in _WRITTEN_TOGETHER):
        return False
    return "LATIN" not in scripts or len(scripts) > 2 or not scripts.isdisjoint(_LIKE_LATIN)


def _script(sign: str) -> str:
    return unicodedata.name(sign, "").partition(" ")[0]
