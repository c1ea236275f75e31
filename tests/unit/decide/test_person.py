"""Tells two names one person's, another's, or unknown: in their own spelling, order and script."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values.names import is_doubtful, is_placeholder
from worker.decide.values.person import PersonName, Verdict, compare, is_called_otherwise, parts

DATA = Path(__file__).parent.parent.parent / "data" / "names"
SAME, OTHER, UNSAID = Verdict.SAME, Verdict.OTHER, Verdict.UNSAID


def rows(file: str) -> list[list[str]]:
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return [["" if cell == "-" else cell for cell in line.split("\t")] for line in lines if line[:1] not in {"", "#"}]


PEOPLE = [
    (tuple(right.split("/")), asked == "search", PersonName(*names[:2]), PersonName(*names[2:]))
    for right, asked, *names in rows("people.tsv")
]
SPELLED: dict[tuple[str, str], list[tuple[str, list[str]]]] = defaultdict(list)
for language, kind, native, forms in rows("scripts.tsv"):
    SPELLED[language, kind].append((native, forms.split()))


def named(kind: str, name: str) -> PersonName:
    return PersonName("", name) if kind == "last" else PersonName(name, "Example")


@pytest.mark.parametrize("strict", [False, True])
def test_who_is_who(strict: bool) -> None:
    asked = [(right, record, found) for right, is_strict, record, found in PEOPLE if is_strict is strict]
    told = [(*row, compare(*row[1:], strict=strict)) for row in asked]
    assert len(told) > 40
    assert [row for row in told if row[-1].name.lower() not in row[0]] == []
    assert [row for row in told if compare(row[2], row[1], strict=strict) is not row[-1]] == []


@pytest.mark.parametrize(("language", "kind"), SPELLED)
def test_a_name_meets_the_latin_forms_its_bearers_use(language: str, kind: str) -> None:
    names = [(native, form) for native, forms in SPELLED[language, kind] for form in forms]
    missed = [(native, form) for native, form in names if compare(named(kind, native), named(kind, form)) is not SAME]
    assert not missed


@pytest.mark.parametrize(("language", "kind"), SPELLED)
def test_different_names_of_a_language_never_meet(language: str, kind: str) -> None:
    met = [
        (one, other, form)
        for (one, own), (other, (form, *_)) in itertools.permutations(SPELLED[language, kind], 2)
        if form not in own and compare(named(kind, one), named(kind, form)) is SAME
    ]
    assert not [names for names in met if compare(named(kind, names[0]), named(kind, names[1])) is not SAME]


def test_a_name_is_kept_without_what_people_add() -> None:
    told = [(PersonName(*row[:3]), tuple(row[3:])) for row in rows("full.tsv")]
    assert len(told) > 100
    assert [(name, parts(name)) for name, clean in told if parts(name) != clean] == []
    assert [clean for _, clean in told if parts(PersonName(*clean)) != clean] == []


def test_ten_thousand_comparisons_are_fast() -> None:
    names = [PersonName(f"Ada{chr(97 + n % 26)}", f"Example{chr(97 + n // 26 % 26)}") for n in range(200)]
    started = time.process_time()
    for one, other in itertools.islice(itertools.product(names, names), 10_000):
        compare(one, other)
    assert time.process_time() - started < 10  # a hundred times what it takes


LETTERS = (
    "aeéiouüßøłñşđ'’-. абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґђј αβγδεζηθικλμνξοπρστυφχψωάέήίόύώς "
    "김이박최민수지훈 あいうえおかきさしすたちつアイウワダター 王李陳張小明佐藤健太郎 محمدعليحسنةىأ כהןלוידנהמשה "
    'राजशर्माप्रि กขสมชาย აბგდიოშვილ աբգդեյանու \u202e\u200b\u200d\u0301\u2066\t🚀(),|@/"0'
)
names = st.text(st.sampled_from(LETTERS), max_size=24)
people = st.builds(PersonName, names, names, names)


@given(people, people, st.booleans())
def test_it_does_not_matter_who_is_asked_about_whom(one: PersonName, other: PersonName, strict: bool) -> None:
    told, turned = compare(one, other, strict=strict), compare(other, one, strict=strict)
    assert told is turned or {told, turned} == {OTHER, UNSAID}  # a search that finds nobody's name has found nobody


@given(people)
def test_nobody_is_another_than_they_are(one: PersonName) -> None:
    assert compare(one, one) is not OTHER


@given(people)
def test_reading_twice_changes_nothing(one: PersonName) -> None:
    once = parts(one)
    assert parts(PersonName(*once)) == once


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read(one: str, other: str) -> None:
    assert compare(PersonName(one, other), PersonName(full=one + other)) in Verdict


def test_placeholders_are_told_from_names() -> None:
    told = [(kind, name, _kind(name)) for kind, name in rows("placeholders.tsv")]
    assert len(told) > 100
    assert [row for row in told if row[0] != row[2]] == []


def _kind(name: str) -> str:
    return "none" if is_placeholder(name) else "doubt" if is_doubtful(name) else "name"


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (("Ada", "Lovelace"), ("Bob", "Other"), True),
        (("Ada", "Lovelace"), ("Ada", "King"), False),
        (("Bob", "Other"), ("Robert", "Another"), False),
        (("Ada", "Lovelace"), ("Lovelace", "Ada"), False),
        (("Ada", "Lovelace"), ("", "Lovelace"), False),
        (("Ada", ""), ("Bob", ""), True),
    ],
)
def test_people_are_called_otherwise_where_their_given_names_contradict(
    one: tuple[str, str], other: tuple[str, str], contradict: bool
) -> None:
    assert is_called_otherwise(PersonName(*one), PersonName(*other)) is contradict


def test_a_whole_name_that_is_the_first_one_says_no_more_than_that() -> None:
    assert parts(PersonName("Ngọc Ánh", "", "Ngọc Ánh")) == parts(PersonName("Ngọc Ánh"))


@given(st.text(st.characters(categories=["Lu", "Ll"]), min_size=2, max_size=20))
def test_case_and_blanks_never_part_a_name_from_itself(name: str) -> None:
    if compare(PersonName("Ada", name), PersonName("Ada", name)) is SAME:
        assert compare(PersonName("Ada", name), PersonName("Ada", f"  {name.lower()} ")) is SAME
