"""Removes people's additions before and after a name: titles, degrees, pronouns, slogans, emoji."""

from __future__ import annotations

import re
import unicodedata

from worker.decide.values.words import name_words
from worker.decide.values.words import words as word_set

BEFORE = word_set("""
    dr drs dring prof professor sr mr mrs ms miss mx sir dame herr frau fraulein mme mlle madame monsieur sra srta dra
    dott dottssa doktor dipl diplom dipling ing mag magister eng rev reverend capt captain col lt sgt hon judge sheikh
    med habil rer nat phil jur univ doz priv pd hc mult
    mgr bc mudr judr phdr rndr paeddr mvdr thdr arch avv geom rag lic cand sig sigra don dna dhr mevr mw fr hr smt shri
    adv pan pani mons fra mgr inz hab inzh kfm kffr oec troph betrw volksw univprof stb senor senora arch sn
    гн гжа господин госпожа пан пані
    """)
_DOTTED_BEFORE = word_set("""
    ing mag eng rev capt col lt sgt hon med habil rer nat phil jur univ doz priv pd hc mult sr bc arch avv geom rag
    lic cand sig don dna fr hr adv pan pani mw mons fra inz hab inzh arch sn
    """)
GREETINGS = word_set(
    "mr mrs ms miss mx herr herrn frau fraulein mme mlle madame monsieur sra srta sig sigra pani mevr dhr"
)
SUFFIXES = word_set("jr sr junior senior ii iii iv")
_ANY_CASE = word_set("phd dphil msc bsc llm esq pharmd meng beng mphil")
_MARKS = frozenset("®™©℠\ufe0f\ufe0e\u20e3\u200d")
_PRONOUNS = re.compile(
    r"(?<![\w/])(?:s?he|they|ze|xe|sie|er|elle|il|ella|él|zij|hij)\s*[/|]\s*\w+(?:\s*[/|]\s*\w+)*(?![\w/])",
    re.IGNORECASE,
)
_CAPITALS = word_set("MA BA MS BS MD JD DO ED RN PE PT OT NP PA SR JR II III IV MP QC KC SC AM MSP")
_TRAILER = re.compile(r"\s*(?:[|/•·∙●▪◆★☆►»«~→;:–—]|\s-+\s|-+\s|@|#|\s(?:at|bei|chez|c/o)\s(?=\S)).*$", re.DOTALL)
_QUOTED = re.compile(r"[\"“”„«‹‟][^\"“”„«»‹›‟]*[\"“”»›]|(?<=\s)['‘’][^'‘’]+['‘’](?=\s|$)")
_BRACKETS = re.compile(r"[(\[{（【<]([^)\]}）】>]*)[)\]}）】>]?")
_BORN = re.compile(
    r"(?:^|(?<=\s))(?:née|nee|né|geb\.?|geborene|geborener|born|roz\.?|ur\.|f\.|rozená|szül\.)\s+(.+)$", re.IGNORECASE
)

_HONORIFIC = re.compile(
    r"(?<=[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])\s*(?:先生|女士|小姐|さん|さま|様|殿|씨|님|대표|이사|부장|차장|과장|대리|팀장|사장)$"
)
_SIMPLE = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?(?: [^\W\d_]+(?:['’-][^\W\d_]+)*\.?)*")
_TELLING = word_set("née nee né geb geb. geborene geborener born roz. ur. f. rozená szül. at bei chez")


def is_simple(text: str) -> bool:
    """Tells whether a text holds only words, and none that something beside the name begins with."""
    return _SIMPLE.fullmatch(text) is not None and _TELLING.isdisjoint(text.lower().split())


def without_honorific(text: str) -> str:
    """Returns ``text`` without what East Asia puts behind a name: ``田中太郎 様``, ``王小明先生``."""
    return text if text.isascii() else _HONORIFIC.sub("", text)


def without_signs(text: str) -> str:
    """Returns ``text`` without emoji, trade marks and other pictures; one behind two words or more begins a slogan."""
    if text.isascii():
        return text
    kept: list[str] = []
    for sign in text:
        if _is_text(sign):
            kept.append(sign)
        elif sign in _MARKS or len("".join(kept).split()) < 2:
            kept.append(" ")
        else:
            break
    return "".join(kept)


def _is_text(sign: str) -> bool:
    if sign in "\ufe0f\ufe0e\u20e3" or "\U000e0000" <= sign <= "\U000e007f":
        return False
    return unicodedata.category(sign) not in {"So", "Sk", "Cn", "Co", "Cs"} or sign in "`´"


def without_trailer(text: str) -> str:
    """Returns ``text`` up to where a slogan or a company begins; a comma is left, for it may also turn a name."""
    cut = _TRAILER.sub("", _PRONOUNS.sub(" ", f" {text}"))
    return cut.strip() or text.strip()


def beside(text: str) -> tuple[str, list[str], list[str]]:
    """Returns ``text`` without its parts in brackets or quotes, those parts, and the names given as a birth name."""
    born: list[str] = []
    asides: list[str] = []
    for aside in [*_BRACKETS.findall(text), *(found[1:-1] for found in _QUOTED.findall(text))]:
        maiden = _BORN.search(aside.strip())
        (born if maiden else asides).append(maiden[1] if maiden else aside.strip())
    rest = _QUOTED.sub(" ", _BRACKETS.sub(" ", text))
    maiden = _BORN.search(rest)
    if maiden and rest[: maiden.start()].strip():
        born.append(maiden[1])
        rest = rest[: maiden.start()]
    return rest, asides, born


def is_title(text: str, plain: str) -> bool:
    """Tells whether a word at the beginning is a title; some are only with a full stop."""
    if plain.startswith("dipl"):
        return "." in text or "-" in text or plain in BEFORE
    return plain in BEFORE and (plain not in _DOTTED_BEFORE or "." in text or "-" in text)


def is_degree(text: str, plain: str, *, shouted: bool = False) -> bool:
    """Tells whether a word after a name is a degree.

    ``shouted``: the whole name is in capitals, which then say nothing.

    A word written like a name is one: Mba and Lion are family names.
    """
    if plain in SUFFIXES or plain in _ANY_CASE or (plain in BEFORE and plain not in _DOTTED_BEFORE):
        return True
    if plain in name_words("degrees") and not (text[:1].isupper() and text[1:].islower()):
        return True
    letters = text.replace(".", "").replace("-", "")
    if shouted or not letters.isascii() or not letters.isupper():
        return False
    return letters in _CAPITALS or (len(letters) > 2 and not set("AEIOUY") & set(letters))
