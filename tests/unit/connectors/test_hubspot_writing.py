"""Reads what became of each row of a batch of updates."""

import json
from collections.abc import Mapping, Sequence

import pytest

from connectors.errors import CrmWord, RejectedError
from connectors.hubspot import writing
from connectors.hubspot.records import RecordRows
from connectors.models import RefusalKind, Reply, Write, WriteResult, Written


def refused(
    part: Sequence[Write], *names: str, code: str = "INVALID_EMAIL", status: int = 400
) -> dict[str, WriteResult]:
    errors = [{"code": code, "context": {"propertyName": [name]}} for name in names]
    body = json.dumps({"category": "VALIDATION_ERROR", "errors": errors}).encode()
    return dict(writing.results(part, Reply(status, {}, body), None))


def parts(told: Mapping[str, WriteResult]) -> dict[int, list[str]]:
    """The rows to be sent again, by the part they are sent in."""
    found: dict[int, list[str]] = {}
    for key, word in told.items():
        if word.outcome is Written.SPLIT:
            found.setdefault(word.part, []).append(key)
    return found


MIXED = [*(Write(str(n), {"phone": "1"}) for n in range(3)), Write("8", {"email": "bad"}), Write("9", {"email": "x"})]


@pytest.mark.parametrize(
    ("part", "named", "sent"),
    [
        (MIXED, ["email"], {0: ["0", "1", "2"], 1: ["8", "9"]}),  # apart from those that hold it
        ([Write(str(n), {"email": "x"}) for n in range(5)], ["email"], {0: ["0", "1"], 1: ["2", "3", "4"]}),
        (MIXED[:3], ["somewhere_else"], {0: ["0"], 1: ["1", "2"]}),
        (MIXED[:3], [], {0: ["0"], 1: ["1", "2"]}),
    ],
    ids=["some hold it", "all hold it", "nobody holds it", "nothing is named"],
)
def test_a_refused_batch_goes_out_in_parts(part: list[Write], named: list[str], sent: dict[int, list[str]]) -> None:
    assert parts(refused(part, *named)) == sent


def test_a_row_alone_is_at_fault_and_its_values_are_named() -> None:
    (told,) = refused([Write("1", {"email": "bad", "phone": "1"})], "email").values()
    assert (told.outcome, told.properties, told.code) == (Written.INVALID, ("email",), "INVALID_EMAIL")


def test_a_conflict_without_a_name_is_the_emails() -> None:
    body = b'{"category":"CONFLICT","message":"x"}'
    (told,) = writing.results([Write("1", {"email": "a@b.co", "phone": "1"})], Reply(409, {}, body), None).values()
    assert (told.outcome, told.properties) == (Written.INVALID, ("email",))


def test_errors_count_on_any_2xx_and_silence_is_unknown() -> None:
    rows = RecordRows.model_validate(
        {
            "results": [{"id": "1", "updatedAt": ""}],
            "numErrors": 2,
            "errors": [
                {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["2"]}},
                {"category": "VALIDATION_ERROR", "context": {"ids": ["3"]}},
            ],
        }
    )
    told = writing.outcomes([Write(i, {"phone": "1"}) for i in "1234"], rows)
    assert [told[i].outcome for i in "1234"] == [Written.DONE, Written.GONE, Written.INVALID, Written.UNKNOWN]


def test_the_vendors_word_on_one_row_of_a_mixed_answer_names_property_code_and_row_in_the_way() -> None:
    rows = RecordRows.model_validate(
        {
            "results": [],
            "errors": [
                {
                    "category": "VALIDATION_ERROR",
                    "message": "Property values were not valid",
                    "context": {"ids": ["1"]},
                    "errors": [
                        {
                            "message": "Email address ada@acme is invalid",
                            "code": "INVALID_EMAIL",
                            "context": {"propertyName": ["email"]},
                        }
                    ],
                },
                {"category": "CONFLICT", "message": "Existing ID: 77", "context": {"ids": ["2"]}},
            ],
        }
    )
    told = writing.outcomes([Write(i, {"email": "ada@acme", "phone": "1"}) for i in "12"], rows)
    assert (told["1"].properties, told["1"].code, told["1"].kind) == (("email",), "INVALID_EMAIL", RefusalKind.VALUE)
    assert told["1"].words == "Email address … is invalid"
    assert (told["2"].properties, told["2"].existing_id) == (("email",), "77")
    assert told["2"].kind is RefusalKind.DUPLICATE


def test_a_batch_that_is_too_large_or_has_a_row_that_is_not_there_goes_out_in_halves() -> None:
    part = [Write(str(n), {"phone": "1"}) for n in range(4)]
    for status in (404, 413):
        assert parts(writing.results(part, Reply(status, {}, b"{}"), None)) == {0: ["0", "1"], 1: ["2", "3"]}
    (gone,) = writing.results(part[:1], Reply(404, {}, b"{}"), None).values()
    assert gone.outcome is Written.GONE


def test_a_conflict_that_asks_for_a_repeat_is_a_lock() -> None:
    for message in ("Concurrent modification of the object, try again", "The object is being updated", "is locked"):
        body = json.dumps({"category": "CONFLICT", "message": message}).encode()
        (told,) = writing.results([Write("1", {"email": "a@b.co"})], Reply(409, {}, body), None).values()
        assert told.outcome is Written.LOCKED


def test_errors_that_name_no_row_cost_only_rows_that_nothing_is_said_of() -> None:
    fault = {"category": "VALIDATION_ERROR", "message": "A value for seniority is required", "context": {}}
    rows = RecordRows.model_validate({"results": [{"id": "1", "updatedAt": ""}], "errors": [fault]})
    several = writing.outcomes([Write(i, {"phone": "1"}) for i in "123"], rows)
    assert [several[i].outcome for i in "123"] == [Written.DONE, Written.SPLIT, Written.SPLIT]
    alone = writing.outcomes([Write(i, {"phone": "1"}) for i in "12"], rows)
    assert (alone["2"].outcome, alone["2"].kind) == (Written.INVALID, RefusalKind.RULE)


def test_a_sub_category_says_more_than_its_category() -> None:
    body = {"category": "VALIDATION_ERROR", "subCategory": "crm.associations.ASSOCIATION_LIMIT_EXCEEDED", "message": ""}
    (told,) = writing.results([Write("1", {"phone": "1"})], Reply(400, {}, json.dumps(body).encode()), None).values()
    assert (told.code, told.kind) == ("ASSOCIATION_LIMIT_EXCEEDED", RefusalKind.ORG)


def test_a_right_to_one_property_that_is_missing_costs_its_rows_only() -> None:
    part = [Write("1", {"email": "x"}), Write("2", {"phone": "1"}), Write("3", {"phone": "1"})]
    refusal = RejectedError("acme", "write", 403, fields=("email",), said=CrmWord(RefusalKind.ACCESS))
    told = writing.barred(part, refusal)
    assert (told["1"].outcome, told["1"].kind) == (Written.INVALID, RefusalKind.ACCESS)
    assert parts(told) == {0: ["2", "3"]}
