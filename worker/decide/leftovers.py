"""Packs why a settled record's fields stay blank: two letters a field, so that it can be remembered of every record.

A letter stands for a position in a list: new names are added at the end, and none is removed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

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
    *("bad_value", "no_access", "invalid_value"),
)
_FIRST = ord("A")
_CLOSED = chr(_FIRST + len(_REASONS) - 2)  # by the CRM's schema; the first "no_access" is its word on a write
_NO_OPTION = chr(_FIRST + len(_REASONS) - 1)  # its property lacks it; the first "invalid_value" is any other


def pack_leftovers(reasons: Mapping[str, str], closed: Collection[str] = (), optionless: Collection[str] = ()) -> str:
    """Returns the letters for reasons by field; names that have no letter are left out.

    ``closed`` are fields among them whose property nothing can be written to at present, ``optionless`` those whose
    value waits for an option of its property.
    """

    def letters(name: str, reason: str) -> str:
        if name in closed:
            return letters_of_closed(name)
        if name in optionless:
            return letters_of_optionless(name)
        return _letter(name) + chr(_FIRST + _REASONS.index(reason))

    return "".join(letters(*one) for one in reasons.items() if one[0] in _FIELDS and one[1] in _REASONS)


def letters_of_closed(field: str) -> str:
    """Returns the letters for a field whose property was closed; "" for one without a letter."""
    return _letter(field) + _CLOSED if field in _FIELDS else ""


def letters_of_optionless(field: str) -> str:
    """Returns the same for a field whose value waits for an option."""
    return _letter(field) + _NO_OPTION if field in _FIELDS else ""


def closed_fields(letters: str) -> frozenset[str]:
    """Returns the fields whose property was closed."""
    return _fields_with(_CLOSED, letters)


def optionless_fields(letters: str) -> frozenset[str]:
    """Returns the fields whose value waits for an option of its property."""
    return _fields_with(_NO_OPTION, letters)


def _fields_with(why: str, letters: str) -> frozenset[str]:
    numbers = (ord(name) - _FIRST for name, one in zip(letters[::2], letters[1::2], strict=False) if one == why)
    return frozenset(_FIELDS[one] for one in numbers if 0 <= one < len(_FIELDS))


def _letter(field: str) -> str:
    return chr(_FIRST + _FIELDS.index(field))


def unpack_leftovers(letters: str) -> dict[str, str]:
    """Returns reasons by field; letters of a later version say nothing."""
    pairs = [(ord(name) - _FIRST, ord(why) - _FIRST) for name, why in zip(letters[::2], letters[1::2], strict=False)]
    return {
        _FIELDS[name]: _REASONS[why] for name, why in pairs if 0 <= name < len(_FIELDS) and 0 <= why < len(_REASONS)
    }
