"""Tells which scopes a configuration takes of a crm's credential, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator

from config.crms import CrmSettings
from connectors.models import Use
from connectors.ports import Crm

_OWNER = "hubspot_owner_id"


async def missing_scopes(settings: CrmSettings, vendor: Crm, *, delivered: bool) -> tuple[str, ...] | None:
    """Returns the scopes that the credential lacks for the configuration, ``None`` if the crm does not tell them."""
    return await vendor.ungranted(frozenset(uses(settings, delivered=delivered)))


async def setup_scopes(vendor: Crm) -> tuple[str, ...]:
    """Returns the scopes that it lacks only for ``refill setup``."""
    return await vendor.ungranted([(Use.DEFINE, kind) for kind in ("contact", "company")]) or ()


def uses(settings: CrmSettings, *, delivered: bool) -> Iterator[tuple[Use, str]]:
    """Yields Refill's uses of each object, as configured: watched people are read with their company."""
    writes = settings.mode != "observe"
    for kind, watched in settings.objects().items():
        yield Use.READ, kind
        yield Use.READ, "company"
        if writes and any(rule.write != "never" for rule in watched.fields.values()):
            yield Use.WRITE, kind
    if settings.watch.company:
        yield Use.READ, "company"
    if delivered:
        for kind in (settings.deliver_as, "company"):
            yield Use.READ, kind
            if writes:
                yield Use.WRITE, kind
    if any(_OWNER in constants for constants in settings.create.values()):
        yield Use.OWN, ""
