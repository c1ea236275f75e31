"""Reads kept answers of both CRMs as what each of them says."""

from __future__ import annotations

import re

import pytest

from connectors.hubspot import records as hubspot
from connectors.models import Fate, Record, Write, Written
from connectors.salesforce import soql
from connectors.salesforce import writing as salesforce
from connectors.salesforce.records import QueryPage, to_record
from connectors.salesforce.tokens import identity, pinned
from tests.unit.connectors.samples import SAMPLES, sample, samples

IDS = ["003000000000001AAA", "003000000000002AAA", "003000000000003AAA", "003000000000004AAA"]


@pytest.mark.parametrize("vendor", sorted(path.name for path in SAMPLES.iterdir()))
def test_every_sample_says_where_it_is_from_and_whether_it_was_seen(vendor: str) -> None:
    for row in samples(vendor):
        note = row.values[0]["note"]
        assert set(note) <= {"source", "read", "standing", "where"}
        assert re.fullmatch(r"20\d\d-[01]\d(-\d\d)?", note["read"])


def test_found_and_missing_ids_of_one_read_have_their_fates() -> None:
    rows = hubspot.RecordRows.model_validate(sample("hubspot", "batch_read_partial"))
    fates = hubspot.fates("contact", ["33451", "8380080352", "8144745976", "7"], rows, 1)
    assert {id: one.fate for id, one in fates.items()} == {
        "33451": Fate.FOUND, "8380080352": Fate.GONE, "8144745976": Fate.GONE, "7": Fate.UNKNOWN,
    }  # fmt: skip


def test_a_survivor_answers_for_both_ids_that_were_merged_into_it() -> None:
    rows = hubspot.RecordRows.model_validate(sample("hubspot", "batch_read_merged"))
    fates = hubspot.fates("contact", ["101", "102"], rows, 1)
    assert {(id, one.fate, one.moved_to) for id, one in fates.items()} == {
        ("101", Fate.MOVED, "200"),
        ("102", Fate.MOVED, "200"),
    }


def test_a_search_page_has_more_behind_it() -> None:
    rows = hubspot.RecordRows.model_validate(sample("hubspot", "search_page"))
    assert hubspot.more(rows)
    assert hubspot.last_id(rows, "") == "33451"


def test_a_token_answer_names_org_user_and_host() -> None:
    token = sample("salesforce", "token")
    assert identity(token["id"]) == ("00D000000000001EAA", "005000000000001AAA")
    assert pinned("acme", token["instance_url"], "https://acme.my.salesforce.com") == token["instance_url"]


def test_a_query_page_gives_records_and_its_next_page() -> None:
    rows = QueryPage.model_validate(sample("salesforce", "query_page"))
    record = to_record("contact", rows.records[0], ("Id", "Email", "Account.Name"), 5)
    assert isinstance(record, Record)
    assert (record.id, record.company_name, record.values["Email"]) == (IDS[0], "Quist AB", None)
    assert soql.more_path(rows.nextRecordsUrl or "") == "query/01gD0000002HU6KIAW-2000"


def test_collection_rows_end_each_for_itself() -> None:
    part = [Write(one, {"Email": "x"}) for one in IDS]
    told = salesforce.read_collection("acme", part, sample("salesforce", "collection_rows"))
    ends = (Written.DONE, Written.INVALID, Written.GONE, Written.LOCKED)
    assert tuple(told[one].outcome for one in IDS) == ends
    assert told[IDS[1]].properties == ("Email",)
