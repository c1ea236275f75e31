"""The memory of our values comes back as it was, and is small enough to share a listpack."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.kept import OurValue, RefusedValue, own_texts, own_values
from worker.ledger.work.memory import pack_own, unpack_own

WRITTEN = dict.fromkeys(("work_email", "phone", "mobile_phone", "job_title"), OurValue("2dad2b688932"))
KEPT = RefusedValue('a"b\\', "forager", "valid", "q", "portal_rule", words='no "phone" here')
ODD = {
    "work_email": OurValue("2dad2b688932", bad=("88d0a6ab0e8e",), reported="bounced"),
    "phone": OurValue(refused=True, rejected=True),
    "description": OurValue(kept=KEPT),
}


@pytest.mark.parametrize("own", [{}, WRITTEN, ODD])
def test_own_values_come_back(own: dict[str, OurValue]) -> None:
    assert own_values(unpack_own(pack_own(own_texts(own)))) == own


@given(st.dictionaries(st.text(), st.text()))
def test_any_texts_come_back(texts: dict[str, str]) -> None:
    assert unpack_own(pack_own(texts)) == texts


@pytest.mark.parametrize("own", [WRITTEN, ODD])
def test_texts_of_a_version_before_are_read_as_they_stand(own: dict[str, OurValue]) -> None:
    assert own_values(unpack_own(json.dumps(own_texts(own)))) == own


def test_four_written_values_fit_a_listpack() -> None:
    assert len(pack_own(own_texts(WRITTEN)).encode()) <= 64


def test_a_value_that_is_kept_is_found_by_a_search() -> None:
    assert "no " in pack_own(own_texts(ODD))
