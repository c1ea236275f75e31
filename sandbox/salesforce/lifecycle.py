"""Merges rows and converts leads, as a person does it in the org."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.schema import Value
from sandbox.salesforce.store import Caller, Row, Store

_CHILDREN: Final = {"Account": (("Contact", "AccountId"), ("Account", "ParentId")), "Contact": (), "Lead": ()}
_SAME_NAMES: Final = (
    "FirstName", "LastName", "Salutation", "Email", "Phone", "MobilePhone", "Fax", "Title", "LeadSource",
    "HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall", "Description", "LinkedIn_URL__c",
)  # fmt: skip
_ADDRESS: Final = ("Street", "City", "State", "PostalCode", "Country")


def merge(store: Store, survivor: Row, losers: list[Row], caller: Caller) -> None:
    """Merges rows: the survivor keeps its values; losers go to the recycle bin and name it."""
    for loser in losers:
        if loser.id == survivor.id or loser.object != survivor.object:
            raise ApiError(400, "INVALID_OPERATION", "a row is merged with others of its object")
        for child, lookup in _CHILDREN[survivor.object]:
            for row in list(store.rows[child].values()):
                if row.values.get(lookup) == loser.id and not row.deleted:
                    store.update(row, {lookup: survivor.id}, caller)
        store.force(loser, {"MasterRecordId": survivor.id}, caller)
        store.delete(loser, caller)
    store.force(survivor, {}, caller)


def convert(store: Store, lead: Row, caller: Caller, account: Row | None = None) -> Row:
    """Returns the contact that the lead became; its company becomes an account unless one is given."""
    values = lead.values
    if values["IsConverted"]:
        raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "lead is already converted")
    if account is None:
        account = store.create("Account", {"Name": values["Company"], "Website": values["Website"]}, caller)
    contact = store.create("Contact", _as_contact(values, account.id), caller)
    store.force(
        lead,
        {
            "IsConverted": True,
            "Status": "Closed - Converted",
            "ConvertedDate": store.stamp()[:10],
            "ConvertedContactId": contact.id,
            "ConvertedAccountId": account.id,
        },
        caller,
    )
    return contact


def _as_contact(lead: Mapping[str, Value], account_id: str) -> dict[str, Any]:
    same = {name: lead[name] for name in _SAME_NAMES if lead.get(name) is not None}
    address = {f"Mailing{part}": lead[part] for part in _ADDRESS if lead.get(part) is not None}
    return {"AccountId": account_id, **same, **address}
