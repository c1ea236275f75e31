"""Sorts codes by what they are about: values, other properties, the record, our user, the org. "-" is no code."""

from __future__ import annotations

import pytest

from connectors.hubspot.refusals import KINDS as PORTAL
from connectors.models import RefusalKind
from connectors.refusal_kinds import LONGEST_WORDS, kind_of, plain_words
from connectors.salesforce.refusals import KINDS as ORG

VALUE, DUPLICATE, RULE = RefusalKind.VALUE, RefusalKind.DUPLICATE, RefusalKind.RULE
ROW, ACCESS, LIMIT, UNKNOWN = RefusalKind.ROW, RefusalKind.ACCESS, RefusalKind.ORG, RefusalKind.UNKNOWN


ORGS = {
    VALUE: (
        "INVALID_EMAIL_ADDRESS STRING_TOO_LONG RESTRICTED_PICKLIST INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST "
        "INVALID_CURRENCY_ISO TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET"
    ),
    DUPLICATE: "DUPLICATES_DETECTED DUPLICATE_VALUE",
    RULE: (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION REQUIRED_FIELD_MISSING "
        "ENTITY_SAVE_VALIDATION_ERROR"
    ),
    ROW: (
        "ENTITY_IS_LOCKED INACTIVE_OWNER_OR_USER CANNOT_UPDATE_CONVERTED_LEAD ENTITY_IS_DELETED "
        "INVALID_PERSON_ACCOUNT_OPERATION ALREADY_IN_PROCESS INVALID_OWNER RECORD_IN_USE_BY_WORKFLOW "
        "DEPENDENCY_EXISTS"
    ),
    ACCESS: (
        "INSUFFICIENT_ACCESS_OR_READONLY TRANSFER_REQUIRES_READ INVALID_FIELD_FOR_INSERT_UPDATE "
        "APEX_DATA_ACCESS_RESTRICTION INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY OPERATION_NOT_ALLOWED "
        "TRANSFER_REQUIRES_EDIT API_CURRENTLY_DISABLED FUNCTIONALITY_NOT_ENABLED OP_WITH_INVALID_USER_TYPE_EXCEPTION "
        "INVALID_READ_ONLY_USER_DML INVALID_PACKAGE_LICENSE PACKAGE_LICENSE_REQUIRED UNAVAILABLE_RECORDTYPE_EXCEPTION "
        "SHARE_NEEDED_FOR_CHILD_OWNER"
    ),
    LIMIT: (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER STORAGE_LIMIT_EXCEEDED TOO_MANY_ENUM_LIMIT "
        "TXN_SECURITY_METERING_ERROR INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE OPERATION_TOO_LARGE "
        "SELF_REFERENCE_FROM_FLOW MAX_ACTIONS_PER_RULE_EXCEEDED ORG_LOCKED FIND_DUPLICATES_ERROR INSUFFICIENT_CREDITS "
        "TERRITORY_REALIGN_IN_PROGRESS PLATFORM_EVENT_PUBLISHING_UNAVAILABLE"
    ),
    UNKNOWN: "INVALID_OPERATION INVALID_STATUS NEVER_HEARD_OF -",
}
PORTALS = {
    VALUE: "INVALID_EMAIL INVALID_OPTION INVALID_SOMETHING_NEW",
    DUPLICATE: "CONFLICTING_UNIQUE_VALUE DUPLICATE_UNIQUE_PROPERTY_VALUE CONTACT_EXISTS",
    RULE: "MISSING_CONDITIONAL_REQUIRED_PROPERTY MISSING_REQUIRED_PROPERTY",
    ACCESS: "PROPERTY_DOESNT_EXIST PROPERTY_ARCHIVED USER_LACKS_PERMISSION",
    LIMIT: "PORTAL_LIMIT_REACHED",
    UNKNOWN: "VALIDATION_ERROR",
}


@pytest.mark.parametrize("kind", ORGS)
def test_an_orgs_code_is_about_something(kind: RefusalKind) -> None:
    codes = ORGS[kind].split()
    assert {code: kind_of(code.strip("-"), ORG) for code in codes} == dict.fromkeys(codes, kind)


@pytest.mark.parametrize("kind", PORTALS)
def test_a_portals_code_is_about_something(kind: RefusalKind) -> None:
    codes = PORTALS[kind].split()
    assert {code: kind_of(code, PORTAL) for code in codes} == dict.fromkeys(codes, kind)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Contact 7 has reached its limit of associated companies", LIMIT),
        ("The number of associations is over the maximum", LIMIT),
        ("The property x is a calculated property and cannot be set", ACCESS),
        ("The property is read only", ACCESS),
        ("The user does not have permission to edit this property", ACCESS),
        ("A value for seniority is required", RULE),
        ("The value is longer than its limit of 65536 characters", VALUE),
        ("12,5 was not a valid number", UNKNOWN),
        ("7 is not valid", VALUE),
        ("There is already a contact with this value", DUPLICATE),
        ("The record is already in an approval", ROW),
        ("The owner is deactivated", ROW),
        ("You are not authorized to change this", ACCESS),
        ("Please try again in a while", LIMIT),
        ("The value is not one of the allowed options", VALUE),
        ("internal error", UNKNOWN),
    ],
)
def test_what_a_general_code_is_about_is_read_off_its_message(message: str, kind: RefusalKind) -> None:
    assert kind_of("VALIDATION_ERROR", PORTAL, message) is kind
    assert kind_of("MISSING_REQUIRED_PROPERTY", PORTAL, message) is RULE


def test_words_keep_the_rule_and_no_person() -> None:
    message = 'Email ada@acme.com of "Ada Lovelace" (+49 151 2345678) must differ from Countess, see https://x.co/1'
    assert plain_words(message, ["Countess"]) == "Email … of … (…) must differ from …, see …"
    assert plain_words("Please state where this contact came from.") == "Please state where this contact came from."
    assert len(plain_words("word " * 500)) <= LONGEST_WORDS
