"""Spells Thai in Latin letters. Families write their names as they like, so that only an agreement says something."""

from __future__ import annotations

import re

from worker.decide.values.names.schemes.spelling import SpellingTable, followed, spellings

_SWAPPED = re.compile(r"([เแโไใ])([ก-ฮ])")
_UNSAID = re.compile(r"[่-๋]|[ก-ฮ][ิุ]?์|์")  # tone marks, and letters that are written but not spoken
_CONSONANTS = {
    sign: latin
    for signs, latin in spellings("""
    ก:k|g ขคฆ:kh|k|c ง:ng จ:j|ch|t ฉชฌ:ch|t ซ:s|t ญ:y|n ดฎ:d|t ตฏ:t|d ถทธฐฑฒ:th|t|d นณ:n บ:b|p ป:p|b ผพภ:ph|p|b
    ฝฟ:f|p ม:m ย:y|i รลฬ:r|l|n| ว:w|v|o|u ศษส:s|t| หฮ:h| อ:|o|or
    """).items()
    for sign in signs
}
TABLE = SpellingTable(
    followed(_CONSONANTS, "|a|o")
    | spellings("""
    ะ:a| ั:a|u า:a|ar|aa ํา:am|um ิ:i| ี:i|ee ึ:ue|u|eu ื:ue|u|eu| ุ:u| ู:u|oo ็: รร:an|a|ar|un ัว:ua|uo
    เ:e|ay|a แ:ae|a|e|aa โ:o ไ:ai|i|y ใ:ai|i เา:ao|au|ow เีย:ia|ea|ie เือ:uea|ua|eua เอ:oe|er|ur เย:oei|oey|ei
    เิ:oe|er|ur ๆ:
    """)
)


def folded(native: str) -> str:
    """Returns a word in the order in which it is spoken."""
    return _SWAPPED.sub(r"\2\1", _UNSAID.sub("", native))
