"""Compares given names: initials, middle names, compounds, short forms, everyday names."""

from __future__ import annotations

from functools import lru_cache

from worker.decide.values.names import nicknames, scripts
from worker.decide.values.names.reading import NameReading, Token, is_vietnamese
from worker.decide.values.names.schemes import korean, latin
from worker.decide.values.names.verdict import Verdict
from worker.decide.values.names.words import Word, alike, is_syllable, joined
from worker.decide.values.words import words as word_set

SAME, OTHER, UNSAID = Verdict.SAME, Verdict.OTHER, Verdict.UNSAID
_HEADS = word_set("jean juan jose hans heinz karl carl marie maria luis")  # they make compounds
_OF_BOTH = frozenset({"maria", "jose"})  # María José is a woman, José María a man
_ENDINGS = word_set("a e i o ia ie ina ine ita otto ette etta elle ella inha ne na la lle os us is as")


def compare(one: NameReading, other: NameReading, *, strict: bool = False) -> Verdict | None:
    """Compares the given names of two readings; ``None`` if one of them has none."""
    if not one.given or not other.given:
        return None
    verdict = _compare(one.given, other.given, one.family, strict=strict)
    if verdict is SAME:
        return SAME
    called = [_compare((token,), other.given, one.family, strict=strict) for token in one.called]
    called += [_compare(one.given, (token,), one.family, strict=strict) for token in other.called]
    return SAME if SAME in called else verdict


def _compare(one: tuple[Token, ...], other: tuple[Token, ...], family: tuple[Word, ...], *, strict: bool) -> Verdict:
    verdict = _agreement(one, other, family, strict=strict)
    if verdict is OTHER:
        sound = _sound_of_korea(one, other, family)
        return OTHER if strict and sound is UNSAID else sound
    return UNSAID if strict and verdict is SAME and _rests_on_initials(one, other) else verdict


def _sound_of_korea(one: tuple[Token, ...], other: tuple[Token, ...], family: tuple[Word, ...]) -> Verdict:
    """Compares two given names with a Korean family name: ``Seung Hyun``, ``Seunghyeon``."""
    left, right = _all(one).plain, _all(other).plain
    is_theirs = len(family) == 1 and korean.is_latin_family(family[0].plain)
    if not is_theirs or not all(korean.is_korean(name) and not nicknames.is_given(name) for name in (left, right)):
        return OTHER
    return korean.compare_given(left, right)


def _rests_on_initials(one: tuple[Token, ...], other: tuple[Token, ...]) -> bool:
    """Tells whether no fully written name contradicts another: ``J.``, ``John``."""
    return all(left[0].is_initial or right[0].is_initial for left, right in zip(one, other, strict=False))


def _agreement(one: tuple[Token, ...], other: tuple[Token, ...], family: tuple[Word, ...], *, strict: bool) -> Verdict:
    if is_vietnamese(family) and len(one) == len(other) == 2 and one[0] == other[0]:
        one, other = one[1:], other[1:]  # a middle name is as good as everybody's
    whole = alike(_all(one), _all(other))
    if whole is SAME or _in_latin(_all(one), _all(other)) or _inside(one, other) or _inside(other, one):
        return SAME
    left, right = _heads(one, other)
    verdict = _token(left, right, strict=strict)
    if verdict is SAME:
        return _further(one, other, strict=strict)
    if strict:
        return verdict if len(left) == len(right) == 1 else OTHER
    if verdict is OTHER and whole is UNSAID and max(len(one), len(other)) > 1:
        return UNSAID
    later = _later(one, other, family) or _later(other, one, family)
    return later or verdict


@lru_cache(maxsize=2048)
def _all(tokens: tuple[Token, ...]) -> Word:
    return joined(tuple(word for token in tokens for word in token))


def _inside(one: tuple[Token, ...], other: tuple[Token, ...]) -> bool:
    """Tells whether a name in Chinese or Korean letters is some of the other's words: ``大文`` of ``Peter Tai Man``."""
    native = _all(one)
    if native.script not in {"han", "hangul"} or len(native.text) < 2:
        return False
    parts = tuple(word for token in other for word in token)[:6]
    return any(
        alike(native, joined(parts[start:end])) is SAME
        for start in range(len(parts))
        for end in range(start + 1, len(parts) + 1)
    )


def _heads(one: tuple[Token, ...], other: tuple[Token, ...]) -> tuple[Token, Token]:
    """Returns the first given names.

    Two words against a compound are taken together: ``Jean Pierre``, ``Jean-Marie``.
    """
    left, right = one[0], other[0]
    if len(left) < len(right) and len(one) > 1 and not one[1][0].is_initial:
        left = (*left, *one[1])
    elif len(right) < len(left) and len(other) > 1 and not other[1][0].is_initial:
        right = (*right, *other[1])
    return left, right


def _token(one: Token, other: Token, *, strict: bool) -> Verdict:
    if one[0].is_initial or other[0].is_initial:
        return _initials(one, other)
    if len(one) == 1 and len(other) == 1:
        return _word(one[0], other[0], strict=strict)
    whole = alike(joined(one), joined(other))
    if whole is SAME or (len(one) == len(other) and _all_same(one, other)):
        return SAME
    if len(one) > 1 and len(other) > 1:
        return whole
    single, compound = (one[0], other) if len(one) == 1 else (other[0], one)
    if SAME not in {_word(single, compound[0], strict=True), _word(single, compound[-1], strict=True)}:
        return whole
    if strict:
        return OTHER
    return UNSAID if all(is_syllable(word.plain) for word in compound) else SAME


def _all_same(one: Token, other: Token) -> bool:
    return all(_word(left, right, strict=True) is SAME for left, right in zip(one, other, strict=True))


def _word(one: Word, other: Word, *, strict: bool) -> Verdict:
    verdict = alike(one, other)
    if verdict is SAME:
        return SAME
    related = {nicknames.relation(left, right) for left in _spelled(one) for right in _spelled(other)}
    if SAME in related or _spelled_otherwise(one, other) or _spelled_otherwise(other, one) or _in_latin(one, other):
        return SAME
    if strict:
        return UNSAID if verdict is OTHER and UNSAID in related else OTHER  # a sister in another language
    if related == {None} and _are_known(one) and _are_known(other):
        return OTHER
    if verdict is OTHER and (UNSAID in related or _is_short_for(one.plain, other.plain)):
        return UNSAID
    if verdict is OTHER and {one.script, other.script} in ({"hangul", scripts.LATIN}, {"kana", scripts.LATIN}):
        latin = one if one.script == scripts.LATIN else other
        return UNSAID if nicknames.is_given(latin.plain) else OTHER  # a Korean with an English name
    return verdict


def _spelled(word: Word) -> frozenset[str]:
    return word.forms or scripts.spelled(word.text, word.script)


def _are_known(word: Word) -> bool:
    """Tells whether a word is surely a known given name: two that are not forms of one name are two names."""
    return any(nicknames.is_given(form) for form in _spelled(word))


def _spelled_otherwise(one: Word, other: Word) -> bool:
    """Tells whether ``other`` in its own script is another form of ``one``: ``Саша`` of ``Alexander``."""
    if one.script != scripts.LATIN or other.script == scripts.LATIN:
        return False
    return any(
        nicknames.relation(form, kin) is SAME and scripts.is_usual(other.text, other.script, kin)
        for form in one.forms
        for kin in nicknames.related(form)
    )


def _in_latin(one: Word, other: Word) -> bool:
    return bool(one.forms and other.forms) and latin.same_given(one.plain, other.plain)


def _is_short_for(one: str, other: str) -> bool:
    """Tells whether one may be short for the other, or a slip of the hand.

    Where each syllable counts, none is short.
    """
    if korean.is_korean(one) and korean.is_korean(other):
        return False
    short, long = sorted((one, other), key=len)
    if len(short) > 2 and long.startswith(short) and not is_syllable(short):
        return long.removeprefix(short) not in _ENDINGS
    return len(short) > 4 and len(short) == len(long) and short[0] == long[0] and sorted(short) == sorted(long)


def begins(name: Word, initial: Word) -> Verdict:
    """Compares a name with an initial."""
    if initial.script == name.script == scripts.LATIN:
        return SAME if any(form[0] in {way[0] for way in initial.forms} for form in name.forms) else OTHER
    if initial.script == name.script:
        return SAME if name.text.startswith(initial.text) else OTHER
    if initial.script == scripts.LATIN:
        return scripts.begins(name.text, name.script, initial.plain)
    ways = {way[0] for way in scripts.spelled(initial.text, initial.script)} if name.script == scripts.LATIN else set()
    return SAME if ways & {form[0] for form in name.forms} else UNSAID


def _initials(one: Token, other: Token) -> Verdict:
    if one[0].is_initial and other[0].is_initial:
        return begins(one[0], other[0])
    initial, name = (one[0], other[0]) if one[0].is_initial else (other[0], one[0])
    verdict = begins(name, initial)
    if verdict is OTHER and initial.script == name.script == scripts.LATIN:
        kin = {
            other for form in name.forms for other in nicknames.related(form) if nicknames.relation(form, other) is SAME
        }
        return UNSAID if any(form.startswith(initial.plain) for form in kin) else OTHER
    return verdict


def _further(one: tuple[Token, ...], other: tuple[Token, ...], *, strict: bool) -> Verdict:
    """Compares the second given names, once the first agree."""
    if len(one) > 1 and len(other) > 1 and len(one[0]) == len(other[0]):
        second = _token(one[1], other[1], strict=strict)
        if second is not OTHER:
            return SAME
        if _is_one_of_asia(one) and _is_one_of_asia(other):
            return OTHER
        if strict:
            return OTHER
        if one[0][0].plain in _HEADS and not (one[1][0].is_initial or other[1][0].is_initial):
            return OTHER  # María Elena is not María Isabel
        return UNSAID
    shorter, longer = sorted((one, other), key=len)
    if len(longer) == len(shorter):
        return SAME
    added = longer[len(shorter)]
    if _is_one_of_asia(longer) and len(shorter) == 1 and not shorter[0][0].is_initial:
        return OTHER if strict else UNSAID
    if strict and shorter[0][0].plain in _HEADS and not added[0].is_initial:
        return OTHER
    return SAME


def _is_one_of_asia(tokens: tuple[Token, ...]) -> bool:
    """Tells whether two words are the two syllables of one given name: ``Ji Min``."""
    return len(tokens) == 2 and all(len(token) == 1 and is_syllable(token[0].plain) for token in tokens)


def _later(one: tuple[Token, ...], other: tuple[Token, ...], family: tuple[Word, ...]) -> Verdict | None:
    """Compares a given name that is not the first: many people use their second."""
    for token in other[1:]:
        if {other[0][0].plain, token[0].plain} <= _OF_BOTH:
            continue
        long = len(token[0].plain) > (1 if is_vietnamese(family) else 2)
        if long and _token(one[0], token, strict=True) is SAME and not one[0][0].is_initial:
            if is_vietnamese(family):
                return SAME
            return UNSAID if len(one) > 1 or all(is_syllable(word.plain) for word in (*one[0], *token)) else SAME
    return None
