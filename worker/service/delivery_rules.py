"""Reads from configuration and schema how deliveries enter one crm, and refuses settings that the crm contradicts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from config.crms import CrmSettings
from config.fields import PROPERTIES
from connectors.errors import AccessError, RejectedError
from connectors.models import Grade, Property
from connectors.ports import Crm
from worker.decide import delivery
from worker.service.needs import SchemaOf
from worker.service.policy import opt_out


class DeliveryRules(Struct, frozen=True):
    """Holds the objects that deliveries read or write, by their properties.

    ``people`` are the objects that people may be in, the one they are made as first. ``constants`` are what new rows
    get besides the delivered values, ``accept`` the grades that a field takes.
    """

    schema: Mapping[str, Mapping[str, Property]]
    people: tuple[str, ...]
    constants: Mapping[str, Mapping[str, str]]
    accept: Mapping[str, frozenset[Grade]]


async def delivery_rules(name: str, settings: CrmSettings, vendor: Crm, schema_of: SchemaOf) -> DeliveryRules:
    """Returns the rules of one crm.

    Raises:
        ConnectorError: the crm does not answer, or lacks what deliveries need; the hint says what to do.
    """
    person = settings.deliver_as
    schema = {kind: await schema_of(kind) for kind in ("company", person)}
    schema |= await others(settings, schema_of, person)
    people = (person, *(kind for kind in schema if kind not in {"company", person}))
    wrong: list[str] = []
    constants: dict[str, dict[str, str]] = {}
    for kind in ("company", person):
        if vendor.missing(kind, schema[kind]):
            hint = f"{name} lacks {settings.external_id} on its {kind}: run refill setup {name}"
            raise AccessError(name, "properties", code="EXTERNAL_ID", hint=hint)
        constants[kind], problems = delivery.constants(created(settings, kind, schema[kind]), schema[kind])
        wrong += [f"crm.{name}.create.{kind}.{property}: {why}" for property, why in problems.items()]
    for kind in people:
        lost = sorted(opt_out(settings, kind).keys() - schema[kind].keys())
        wrong += [f"crm.{name}.opt_out.{kind}.{one}: there is no such property" for one in lost]
    if wrong:
        raise AccessError(name, "properties", code="PROPERTY", hint="; ".join(wrong))
    watched = settings.objects().get(person)
    fields = watched.fields if watched else {}
    accept = {str(field): frozenset(rule.accept or (Grade.VALID,)) for field, rule in fields.items()}
    return DeliveryRules(schema, people, constants, accept)


async def others(settings: CrmSettings, schema_of: SchemaOf, person: str) -> dict[str, Mapping[str, Property]]:
    """Returns other objects that people may be in, besides the one they are created as, if we may read them."""
    if settings.kind != "salesforce":
        return {}
    other = "lead" if person == "contact" else "contact"
    try:
        return {other: await schema_of(other)}
    except (AccessError, RejectedError):
        return {}


def created(settings: CrmSettings, object: str, schema: Mapping[str, Property]) -> Mapping[str, str]:
    """Returns the constants of new rows of an object."""
    by_object: Mapping[str, Mapping[str, str]] = {str(kind): values for kind, values in settings.create.items()}
    found = dict(by_object.get(object, {}))
    for name in found.keys() & schema.keys():
        if schema[name].kind == "id":
            with suppress(ValueError):  # an invalid id is refused with the other constants
                found[name] = settings.record_id(found[name])
    return found


def delivered(settings: CrmSettings, object: str, *, readable: bool = False) -> dict[str, str]:
    """Maps fields to properties that delivered values are written to: defaults and mappings, except rule ``never``.

    With ``readable`` those, too, and for people what tells who they are in the other object: one field of the
    customer's own, such as the profile's, usually has one name in both.
    """
    properties = dict(PROPERTIES.get((settings.kind, object), {}))
    others = {"contact": "lead", "lead": "contact"}
    alike = settings.objects().get(others.get(object, "")) if readable else None
    if alike is not None:
        properties = {str(slot): name for slot, name in alike.identity.items()} | properties
    watched = settings.watching(object)
    if watched is not None:
        properties |= {str(slot): name for slot, name in watched.identity.items()}
        properties |= {name: rule.property for name, rule in watched.fields.items()}
        for name, rule in watched.fields.items():
            if rule.write == "never" and not readable:
                properties.pop(name, None)
    return properties
