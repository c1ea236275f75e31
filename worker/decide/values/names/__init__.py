"""Names of people: how they are written, in which script, and what only stands where a name should be."""

from __future__ import annotations

from worker.decide.values.names import comparing, family, reading
from worker.decide.values.names.placeholders import is_doubtful, is_placeholder
from worker.decide.values.names.reading import parts
from worker.decide.values.names.verdict import Verdict

__all__ = ["carries", "is_doubtful", "is_placeholder", "same_last_name", "same_person_name", "split"]


def split(full: str) -> tuple[str, str]:
    """A full name as (first, last), the particles with the last name; one word alone is no last name."""
    return parts("", "", full)


def same_last_name(one: str, other: str) -> bool:
    """Whether two last names can be one person's. A blank one or a bare initial proves nothing: ``False``."""
    return family.compare(reading.of_last(one), reading.of_last(other)) is Verdict.SAME


def same_person_name(first: str, last: str, other_first: str, other_last: str) -> bool:
    """Whether first and last name both agree; an initial may stand for a first name, and the two may be swapped."""
    left, right = reading.readings(first, last, ""), reading.readings(other_first, other_last, "")
    return comparing.compare(left, right, strict=True) is Verdict.SAME


def carries(last: str, full: str, first: str = "") -> bool:
    """Whether a full name ends in ``last``, or starts with it and goes on with ``first``: ``Tanaka Kenji``."""
    name = reading.of_last(last)
    told = reading.readings("", "", full)
    if any(one.family and family.compare(name, one) is Verdict.SAME for one in told):
        return True
    return bool(first) and any(
        family.compare(name, one._replace(family=words, wide=False)) is Verdict.SAME
        and family.same(reading.of_last(first).family, one.family)
        for one in told
        for words in [tuple(word for token in one.given for word in token)]
    )
