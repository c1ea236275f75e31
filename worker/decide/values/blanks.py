"""Tells what says nothing: a blank in every disguise, and the words people write where nothing is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from worker.decide.values.text import plain
from worker.decide.values.words import phrases

SUGGESTED = (
    "N/A", "NA", "n.a.", "#N/A", "-", "--", "---", "—", ".", "?", "none", "null", "nil", "NaN", "unknown", "undefined",
    "not available", "not applicable", "not provided", "not specified", "TBD", "TBC", "TBA", "blank", "empty", "x",
    "xxx", "unbekannt", "keine Angabe", "k.A.", "inconnu", "non renseigné", "desconocido", "sconosciuto", "onbekend",
)  # fmt: skip
"""What the example configuration offers for ``blank_values``."""

_NOTHING = phrases(
    """
    na|n a|nan|none|null|nil|nul|void|unknown|unkown|unknow|undefined|unspecified|undisclosed|blank|empty|missing
    not available|notavailable|not applicable|notapplicable|not provided|notprovided|not specified|not set|not known
    not found|not given|not disclosed|not entered|no data|no value|no info|no information|no entry|none given
    none provided|nothing|pending|tbd|tbc|tba|to be determined|to be confirmed|to be announced|to be defined
    to follow|xx|xxx|xxxx|ref|value|error|n v t|k a|unbekannt|nicht bekannt|nicht angegeben|nicht verfügbar
    nicht vorhanden|keine|keine angabe|keine angaben|entfällt|ohne angabe|o a|inconnu|inconnue|non renseigné
    non renseignée|non communiqué|non disponible|non précisé|néant|aucun|aucune|desconocido|desconocida|ninguno
    ninguna|no disponible|no aplica|sin datos|no especificado|sconosciuto|sconosciuta|nessuno|nessuna|non disponibile
    non specificato|onbekend|geen|niet bekend|niet beschikbaar|okänd|saknas|ukendt|ukjent|ingen|tuntematon|ei tietoa
    nieznany|nieznana|brak|brak danych|neznámý|neznámá|neuvedeno|neznámé|desconhecido|desconhecida|nenhum|não informado
    não disponível|sem dados|ismeretlen|necunoscut|bilinmiyor|yok|belirtilmemiş|неизвестно|неизвестен|неизвестный
    неизвестная|нет|нет данных|не указано|невідомо|немає|άγνωστο|άγνωστος|未知|不明|不详|不詳|なし|無し|該当なし
    无|無|没有|暂无|없음|미상|알 수 없음|غير معروف|لا يوجد|غير متوفر|לא ידוע|אין|ไม่ทราบ|ไม่มี|không rõ|không có
    """
)
_WORD = re.compile(r"[^\W_]+")


def is_blank(value: str | None, also: Iterable[str] = ()) -> bool:
    """Whether a CRM's value is a gap: null, nothing anybody could see, or one of the operator's ``also``."""
    if value is None:
        return True
    shown = plain(value)
    return not shown or (bool(also) and shown.casefold() in folded(tuple(also)))


@lru_cache(maxsize=256)
def folded(values: tuple[str, ...]) -> frozenset[str]:
    """The spelling in which ``blank_values`` are compared."""
    return frozenset(plain(value).casefold() for value in values)


@lru_cache(maxsize=8192)
def says_nothing(text: str) -> bool:
    """Whether text is a placeholder in any field: ``N/A``, ``unbekannt``, ``#REF!``, ``(none)``, ``--``."""
    shown = plain(text)
    if len(shown) > 40:  # no placeholder is a sentence
        return False
    words = _words(shown)
    return not words or " ".join(words) in _NOTHING


def _words(shown: str) -> list[str]:
    return _WORD.findall(shown.casefold())
