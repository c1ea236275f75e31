"""Compares family names: particles, double names, hidden and married ones."""

from __future__ import annotations

from worker.decide.values.names import scripts
from worker.decide.values.names.given import begins
from worker.decide.values.names.nicknames import is_given
from worker.decide.values.names.reading import PARTICLES, NameReading
from worker.decide.values.names.schemes import latin
from worker.decide.values.names.verdict import Verdict
from worker.decide.values.names.words import Word, alike, joined

SAME, OTHER, UNSAID = Verdict.SAME, Verdict.OTHER, Verdict.UNSAID
_OF_MEN_AND_WOMEN = {  # endings of one family name
    ("ov", "ova"), ("ev", "eva"), ("in", "ina"), ("sky", "skaya"), ("skiy", "skaya"), ("sky", "ska"), ("skyi", "ska"),
    ("skyy", "ska"), ("ski", "ska"), ("cki", "cka"), ("dzki", "dzka"), ("os", "ou"), ("is", "i"), ("as", "a"),
    ("", "ova"), ("", "a"), ("", "ou"), ("a", "ova"), ("y", "a"),
}  # fmt: skip


def compare(one: NameReading, other: NameReading) -> Verdict | None:
    """Compares the family names of two readings; ``None`` if one of them has none.

    A birth name, or a name in brackets, counts against the other side's family name, never against its like:
    ``(MBA)`` beside both names says nothing.
    """
    if one.doubtful or other.doubtful:
        same = one.family == other.family and one.doubtful and other.doubtful
        return SAME if same else None
    pairs = [(one.family, other.family)]
    pairs += [(one.family, birth) for birth in other.births]
    pairs += [(birth, other.family) for birth in one.births]
    verdicts = [_compare(left, right) for left, right in pairs if left and right]
    if SAME in verdicts:
        if (one.wide and _ends(other, one)) or (other.wide and _ends(one, other)):
            return OTHER  # only the last word agrees, and then the likeliest reading decides
        if (one.loose or other.loose) and not _whole(one.family, other.family):
            return UNSAID
        return _wide(one, other) if one.wide or other.wide else SAME
    return verdicts[0] if one.family and other.family else None


def _wide(one: NameReading, other: NameReading) -> Verdict:
    """Returns the verdict on a middle name, which is a family name in Spain and Portugal and a given name elsewhere."""
    short = other if one.wide else one
    return UNSAID if len(short.family) == 1 and is_given(short.family[0].plain) else SAME


def _ends(short: NameReading, wide: NameReading) -> bool:
    """Tells whether a family name is only the end of one that begins too early: ``Silva`` of ``José Silva``."""
    first, second = _core(short.family), _core(wide.family)
    size = len(first)
    return size < len(second) and not _equal(first, second[:size]) and _equal(first, second[-size:])


def same(one: tuple[Word, ...], other: tuple[Word, ...]) -> bool:
    return _compare(one, other) is SAME


def _whole(one: tuple[Word, ...], other: tuple[Word, ...]) -> bool:
    return SAME in {alike(joined(one), joined(other)), alike(joined(_core(one)), joined(_core(other)))}


def _compare(one: tuple[Word, ...], other: tuple[Word, ...]) -> Verdict:
    whole = alike(joined(one), joined(other))
    if whole is SAME:
        return UNSAID if _is_hidden(one) and _is_hidden(other) else SAME
    first, second = _core(one), _core(other)
    if _is_hidden(first) or _is_hidden(second):
        return _hidden(first, second)
    core = alike(joined(first), joined(second))
    if core is SAME or _part_of(first, second) or _part_of(second, first):
        return SAME
    spelled = _spelled_otherwise(joined(first), joined(second))
    if spelled is SAME:
        return SAME
    if UNSAID in {whole, core, spelled} or _of_a_couple(first, second):
        return OTHER if _is_from_elsewhere(joined(first), joined(second)) else UNSAID
    return OTHER


def _spelled_otherwise(one: Word, other: Word) -> Verdict:
    return latin.compare_families(one.plain, other.plain) if one.forms and other.forms else OTHER


def _is_from_elsewhere(one: Word, other: Word) -> bool:
    """Tells whether one is a family name of East Asia in its own script, and the other surely not."""
    native, latin = (other, one) if one.forms else (one, other)
    return bool(latin.forms) and not native.forms and scripts.is_other_family(native.text, native.script, latin.plain)


def _core(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Returns the words that are neither particles nor initials; all if there are no others."""
    kept = tuple(word for word in words if word.plain not in PARTICLES and not word.is_initial)
    return kept or words


def _is_hidden(words: tuple[Word, ...]) -> bool:
    """Tells whether only the first letter is given."""
    return all(word.is_initial for word in words)


def _hidden(one: tuple[Word, ...], other: tuple[Word, ...]) -> Verdict:
    if _is_hidden(one) and _is_hidden(other):
        return UNSAID if one[0].text == other[0].text else OTHER
    initial, name = (one, other) if _is_hidden(one) else (other, one)
    return OTHER if begins(name[0], initial[0]) is OTHER else UNSAID


def _part_of(short: tuple[Word, ...], long: tuple[Word, ...]) -> bool:
    """Tells whether a double name's first or last part is all of the other: ``García`` of ``García Lorente``."""
    if not short or len(short) >= len(long) or max(len(word.plain) for word in short) < 2:
        return short != long and len(short) == 1 and short[0].script in {"han", "hangul"} and short[0] in long
    return _equal(short, long[: len(short)]) or _equal(short, long[-len(short) :])


def _equal(one: tuple[Word, ...], other: tuple[Word, ...]) -> bool:
    return len(one) == len(other) and all(alike(left, right) is SAME for left, right in zip(one, other, strict=True))


def _of_a_couple(one: tuple[Word, ...], other: tuple[Word, ...]) -> bool:
    """Tells whether the names differ as a wife's does from her husband's, in countries where it does."""
    if len(one) != 1 or len(other) != 1:
        return False
    left, right = one[0].plain, other[0].plain
    if left[:3] != right[:3] or min(len(left), len(right)) < 4:
        return False
    ends = ((left[cut:], right[cut:]) for cut in range(3, len(left) + 1) if left[:cut] == right[:cut])
    return any(pair in _OF_MEN_AND_WOMEN or pair[::-1] in _OF_MEN_AND_WOMEN for pair in ends)
