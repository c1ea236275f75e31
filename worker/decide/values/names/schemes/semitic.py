"""Spells Arabic (with Persian and Urdu letters) and Hebrew, which leave most vowels out."""

from __future__ import annotations

import re
import unicodedata

from worker.decide.values.names.schemes.spelling import SpellingTable, followed, spellings

_SHORT = "|a|e|i|o|u"
_ARABIC_CONSONANTS = spellings("""
    ب:b|p ت:t ث:th|s|t ج:j|g|dj|dsch ح:h خ:kh|h|x د:d ذ:dh|z|d|th ر:r ز:z س:s ش:sh|ch|sch ص:s ض:d|dh|z ط:t
    ظ:z|dh|th غ:gh|g ف:f|ph ق:q|k|g|gh|c ك:k|c ل:l م:m ن:n پ:p چ:ch|tch ژ:zh|j گ:g ڤ:v ٹ:t ڈ:d ڑ:r|d ں:n
    """)
ARABIC = SpellingTable(
    followed(_ARABIC_CONSONANTS, _SHORT)
    | spellings("""
    ا:a|aa|e|ae|o| ^ا:a|e|i|o|u|aa|ou ع:|a|e|i|o|u|aa|ou|ei|ai|ea ه:h|ha|he|hi|ho|hu|a ه$:h|a|ah|e|eh|
    و:w|v|u|ou|oo|o|aw|ow|au|wa|we|wi|uw|ew|va|wu|oe و$:u|o|w|ou|oo|
    ي:y|i|ee|ei|ai|ay|e|ie|iy|ey|ia|ya|ye|yu|ea|yi|eye ي$:i|y|ee|iy|ie|ai|ay|a|ah|e|aa ء:|a|i|e
    ال:al|el|ul|il|ol|a|l|e|u| ^ال:al|el|a|e|ul|
    """)
)
_HEBREW_CONSONANTS = spellings("""
    ב:b|v ג:g|j ד:d ז:z|s ח:ch|h|kh|x ט:t כ:k|ch|c|kh|h ך:k|ch|c|kh|h ל:l מ:m ם:m נ:n ן:n ס:s פ:p|f|ph ף:f|p|ph
    צ:ts|tz|z|c|s|cz ץ:ts|tz|z|c|s|cz ק:k|c|q|ck ר:r ש:sh|s|sch|ch ת:t|th
    """)
HEBREW = SpellingTable(
    followed(_HEBREW_CONSONANTS, _SHORT)
    | spellings("""
    א:|a|e|i|o|u ה:h|ha|he|hi|ho|hu|a|ah|e|eh|o| ו:v|w|o|u|ou|oo|va|ve|vi|ow|au וו:v|w|va|vi|ve|o|u
    י:y|i|j|ee|e|ei|ai|ay|ie|ya|ye|yo|yi|yu|ey|ia יי:y|ei|ai|ay|i|ey|ee ע:|a|e|i|o|u|aa
    """)
)
_SAME_LETTER = str.maketrans(spellings("أ:ا إ:ا آ:ا ٱ:ا ى:ي ی:ي ة:ه ۀ:ه ہ:ه ھ:ه ؤ:و ئ:ي ک:ك ـ:"))
_MATRES = re.compile(r"(?<=.)[וי](?=.)")


def arabic(native: str) -> str:
    """Returns a word without vowel marks, with the forms of one letter alike."""
    composed = unicodedata.normalize("NFC", native)
    return "".join(sign for sign in composed if not unicodedata.combining(sign)).translate(_SAME_LETTER)


def hebrew(native: str) -> str:
    """Returns a word without points."""
    return "".join(sign for sign in native if not unicodedata.combining(sign))


def defective(native: str) -> str:
    """Returns a Hebrew word with the vowel letters left out that one may leave out: דויד is דוד."""
    return _MATRES.sub("", native)
