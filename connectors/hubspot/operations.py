"""Lists HubSpot's operations as calls, in the order of the contract document, for one generation of paths."""

from __future__ import annotations

from msgspec import Struct

from connectors.hubspot.paths import PATHS, TYPES
from connectors.oauth import BUCKET
from connectors.operations import Operation, Repeat

_REFUSED = frozenset({400, 404, 409, 413, 423})  # read by us: a refused batch is split


class Calls(Struct, frozen=True):
    """Lists every operation on one of our objects."""

    list: Operation
    read: Operation
    write: Operation
    create: Operation
    archive: Operation
    search: Operation
    properties: Operation
    property: Operation
    define: Operation
    link: Operation
    linked: Operation


def calls(api_version: str) -> dict[str, Calls]:
    paths = PATHS[api_version]

    def of(object: str) -> Calls:
        kind, records, schema = TYPES[object], paths.records(object), paths.schema(object)
        link = paths.links(object, "company")
        missing = frozenset({404})
        return Calls(
            list=Operation(f"{kind}.list", "GET", records, Repeat.SAFE),
            read=Operation(f"{kind}.batch_read", "POST", f"{records}/batch/read", Repeat.SAFE, misses=missing),
            write=Operation(f"{kind}.batch_update", "POST", f"{records}/batch/update", Repeat.UPDATES, misses=_REFUSED),
            create=Operation(f"{kind}.create", "POST", records, Repeat.CREATES),
            archive=Operation(f"{kind}.batch_archive", "POST", f"{records}/batch/archive", Repeat.UPDATES),
            search=Operation(f"{kind}.search", "POST", f"{records}/search", Repeat.SAFE, bucket="search"),
            properties=Operation("properties.list", "GET", schema, Repeat.SAFE),
            property=Operation("properties.get", "GET", f"{schema}/{{name}}", Repeat.SAFE, misses=missing),
            define=Operation("properties.create", "POST", schema, Repeat.SAFE, misses=frozenset({409})),
            link=Operation(f"{kind}.link_company", "POST", link, Repeat.SAFE),
            linked=Operation(
                f"{kind}.linked_contacts", "POST", paths.linked(object, "contact"), Repeat.SAFE, misses=missing
            ),
        )

    return {word: of(word) for word in TYPES}


def token_call(api_version: str) -> Operation:
    """Returns the OAuth token call. It may rotate the refresh token, so only the call that needs it repeats."""
    return Operation("oauth.token", "POST", PATHS[api_version].token, Repeat.CREATES, bucket=BUCKET)
