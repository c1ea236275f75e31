"""Our custom fields as metadata to deploy: Salesforce takes no field over the data API. Pure."""

from __future__ import annotations

from xml.sax.saxutils import escape

from connectors.salesforce.records import TABLES

_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def external_id_field(object: str, external_id: str, api_version: str) -> str:
    """What to deploy, file by file, and what to do with it."""
    table, field = TABLES[object], escape(external_id)
    return f"""\
# {table}.{field}: an external id, unique. Put these three files into a folder and deploy it:
#   sf project deploy start --metadata-dir <folder>
# then assign the permission set "Refill" to the user Refill works as, and run check.

# package.xml
<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="{_NAMESPACE}">
    <types><members>{table}.{field}</members><name>CustomField</name></types>
    <types><members>Refill</members><name>PermissionSet</name></types>
    <version>{escape(api_version)}</version>
</Package>

# objects/{table}.object
<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="{_NAMESPACE}">
    <fields>
        <fullName>{field}</fullName>
        <label>OpenProspect Id</label>
        <description>Kept by Refill: which OpenProspect row this record came from.</description>
        <type>Text</type>
        <length>80</length>
        <externalId>true</externalId>
        <unique>true</unique>
        <caseSensitive>false</caseSensitive>
        <required>false</required>
    </fields>
</CustomObject>

# permissionsets/Refill.permissionset
<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="{_NAMESPACE}">
    <label>Refill</label>
    <fieldPermissions><editable>true</editable><field>{table}.{field}</field><readable>true</readable></fieldPermissions>
</PermissionSet>
"""
