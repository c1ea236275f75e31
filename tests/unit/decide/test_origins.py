"""The reason of a dead letter tells where its trouble comes from."""

from __future__ import annotations

import pytest

from connectors.errors import AccessError, ContractError, RejectedError, UnavailableError
from worker.decide.origins import TroubleOrigin, cause_of, origin_of


@pytest.mark.parametrize(
    ("reason", "origin"),
    [
        (str(RejectedError("acme", "update", 400, "r-1", code="VALIDATION_ERROR")), TroubleOrigin.CRM_RULE),
        ("portal_rule", TroubleOrigin.CRM_RULE),
        (str(RejectedError("acme", "update", 400, hint="run refill check")), TroubleOrigin.CONFIGURATION),
        (str(AccessError("acme", "properties", code="PROPERTY")), TroubleOrigin.CONFIGURATION),
        (str(ContractError("acme", "person")), TroubleOrigin.VENDOR),
        (UnavailableError.__name__, TroubleOrigin.TRANSIENT),
        ("overdue", TroubleOrigin.TRANSIENT),
        ("crashed", TroubleOrigin.OURS),
        (KeyError.__name__, TroubleOrigin.OURS),
    ],
)
def test_reason_names_the_origin(reason: str, origin: TroubleOrigin) -> None:
    assert origin_of(reason) is origin
    assert origin.advice


def test_causes_are_equal_where_only_ids_differ() -> None:
    first, second = (
        str(RejectedError("acme", "update", 400, request, code="VALIDATION_ERROR")) for request in ("8f-1", "9a-2")
    )
    assert cause_of(first) == cause_of(second) == "acme update, rejected, status 400, VALIDATION_ERROR"
    assert cause_of("row 123456 (0031x00000AbCdE)") == "row … (…)"
