"""Spells kana in Latin letters (Hepburn, Kunrei, and what passports make of long vowels).

And readings of names in kanji.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from worker.decide.values.names import files
from worker.decide.values.names.schemes.spelling import LONGEST, SpellingTable, followed, simple, spellings

_KNOWN = spellings("""
    あ:a い:i う:u え:e お:o か:ka き:ki く:ku け:ke こ:ko が:ga ぎ:gi ぐ:gu げ:ge ご:go さ:sa し:shi|si す:su
    せ:se そ:so ざ:za じ:ji|zi ず:zu ぜ:ze ぞ:zo た:ta ち:chi|ti つ:tsu|tu て:te と:to だ:da ぢ:ji|di|zi
    づ:zu|du|dzu で:de ど:do な:na に:ni ぬ:nu ね:ne の:no は:ha ひ:hi ふ:fu|hu へ:he ほ:ho ば:ba び:bi ぶ:bu
    べ:be ぼ:bo ぱ:pa ぴ:pi ぷ:pu ぺ:pe ぽ:po ま:ma み:mi む:mu め:me も:mo や:ya ゆ:yu よ:yo ら:ra|la り:ri|li
    る:ru|lu れ:re|le ろ:ro|lo わ:wa を:o|wo ん:n|m っ:|t ー:|h ゔ:v|vu|b|bu ぁ:a ぃ:i ぅ:u ぇ:e ぉ:o ゃ:ya ゅ:yu
    ょ:yo ゎ:wa
    """)
# Before a small や, ゆ or よ.
_SMALL = spellings("""
    き:ky ぎ:gy し:sh|sy じ:j|jy|zy ち:ch|ty|cy ぢ:j|zy に:ny ひ:hy び:by ぴ:py み:my り:ry|ly
    """)
_FOREIGN = spellings("""
    ふぁ:fa|pha ふぃ:fi|phi ふぇ:fe ふぉ:fo|pho てぃ:ti|ty|tee でぃ:di|dy|dee じぇ:je|ge しぇ:she ちぇ:che
    うぃ:wi うぇ:we うぉ:wo ゔぁ:va ゔぃ:vi ゔぇ:ve ゔぉ:vo つぁ:tsa
    """)
# Two kana that make one long vowel.
_LONG = spellings("""
    おう:o|ou|oh|oo おお:o|oo|oh|ou うう:u|uu|oo えい:ei|e|ey|ay ええ:e|ee|eh ああ:a|aa|ah いい:i|ii|ee|y
    おー:o|oh|oo|ou うー:u|uu|oo えー:e|ee|eh|ei あー:a|aa|ah|ar|er いー:i|ii|ee|y
    """)
_VOWELS = dict(zip("aiueo", "あいうえお", strict=True))


def _units() -> dict[str, str]:
    units = _KNOWN | _FOREIGN
    for small, vowel in (("ゃ", "a"), ("ゅ", "u"), ("ょ", "o")):
        units |= {sign + small: latin for sign, latin in followed(_SMALL, vowel).items()}
    for unit, latin in list(units.items()):
        vowel = _VOWELS.get(latin[-1:], "")
        for following in "いうあえおー":
            if long := _LONG.get(vowel + following):
                stems = "|".join(dict.fromkeys(way[:-1] for way in latin.split("|")))
                units[unit + following] = followed({unit: stems}, long)[unit]
    return units


TABLE = SpellingTable(_units())
_ROMAJI = re.compile(
    r"(?:(?:ky|gy|sh|sy|jy|zy|ch|ty|cy|ny|hy|by|py|my|ry|ts|[kgsztdnhbpmyrwfj])?[aiueo]h?|n|m(?=[bpm])|[kstp](?=[kstpc]))+"
)


def folded(native: str) -> str:
    """Returns a word in hiragana. Small marks above stay: ワダ is not ワタ."""
    kana = "".join(
        chr(ord(sign) - 0x60) if "ァ" <= sign <= "ヶ" else sign for sign in unicodedata.normalize("NFC", native)
    )
    return kana.replace("ヵ", "か").replace("ヶ", "が")


@lru_cache(maxsize=2048)
def is_romaji(latin: str) -> bool:
    """Tells whether a Latin word could be Japanese: it then is surely spelled as it sounds."""
    return len(latin) <= LONGEST and _ROMAJI.fullmatch(latin) is not None


def kanji_spells(native: str, latin: str) -> bool:
    """Tells whether ``latin`` is a known reading of a family name.

    Of another word, one made of readings in given names.
    """
    if kana_of_family := files.japanese_last().get(native, ()):
        return any(TABLE.spells(kana, latin) for kana in kana_of_family)
    if not is_romaji(latin):
        return False
    word, places, readings = simple(latin), {0}, files.japanese_first()
    for sign in native[:LONGEST]:
        places = {end for kana in readings.get(sign, ()) for end in TABLE.reach(kana, word, places)}
    return bool(native) and len(word) in places


def kanji_reads(native: str, kana: str) -> bool:
    """Tells whether ``kana`` is a known reading of ``native``."""
    if known := files.japanese_last().get(native, ()):
        return kana in known
    places, readings = {0}, files.japanese_first()
    for sign in native[:LONGEST]:
        places = {place + len(way) for place in places for way in readings.get(sign, ()) if kana.startswith(way, place)}
    return bool(native) and len(kana) in places
