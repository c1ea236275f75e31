"""Spells the scripts of India, which share one layout: what holds for Devanagari holds for all of them."""

from __future__ import annotations

from worker.decide.values.names.schemes.spelling import SpellingTable, followed, spellings

_BLOCK, _FIRST = 0x80, 0x0900
_TAMIL, _BENGALI = 0x0B80, 0x0980
_CONSONANTS = spellings("""
    क:k|c ख:kh|k ग:g घ:gh|g ङ:n|ng च:ch|c छ:chh|ch ज:j|z झ:jh|z|j ञ:n|ny|gn ट:t ठ:th|t ड:d|r ढ:dh|rh|d ण:n
    त:t|th थ:th|t द:d|th ध:dh|d न:n प:p फ:ph|f ब:b भ:bh|b|v म:m य:y|i|j र:r ल:l व:v|w श:sh|s ष:sh|s स:s ह:h
    ळ:l|zh ऴ:zh|l ऱ:r|t ऩ:n क्ष:ksh|x|kh|ks ज्ञ:gy|gn|jn|dny|jny
    """)
# Tamil writes voiced consonants like voiceless ones.
_SOFTER = spellings("""
    क:k|g|h|kh|c च:ch|s|c|sh|j ट:t|d त:t|th|d|dh प:p|b|bh|f ऱ:r|tr|t
    """)
# Each vowel alone, and as the sign on a consonant.
_VOWELS = spellings("""
    आा:a|aa|ah इि:i|e|y ईी:i|ee|y|ie|e उु:u|oo|ou ऊू:u|oo|uu|ou ऋृ:ri|ru|r ऎॆ:e|i एे:e|ey|ay|ai|ae
    ऐै:ai|ay|ei|e|oi ऒॊ:o ओो:o|oh|oo औौ:au|ou|ow|aw|o ऑॉ:o|a
    """)
_VIRAMA = "्"


def _table(consonants: dict[str, str], unwritten: str) -> SpellingTable:
    """Makes a table; ``unwritten`` is the vowel after a consonant that bears no sign."""
    units = spellings("अ:a|u|o ं:n|m|ng ँ:n|m| ः:h| ऽ: ़:")
    units |= {pair[0]: latin for pair, latin in _VOWELS.items()}
    units |= followed(consonants, unwritten) | {sign + _VIRAMA: latin for sign, latin in consonants.items()}
    for pair, vowels in _VOWELS.items():
        units |= {sign + pair[1]: latin for sign, latin in followed(consonants, vowels).items()}
    return SpellingTable(units)


_TABLES = {
    _TAMIL: _table(_CONSONANTS | _SOFTER, "a||u"),
    _BENGALI: _table(_CONSONANTS | {"य": "j|y", "ब": "b|v|w"}, "a|o||"),
}
_TABLE = _table(_CONSONANTS, "a|")
_SINGLE = spellings("ൺ:ण् ൻ:न् ർ:र् ൽ:ल् ൾ:ळ् ൿ:क् ৎ:त् ੱ: ੰ:ं ़: ়: ਼: ઼:")  # characters that the layout lacks


def table(native: str) -> SpellingTable:
    """Returns the table of the script that a word is written in."""
    return _TABLES.get(ord(native[0]) // _BLOCK * _BLOCK, _TABLE)


def folded(native: str) -> str:
    """Returns a word in Devanagari, without characters that only double a consonant."""
    signs = "".join(_SINGLE.get(sign, chr(_FIRST + ord(sign) % _BLOCK)) for sign in native)
    for sign in set(signs):
        signs = signs.replace(f"{sign}{_VIRAMA}{sign}", sign)
    return signs
