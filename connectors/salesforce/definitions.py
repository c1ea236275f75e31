"""Describes our custom fields as metadata to deploy: Salesforce takes no field over the data API. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from connectors.salesforce.options import PROVENANCE
from connectors.salesforce.records import TABLES

_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_EXTERNAL_ID = """\
        <label>OpenProspect Id</label>
        <description>Kept by Refill: which OpenProspect row this record came from.</description>
        <type>Text</type>
        <length>80</length>
        <externalId>true</externalId>
        <unique>true</unique>
        <caseSensitive>false</caseSensitive>"""
_MARKS = {
    PROVENANCE.source: """\
        <label>Refill Source</label>
        <description>Kept by Refill: which value is from whom, and since when.</description>
        <type>Text</type>
        <length>255</length>""",
    PROVENANCE.checked_at: """\
        <label>Refill Checked At</label>
        <description>Kept by Refill: when values were last filled in.</description>
        <type>DateTime</type>""",
}


def field_definitions(object: str, names: Sequence[str], external_id: str, api_version: str) -> str:
    """Returns what to deploy, file by file, and what to do with it.

    Each object has its own permission set, since a deployment replaces a whole one.
    """
    table = TABLES[object]
    fields = [f"{table}.{escape(name)}" for name in names]
    members = "".join(f"<members>{field}</members>" for field in fields)
    return f"""\
# {", ".join(fields)}: put these three files into a folder and deploy it:
#   sf project deploy start --metadata-dir <folder>
# then assign the permission set "Refill {table}" to the user Refill works as, and run check.

# package.xml
<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="{_NAMESPACE}">
    <types>{members}<name>CustomField</name></types>
    <types><members>Refill_{table}</members><name>PermissionSet</name></types>
    <version>{escape(api_version)}</version>
</Package>

# objects/{table}.object
<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="{_NAMESPACE}">
{"".join(_field(name, _EXTERNAL_ID if name == external_id else _MARKS[name]) for name in names)}</CustomObject>

# permissionsets/Refill_{table}.permissionset
<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="{_NAMESPACE}">
    <label>Refill {table}</label>
{"".join(_right(field) for field in fields)}</PermissionSet>
"""


def _field(name: str, what: str) -> str:
    return f"""\
    <fields>
        <fullName>{escape(name)}</fullName>
{what}
        <required>false</required>
    </fields>
"""


def _right(field: str) -> str:
    named = f"<field>{field}</field>"
    return f"    <fieldPermissions><editable>true</editable>{named}<readable>true</readable></fieldPermissions>\n"
