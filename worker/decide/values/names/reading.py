"""Splits a name into given and family names, and what else accompanies them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from worker.decide.values.names import files, nicknames, titles
from worker.decide.values.names.placeholders import is_doubtful, is_placeholder
from worker.decide.values.names.schemes import chinese, korean
from worker.decide.values.names.words import Word, is_letter, joined, words
from worker.decide.values.text import plain as shown
from worker.decide.values.words import words as word_set

_LONGEST = 240  # characters of one field, and
_MOST_WORDS = 12  # its words; later ones are not part of the name
_WRITTEN_OUT = {"ma.": "Maria", "mª": "Maria", "mª.": "Maria", "fco.": "Francisco", "fdo.": "Fernando"} | {
    "wm.": "William", "chas.": "Charles", "thos.": "Thomas", "jas.": "James", "geo.": "George", "alex.": "Alexander"
}  # fmt: skip
_TWO_INITIALS = re.compile(r"(?!NG|LY)[B-DF-HJ-NP-TV-Z]{2}|[AEO]J")  # JP, AJ: no name is all consonants but Ng
PARTICLES = word_set("""
    van von vom der den de des del della degli dei di da das do dos du la le las los lo el al ul bin ibn bint ben ould
    abu abou ter ten te zu zum zur af av y e i und st san santa saint op het in ap ab mac mc o ni nic ua
    """)
_LEADING = PARTICLES - {"i", "e", "y", "in", "o"}  # what can start a family name
_VIETNAMESE = word_set(
    "nguyen tran pham huynh hoang phan vu vo dang bui do ngo duong ly le truong dinh doan trinh luong mai"
)
_AROUND = ',;:!?_~#-"“”„«»()[]{}<>|/\\^°=+'  # characters that are not part of a word
_HALVES = frozenset({"abd", "abdul", "abdel", "abdal", "abdur", "abdoul", "عبد"})
_PATRONYMIC = re.compile(
    r"(?:ович|евич|йович|ильич|овна|евна|ична|івна|ївна|o[bv]ich|evich|ovna|evna|ichna)$", re.IGNORECASE
)
_MIDDLE = frozenset({"thi", "van"})

Token = tuple[Word, ...]  # one word between blanks; a hyphen makes two of it


class NameReading(NamedTuple):
    """Holds a name as it may be read. ``births`` are other family names, ``called`` other given names.

    ``wide``: the family name begins too early, so that a part of it counts only where the given name agrees.
    ``loose``: it may hold the given name, so that a part of it proves nothing. ``doubtful``: it may be a placeholder.
    """

    given: tuple[Token, ...] = ()
    family: tuple[Word, ...] = ()
    births: tuple[tuple[Word, ...], ...] = ()
    called: tuple[Token, ...] = ()
    wide: bool = False
    loose: bool = False
    doubtful: bool = False

    @property
    def sequence(self) -> tuple[Word, ...]:
        """Returns all its words unchanged."""
        return (*(word for token in self.given for word in token), *self.family)


class _Text(NamedTuple):
    """Holds one field without people's additions to a name. ``tail`` is what followed a comma."""

    words: tuple[str, ...]
    tail: tuple[str, ...]
    asides: tuple[str, ...]
    births: tuple[str, ...]
    greeted: bool = False


@lru_cache(maxsize=2048)
def _text(text: str) -> _Text:
    plain = titles.without_honorific(shown(text[:_LONGEST]))
    if titles.is_simple(plain):
        found = _split(plain)
        return _Text(tuple(_without_titles(found)), (), (), (), greeted=_is_greeting(found[0] if found else ""))
    plain = titles.without_signs(plain)
    rest, asides, born = titles.beside(plain)
    head, *tails = titles.without_trailer(rest).split(",")
    found = _without_titles(_split(head))
    tail = _without_titles(_split(tails[0])) if tails else []
    if not found:
        found, tail = tail, []
    added = all(titles.is_degree(word, _plain(word), shouted=False) for word in tail)
    greeted = any(map(_is_greeting, head.split()[:1]))
    return _Text(tuple(found), () if added else tuple(tail), tuple(asides), tuple(born), greeted)


def _is_greeting(word: str) -> bool:
    """Tells whether a word greets a person by the family name, as ``Frau`` does."""
    return _plain(word) in titles.GREETINGS


def _split(text: str) -> list[str]:
    stripped = (_stripped(word) for word in text.split())
    return [word for word in stripped if any(is_letter(sign) for sign in word)][:_MOST_WORDS]


def _stripped(word: str) -> str:
    word = word.strip(_AROUND).lstrip("*")  # behind letters, stars hide the rest of a name
    bare = word.strip(".")
    return f"{bare}." if word.endswith(".") and len(bare) <= 4 else bare


def _plain(text: str) -> str:
    return "".join(word.plain for word in words(text))


def _without_titles(words: list[str]) -> list[str]:
    while len(words) > 1 and titles.is_title(words[0], _plain(words[0])):
        words = words[1:]
    return words


def _without_degrees(words: tuple[str, ...], least: int) -> tuple[str, ...]:
    shouted = "".join(words[:least]).isupper()
    while len(words) > least and titles.is_degree(words[-1], _plain(words[-1]), shouted=shouted):
        words = words[:-1]
    return words


def _native(text: str) -> str:
    found = words(text)
    return found[0].script if len(found) == 1 else ""


def _split_full(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the words of a full name as (given, family); one word alone is a given name."""
    one = _text(text)
    words = one.words
    if one.tail and (turned := _turned_by_comma(one)):
        return turned
    words = _without_degrees(words, 2)
    if len(words) == 1:
        given, family = _split_unspaced(words[0])
        return (given, family) if family or not one.greeted else ((), words)
    if len(words) < 2:
        return words, ()
    if _is_turned(words):
        return words[1:], words[:1]
    start = len(words) - 1
    while start > 1 and _plain(words[start - 1]) in _LEADING:
        start -= 1
    return words[:start], words[start:]


def _turned_by_comma(one: _Text) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Splits ``Example, Ada`` and ``van der Berg, Ada``; not ``Ada Example, Berlin``."""
    tail = _without_degrees(one.tail, 1)
    if not 1 <= len(tail) <= 3:
        return None
    core = [word for word in one.words if _plain(word) not in _LEADING]
    certain = nicknames.is_given(_plain(tail[0])) and not nicknames.is_given(_plain(one.words[0]))
    if len(core) == 1 or certain:
        return tail, one.words
    return None


def _split_unspaced(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kind = _native(text)
    size = chinese.family(text) if kind == "han" and 2 <= len(text) <= 6 else 0
    if kind == "hangul" and 2 <= len(text) <= 5:
        size = korean.family(text)
    return ((text[size:],), (text[:size],)) if 0 < size < len(text) else ((text,), ())


def _is_turned(words: tuple[str, ...]) -> bool:
    """Tells whether the family name surely comes first, as in China, Korea, Japan and Vietnam."""
    first, last = words[0], words[-1]
    if (
        len(words) == 2
        and first.isupper()
        and len(first) > 2
        and not last.isupper()
        and nicknames.is_given(_plain(last))
    ):
        return True  # DUPONT Jean
    kinds = {_native(word) for word in words}
    if kinds == {"hangul"}:
        return korean.is_family(first) and not (korean.is_family(last) and len(last) < len(first))
    if kinds <= {"han", "kana"} and kinds:
        known = files.japanese_last()
        return not (last in known and first not in known and len(words) == 2)
    if len(words) == 3 and _PATRONYMIC.search(last) and not _PATRONYMIC.search(words[1]):
        return kinds == {"cyrillic"} or nicknames.is_given(_plain(words[1]))
    if _plain(first) in _VIETNAMESE and _plain(last) not in _VIETNAMESE:
        return not first.isascii() or _plain(words[1]) in _MIDDLE
    return False


@lru_cache(maxsize=2048)
def parts(first: str, last: str, full: str) -> tuple[str, str]:
    """Returns a name as (first, last) in the given words, without anything that is not a name."""
    first, last = _given_name(first), "" if is_placeholder(last) else last
    full = _full_name(first, full)
    if not last:
        whole = full if full.strip() and not is_placeholder(full) else first
        given, family = _split_full(whole)
        if whole is first and family and nicknames.is_given(_plain(family[-1])):
            given, family = (*given, *family), ()
        return _named(given), _named(family)
    given = _without_degrees(_text(first).words, 1) if first else ()
    family = _without_degrees(_text(last).words, 1)
    begins = _plain(family[0]) if family else ""
    if not given and len(family) > 1 and nicknames.is_given(begins) and begins not in _LEADING:  # Al Zaabi is not an Al
        given, family = _split_full(last)
    given, family = _once(given, family)
    return _named(given), _named(family)


def _given_name(text: str) -> str:
    """Returns the text in the field of a first name, if it is one: ``Frau`` is not."""
    return "" if is_placeholder(text) or _is_greeting(text.strip()) else text


def _full_name(first: str, full: str) -> str:
    """Returns the text in the field of a whole name, if it says more than that of the first."""
    return "" if full.strip().casefold() == first.strip().casefold() else full


def _once(given: tuple[str, ...], family: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns both fields if one of them also contains the other: ``Ada`` and ``Ada Example``."""
    first, last = ([word.casefold() for word in part] for part in (given, family))
    if first == last and len(first) > 1 and not any(nicknames.is_given(_plain(word)) for word in family[1:]):
        return given[:-1], family[-1:]
    if first and len(last) > len(first) and last[: len(first)] == first:
        return given, family[len(first) :]
    if last and len(first) > len(last) and first[-len(last) :] == last:
        return given[: -len(last)], family
    return given, family


def _named(texts: tuple[str, ...]) -> str:
    name = " ".join(texts)
    return "" if is_placeholder(name) else name


@lru_cache(maxsize=2048)
def readings(first: str, last: str, full: str) -> tuple[NameReading, ...]:
    """Returns every way to read a name, the likeliest first; none if it names nobody."""
    first, last, full = _given_name(first), *("" if is_placeholder(text) else text for text in (last, full))
    full = _full_name(first, full)
    if last and full == f"{first} {last}":
        full = ""
    found: list[NameReading] = []
    if last:
        pair = _of_pair(first, last)
        core = [word for word in pair.family if word.plain not in PARTICLES]
        if pair.given or len(core) < 2:
            found.append(pair)
        else:  # perhaps the whole name in the second field
            found.extend(_of_full(last)[:1])
            if not nicknames.is_given(core[0].plain):
                found.append(pair._replace(loose=True))
        if full:
            known = {
                word.text
                for one in found
                for word in (*one.sequence, *(word for birth in one.births for word in birth))
            }
            spelled = _text(full)
            if any(word.text not in known for word in _words((*_without_degrees(spelled.words, 2), *spelled.tail))):
                found.extend(_of_full(full))
            else:
                found[0] = _beside(found[0], spelled)
    else:
        whole = full or ("" if is_doubtful(first) else first)
        found.extend(_of_full(whole))
        if whole and not full:
            found.append(NameReading(given=_tokens(_without_degrees(_text(first).words, 1))))
    split = [other for one in found for other in _by_script(one)]
    return tuple(dict.fromkeys(one for one in (*found, *split) if one.given or one.family))


def _tokens(texts: tuple[str, ...]) -> tuple[Token, ...]:
    tokens: list[Token] = []
    for text in texts:
        found = words(_WRITTEN_OUT.get(text.lower(), text))
        if _TWO_INITIALS.fullmatch(text):
            tokens += [words(letter) for letter in text]
        elif tokens and found and tokens[-1][-1].plain in _HALVES:
            tokens[-1] = (joined((*tokens[-1], *found)),)  # Abdul Rahman is one name, and no Abdullah
        elif found:
            tokens.append(found)
    return tuple(tokens)


def _words(texts: tuple[str, ...]) -> tuple[Word, ...]:
    return tuple(word for text in texts for word in words(text))


def _of_pair(first: str, last: str) -> NameReading:
    given_text, family_text = _text(first), _text(last)
    given = _tokens(_without_degrees(given_text.words, 1))
    family = _words(_without_degrees(family_text.words, 1))
    if len(given) > 1 and family and tuple(word for token in given for word in token)[-len(family) :] == family:
        given = given[: -len(family)] or given  # the whole name in the first field
    elif given and len(family) > 1 and family[: len(given[0])] == given[0]:
        family = family[len(given[0]) :]
    elif len(given) == 1 and given[0] == family and not nicknames.is_given(family[0].plain):
        given = ()  # one name written twice, because the CRM wants two
    if is_doubtful(last) and first.strip().casefold() == last.strip().casefold():
        return NameReading()  # Lead Lead
    reading = NameReading(given=given, family=family, doubtful=is_doubtful(last))
    if is_doubtful(first):
        reading = reading._replace(given=())
    return _beside(_beside(reading, given_text), family_text)


def _of_full(text: str) -> list[NameReading]:
    one = _text(text)
    given, family = _split_full(text)
    spelled = _words((*given, *family))
    main = _beside(
        NameReading(given=_tokens(given), family=() if is_placeholder(" ".join(family)) else _words(family)), one
    )
    found = [main]
    tokens = _tokens((*given, *family)) if not one.tail else ()
    if len(tokens) > 2 and not tokens[1][0].is_initial:
        found.append(main._replace(given=tokens[:1], family=spelled[len(tokens[0]) :], wide=True))
    for aside in one.asides:
        if len(_text(aside).words) > 1 and not titles.is_degree(aside, _plain(aside)):
            found.extend(_of_full(aside)[:1])
    return found


def _beside(reading: NameReading, text: _Text) -> NameReading:
    """Returns the reading with the names in brackets and quotes: another family name, or the everyday name."""
    asides = [found for aside in text.asides if (found := words(aside)) and not is_placeholder(aside)]
    births = [found for birth in text.births if (found := words(birth))]
    if not asides and not births:
        return reading
    return reading._replace(
        births=tuple(dict.fromkeys((*reading.births, *births, *asides))),
        called=tuple(dict.fromkeys((*reading.called, *asides))),
    )


def _by_script(reading: NameReading) -> list[NameReading]:
    """Returns a name in two scripts at once as one name in each."""
    kinds = dict.fromkeys(word.script for word in reading.sequence)
    if len(kinds) < 2 or reading.wide or len(reading.sequence) == 2:  # Ken 田中 is one name
        return []
    found = []
    for kind in kinds:
        text = " ".join(word.text for word in reading.sequence if word.script == kind)
        found.extend(_of_full(text)[:1])
    return found


def is_vietnamese(family: tuple[Word, ...]) -> bool:
    """Tells whether a family name is one of the few of Vietnam, whose people use the last given name."""
    return len(family) == 1 and family[0].plain in _VIETNAMESE
