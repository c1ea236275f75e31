"""Lists what a crm must show before an object is worked on: mapped properties, consent, a person's employer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from config.crms import CrmSettings
from connectors.errors import AccessError
from connectors.models import Property
from connectors.ports import Crm
from worker.decide.policy import Policy
from worker.service.policy import as_records_say, naming, watched_of

CONSENT = "CONSENT"


class Unmet(Struct, frozen=True):
    """Names a property that is read and hidden. ``text`` says which, ``do`` the next step for a person.

    ``refuses``: nothing is started without it.
    """

    is_consent: bool
    text: str
    do: str
    refuses: bool = True


SchemaOf: TypeAlias = Callable[[str], Awaitable[Mapping[str, Property]]]


class Schemas:
    """Reads the properties of each object once while a crm is opened."""

    def __init__(self, vendor: Crm) -> None:
        self._vendor = vendor
        self._read: dict[str, Mapping[str, Property]] = {}

    async def of(self, object: str) -> Mapping[str, Property]:
        """Return the properties of an object.

        Raises:
            ConnectorError: as ``Crm.properties``.
        """
        if object not in self._read:
            self._read[object] = await self._vendor.properties(object)
        return self._read[object]

    async def read_ahead(self, objects: Sequence[str]) -> None:
        """Read several at once, the first alone: one that refuses us is asked for no more.

        Failures of the others are left to their own callers.

        Raises:
            ConnectorError: the first cannot be read.
        """
        for first in objects[:1]:
            await self.of(first)
        await asyncio.gather(*(self.of(one) for one in dict.fromkeys(objects[1:])), return_exceptions=True)


def consent(settings: CrmSettings, vendor: Crm, object: str) -> tuple[str, ...]:
    """Returns the properties of ``object`` that hold opt-outs: without them nothing is read."""
    if settings.consent_unreadable == "accept":
        return ()
    return tuple(one.property for one in vendor.needs(object) if one.use == "consent" and one.object == object)


async def unmet(
    name: str, settings: CrmSettings, vendor: Crm, object: str, schema_of: SchemaOf | None = None
) -> list[Unmet]:
    """Returns properties that visits of ``object`` read besides the mapped ones and that this credential may not.

    Raises:
        ConnectorError: the crm does not answer, or shows a needed object not at all; the hint says what to do.
    """
    schema_of = schema_of or Schemas(vendor).of
    found = []
    for need in vendor.needs(object):
        is_consent = need.use == "consent"
        if is_consent and settings.consent_unreadable == "accept":
            continue
        if need.property in await schema_of(need.object):
            continue
        text = f"{need.property} of the {need.object} is hidden from our user"
        if is_consent:
            do = f'grant read access to it, or set crm.{name}.consent_unreadable = "accept"'
            found.append(Unmet(is_consent=True, text=f"{text}, so nobody's opt-out would be seen", do=do))
            continue
        refuses = need.use == "company"
        lost = "no employer is known" if refuses else "a lead that is converted leads to no contact"
        found.append(Unmet(False, f"{text}, so {lost}", "grant read access to it", refuses))
    return found


async def refuse_unmet(
    name: str, settings: CrmSettings, vendor: Crm, object: str, schema_of: SchemaOf | None = None
) -> None:
    """Refuses to work on ``object`` without the properties it needs.

    Raises:
        AccessError: something is not shown; of code ``CONSENT`` when only consent is.
        ConnectorError: as ``unmet``.
    """
    found = [one for one in await unmet(name, settings, vendor, object, schema_of) if one.refuses]
    if found:
        code = CONSENT if all(one.is_consent for one in found) else "PROPERTY"
        raise AccessError(name, "properties", code=code, hint="; ".join(f"{one.text}: {one.do}" for one in found))


async def met_policy(
    rules: Policy, settings: CrmSettings, vendor: Crm, schema: Mapping[str, Property], *, may_lack: bool = False
) -> Policy:
    """Returns the policy of an object in the spelling of its records: their form of ids, options by their values.

    ``may_lack``: an earlier process has reported that a property is gone, which then keeps nothing shut.

    Raises:
        AccessError: a mapped property is not there, or a value of the selection is not a valid id or option.
    """
    name, object = rules.crm, rules.object
    known = {**schema, **await vendor.related(object, rules.properties)}
    lost = sorted(set(rules.properties) - known.keys() - (watched_of(rules).optional if may_lack else frozenset()))
    if lost:
        keys = " and ".join(f"crm.{name}.{key}" for key in naming(rules, lost))
        hint = f"{name} has no {object} property {', '.join(lost)}: create it or change {keys}"
        raise AccessError(name, "properties", code="PROPERTY", hint=hint)
    try:
        return as_records_say(settings, rules, known)
    except ValueError as error:
        raise AccessError(name, "properties", code="ID", hint=str(error)) from None
