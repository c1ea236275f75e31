"""Spells names in Chinese characters: pinyin, Wade-Giles, Hong Kong, and what families overseas kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import product

from worker.decide.values.names import files
from worker.decide.values.names.schemes.spelling import LONGEST, ends, simple, spellings
from worker.decide.values.words import name_lines

_HEADS = spellings("b:p d:t g:k j:ch q:ch x:hs|sh zh:ch ch:ch z:ts|tz c:ts|tz r:j")
_WHOLE = spellings("""
    zhi:chih|chi|jhih chi:chih shi:shih|shi|szu ri:jih zi:tzu|tse|tz|tze ci:tzu|tsu si:szu|ssu|sz er:erh ye:yeh
    yan:yen yong:yung yue:yueh yi:i|yih you:yu|yiu wei:wei|way wen:wen|wun
    """)
_TAILS = spellings("""
    ian:ien|ian ie:ieh|ie ong:ung|ong iong:iung ue:ueh ve:ueh ui:ui|wei uei:uei iu:iu v:u|yu uan:uan|yuan un:un
    ing:ing
    """)
_SYLLABLES = re.compile(
    r"(?:(?:zh|ch|sh|ts|tz|hs|sz|kw|gw|ng|[bpmfdtnlgkhjqxrzcsyw])?(?:[aiueo]{1,3}|y|yu[aeo]?)(?:ng|n(?!g)|[mkpth])?"
    r"|ng){1,3}"
)
_PINYIN = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)(.+)")


def _taiwanese(pinyin: str) -> set[str]:
    """Returns Wade-Giles as passports write it: without apostrophes."""
    if pinyin in _WHOLE:
        return set(_WHOLE[pinyin].split("|"))
    parts = _PINYIN.fullmatch(pinyin)
    if not parts:
        return set()
    head, tail = parts.groups()
    heads = _HEADS.get(head, head).split("|")
    if tail == "uo" and head in {"d", "t", "n", "l", "z", "c", "s", "zh", "ch", "r"}:
        tail = "o"
    tails = ["o", "e"] if tail == "e" and head in {"g", "k", "h"} else _TAILS.get(tail, tail).split("|")
    if tail == "ui" and head in {"g", "k"}:
        tails = ["uei", "ui", "wei"]
    return {begin + end for begin, end in product(heads, tails)}


_CANTON_HEADS = spellings("""
    b:p|b p:p d:t|d g:k|g k:k ng:ng| gw:kw|gw|k kw:kw|k|qu z:ch|ts|j|tz|c c:ch|ts|tz|c s:s|sh|sz j:y|i|j| n:n|l
    """)
_CANTON_TAILS = spellings("""
    aa:a|ah aai:ai|aai aau:au|aau|ow aam:am|aam aan:an|aan aang:ang|aang aap:ap|aap aat:at|aat aak:ak|aak
    ai:ai|ay au:au|ow am:am|um an:an|un|en ang:ang|ung ap:ap|up at:at|ut ak:ak|uk e:e|eh ei:ei|ee|i|ay|y|ey
    eng:eng|ing ek:ek|ik eoi:ui|uy eon:un|on|eun eot:ut|eut oe:eu|oe oeng:eung|eong oek:euk|eok|eak
    i:i|ee|ze|z|y|ie iu:iu|iew|ew|io ing:ing|eng o:o|or|oh|aw oi:oi|oy ou:o|ou|oo|ow|u|oe u:u|oo|wu ui:ui|oi|ooi
    un:un|oon ung:ung|oong ut:ut|oot uk:uk|ook yu:u|yu|ue|yue yun:uen|un|yuen|yun yut:uet|ut|yuet
    """)
_JYUTPING = re.compile(r"(ng|gw|kw|[bpmfdtnlgkhwzcsj]?)(.*)")


def _hong_kong(jyutping: str) -> set[str]:
    if jyutping in {"m", "ng"}:
        return {"ng", "m"}
    parts = _JYUTPING.fullmatch(jyutping)
    if not parts:
        return set()
    head, tail = parts.groups()
    heads, tails = _CANTON_HEADS.get(head, head).split("|"), _CANTON_TAILS.get(tail, tail).split("|")
    if head == "z" and tail == "eng":
        heads.remove("ts")
    return {begin + end for begin, end in product(heads, tails)} - {""}


@cache
def _same_signs() -> Mapping[int, str]:
    return {ord(variant): group[0] for (group,) in name_lines("hanzi") for variant in group[1:]}


@cache
def _families() -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(forms) for name, *forms in name_lines("chinese_last")}


def folded(native: str) -> str:
    """Returns a word with simplified, traditional and Japanese forms of one character alike."""
    return native.translate(_same_signs())


def is_family(native: str) -> bool:
    return folded(native) in _families()


def family(name: str) -> int:
    """Tells how many characters of a whole name are the family name."""
    if is_family(name[:2]):
        return 2
    known = files.japanese_last()
    return next((size for size in (3, 2) if len(name) > size and name[:size] in known), 1)


@lru_cache(maxsize=2048)
def _spellings(sign: str, most: int = 2) -> tuple[str, ...]:
    latin: set[str] = set()
    for pinyin in files.mandarin().get(sign, ())[:most]:
        latin |= {pinyin, pinyin.replace("v", "u"), pinyin.replace("v", "yu")} | _taiwanese(pinyin)
    for jyutping in files.cantonese().get(sign, ())[:most]:
        latin |= _hong_kong(jyutping)
    return tuple({simple(way) for way in latin})


@lru_cache(maxsize=1024)
def family_spellings(native: str) -> tuple[str, ...]:
    """Returns every spelling of a common family name; none of another word."""
    latin = _families().get(folded(native))
    if latin is None:
        return ()
    if latin[:1] == ("!",):
        return latin[1:]
    ways = (_spellings(sign, 1) for sign in native)
    return (*latin, *("".join(way) for way in product(*ways)))


def spells(native: str, latin: str) -> bool:
    """Tells whether each character of ``native`` is read so in some part of China, or the family overseas."""
    if len(native) > LONGEST or len(latin) > 2 * LONGEST:
        return False
    word, known = simple(latin), family_spellings(native)
    if known:
        return latin in known or word in known
    places = {0}
    for sign in native:
        places = ends(word, _spellings(sign), places)
    return len(word) in places


def sound_alike(one: str, other: str) -> bool:
    """Tells whether words of as many characters can sound the same in Mandarin: one may be a variant of the other."""
    sounds = files.mandarin()
    return len(one) == len(other) and all(
        left == right or not set(sounds.get(left, ())).isdisjoint(sounds.get(right, ()))
        for left, right in zip(one, other, strict=True)
    )


def begins(native: str, letter: str) -> bool:
    """Tells whether a spelling of ``native`` can begin with ``letter``."""
    return any(way.startswith(letter) for way in family_spellings(native) or _spellings(native[0]))


def is_chinese(latin: str) -> bool:
    """Tells whether a Latin word is made of what syllables of Chinese names look like, in any scheme."""
    return len(latin) <= LONGEST and _SYLLABLES.fullmatch(latin) is not None
