"""Defines the objects of an ordinary org, with the custom fields that an enrichment tool asks for."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from sandbox.salesforce.ids import HISTORIES

FieldType = Literal[
    "id", "string", "email", "phone", "url", "textarea", "boolean", "int", "double", "currency",
    "date", "datetime", "reference", "picklist",
]  # fmt: skip

TEXT_TYPES: Final = frozenset({"string", "email", "phone", "url", "textarea", "picklist"})
_SOAP: Final = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: FieldType
    length: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """Names of the options in their order; without any an option is its own name."""
    restricted: bool = False
    relationship: str | None = None
    target: str | None = None
    default: str | bool | None = None
    refused: tuple[str, ...] = ()
    """Values that the org refuses, though describe shows no list: state and country picklists."""
    encrypted: bool = False

    @property
    def filterable(self) -> bool:
        """Tells whether a field may be in a WHERE: long text and platform-encrypted fields may not."""
        return not self.encrypted and (self.type != "textarea" or self.length <= 255)

    def described(self) -> dict[str, Any]:
        """Returns the field in the form of a describe answer's `fields`."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "length": self.length,
            "byteLength": self.length * 3,
            "nillable": not self.required and self.type not in {"boolean", "id"},
            "defaultedOnCreate": self.default is not None or not self.createable,
            "createable": self.createable,
            "updateable": self.updateable,
            "filterable": self.filterable,
            "sortable": self.type != "textarea" or self.length <= 255,
            "custom": self.name.endswith("__c"),
            "externalId": self.external_id,
            "idLookup": self.id_lookup,
            "unique": self.unique,
            "caseSensitive": False,
            "calculated": False,
            "restrictedPicklist": self.restricted,
            "picklistValues": [
                {"active": True, "defaultValue": option == self.default, "label": label, "value": option}
                for option, label in zip(self.options, self.labels or self.options, strict=True)
            ],
            "relationshipName": self.relationship,
            "referenceTo": [self.target] if self.target else [],
        }


def _read_only(name: str, kind: FieldType, length: int = 0, **extra: Any) -> Field:
    return Field(name, kind, length, createable=False, updateable=False, **extra)


_COMMON: Final = (
    _read_only("Id", "id", 18, id_lookup=True),
    _read_only("IsDeleted", "boolean"),
    _read_only("MasterRecordId", "reference", 18),
    _read_only("CreatedDate", "datetime"),
    _read_only("CreatedById", "reference", 18),
    _read_only("LastModifiedDate", "datetime"),
    _read_only("LastModifiedById", "reference", 18),
    _read_only("SystemModstamp", "datetime"),
    Field("OwnerId", "reference", 18, relationship="Owner", target="User"),
    Field("RecordTypeId", "reference", 18, relationship="RecordType", target="RecordType"),
    Field("Description", "textarea", 32_000),
)
_LEAD_SOURCES: Final = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
_INDUSTRIES: Final = (
    "Agriculture", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction", "Consulting",
    "Education", "Electronics", "Energy", "Engineering", "Finance", "Healthcare", "Insurance", "Machinery",
    "Manufacturing", "Media", "Other", "Retail", "Technology", "Telecommunications", "Transportation", "Utilities",
)  # fmt: skip
LINKEDIN_FIELD: Final = Field("LinkedIn_URL__c", "url", 255)
EXTERNAL_ID_FIELD: Final = Field("OpenProspect_Id__c", "string", 255, external_id=True, id_lookup=True, unique=True)


def _address(prefix: str) -> tuple[Field, ...]:
    return (
        Field(f"{prefix}Street", "textarea", 255),
        Field(f"{prefix}City", "string", 40),
        Field(f"{prefix}State", "string", 80),
        Field(f"{prefix}PostalCode", "string", 20),
        Field(f"{prefix}Country", "string", 80),
    )


_PERSON: Final = (
    Field("FirstName", "string", 40),
    Field("LastName", "string", 80, required=True),
    _read_only("Name", "string", 121),
    Field("Salutation", "picklist", 40, options=("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")),
    Field("Email", "email", 80, id_lookup=True),
    Field("Phone", "phone", 40),
    Field("MobilePhone", "phone", 40),
    Field("Fax", "phone", 40),
    Field("Title", "string", 128),
    Field("LeadSource", "picklist", 255, options=_LEAD_SOURCES),
    Field("HasOptedOutOfEmail", "boolean", default=False),
    Field("HasOptedOutOfFax", "boolean", default=False),
    Field("DoNotCall", "boolean", default=False),
    Field("EmailBouncedDate", "datetime"),
    Field("EmailBouncedReason", "string", 255),
    LINKEDIN_FIELD,
    EXTERNAL_ID_FIELD,
)
_CONTACT: Final = (
    *_COMMON,
    *_PERSON,
    _read_only("IsEmailBounced", "boolean"),
    Field("HomePhone", "phone", 40),
    Field("OtherPhone", "phone", 40),
    Field("AssistantPhone", "phone", 40),
    Field("Department", "string", 80),
    Field("AccountId", "reference", 18, relationship="Account", target="Account"),
    Field("ReportsToId", "reference", 18, relationship="ReportsTo", target="Contact"),
    *_address("Mailing"),
    *_address("Other"),
)
_LEAD: Final = (
    *_COMMON,
    *_PERSON,
    Field("Company", "string", 255, required=True),
    Field("Website", "url", 255),
    Field("Industry", "picklist", 255, options=_INDUSTRIES),
    Field("NumberOfEmployees", "int"),
    Field("AnnualRevenue", "currency"),
    *_address(""),
    Field(
        "Status",
        "picklist",
        255,
        options=("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"),
        restricted=True,
        default="Open - Not Contacted",
    ),
    _read_only("IsConverted", "boolean"),
    _read_only("ConvertedDate", "date"),
    _read_only("ConvertedContactId", "reference", 18, relationship="ConvertedContact", target="Contact"),
    _read_only("ConvertedAccountId", "reference", 18, relationship="ConvertedAccount", target="Account"),
)
_ACCOUNT: Final = (
    *_COMMON,
    Field("Name", "string", 255, required=True),
    Field("Website", "url", 255),
    Field("Phone", "phone", 40),
    Field("Fax", "phone", 40),
    Field("Industry", "picklist", 255, options=_INDUSTRIES),
    Field("NumberOfEmployees", "int"),
    Field("AnnualRevenue", "currency"),
    Field("Type", "picklist", 255, options=("Prospect", "Customer", "Partner", "Other")),
    Field("ParentId", "reference", 18, relationship="Parent", target="Account"),
    *_address("Billing"),
    *_address("Shipping"),
    EXTERNAL_ID_FIELD,
)

_OPPORTUNITY: Final = (
    *_COMMON,
    Field("Name", "string", 120, required=True),
    Field("AccountId", "reference", 18, relationship="Account", target="Account"),
    Field("StageName", "string", 255),
    Field("CloseDate", "date"),
)

_USER: Final = (
    *_COMMON[:8],
    _read_only("Name", "string", 121),
    _read_only("FirstName", "string", 40),
    _read_only("LastName", "string", 80),
    _read_only("Email", "email", 128),
    _read_only("Username", "string", 80),
    _read_only("IsActive", "boolean"),
)
_RECORD_TYPE: Final = (
    *_COMMON[:8],
    _read_only("Name", "string", 80),
    _read_only("DeveloperName", "string", 80),
    _read_only("SobjectType", "string", 40),
    _read_only("IsActive", "boolean"),
)

STANDARD: Final[dict[str, tuple[Field, ...]]] = {"Contact": _CONTACT, "Lead": _LEAD, "Account": _ACCOUNT}
"""Objects of people and companies, which an administrator can give an external id."""
AT_ACCOUNTS: Final[dict[str, tuple[Field, ...]]] = {"Opportunity": _OPPORTUNITY}
"""Objects that belong to an account and are deleted with it, as its contacts are."""
_HISTORY: Final = {
    f"{name}History": (
        _read_only("Id", "id", 18, id_lookup=True),
        _read_only("IsDeleted", "boolean"),
        _read_only(f"{name}Id", "reference", 18, relationship=name, target=name),
        _read_only("Field", "picklist", 255),
        _read_only("OldValue", "string", 255),
        _read_only("NewValue", "string", 255),
        _read_only("CreatedById", "reference", 18),
        _read_only("CreatedDate", "datetime"),
    )
    for name in HISTORIES
}

SETUP: Final[dict[str, tuple[Field, ...]]] = {"User": _USER, "RecordType": _RECORD_TYPE, **_HISTORY}
"""Made by an administrator: read and never written here."""
