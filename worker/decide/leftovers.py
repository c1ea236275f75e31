"""Packs why a settled record's fields stay blank: two letters a field, so that it can be remembered of every record.

A letter stands for its place in a list: new names are added at the end, and none is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping

RECORD = ""  # the record as a whole was left alone
_FIELDS = (
    RECORD,
    *("work_email", "personal_email", "phone", "mobile_phone", "job_title", "linkedin_url", "first_name", "last_name"),
    *("city", "country", "company_name", "company_domain", "name", "domain", "website", "industry", "employee_count"),
    *("description", "technologies", "founded_year"),
)
_REASONS = (
    *("no_identity", "identity_conflict", "not_found", "below_grade", "wrong_person", "unproved", "employer_changed"),
    *("opted_out", "suppressed", "budget", "refused", "locked", "rejected", "invalid_value", "duplicate"),
    *("portal_rule", "record_locked", "no_access", "org_limit", "refused_by_crm", "where", "skip_if", "observe"),
    "bad_value",
)
_FIRST = ord("A")


def pack_leftovers(reasons: Mapping[str, str]) -> str:
    """Returns the letters for reasons by field; names that have no letter are left out."""
    return "".join(
        chr(_FIRST + _FIELDS.index(name)) + chr(_FIRST + _REASONS.index(reason))
        for name, reason in reasons.items()
        if name in _FIELDS and reason in _REASONS
    )


def unpack_leftovers(letters: str) -> dict[str, str]:
    """Returns reasons by field; letters of a later version say nothing."""
    pairs = [(ord(name) - _FIRST, ord(why) - _FIRST) for name, why in zip(letters[::2], letters[1::2], strict=False)]
    return {
        _FIELDS[name]: _REASONS[why] for name, why in pairs if 0 <= name < len(_FIELDS) and 0 <= why < len(_REASONS)
    }
