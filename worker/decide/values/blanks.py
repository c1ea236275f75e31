"""Recognises meaningless values: a blank in every disguise, and the words people write for an unknown value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from worker.decide.values.text import plain, visible
from worker.decide.values.words import listed, phrases

SUGGESTED = (
    "N/A", "NA", "n.a.", "#N/A", "-", "--", "---", "—", ".", "?", "none", "null", "nil", "NaN", "unknown", "undefined",
    "not available", "not applicable", "not provided", "not specified", "TBD", "TBC", "TBA", "blank", "empty", "x",
    "xxx", "unbekannt", "keine Angabe", "k.A.", "inconnu", "non renseigné", "desconocido", "sconosciuto", "onbekend",
)  # fmt: skip
"""Offered by the example configuration for ``blank_values``."""

_NOTHING = phrases(
    """
    na|n a|nan|none|null|nil|nul|void|unknown|unkown|unknow|undefined|unspecified|undisclosed|blank|empty|missing
    not available|notavailable|not applicable|notapplicable|not provided|notprovided|not specified|not set|not known
    not found|not given|not disclosed|not entered|no data|no value|no info|no information|no entry|none given
    none provided|nothing|pending|tbd|tbc|tba|to be determined|to be confirmed|to be announced|to be defined
    to follow|xx|xxx|xxxx|ref|value|error|n v t|unbekannt|nicht bekannt|nicht angegeben|nicht verfügbar
    nicht vorhanden|keine|keine angabe|keine angaben|entfällt|ohne angabe|inconnu|inconnue|non renseigné
    non renseignée|non communiqué|non disponible|non précisé|néant|aucun|aucune|desconocido|desconocida|ninguno
    ninguna|no disponible|no aplica|sin datos|no especificado|sconosciuto|sconosciuta|nessuno|nessuna|non disponibile
    non specificato|onbekend|geen|niet bekend|niet beschikbaar|okänd|saknas|ukendt|ukjent|ingen|tuntematon|ei tietoa
    nieznany|nieznana|brak|brak danych|neznámý|neznámá|neuvedeno|neznámé|desconhecido|desconhecida|nenhum|não informado
    não disponível|sem dados|ismeretlen|necunoscut|bilinmiyor|yok|belirtilmemiş|неизвестно|неизвестен|неизвестный
    неизвестная|нет|нет данных|не указано|невідомо|немає|άγνωστο|άγνωστος|未知|不明|不详|不詳|なし|無し|該当なし
    无|無|没有|暂无|없음|미상|알 수 없음|غير معروف|لا يوجد|غير متوفر|לא ידוע|אין|ไม่ทราบ|ไม่มี|không rõ|không có
    """
)
_ABBREVIATED = phrases("n d|n b|n c|n s|s d|s o|t b d|t b c|t b a|k a|o a|n i|n k|n z|h p|н д|б д")
_FORMS = phrases(
    """
    please select|please choose|please specify|please enter|none selected|not selected|select one|select an option
    choose one|bitte wählen|bitte auswählen|bitte eingeben|choisir|veuillez choisir|sélectionner|seleccione|seleccionar
    selecione|selezionare|seleziona|maak een keuze|wybierz|vyberte|выберите|seçiniz
    選択してください|请选择|請選擇|선택하세요
    to be completed|to be filled|to be updated|to be advised|to be supplied|to be announced|to be verified
    does not apply|doesnt apply|not listed|not stated|not indicated|not recorded|not mentioned|not provided yet
    not yet known|not on file|not in system|no answer|no response|no record|no details|no longer available
    none available|none listed|none on file|unavailable|information not available|data not available|confidential
    keine auskunft|keine daten|kein eintrag|kein wert|nicht zutreffend|nicht relevant|nicht gesetzt|nicht gepflegt
    noch offen|noch unbekannt|folgt|wird nachgereicht|unbekannte|sans objet|pas disponible|non défini|non définie
    non spécifié|non applicable|non concerné|à définir|à compléter|à préciser|vide|indéfini|no informado|no informa
    no especifica|no definido|no consta|no tiene|no hay|sin definir|sin especificar|sin información|por definir
    por confirmar|vacío|non definito|non applicabile|non fornito|non noto|da definire|vuoto|não consta|não possui
    não tem|não se aplica|não aplicável|não especificado|não definido|sem informação|a definir|indefinido|vazio
    niet van toepassing|niet opgegeven|niet ingevuld|nog onbekend|leeg|ej angivet|ej angiven|ej tillämpligt|okänt
    uppgift saknas|ikke oppgitt|ikke angivet|ikke relevant|ikke kjent|ikke kendt|mangler|ei ole|ei tiedossa
    ei saatavilla|puuttuu|nie dotyczy|nie podano|nieznane|brak informacji|nezadáno|nezadané|není|není známo|nie je
    nie je známe|neuvedené|nincs|nincs adat|nincs megadva|nem ismert|nu se aplica|nu este|fără|nespecificat|indisponibil
    nepoznato|nepoznat|nema|ni podatka|ni znano|neznano|няма|няма данни|неизвестни|непознато|нема|не применимо
    не заполнено|не определено|отсутствует|нет информации|данных нет|не знаю|не вказано|не визначено|немає даних
    невідомий|δεν υπάρχει|δεν ισχύει|άγνωστη|δ υ|bilinmeyen|mevcut değil|veri yok|belirsiz|boş|unknown unknown
    未設定|未入力|未定|未記入|未登録|不明です|特になし|未填|未填写|未提供|不知道|无数据|不適用|不适用|未填寫|沒有|暫無
    모름|해당없음|해당 없음|알수없음|정보 없음|미정|미입력|없습니다|مجهول|غير محدد|لا ينطبق|لا توجد بيانات|بدون
    نامشخص|ندارد
    לא רלוונטי|לא זמין|לא צוין|אין מידע|ไม่ระบุ|ไม่มีข้อมูล|chưa có|chưa cập nhật|không xác định|không có thông tin
    tidak ada|tidak diketahui|tidak tersedia|belum ada|kosong|tiada|tidak berkaitan|hindi alam
    no data available|data not found|no value found|nothing found|veuillez sélectionner|b d|n r|s n
    object object|अज्ञात|उपलब्ध नहीं|लागू नहीं|कोई नहीं|অজানা|უცნობია|անհայտ
    """
)
_ERRORS = phrases(
    """
    n a|ref|value|name|div 0|num|null|error|spill|calc|field|getting data|nv|wert|bezug|nom|nombre|valor|имя|знач|ссылка
    число|zahl|valeur|valore
    """
)
_TEMPLATE = re.compile(
    r"\{\{.*\}\}|\$\{.*\}|%[A-Za-z_]+%|\*\|.*\|\*|<%.*%>|\[\[?[A-Z_]+\]?\]|&[a-z]+;|&#x?[0-9a-f]+;|<[^<>]*>|\{[A-Za-z_.]+\}"
)
_CHOICE = re.compile(  # a list's first line: "-- Select --", "Choose..."
    r"(?=[-–—<(\[]|.*(?:\.{2,}|…|[-–—])\s*$)[-–—<(\[\s]*(?:please |bitte )?"
    r"(?:select|choose|pick|auswählen|wählen|choisir|sélectionner|seleccione|selecione|seleziona|kies|wybierz"
    r"|vyberte|välj|vælg|velg|valitse|выберите|seçiniz)(?: (?:one|an? \w+))?[-–—>)\].…\s]*",
    re.IGNORECASE,
)
_PART = 1000  # characters that are read at once: a longer text says something if one part does
_LONG_DASH = "ー"  # lengthens a vowel, and is not a word by itself
_LONGEST = 40  # no placeholder is a sentence
_WORD = re.compile(r"[^\W_]+")
_LATIN_MARKS = dict.fromkeys(range(0x300, 0x370))


def is_blank(value: str | None, also: Iterable[str] = ()) -> bool:
    """Tells whether a CRM's value is a gap: null, nothing anybody could see, or one of the operator's ``also``."""
    if not value:
        return True
    if not also and value[0].isascii() and value[0].isalnum():
        return False  # what most values are like
    if len(value) > _PART:
        value = visible(value).strip()
        return not any(plain(value[start : start + _PART]) for start in range(0, len(value), _PART))
    shown = plain(value)
    return not shown or (bool(also) and shown.casefold() in folded(tuple(also)))


@lru_cache(maxsize=256)
def folded(values: tuple[str, ...]) -> frozenset[str]:
    """Returns the spelling in which ``blank_values`` are compared."""
    return frozenset(plain(value).casefold() for value in values)


@lru_cache(maxsize=2048)
def says_nothing(text: str) -> bool:
    """Tells whether text is a placeholder in any field: ``N/A``, ``unbekannt``, ``#REF!``, ``(none)``, ``--``."""
    if len(text) > _PART or len(shown := plain(text)) > _LONGEST:
        return False
    if not shown.isascii():
        shown = unicodedata.normalize("NFKC", shown).strip(_LONG_DASH)
    if is_template(shown) or _CHOICE.fullmatch(shown):
        return True
    words = _once(_words(shown))
    phrase = " ".join(words)
    if shown.startswith("#") and phrase in _ERRORS:
        return True
    return not words or phrase in _nothing() or (len(set(words)) == 1 and words[0] in _nothing())


def _once(words: list[str]) -> list[str]:
    """Returns the first half of a phrase that is repeated: ``N/A N/A``."""
    half = len(words) // 2
    return words[:half] if half > 1 and words[:half] == words[half:] else words


def is_template(shown: str) -> bool:
    """Tells whether a text is a form's unfilled field: ``{{title}}``, ``%NAME%``, ``[LAST_NAME]``."""
    return bool(shown) and not shown[0].isalpha() and _TEMPLATE.fullmatch(shown) is not None


def are_initials(text: str) -> bool:
    """Tells whether a placeholder is also how a person's initials are written: ``K.A.``; ``N/A`` is not."""
    words = _words(plain(text)[:_LONGEST])
    return len(words) > 1 and " ".join(words) in _ABBREVIATED


@cache
def _nothing() -> frozenset[str]:
    return frozenset(" ".join(_words(phrase)) for phrase in (*_NOTHING, *_FORMS, *_ABBREVIATED, *listed("nothing")))


def _words(shown: str) -> list[str]:
    """Returns the words of a text in lower case, without accents; vowel signs of other scripts are letters."""
    if shown.isascii():
        return _WORD.findall(shown.lower())
    bare = unicodedata.normalize("NFC", unicodedata.normalize("NFD", shown.casefold()).translate(_LATIN_MARKS))
    apart = (sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " " for sign in bare)
    return "".join(apart).split()
