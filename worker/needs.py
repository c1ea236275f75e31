"""Lists what a crm must show before an object is worked on: mapped properties, consent, a person's employer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.settings import CrmSettings
from connectors.errors import AccessError
from connectors.models import Property
from connectors.ports import Crm

CONSENT = "CONSENT"


@dataclass(frozen=True, slots=True)
class Unmet:
    """A property that is read and not shown. ``told`` says which, ``do`` what a person should do."""

    is_consent: bool
    told: str
    do: str


async def unmet(name: str, settings: CrmSettings, vendor: Crm, object: str) -> list[Unmet]:
    """Returns what visits of ``object`` read besides the mapped properties and this credential may not.

    Raises:
        ConnectorError: the crm does not answer, or shows a needed object not at all; the hint says what to do.
    """
    schemas: dict[str, Mapping[str, Property]] = {}
    found = []
    for need in vendor.needs(object):
        is_consent = need.use == "consent"
        if is_consent and settings.consent_unreadable == "accept":
            continue
        if need.object not in schemas:
            schemas[need.object] = await vendor.properties(need.object)
        if need.property in schemas[need.object]:
            continue
        told = f"{need.property} of the {need.object} is not shown to us"
        if is_consent:
            do = f'grant read access to it, or set crm.{name}.consent_unreadable = "accept"'
            found.append(Unmet(is_consent=True, told=f"{told}, so nobody's opt-out would be seen", do=do))
        else:
            found.append(Unmet(is_consent=False, told=f"{told}, so no employer is known", do="grant read access to it"))
    return found


async def refuse_unmet(name: str, settings: CrmSettings, vendor: Crm, object: str) -> None:
    """Refuses to work on ``object`` without what it needs.

    Raises:
        AccessError: something is not shown; of code ``CONSENT`` when only consent is.
        ConnectorError: as ``unmet``.
    """
    found = await unmet(name, settings, vendor, object)
    if found:
        code = CONSENT if all(one.is_consent for one in found) else "PROPERTY"
        raise AccessError(name, "properties", code=code, hint="; ".join(f"{one.told}: {one.do}" for one in found))
