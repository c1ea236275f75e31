"""Codes are about values, other properties, the record, our user or the org, and words tell nothing of a person."""

from __future__ import annotations

import pytest

from connectors.hubspot.refusals import KINDS as PORTAL
from connectors.models import RefusalKind
from connectors.refusal_kinds import LONGEST_WORDS, kind_of, plain_words
from connectors.salesforce.refusals import KINDS as ORG

VALUE, DUPLICATE, RULE = RefusalKind.VALUE, RefusalKind.DUPLICATE, RefusalKind.RULE
ROW, ACCESS, LIMIT, UNKNOWN = RefusalKind.ROW, RefusalKind.ACCESS, RefusalKind.ORG, RefusalKind.UNKNOWN


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_EMAIL_ADDRESS", VALUE),
        ("STRING_TOO_LONG", VALUE),
        ("RESTRICTED_PICKLIST", VALUE),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", VALUE),
        ("DUPLICATES_DETECTED", DUPLICATE),
        ("DUPLICATE_VALUE", DUPLICATE),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", RULE),
        ("FIELD_FILTER_VALIDATION_EXCEPTION", RULE),
        ("REQUIRED_FIELD_MISSING", RULE),
        ("ENTITY_IS_LOCKED", ROW),
        ("INACTIVE_OWNER_OR_USER", ROW),
        ("INSUFFICIENT_ACCESS_OR_READONLY", ACCESS),
        ("TRANSFER_REQUIRES_READ", ACCESS),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", ACCESS),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", LIMIT),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", LIMIT),
        ("STORAGE_LIMIT_EXCEEDED", LIMIT),
        ("TOO_MANY_ENUM_LIMIT", LIMIT),
        ("TXN_SECURITY_METERING_ERROR", LIMIT),
        ("APEX_DATA_ACCESS_RESTRICTION", ACCESS),
        ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", LIMIT),
        ("OPERATION_TOO_LARGE", LIMIT),
        ("CANNOT_UPDATE_CONVERTED_LEAD", ROW),
        ("ENTITY_IS_DELETED", ROW),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", ACCESS),
        ("OPERATION_NOT_ALLOWED", ACCESS),
        ("TRANSFER_REQUIRES_EDIT", ACCESS),
        ("API_CURRENTLY_DISABLED", ACCESS),
        ("FUNCTIONALITY_NOT_ENABLED", ACCESS),
        ("OP_WITH_INVALID_USER_TYPE_EXCEPTION", ACCESS),
        ("INVALID_READ_ONLY_USER_DML", ACCESS),
        ("INVALID_PERSON_ACCOUNT_OPERATION", ROW),
        ("SELF_REFERENCE_FROM_FLOW", LIMIT),
        ("MAX_ACTIONS_PER_RULE_EXCEEDED", LIMIT),
        ("INVALID_CURRENCY_ISO", VALUE),
        ("TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", VALUE),
        ("ALREADY_IN_PROCESS", ROW),
        ("INVALID_OWNER", ROW),
        ("RECORD_IN_USE_BY_WORKFLOW", ROW),
        ("DEPENDENCY_EXISTS", ROW),
        ("INVALID_PACKAGE_LICENSE", ACCESS),
        ("PACKAGE_LICENSE_REQUIRED", ACCESS),
        ("UNAVAILABLE_RECORDTYPE_EXCEPTION", ACCESS),
        ("SHARE_NEEDED_FOR_CHILD_OWNER", ACCESS),
        ("ORG_LOCKED", LIMIT),
        ("FIND_DUPLICATES_ERROR", LIMIT),
        ("INSUFFICIENT_CREDITS", LIMIT),
        ("TERRITORY_REALIGN_IN_PROGRESS", LIMIT),
        ("PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", LIMIT),
        ("ENTITY_SAVE_VALIDATION_ERROR", RULE),
        ("INVALID_OPERATION", UNKNOWN),
        ("INVALID_STATUS", UNKNOWN),
        ("NEVER_HEARD_OF", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_an_orgs_code_is_about_something(code: str, kind: RefusalKind) -> None:
    assert kind_of(code, ORG) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_EMAIL", VALUE),
        ("INVALID_OPTION", VALUE),
        ("INVALID_SOMETHING_NEW", VALUE),
        ("CONFLICTING_UNIQUE_VALUE", DUPLICATE),
        ("DUPLICATE_UNIQUE_PROPERTY_VALUE", DUPLICATE),
        ("CONTACT_EXISTS", DUPLICATE),
        ("MISSING_CONDITIONAL_REQUIRED_PROPERTY", RULE),
        ("MISSING_REQUIRED_PROPERTY", RULE),
        ("PROPERTY_DOESNT_EXIST", ACCESS),
        ("PROPERTY_ARCHIVED", ACCESS),
        ("USER_LACKS_PERMISSION", ACCESS),
        ("PORTAL_LIMIT_REACHED", LIMIT),
        ("VALIDATION_ERROR", UNKNOWN),
    ],
)
def test_a_portals_code_is_about_something(code: str, kind: RefusalKind) -> None:
    assert kind_of(code, PORTAL) is kind


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
