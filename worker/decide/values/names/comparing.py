"""Compares two people's names, read in every way they can be: the way that agrees best counts."""

from __future__ import annotations

from worker.decide.values.names import family, given, reading
from worker.decide.values.names.nicknames import is_given
from worker.decide.values.names.reading import NameReading
from worker.decide.values.names.schemes import korean
from worker.decide.values.names.verdict import Verdict
from worker.decide.values.names.words import Word, alike, is_syllable, joined

SAME, OTHER, UNSAID = Verdict.SAME, Verdict.OTHER, Verdict.UNSAID


def compare(left: tuple[NameReading, ...], right: tuple[NameReading, ...], *, strict: bool) -> Verdict:
    """Compares two names by their readings. ``strict``: only a name that agrees in full is the same."""
    if not left or not right:
        return OTHER if strict and left else UNSAID
    verdicts = {_compare(one, other, strict=strict) for one in left for other in right if not (one.wide and other.wide)}
    return next((verdict for verdict in (SAME, UNSAID) if verdict in verdicts), OTHER)


def _compare(one: NameReading, other: NameReading, *, strict: bool) -> Verdict:
    last = family.compare(one, other)
    if last is OTHER and not strict and _is_one_of_korea(one, other):
        return UNSAID
    first = given.compare(one, other, strict=strict) if last is not OTHER else None
    if last is SAME and first is SAME:
        return SAME
    if one.wide or other.wide:
        return last if first is SAME and last is UNSAID and not strict else OTHER
    turned = None if {first, last} <= {SAME, None} else _turned(one, other)
    if turned is SAME:
        return SAME
    if strict:
        return UNSAID if last is SAME and first is UNSAID else OTHER  # an initial
    if OTHER in {first, last}:
        return turned or OTHER
    if last is None:
        return SAME if _is_one_word(one, other) else UNSAID
    return last if first is None else UNSAID


def _is_one_of_korea(one: NameReading, other: NameReading) -> bool:
    """Tells whether two Latin names can be one in Hangul: ``Ji-hoon Park``, ``Jihun Bak``.

    A given name of one syllable that others have, or one from elsewhere, says too little: David Lee is not David Yi.
    """
    if len(one.family) != 1 or len(other.family) != 1:
        return False
    left, right = joined(_flat(one) or one.family), joined(_flat(other) or other.family)
    return (
        korean.may_be_one_family(one.family[0].plain, other.family[0].plain)
        and all(korean.is_korean(name.plain) and not is_given(name.plain) for name in (left, right))
        and all(not is_syllable(name.plain) or korean.is_surely_korean(name.plain) for name in (left, right))
        and given.compare(one, other) in {SAME, UNSAID}
    )


def _turned(one: NameReading, other: NameReading) -> Verdict | None:
    """Returns ``SAME`` if the names agree in another order, ``None`` if they do not."""
    if not (one.given and one.family and other.given and other.family):
        return None
    if _is_in(one, other) or _is_in(other, one):
        return SAME
    if not (_crossed(one, other) and _crossed(other, one)):
        hidden = _agree(one.family, _flat(other)) and _agree(other.family, _flat(one))
        return UNSAID if hidden else None  # E. Ada and Ada E.: one of the two is an initial
    both = is_given(one.family[-1].plain) and is_given(one.given[0][0].plain)
    return UNSAID if both else SAME  # James Thomas and Thomas James are two people, or one


def _crossed(one: NameReading, other: NameReading) -> bool:
    flat = _flat(other)
    return family.same(one.family, flat) and not any(word.is_initial for word in (*one.family, *flat))


def _flat(one: NameReading) -> tuple[Word, ...]:
    return tuple(word for token in one.given for word in token)


def _is_in(one: NameReading, other: NameReading) -> bool:
    """Tells whether an Asian name is contained in the other: ``Anh Nguyen`` in ``Nguyễn Thị Anh``."""
    if any(word.is_initial for word in one.family):
        return False
    vietnamese = reading.is_vietnamese(one.family)
    if not vietnamese and not all(is_syllable(word.plain) or word.script == "han" for word in one.family):
        return False
    sequence, size = other.sequence, len(one.family)
    flat = _flat(one)
    if vietnamese:
        return _agree(one.family, sequence[:size]) and _agree(flat, sequence[size:][-len(flat) :])
    if sum(map(_syllables, flat)) < 2:
        return False
    starts = [start for start in range(len(sequence)) if _agree(one.family, sequence[start : start + size])]
    rests = [(sequence[:start], sequence[start + size :]) for start in starts]
    return any(
        _agree(flat, rest[begin : begin + length])
        for pair in rests
        for rest in pair
        for begin in range(len(rest))
        for length in range(1, len(rest) - begin + 1)
    )


def _agree(one: tuple[Word, ...], other: tuple[Word, ...]) -> bool:
    return bool(one and other) and alike(joined(one), joined(other)) is SAME


def _syllables(word: Word) -> int:
    if word.script in {"han", "hangul"}:
        return len(word.text)
    return 1 if is_syllable(word.plain) else 2 if any(_halves(word.plain)) else 0


def _halves(plain: str) -> list[bool]:
    return [is_syllable(plain[:cut]) and is_syllable(plain[cut:]) for cut in range(1, min(len(plain), 12))]


def _is_one_word(one: NameReading, other: NameReading) -> bool:
    """Tells whether both names are one and the same word, and not a given name that thousands have: ``Suharto``."""
    left, right = one.sequence, other.sequence
    return (
        len(left) == len(right) == 1
        and not left[0].is_initial
        and not is_given(left[0].plain)
        and alike(left[0], right[0]) is SAME
    )
