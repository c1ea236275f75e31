"""Lists the paths for both generations of the API: date-versioned and numbered.

The numbered ones lose support in 2027; until then portals and proxies exist that know only those.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

TYPES = {"contact": "contacts", "company": "companies"}
MODIFIED = {"contact": "lastmodifieddate", "company": "hs_lastmodifieddate"}


class Paths(Struct, frozen=True):
    """Tells where one generation keeps its surfaces."""

    objects: str
    properties: str
    associations: str
    owners: str
    token: str
    introspect: str

    def records(self, object: str, rest: str = "") -> str:
        """Returns ``rest`` below the records of our word ``object``."""
        return f"{self.objects}/{TYPES[object]}{rest}"

    def schema(self, object: str, rest: str = "") -> str:
        """Returns ``rest`` below the properties of our word ``object``."""
        return f"{self.properties}/{TYPES[object]}{rest}"

    def links(self, from_object: str, to_object: str) -> str:
        """Returns the batch call that links pairs with the default, unlabelled association."""
        return f"{self.associations}/{TYPES[from_object]}/{TYPES[to_object]}/batch/associate/default"

    def linked(self, from_object: str, to_object: str) -> str:
        """Returns the batch call that reads what rows are associated with."""
        return f"{self.associations}/{TYPES[from_object]}/{TYPES[to_object]}/batch/read"


# Every generation that can be configured, the newest first: contract tests run over this list. A new date version comes
# each March and September and is served for 18 months.
PATHS: Mapping[str, Paths] = {
    "2026-09": Paths(
        objects="/crm/objects/2026-09",
        properties="/crm/properties/2026-09",
        associations="/crm/associations/2026-09",
        owners="/crm/owners/2026-09",
        token="/oauth/2026-09/token",  # noqa: S106 - a path
        introspect="/oauth/2026-09/token/introspect",
    ),
    "v3": Paths(
        objects="/crm/v3/objects",
        properties="/crm/v3/properties",
        associations="/crm/v4/associations",
        owners="/crm/v3/owners",
        token="/oauth/v3/token",  # noqa: S106 - a path
        introspect="/oauth/v3/token/introspect",
    ),
}
