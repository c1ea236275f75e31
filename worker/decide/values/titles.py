"""Reads a job title: one line of text that says something."""

from __future__ import annotations

import re

from worker.decide.values import domains
from worker.decide.values.blanks import says_nothing
from worker.decide.values.text import is_formula, is_masked, plain
from worker.decide.values.words import phrases

_LONGEST = 2000  # characters: the rest is not a title, and no CRM's field is longer
_NOTHING = phrases(
    """
    title|titles|job|job title|jobtitle|job role|role|position|current position|designation|occupation|function|no title
    no job title|no position|without title|select|choose|test|testing|asdf|asdfasdf|qwerty|foo|bar|foo bar
    funktion|berufsbezeichnung|jobbezeichnung|stellenbezeichnung|keine position|kein titel|ohne titel|titel|poste
    fonction|intitulé du poste|sans titre|cargo|puesto|sin cargo|sin puesto|sin título|ruolo|qualifica|posizione|função
    sem cargo|functie|functietitel|geen functie|stanowisko|bez stanowiska|pozice|funkce|должность|без должности|посада
    true|false|yes|linkedin member|linkedin user|hidden|redacted|confidential|lorem|lorem ipsum|lorem ipsum dolor|mr|mrs
    ms|miss|sir|madam|herr|frau|fräulein|monsieur|madame|mme|m|señor|señora|sig|sig.ra|pan|pani
    beruf|profession|profesión|ocupación|occupazione|mansione|professione|profissão|ocupação|beroep|yrke|stilling
    stillingsbetegnelse|yrkestittel|ammatti|nimike|tehtävänimike|zawód|povolání|povolanie|beosztás|foglalkozás|funcție
    ocupație|meslek|unvan|görev|профессия|професія|επάγγελμα|θέση|מקצוע|المنصب|الوظيفة|مهنة|पद|पदनाम|ตำแหน่งงาน|อาชีพ
    nghề nghiệp|chức danh|pekerjaan|职业|头衔|職業|直位|직위|직급|役職不明|暂无职位|無職位|intitulé
    other|others|misc|miscellaneous|various|diverse|sonstige|sonstiges|autre|autres|otro|otros|altro|altri|outro|outros
    overig|annat|see above|see linkedin|see profile|same|same as above|ditto|private profile|hidden by user
    out of network
    join to view profile|sign in to view|log in to view|login required|upgrade to see|view profile|show more|see more
    pozisyon|ünvan|役職|役職なし|肩書|职位|职务|職稱|직책|직함|المسمى الوظيفي|תפקיד|ตำแหน่ง|chức vụ|jabatan
    """
)
_WITHOUT = phrases("ohne|kein|keine|sans|sin|sem|senza|geen|zonder|bez|fără|ingen|utan|uden|uten|no|без|未|無|not")
_SAID = phrases("указана|указан|вказана|saknas|mangler")  # of a title: "должность не указана"
_TYPED = phrases("test|tests|asdf|qwer|qwerty|qwertz|dummy|sample|foo|bar|baz|abc|aaa|xxx")
_CROSSED = re.compile(r"[xX\s]*[xX]{3}[xX\s]*")
_TIME = re.compile(  # of a job, and no job: "2019 - Present", "1.5 years", "3 yrs 2 mos"
    r"(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s)?[\d\s./+–—-]*(?:(?:present|now|today|current|heute|jetzt|aujourd'hui|actualidad|oggi|heden)|(?:\d\s*(?:years?|yrs?|months?|mos?"
    r"|jahre?|monate?|ans?|mois|años?|anni|jaar)\s*)*)",
    re.IGNORECASE,
)


def read(text: str) -> str:
    """Returns the title as a CRM should hold it; ``""`` for placeholders, masks, formulas, addresses and figures."""
    shown = plain(text[:_LONGEST])
    letters = sum(sign.isalpha() for sign in shown)
    if not letters or (letters == 1 and shown.isascii()) or says_nothing(shown):
        return ""
    if _is_about_itself(shown.casefold().strip(" .:-")):
        return ""
    if is_masked(shown) or is_formula(shown) or shown.casefold().startswith(("http://", "https://", "www.")):
        return ""
    if _TIME.fullmatch(shown):
        return ""
    return "" if " " not in shown and ("@" in shown or _is_host(shown)) else shown


def _is_about_itself(lower: str) -> bool:
    """Tells whether a text only says that here is a title, or none: ``Position unbekannt``, ``sans fonction``."""
    if lower in _NOTHING or _CROSSED.fullmatch(lower):
        return True
    words = lower.split()
    rest = [word for word in words if word not in _NOTHING and word not in _WITHOUT and word not in _SAID]
    if (
        len(rest) < len(words)
        and any(word in _NOTHING for word in words)
        and (not rest or says_nothing(" ".join(rest)))
    ):
        return True
    return all(word in _TYPED or word.isdecimal() for word in words)


def _is_host(word: str) -> bool:
    """Tells whether a word is a company's site: ``acme.com``; ``Vertriebsleiter.in`` and ``ASP.NET`` are not."""
    return word.islower() and "." in word and bool(domains.host(word))
