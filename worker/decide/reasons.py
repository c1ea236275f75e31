"""Tells why a gap stays open, and why a record is not looked at: the words that are counted and shown."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Tells why a gap was not filled."""

    NO_IDENTITY = "no_identity"
    IDENTITY_CONFLICT = "identity_conflict"
    NOT_FOUND = "not_found"
    BELOW_GRADE = "below_grade"
    WRONG_PERSON = "wrong_person"
    UNPROVED = "unproved"  # somebody was found and nothing proves that it is the record's person
    EMPLOYER_CHANGED = "employer_changed"
    OPTED_OUT = "opted_out"
    SUPPRESSED = "suppressed"
    BUDGET = "budget"
    REFUSED = "refused"
    LOCKED = "locked"  # a person edited it lately
    REJECTED = "rejected"  # by a person, in review
    INVALID_VALUE = "invalid_value"
    BAD_VALUE = "bad_value"  # the value found has bounced, or was reported wrong, on this record
    DUPLICATE = "duplicate"
    PORTAL_RULE = "portal_rule"
    RECORD_LOCKED = "record_locked"
    NO_ACCESS = "no_access"
    ORG_LIMIT = "org_limit"
    REFUSED_BY_CRM = "refused_by_crm"


class Skip(StrEnum):
    """Tells why a whole record is left alone."""

    WHERE = "where"
    SKIP_IF = "skip_if"
    OPTED_OUT = "opted_out"
    SUPPRESSED = "suppressed"
    OBSERVE = "observe"

    @property
    def reason(self) -> Reason | None:
        """Returns the reason that its gaps are counted under; ``None`` if nobody asked for them to be filled."""
        return {Skip.OPTED_OUT: Reason.OPTED_OUT, Skip.SUPPRESSED: Reason.SUPPRESSED}.get(self)
