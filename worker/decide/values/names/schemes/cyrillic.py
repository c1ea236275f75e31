"""Spells Cyrillic letters in Latin ones.

Russian, Ukrainian, Belarusian, Bulgarian, Serbian, Macedonian, Kazakh, Mongolian.

One table for all of them, because a CRM does not say whose name it is; English, French, German and Slavic schemes.
"""

from __future__ import annotations

import re

from worker.decide.values.names.schemes.spelling import SpellingTable, spellings

TABLE = SpellingTable(
    spellings("""
    а:a б:b в:v|w|f г:g|h|gh ґ:g д:d е:e|ye|je|ie ё:yo|e|jo|io|o|ye|je|ie є:ye|ie|je|e ж:zh|z|j|g з:z и:i|y
    ^и:i|y|yi і:i ї:i|yi|ji й:y|i|j ий:iy|y|i|ii|ij|yi|yy|yj|ey ый:y|yy|iy|yi|yj|i ій:iy|ii|i|y|ij|yi к:k|c
    кс:ks|x|cs ск:sk|sc л:l м:m н:n о:o п:p р:r с:s т:t у:u|ou|oo ф:f|ph х:kh|h|ch ц:ts|c|tz|cz|tc|z
    ч:ch|tch|tsch|c|cz|cs ш:sh|s|sch|sz щ:shch|sch|sh|sht|sc|schtsch|szcz|chtch ъ:|a|u|y ы:y|i ь:|y|i э:e
    эй:ei|ey|ej ю:yu|iu|ju|u|you я:ya|ia|ja|a ия:ia|iya|ya|ija|iia|iia|yia ья:ya|ia|ja|iya|ea
    ий$:iy|y|i|ii|ij|yi|yy|yj ски$:ski|sky ов$:ov|ow|of|off ев$:ev|ew|ef|yev|iev|jev ў:u|w|v|o ђ:dj|d|dz|gj
    ј:j|y|i љ:lj|ly|l њ:nj|ny|n ћ:c|ch|cj|tj џ:dz|dzh|dj|j дж:j|dzh|dj дз:dz ѓ:gj|g|dj ќ:kj|k|c ѕ:dz ә:a|ae|e
    ғ:g|gh қ:k|q ң:n|ng ө:o|u|oe ұ:u ү:u|ue һ:h ҳ:h җ:j ӯ:u ӣ:i ҷ:j нг:ng ':
    """)
)
_OF_HERE = re.compile("(?:[оеё]ва?|[иы]на?|[сц]к(?:ий|ая)|енко|[уюия]к|ич|ян|дзе|швили)$")
_ALIKE = str.maketrans(spellings("ё:е ї:и і:и ы:и э:е є:е ґ:г ў:в ь: ъ:"))


def is_family_of_here(native: str) -> bool:
    """Tells whether a word ends like a family name that is written in Cyrillic letters at home: Иванов, no Смит."""
    return _OF_HERE.search(native) is not None


def folded(native: str) -> str:
    """Returns a word as Russian, Ukrainian and Belarusian writing agree on it. ``й`` stays: Цой is not Цои."""
    return native.translate(_ALIKE)
