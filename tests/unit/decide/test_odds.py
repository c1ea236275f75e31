"""Orders the questions by experience once there is enough of it; before that by the price list."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Identity, Offer
from tests.unit.decide.scene import OFFERS, policy, rule, visit, with_slug
from worker.decide.decision import Change, Decision
from worker.decide.odds import ENOUGH, ENOUGH_WANTED, PRICE_LIST, Bought, counts, odds_of

PROFILE, PHONES, SEARCH = (
    next(one for one in OFFERS if one.operation == name) for name in ("profile", "phones", "search")
)
GAPS = ("work_email", "mobile_phone")
FOUND = Identity(slug="ada-example")


def decided(*brought: tuple[str, str], identity: Identity = FOUND) -> Decision:
    changes = tuple(Change(field, field, "value", "kaspr", None, key) for key, field in brought)
    return Decision(changes=changes, identity=identity)


def test_a_question_counts_for_the_gaps_it_was_to_close_and_for_those_it_closed() -> None:
    bought = [Bought(PROFILE, "q1", 1, GAPS)]
    assert counts(bought, decided(("q1", "work_email"), ("other", "mobile_phone"))) == {
        "kaspr|profile|asked": 1, "kaspr|profile|credits": 1, "kaspr|profile|misses": 1,
        "kaspr|profile|wanted|person": 1, "kaspr|profile|wanted|work_email": 1, "kaspr|profile|wanted|mobile_phone": 1,
        "kaspr|profile|brought|work_email": 1,
    }  # fmt: skip


def test_a_question_that_is_to_find_somebody_counts_as_such() -> None:
    bought = [Bought(SEARCH, "q1", 1, (), finds=True)]
    assert counts(bought, decided())["forager|search|brought|slug"] == 1
    missed = counts(bought, decided(identity=Identity()))
    assert (missed["forager|search|wanted|slug"], "forager|search|brought|slug" in missed) == (1, False)


def test_little_that_was_seen_changes_nothing() -> None:
    few = odds_of({"kaspr|profile|asked": ENOUGH - 1, "kaspr|profile|credits": 0})
    assert (few.credits(PROFILE), few.chance(PROFILE, "work_email")) == (PROFILE.price, 1.0)


def seen(operation: str, *, asked: int, credits: int, brought: int, field: str = "mobile_phone") -> dict[str, int]:
    told = {"asked": asked, "credits": credits, f"wanted|{field}": asked, f"brought|{field}": brought}
    return {f"{operation}|{name}": by for name, by in told.items()}


def test_the_provider_that_brings_more_for_its_credits_is_asked_first() -> None:
    rules = policy(rule("mobile_phone", ("kaspr", "forager"), ordered=False))
    assert visit(with_slug(), rules, {}, odds=PRICE_LIST).operations[0] == "profile"
    barren = seen("kaspr|profile", asked=ENOUGH, credits=ENOUGH, brought=0)
    rich = seen("forager|phones", asked=ENOUGH, credits=ENOUGH * PHONES.price, brought=ENOUGH)
    assert visit(with_slug(), rules, {}, odds=odds_of(barren | rich)).operations[0] == "detail"


NAMES = st.sampled_from(["asked", "credits", "wanted|phone", "brought|phone", "wanted|slug", "brought|slug", "odd", ""])
COUNTS = st.dictionaries(
    st.tuples(st.sampled_from(["kaspr|profile", "forager|phones", "gone|x", ""]), NAMES).map("|".join),
    st.integers(0, 10**6),
)


@given(COUNTS, st.sampled_from(OFFERS), st.sampled_from(["phone", "slug", "job_title"]))
def test_whatever_was_counted_a_chance_is_one(counted: dict[str, int], offer: Offer, field: str) -> None:
    odds = odds_of(counted)
    assert 0 < odds.chance(offer, field) <= 1
    assert odds.credits(offer) >= 0


@given(st.lists(st.tuples(st.sampled_from(OFFERS), st.integers(0, 20), st.sets(st.sampled_from(GAPS)), st.booleans())))
def test_no_question_brings_more_than_it_was_asked_for(bought: list[tuple[Offer, int, set[str], bool]]) -> None:
    questions = [
        Bought(offer, f"q{at}", credits, gaps, finds) for at, (offer, credits, gaps, finds) in enumerate(bought)
    ]
    everything = [(one.key, gap) for one in questions for gap in GAPS]
    found = Counter(counts(questions, decided(*everything)))
    for name, by in found.items():
        operation, _, field = name.partition("|brought|")
        if field:
            assert by == found[f"{operation}|wanted|{field}"] <= found[f"{operation}|asked"]
    assert sum(by for name, by in found.items() if name.endswith("|credits")) == sum(one.credits for one in questions)


@given(st.integers(ENOUGH, 10**6), st.integers(0, 10**6))
def test_chances_are_those_that_were_seen(wanted: int, brought: int) -> None:
    brought = min(wanted, brought)
    odds = odds_of(seen("kaspr|profile", asked=wanted, credits=wanted, brought=brought))
    assert abs(odds.chance(PROFILE, "mobile_phone") - brought / wanted) <= 1 / ENOUGH_WANTED
