"""Wires what visits need of one open crm: its watched objects, companies to undo, and deliveries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial

from config.crms import CrmSettings, WatchSettings
from connectors.batching import Batcher
from connectors.models import Edit, Found, Property
from connectors.ports import Crm
from worker.decide.policy import Policy, WriteRule
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.reviews import Reviews
from worker.ledger.own_clock import clock
from worker.ledger.work.work import Lease, Work
from worker.service.delivery_rules import delivered, delivery_rules
from worker.service.needs import Schemas, consent, met_policy, refuse_unmet
from worker.service.policy import locks, no_in_records, opt_out, policy, verified, watched_of
from worker.service.runtime import Runtime
from worker.visits.awaiting import Awaiting
from worker.visits.closed_properties import ClosedProperties
from worker.visits.deliver import Deliverer
from worker.visits.delivery_target import Target
from worker.visits.push import Pusher
from worker.visits.runner import Line, attended
from worker.visits.visit import Visitor
from worker.visits.visit_notes import BadValues
from worker.visits.watch import Companies, Watch

BLOCK = 100  # delivered rows claimed at a time


async def open_watch(
    runtime: Runtime,
    name: str,
    settings: CrmSettings,
    vendor: Crm,
    object: str,
    watched: WatchSettings,
    schemas: Schemas,
) -> None:
    schema, rules = await schemas.of(object), policy(name, settings, object, watched, runtime.settings.providers)
    pauses = await runtime.ledger.pauses.of(f"{name}.{object}")
    may_lack = any(one.reason == "property" for one in pauses)
    rules = await met_policy(rules, settings, vendor, schema, may_lack=may_lack)
    lost = {rule.property for rule in rules.rules} - schema.keys()
    schema = {**schema, **{one: Property(one, "text", writable=False, shown=False) for one in lost}}
    runtime.watches[name, object] = _watch(runtime, name, vendor, rules, schema, verified(settings, rules))


def _watch(
    runtime: Runtime, name: str, vendor: Crm, rules: Policy, schema: Mapping[str, Property], verify: frozenset[str]
) -> Watch:
    """Wires what visits of an object need, and lets its leases be visited."""
    object = rules.object
    what = watched_of(rules, consent(runtime.settings.crm[name], vendor, object))

    filled = [rule.property for rule in rules.rules if rule.write is not WriteRule.NEVER]
    written = (*filled, *vendor.provenance.names)  # marks that are not there yet are noticed once they are
    closed = runtime.closed[name, object] = _closed(runtime, name, vendor, object, schema, written)
    reader: Batcher[str, Found] = Batcher(name, "read", closed.noting(partial(vendor.read, what)), str, vendor.batch)
    companies = Companies(vendor)
    work, reviews = runtime.ledger.work(name, object), Reviews(runtime.ledger.scripts, name, object)
    suppressed = runtime.lookups.suppressions.among
    lockable = [rule.property for rule in rules.rules if rule.lock_ms]

    async def edited(ids: Sequence[str]) -> Mapping[str, Mapping[str, Edit]]:
        return await vendor.edits(object, ids, lockable)

    edits: Batcher[str, Mapping[str, Edit]] = Batcher(name, "edits", edited, str, vendor.batch)
    kept, limiter = runtime.ledger, runtime.limiters[name]
    ways = (work, reader, companies, reviews, suppressed, edits, kept.bad.among)
    watch = Watch(name, object, vendor, rules, what, closed.schema, *ways)
    pusher = Pusher(watch, limiter, verify=verify, doubt=closed.doubt)
    bad_values = BadValues(watch, kept, runtime.lookups.yields, runtime.providers, runtime.owner, clock)
    visitor = Visitor(watch, runtime.lookups, pusher, bad_values, closed, kept, limiter, clock)
    runtime.closing.push_async_callback(reader.aclose)
    runtime.closing.push_async_callback(edits.aclose)
    runtime.closing.push_async_callback(pusher.aclose)
    runtime.closing.push_async_callback(visitor.aclose)
    _add_line(runtime, f"{name}.{object}", watch.work, vendor.batch, visitor.visit)
    return watch


def _closed(
    runtime: Runtime, name: str, vendor: Crm, object: str, schema: Mapping[str, Property], written: Iterable[str]
) -> ClosedProperties:
    """Watches the schema of an object."""
    return ClosedProperties(name, object, vendor, schema, written, clock, runtime.ledger.pauses)


def _open_companies(
    runtime: Runtime, name: str, settings: CrmSettings, vendor: Crm, schema: Mapping[str, Property]
) -> None:
    """Opens the companies of a crm to undo: nothing looks for them, and nothing is bought or filled there."""
    places = delivered(settings, "company", readable=True)
    slots = {"company_domain": "domain", "company_website": "website"}
    identity = {slot: places[field] for slot, field in slots.items() if places.get(field) in schema}
    rules = Policy(crm=name, object="company", mode=settings.mode, identity=identity)
    runtime.companies[name, "company"] = _watch(runtime, name, vendor, rules, schema, frozenset())


async def open_delivery(runtime: Runtime, name: str, settings: CrmSettings, vendor: Crm, schemas: Schemas) -> None:
    person = settings.deliver_as
    await refuse_unmet(name, settings, vendor, person, schemas.of)
    rules = await delivery_rules(name, settings, vendor, schemas.of)
    schema = rules.schema
    closed: dict[str, ClosedProperties] = {}
    for kind in schema:
        written = delivered(settings, kind).values()
        if (name, kind) in runtime.watches:  # visits and deliveries follow one
            closed[kind] = runtime.closed[name, kind]
            closed[kind].write(written)
        else:
            closed[kind] = _closed(runtime, name, vendor, kind, schema[kind], written)
    target = Target(
        crm=name,
        vendor=vendor,
        person=person,
        people=rules.people,
        external_id=settings.external_id,
        properties={kind: delivered(settings, kind) for kind in schema},
        readable={kind: delivered(settings, kind, readable=True) for kind in schema},
        schema={kind: one.schema for kind, one in closed.items()},
        accept=rules.accept,
        default_region=settings.default_region or "",
        work=runtime.ledger.work(name, DELIVERY),
        fill={kind: runtime.watches[name, kind].work for kind in rules.people if (name, kind) in runtime.watches},
        constants=rules.constants,
        suppressed=runtime.lookups.suppressions.among,
        hashes=runtime.lookups.suppressions.hashes,
        are_bad=runtime.ledger.bad.among,
        blank_values=settings.blank_values,
        opt_out={kind: no_in_records(opt_out(settings, kind), schema[kind]) for kind in rules.people},
        locks={kind: locks(settings, kind, delivered(settings, kind)) for kind in schema},
        memory={kind: runtime.ledger.work(name, kind) for kind in schema},
        consent={kind: consent(settings, vendor, kind) for kind in rules.people},
        reviews=Reviews(runtime.ledger.scripts, name, DELIVERY) if settings.mode == "review" else None,
    )
    ledger = runtime.ledger
    deliverer = Deliverer(target, closed, ledger, runtime.limiters[name], runtime.owner, clock)
    runtime.closing.push_async_callback(deliverer.aclose)
    runtime.deliverers[name] = deliverer
    _open_companies(runtime, name, settings, vendor, schema["company"])
    runtime.awaiting[name] = Awaiting(
        vendor, target.work, ledger.scripts, ledger.deliveries, ledger.all_work, ledger.cursors
    )
    _add_line(runtime, f"{name}.{DELIVERY}", target.work, BLOCK, deliverer.deliver)


def _add_line(runtime: Runtime, name: str, work: Work, block: int, visit: Callable[[Lease], Awaitable[None]]) -> None:
    runtime.lines[name] = Line(name, work, block, attended(visit, work, runtime.ledger.pauses, clock))
