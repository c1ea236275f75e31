"""Two spellings of one name agree; two people do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values import names
from worker.decide.values.person import PersonName, Verdict, compare, parts

SAME = (
    ("Müller", "MUELLER"),
    ("Müller", "Muller"),
    ("Weiß", "Weiss"),
    ("Großmann", "Grosmann"),
    ("Lübke", "Luebke"),
    ("Ødegård", "Odegard"),
    ("Ødegård", "Oedegaard"),
    ("Łoś", "Los"),
    ("Świątek", "Swiatek"),
    ("Öztürk", "Ozturk"),
    ("Yılmaz", "YILMAZ"),
    ("İnan", "Inan"),
    ("İnan", "i\u0307nan"),
    ("शर्मा", "शर्मा"),
    ("Núñez", "Nunez"),
    ("Satō", "Sato"),
    ("Satō", "Satou"),
    ("Иванов", "Ivanov"),
    ("田中", "田中"),
    ("李", "李"),
    ("O'Connor", "OConnor"),
    ("O’Neill", "O'Neill"),
    ("van der Berg", "Van Der Berg"),
    ("van der Berg", "Berg"),
    ("Vandenberg", "van den Berg"),
    ("de La Tour", "De la Tour"),
    ("Al-Mansoori", "Almansoori"),
    ("El-Sayed", "El Sayed"),
    ("bin Rashid", "Rashid"),
    ("Mac Gregor", "MacGregor"),
    ("García Lorente", "Garcia"),
    ("García Lorente", "García-Lorente"),
    ("Silva Santos", "Santos"),
    ("Smythe-Jones", "Jones"),
    ("Example, PhD", "Example"),
    ("Example Jr.", "Example"),
    ("Dr. Example", "Example"),
    ("Example (Byron)", "Byron"),
    ("Example (née Byron)", "Byron"),
    ("Example née Byron", "Example"),
    ("Example geb. Byron", "Byron"),
    ("Ma", "MA"),
    ("Le", "Lê"),
    ("Ex\u200bample", "Example"),
)
OTHER = (
    ("Example", "Sample"),
    ("Mueller", "Muller"),
    ("Brooks", "Brook"),
    ("McAllister", "MacAllister"),
    ("Silva", "Santos"),
    ("García Lorente", "García Pérez"),
    ("Smith", "Smithson"),
    ("शर्मा", "शर्माजी"),
    ("van der Berg", "van der Linden"),
    ("Example", "E."),
    ("E", "E."),
    ("Example", ""),
    ("", ""),
    ("田中", "中田"),
    ("!!!", "???"),
    ("de la", "van der"),
    ("Example (MBA)", "Other (MBA)"),
    ("Example (she/her)", "Other (she/her)"),
    ("Example (Byron)", "Other (Byron)"),
    ("(Byron)", "(Byron)"),
)


def _agree(last: str, other: str, first: str = "Ada") -> bool:
    return compare(PersonName(first, last), PersonName(first, other)) is Verdict.SAME


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_last_name_agree_both_ways(one: str, other: str) -> None:
    assert _agree(one, other)
    assert _agree(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_last_names_do_not_agree(one: str, other: str) -> None:
    assert not _agree(one, other, "")
    assert not _agree(other, one, "")


def test_a_last_name_of_two_signs_is_no_whole_name_beside_a_first_name() -> None:
    assert not _agree("田中", "中田")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Ada", "Example"), ("ADA", "Example"), True),
        (("A.", "Example"), ("Ada", "Example"), False),
        (("Ada", "Example"), ("Ada Maria", "Example"), True),
        (("Jean-Pierre", "Example"), ("Jean Pierre", "Example"), True),
        (("Jeanpierre", "Example"), ("Jean-Pierre", "Example"), True),
        (("Jürgen", "Müller"), ("Juergen", "Mueller"), True),
        (("Kenji", "Tanaka"), ("Tanaka", "Kenji"), True),
        (("Ada", "Example"), ("Adam", "Example"), False),
        (("Ada", "Example"), ("Bob", "Example"), False),
        (("Ada", "Example"), ("Ada", "Other"), False),
        (("", "Example"), ("Ada", "Example"), False),
        (("", ""), ("", ""), False),
    ],
)
def test_a_person_is_the_same_when_both_names_agree(one: tuple[str, str], other: tuple[str, str], same: bool) -> None:
    assert (compare(PersonName(*one), PersonName(*other), strict=True) is Verdict.SAME) is same
    assert (compare(PersonName(*other), PersonName(*one), strict=True) is Verdict.SAME) is same


@pytest.mark.parametrize(
    ("full", "told"),
    [
        ("Ada Example", ("Ada", "Example")),
        ("Ada Maria Example", ("Ada Maria", "Example")),
        ("Ada van der Berg", ("Ada", "van der Berg")),
        ("Ada Example, PhD", ("Ada", "Example")),
        ("Dr. Ada Example (Byron)", ("Ada", "Example")),
        ("Ada", ("Ada", "")),
        ("", ("", "")),
        ("de Example", ("de", "Example")),
        ("Example, Ada", ("Ada", "Example")),
        ("Ada Example | Growth, Sales", ("Ada", "Example")),
        ("Ada Example - Coach", ("Ada", "Example")),
        ("Ada, PhD", ("Ada", "")),
    ],
)
def test_a_full_name_is_split_with_its_particles(full: str, told: tuple[str, str]) -> None:
    assert parts(PersonName(full=full)) == told


@pytest.mark.parametrize("name", ["", "-", ".", "Unknown", "[not provided]", "[[unknown]]", "N/A", "x", "Last Name"])
def test_what_a_form_puts_where_it_must_have_a_name_is_none(name: str) -> None:
    assert names.is_placeholder(name)


def test_short_names_are_names() -> None:
    assert not any(names.is_placeholder(name) for name in ("Ma", "Li", "O", "Xu", "Null-Svensson"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_comparing_names_is_symmetric(one: str, other: str) -> None:
    assert _agree(one, other) == _agree(other, one)


@given(st.text(st.characters(categories=["Lu", "Ll"]), min_size=2, max_size=20))
def test_case_and_blanks_never_part_a_name_from_itself(name: str) -> None:
    if _agree(name, name):
        assert _agree(name, f"  {name.lower()} ")
