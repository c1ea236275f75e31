"""Values kept of one person are told apart from those of people whose names begin alike."""

from tests.integration.erased import apart

OTHERS = ("ada-quist-d29cd81f", "bob-quist")


def test_a_profile_within_the_longer_one_of_somebody_else_is_not_theirs() -> None:
    assert apart(["ada-quist"], b"/in/ada-quist-d29cd81f bob-quist", OTHERS) == []


def test_a_profile_that_stands_by_itself_too_is_found_beside_the_longer_one() -> None:
    assert apart(["ada-quist"], b"/in/ada-quist-d29cd81f /in/ada-quist\x05A", OTHERS) == ["ada-quist"]


def test_a_longer_text_of_nobody_is_theirs() -> None:
    assert apart(["ada-quist"], b"/in/ada-quist-ffffffff", OTHERS) == ["ada-quist"]
