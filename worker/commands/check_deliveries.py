"""Checks that a crm allows deliveries to be brought in: each thing that is missing, and what to set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

from msgspec import Struct

from config.crms import CrmSettings
from connectors.models import Property
from connectors.ports import Crm
from worker.decide import delivery
from worker.decide.values import linkedin
from worker.service.delivery_rules import created, delivered, others

NOBODY = "refill-check"  # a text that leads to no row
_PROBES = {"domain": f"{NOBODY}.invalid", "work_email": f"{NOBODY}@{NOBODY}.invalid"}


class DeliveryNeed(Struct, frozen=True):
    """Describes one fault for deliveries. ``text`` says what, ``do`` the next step for a person."""

    object: str
    text: str
    do: str


async def unmet_by_deliveries(name: str, settings: CrmSettings, vendor: Crm) -> list[DeliveryNeed]:
    """Returns what keeps rows from being found, made or filled.

    Raises:
        ConnectorError: the crm does not answer, or refuses a question that deliveries ask.
    """
    made = ("company", settings.deliver_as)
    schemas = {kind: await vendor.properties(kind) for kind in made}
    schemas |= await others(settings, vendor.properties, settings.deliver_as)
    found: list[DeliveryNeed] = []
    for kind, schema in schemas.items():
        found += [one async for one in _rights(vendor, kind, creates=kind in made)]
        found += _unwritten(name, settings, kind, schema)
        if kind in made:
            found += [one async for one in _constants(name, settings, vendor, kind, schema)]
        found += _unsearchable(settings, kind, schema)
        await _looked_for(settings, vendor, kind, schema)
    return found


async def _rights(vendor: Crm, kind: str, *, creates: bool) -> AsyncIterator[DeliveryNeed]:
    lacks = await vendor.lacks(kind)
    if creates and lacks.create:
        yield DeliveryNeed(kind, "a delivery cannot make its rows", lacks.create)
    if lacks.update:
        yield DeliveryNeed(kind, "a delivery cannot fill its rows", lacks.update)


def _unwritten(name: str, settings: CrmSettings, kind: str, schema: Mapping[str, Property]) -> list[DeliveryNeed]:
    """Returns properties that delivered values go to, whether they are watched or not."""
    found = []
    table = f"crm.{name}.watch.{kind}"
    watched = settings.watching(kind)
    for field, property in delivered(settings, kind).items():
        if watched is not None and (field in watched.fields or (field in watched.identity and property not in schema)):
            continue  # named among the mapped ones
        held = schema.get(property)
        if held is not None and held.writable:
            continue
        what = "is hidden from our user" if held is None else "is read-only for our user"
        key = f'{table}.fields.{field} = {{ property = "{property}", write = "never" }}'
        text = f"{property} {what}, so a delivered {field.replace('_', ' ')} is not written"
        found.append(DeliveryNeed(kind, text, f"give the right to read and edit it, or set {key}"))
    return found


def _unsearchable(settings: CrmSettings, kind: str, schema: Mapping[str, Property]) -> Iterator[DeliveryNeed]:
    """Yields properties that identify a row, and that no query may use."""
    readable = delivered(settings, kind, readable=True)
    names = ("domain",) if kind == "company" else ("work_email", "linkedin_url", "last_name")
    for property in (settings.external_id, *(readable.get(name, "") for name in names)):
        held = schema.get(property)
        if held is not None and not held.searchable:
            text = f"{property} cannot be searched, so deliveries find no row by it and may create duplicates"
            yield DeliveryNeed(kind, text, "encrypt it in a way that can be filtered (deterministic), or not at all")


async def _constants(
    name: str, settings: CrmSettings, vendor: Crm, kind: str, schema: Mapping[str, Property]
) -> AsyncIterator[DeliveryNeed]:
    """Checks the constants of new rows: values that the crm takes, ids of existing, active objects."""
    values, wrong = delivery.constants(created(settings, kind, schema), schema)
    ids = {property: value for property, value in values.items() if schema[property].kind in {"id", "options"}}
    wrong |= dict(await vendor.unusable(kind, ids))
    for property, why in wrong.items():
        yield DeliveryNeed(kind, f"{property}: {why}", f"change or drop crm.{name}.create.{kind}.{property}")


async def _looked_for(settings: CrmSettings, vendor: Crm, kind: str, schema: Mapping[str, Property]) -> None:
    """Ask each question by which deliveries look for a row, for one that is not there."""
    readable = delivered(settings, kind, readable=True)
    if settings.external_id in schema:
        await vendor.find(kind, settings.external_id, [NOBODY])
    for field, probe in _PROBES.items():
        if readable.get(field) in schema and (kind == "company") == (field == "domain"):
            await vendor.find(kind, readable[field], [probe])
    if kind == "company":
        return
    if readable.get("linkedin_url") in schema:
        exact, parts = linkedin.usual_addresses(NOBODY), linkedin.spellings(NOBODY)
        await vendor.find_containing(kind, readable["linkedin_url"], exact, parts)
