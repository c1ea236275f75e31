"""Reads a job title: one line of text that says something."""

from __future__ import annotations

import re

from worker.decide.values import domains
from worker.decide.values.blanks import says_nothing
from worker.decide.values.text import is_formula, is_masked, plain
from worker.decide.values.words import phrases

_LONGEST = 2000  # signs: what follows is no title, and no CRM's field takes more
_NOTHING = phrases(
    """
    title|titles|job|job title|jobtitle|job role|role|position|current position|designation|occupation|function|no title
    no job title|no position|without title|select|choose|test|testing|asdf|asdfasdf|qwerty|foo|bar|foo bar
    funktion|berufsbezeichnung|jobbezeichnung|stellenbezeichnung|keine position|kein titel|ohne titel|titel|poste
    fonction|intitulé du poste|sans titre|cargo|puesto|sin cargo|sin puesto|sin título|ruolo|qualifica|posizione|função
    sem cargo|functie|functietitel|geen functie|stanowisko|bez stanowiska|pozice|funkce|должность|без должности|посада
    true|false|yes|linkedin member|linkedin user|hidden|redacted|confidential|lorem|lorem ipsum|lorem ipsum dolor|mr|mrs
    ms|miss|sir|madam|herr|frau|fräulein|monsieur|madame|mme|m|señor|señora|sig|sig.ra|pan|pani
    pozisyon|ünvan|役職|役職なし|肩書|职位|职务|職稱|직책|직함|المسمى الوظيفي|תפקיד|ตำแหน่ง|chức vụ|jabatan
    """
)
_TIME = re.compile(  # of a job, and no job: "2019 - Present", "1.5 years", "3 yrs 2 mos"
    r"[\d\s./–—-]*(?:(?:present|now|today|current|heute|jetzt|aujourd'hui|actualidad|oggi|heden)|(?:\d\s*(?:years?|yrs?|months?|mos?"
    r"|jahre?|monate?|ans?|mois|años?|anni|jaar)\s*)*)",
    re.IGNORECASE,
)


def read(text: str) -> str:
    """Returns the title as a CRM should hold it; ``""`` for placeholders, masks, formulas, addresses and figures."""
    shown = plain(text[:_LONGEST])
    letters = sum(sign.isalpha() for sign in shown)
    if not letters or (letters == 1 and shown.isascii()) or says_nothing(shown):
        return ""
    if shown.casefold().strip(" .:-") in _NOTHING:
        return ""
    if is_masked(shown) or is_formula(shown) or shown.casefold().startswith(("http://", "https://", "www.")):
        return ""
    if _TIME.fullmatch(shown):
        return ""
    return "" if " " not in shown and ("@" in shown or _is_host(shown)) else shown


def _is_host(word: str) -> bool:
    """Tells whether a word is a company's site: ``acme.com``; ``Vertriebsleiter.in`` and ``ASP.NET`` are none."""
    return word.islower() and "." in word and bool(domains.host(word))
