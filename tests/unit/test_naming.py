"""A property that is not there is told with the key of the configuration that names it."""

from __future__ import annotations

import pytest

from worker.decide.policy import FieldRule, Policy
from worker.service.policy import naming

RULES = Policy(
    crm="acme",
    object="contact",
    rules=(FieldRule("work_email", "email"),),
    opt_out={"hs_legal_basis": ("",)},
    bad={"work_email": {"bounced": ("*",)}},
)


@pytest.mark.parametrize(
    ("properties", "keys"),
    [
        (["email"], ["watch.contact"]),
        (["hs_legal_basis"], ["opt_out.contact"]),
        (["bounced"], ["bad.contact"]),
        (["email", "bounced", "hs_legal_basis"], ["bad.contact", "opt_out.contact", "watch.contact"]),
    ],
)
def test_a_property_is_told_with_the_key_that_names_it(properties: list[str], keys: list[str]) -> None:
    assert naming(RULES, properties) == keys
