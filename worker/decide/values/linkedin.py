"""Reads LinkedIn profile addresses in every form people paste, as one slug.

A slug is what follows ``/in/``: percent-decoded, NFC, lower case. It is the one spelling that questions, identities
and comparisons use.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from urllib.parse import quote, unquote

from msgspec import Struct

from worker.decide.values import beside, domains
from worker.decide.values.blanks import says_nothing
from worker.decide.values.text import unescape, visible
from worker.decide.values.words import name_words, words

_PAGE = re.compile(
    r"(?<![\w.%/@?&=-])(?:[a-z][a-z0-9+.-]{0,11}:/{0,3}|https?/{2}|(?<!:)//){0,3}(?:[\w.-]{1,40}@)?(?:[a-z0-9-]{1,20}\.){0,3}"
    r"linkedin\.(?:com|cn)\.?(?::\d{1,5})?(?=[/?#\s\"'<>|;,)\]}]|$)([^\s\"<>|;,()\[\]{}]*)",
    re.IGNORECASE,
)
_USUAL = re.compile(
    r"(?:https?://)?(?:www\.|[a-z]{2}\.)?linkedin\.com/in/([a-z0-9-]{4,100})/?(?:[?#][a-z0-9_=&-]*)?",
    re.IGNORECASE | re.ASCII,
)
_BARE = re.compile(r"(?!linked)[a-z0-9-]{4,100}", re.ASCII)  # a slug as most providers and we ourselves write it
_USUAL_SLUG = re.compile(r"[a-z0-9-]+", re.ASCII)
_BETWEEN = re.compile(r"[-_ ]+")
_HREF = re.compile(r"\bhref\s?=\s?", re.IGNORECASE)
_QUOTED_HREF = re.compile(r"\bhref\s?=\s?'([^'<>]{0,300})'", re.IGNORECASE)
_APP = re.compile(r"^linkedin:/{1,3}", re.IGNORECASE)
_LABEL = re.compile(r"^linked\s?in(?:\s+(?:profile|url|link))?\s*[:=-]+\s*", re.IGNORECASE)
_AGAIN = re.compile(r"^/?(?:in/|pub/)?(?:https?:/{0,3})?(?:[a-z-]{1,10}\.)?linkedin\.(?:com|cn)/", re.IGNORECASE)
_LOCALE = re.compile(r"^[a-z]{2}(?:[-_][a-z]{2,4})?$", re.IGNORECASE)
_TAIL = re.compile(r"[?#&].*$", re.DOTALL)
_CUT_OFF = re.compile(r"(?:\.{2,}|…)$")
_STUCK = re.compile(r"[^/?#&=]https?:/", re.IGNORECASE)  # another address without anything between
_TEMPLATE = re.compile(r"[{}$]|\[\w+\]|/:\w")  # placeholders for a slug in a form, or for a removed one
_MEMBER_ID = re.compile(r"^(?:ac[owr]aa[a-z0-9_-]{5,}|ac[owr][a-z0-9_-]{25,}|aem[a-z0-9_-]{15,}|\d+)$", re.IGNORECASE)
_PUB_PART = re.compile(r"^[0-9a-z]{1,3}$", re.IGNORECASE)
_OTHER_ROOMS = frozenset({"sales", "talent", "recruiter", "company", "showcase", "school", "edu"})  # than people's
_WAYS_IN = frozenset({"m", "mwlite", "comm", "mobile", "public-profile", "profile"})
_JOINERS = frozenset("-_'\u2019\u200c\u200d\u00b7\u2013")
_AROUND = " \t\r\n.,:;!&'\"`<>()[]{}|\u200c\u200d\u2019\u201c\u201d"
_NOBODY = words(
    """
    a account add added all available be blank broken busy check close closed coming confirm confirmed connect
    connected connection contact d data dead deleted determined directory disabled do does doesnt dont duplicate
    edit empty enter error example exist exists false feed find first firstname for found get has hasnt have here hidden
    https hyperlink id in inactive info inserthere insert invalid is it join last lastname later lead link linked
    linkedin login lookup match me member missing my n na name nan needed needs new nil no none noprofile not
    notavailable notfound notlinkedin null of on open or page pending person placeholder please private privat prive
    privado profil profile profiles pub public ref removed request requested required research sample search see
    sent signup soon tba tbc tbd test testing the there tester to todo true unavailable unbekannt undefined unknown
    update updated url user username value verify wrong xx xxx xxxx yes yet you your yourname yourprofile kein keine
    keiner vorhanden aucun aucune ausstehend folgt note notes refer ninguno ninguna nessuno geen ingen brak
    desconocido inconnu sconosciuto onbekend archived bounced company deceased declined departed fired former gone
    hired ignore left maybe moved multiple noone optedout pass quit resigned retired skip skipped several stale
    terminated unclear unsure unsubscribed unverified various verified
    """
)
_TYPED = words("asdf asdfg asdfgh asdfghjkl qwerty qwertz qwertyuiop abcd abcde abcdef xyz mustermann")
_SAID_TOGETHER = words(  # words that people write into an address to satisfy a form
    """
    firstnamelastname lastnamefirstname firstlastname vornamenachname nachnamevorname prenomnom nomprenom
    nombreapellido nombreapellidos nomecognome nomesobrenome voornaamachternaam imienazwisko jmenoprijmeni adsoyad
    fornavnetternavn fornavnefternavn fornamnefternamn etunimisukunimi namesurname имяфамилия фамилияимя
    yourname mylinkedin mylinkedinprofile linkedinprofile linkedinurl nolinkedin nolinkedinprofile notonlinkedin
    noprofilefound profilenotfound notfound doesnothaveone doesnotexist doesnothavelinkedin hasnolinkedin tobeconfirmed
    tobeadded tobedetermined tobeupdated addlater johndoe janedoe johndoeexample janedoeexample
    keinprofil keinlinkedin keinlinkedinprofil nichtgefunden profilnichtgefunden nichtbekannt nichtaufgefuhrt
    pasdeprofil pasdelinkedin sansprofil nontrouve profilnontrouve sinperfil sinlinkedin notiene noencontrado
    semperfil semlinkedin naotem naoencontrado nonpresente nontrovato senzaprofilo brakprofilu brakkonta nieznaleziono
    nietgevonden geenprofiel geenlinkedin finnsej ingenprofil findesikke finnesikke eiloydy neexistuje nenalezeno
    nenajdene nemaprofil nincsprofil farprofil profilyok нетпрофиля неттакого немаепрофілю
    """
)
_MAX = 200  # a slug has 3 to 100 characters; signs outside ASCII count more than one at some vendors
_LONGEST = 2000  # of a text somebody pasted
_ROUNDS = 3  # exports encode twice; a text that is still encoded then is not an address


class Profile(Struct, frozen=True):
    """Holds a slug, ``""`` where the text gives none.

    ``page`` names a page that is not a person's, such as ``company/acme``. ``is_elsewhere``: the text is an address
    at another site.
    """

    slug: str = ""
    page: str = ""
    is_elsewhere: bool = False


_NONE = Profile()


def slug(text: str) -> str:
    """Returns the slug of a LinkedIn address or of a bare slug; ``""`` when it names no person."""
    return profile(text).slug


def url(slug: str) -> str:
    """Returns the canonical address of a slug, percent-encoded."""
    return f"https://www.linkedin.com/in/{quote(slug, safe='')}" if slug else ""


def spellings(slug: str) -> tuple[str, ...]:
    """Returns how an address may spell a slug: letters as they are, composed or not, and percent-encoded."""
    forms = (slug, unicodedata.normalize("NFD", slug))
    return tuple(dict.fromkeys([*forms, *(quote(form, safe="") for form in forms)]))


def usual_addresses(slug: str) -> tuple[str, ...]:
    """Returns the ways in which most people write the address of a slug."""
    return tuple(
        f"{scheme}{host}linkedin.com/in/{spelt}{slash}"
        for spelt in spellings(slug)
        for scheme in ("https://", "http://", "")
        for host in ("www.", "")
        for slash in ("", "/")
    )


def same(one: str, other: str) -> bool:
    """Tells whether both are one person's profile, or one company's or school's page."""
    first, second = profile(one), profile(other)
    if first.slug or second.slug:
        return first.slug == second.slug
    return bool(first.page) and first.page == second.page


@lru_cache(maxsize=2048)
def profile(text: str) -> Profile:
    """Reads the slug or the page that ``text`` names."""
    if len(text) > _LONGEST:
        return _NONE
    if usual := _USUAL.fullmatch(text):  # what most are like: nothing of it has to be undone
        return _checked(usual[1])
    if _BARE.fullmatch(text):
        return _checked(text)
    plain = _HREF.sub(" ", _QUOTED_HREF.sub(r' "\1" ', visible(unescape(text)))).replace("\\", "/").strip()
    if not plain or says_nothing(plain):
        return _NONE
    for _ in range(_ROUNDS):
        if found := list(_PAGE.finditer(plain)):
            return _of_pages(plain, found)
        if "%2f" not in plain.lower() and "%25" not in plain:
            break
        plain = unquote(plain)
    return _of_word(plain)


def _of_pages(plain: str, found: list[re.Match[str]]) -> Profile:
    """Returns the one person named by the addresses in a text."""
    pages = [_of_path(match[1]) for match in found]
    starts = {match.start() for match in found}
    if any(_TEMPLATE.match(plain, match.end()) for match in found):
        return _NONE
    if any(_runs_on(plain, match.end(), starts) for match in found):
        return _NONE  # a blank inside an address: the part before it may be another's
    if beside.is_of_another(_PAGE.sub(" ", plain)):
        return _NONE  # of the record's person: "her manager", "not him"
    slugs = {page.slug for page in pages} - {""}
    if len(slugs) > 1:
        return _NONE
    return next((page for page in pages if page.slug), pages[0])


def _runs_on(plain: str, end: int, starts: set[int]) -> bool:
    rest = plain[end : end + 2]
    if len(rest) < 2 or not rest[0].isspace() or not rest[1].isalnum() or end + 1 in starts:
        return False
    return not domains.host(plain[end:].split(maxsplit=1)[0])  # another site's address, or an e-mail


def _of_word(plain: str) -> Profile:
    """Returns a slug without a host: ``ada-example``, ``in/ada-example``, ``linkedin://in/ada-example``."""
    if _CUT_OFF.search(plain):
        return _NONE
    word = _APP.sub("", _LABEL.sub("", plain)).strip(_AROUND).lstrip("/")
    if word.partition("/")[0].casefold() in {"in", "pub"} and "/" in word:
        return _of_path(word)
    if any(sign in word for sign in "/.:@#?"):
        return Profile(is_elsewhere=True)
    return _checked(word)


def _of_path(path: str) -> Profile:
    if _CUT_OFF.search(path) or _STUCK.search(path):
        return _NONE
    path = _TAIL.sub("", _decoded(_TAIL.sub("", path)))
    if _TEMPLATE.search(path):
        return _NONE
    while again := _AGAIN.match(path):  # a form that puts its own prefix before a whole address
        path = path[again.end() :]
    parts = [part for part in (part.strip(_AROUND) for part in path.split("/")) if part]
    while len(parts) > 1 and _leads_on(parts):
        parts = parts[1:]
    if not parts:
        return _NONE
    room = parts[0].casefold()
    if room in _OTHER_ROOMS:
        return Profile(page="/".join(parts[:2]).casefold())
    if room not in {"in", "pub"} or len(parts) < 2:
        return _NONE
    if room == "pub":
        return _pub(parts[1:])
    return _checked(parts[1])


def _leads_on(parts: list[str]) -> bool:
    """Tells whether the first part only precedes the room: a language, a mobile site, ``in`` twice."""
    first, second = parts[0].casefold(), parts[1].casefold()
    if first in _WAYS_IN:
        return True
    return second in {"in", "pub"} and (first == "in" or bool(_LOCALE.match(first)))


def _pub(parts: list[str]) -> Profile:
    """Reads old addresses: ``/pub/ada-example/1a/2b3/c4d`` is ``ada-example-c4d2b31a``.

    Without the three numbers the name alone is a directory of everybody with that name.
    """
    name, ids = parts[0], parts[1:4]
    if len(ids) < 3 or not all(_PUB_PART.match(part) for part in ids):
        return _NONE
    first, second, third = ids
    return _checked(f"{name}-{third.zfill(3)}{second.zfill(3)}{first.lstrip('0')}")


def _decoded(text: str) -> str:
    for _ in range(_ROUNDS):
        if "%" not in text:
            break
        text = unquote(text)
    return text


def _checked(word: str) -> Profile:
    lowered = unicodedata.normalize("NFC", visible(word)).lower()
    plain = unicodedata.normalize("NFC", lowered).strip(_AROUND)
    if _MEMBER_ID.match(plain):
        return _NONE  # case matters in these, so in lower case they find nobody
    if says_nothing(plain) or _is_placeholder(plain):
        return _NONE
    if not (2 if not plain.isascii() else 3) <= len(plain) <= _MAX:
        return _NONE
    if not _USUAL_SLUG.fullmatch(plain) and not all(_is_slug_sign(sign) for sign in plain):
        return _NONE
    if not any(sign.isalnum() for sign in plain):
        return _NONE
    return Profile(slug=plain)


def _is_placeholder(slug: str) -> bool:
    """Tells whether a slug is a placeholder: ``not-found``, ``vorname-nachname``."""
    parts = _BETWEEN.split(slug)
    if _NOBODY.issuperset(parts) or parts[-1] in _TYPED:
        return True
    if 3 < len(slug) <= _MAX and slug == slug[0] * len(slug):
        return True
    named = [part for part in parts if not part.isdecimal()]
    together = "".join(named)
    if not together.isascii():
        marked = unicodedata.normalize("NFD", together)
        together = "".join(sign for sign in marked if not unicodedata.combining(sign))
    if together in _SAID_TOGETHER or together.endswith("mustermann"):
        return True
    return len(named) > 1 and _names_nobody().issuperset(named)


@cache
def _names_nobody() -> frozenset[str]:
    return _NOBODY | name_words("placeholders")


def _is_slug_sign(sign: str) -> bool:
    """Tells whether a slug is letters and digits of any script, their marks, hyphens.

    And the symbols some people add.
    """
    if sign in _JOINERS:
        return True
    category = unicodedata.category(sign)
    return sign != "\ufffd" and (category[0] in "LMN" or category in {"So", "Sk"})
