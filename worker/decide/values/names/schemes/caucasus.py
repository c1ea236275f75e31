"""Spells Armenian (east and west) and Georgian letters in Latin ones."""

from __future__ import annotations

from worker.decide.values.names.schemes.spelling import SpellingTable, spellings

ARMENIAN = SpellingTable(
    spellings("""
    ա:a բ:b|p գ:g|k դ:d|t ե:e|ye|ie|y զ:z է:e ը:y|e| թ:t|th ժ:zh|j ի:i լ:l խ:kh|gh|x|h ծ:ts|dz|tz կ:k|g հ:h
    ձ:dz|ts|tz ղ:gh|g|l ճ:ch|j|tch|dj մ:m յ:y|h|j| յա:ya|ia|ja|ea յու:yu|iu|ju|you|iou ն:n շ:sh ո:o|vo
    ու:u|ou|oo չ:ch|tch պ:p|b ջ:j|ch|dj ռ:r ս:s վ:v|w տ:t|d ր:r ց:ts|tz|c ւ:v|u|w և:ev|yev|iev|eu
    եւ:ev|yev|iev|eu փ:p|ph|f ք:k|q օ:o ֆ:f|v
    """)
)
GEORGIAN = SpellingTable(
    spellings("""
    ა:a ბ:b გ:g დ:d ე:e ვ:v ზ:z თ:t ი:i კ:k ლ:l მ:m ნ:n ო:o პ:p ჟ:zh რ:r ს:s ტ:t უ:u|ou ფ:p|f|ph ქ:k|q ღ:gh|g
    ყ:q|k შ:sh ჩ:ch ც:ts|c ძ:dz|z წ:ts|tz|c ჭ:ch|tch ხ:kh|x|h ჯ:j|dzh|dj ჰ:h
    """)
)
