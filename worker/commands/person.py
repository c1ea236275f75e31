"""Finds the person of a ``report`` or ``forget``: by handles, and by the records that contain them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from config.problems import ConfigError
from connectors.errors import ConnectorError
from connectors.models import Record
from worker.commands.names import known_record, known_watch
from worker.commands.suppress import ValueReading, known
from worker.decide.handles import Handle, personal
from worker.decide.record import handles as handles_of
from worker.decide.values.person import PersonName, is_called_otherwise, spells, spells_another
from worker.ledger.money.answers import Ref
from worker.service.accounts import AnotherAccountError
from worker.service.opening import open_crm
from worker.service.runtime import Runtime
from worker.upkeep.identified import identified
from worker.upkeep.traces import bearing, learned

READ_S = 20.0


@dataclass(slots=True)
class Somebody:
    """Names one person.

    ``records`` are theirs as the CRMs have them, ``others`` bear the address of their profile and another's name,
    ``not_asked`` are the CRMs that did not answer, and why. ``questions`` would find them by a row's name and employer,
    if it has no address or profile. ``unknown`` says that the record named could not be read, so the person is unknown.
    """

    handles: frozenset[Handle]
    records: dict[Ref, Record] = field(default_factory=dict)
    others: dict[Ref, Record] = field(default_factory=dict)
    named: set[Ref] = field(default_factory=set)
    not_asked: dict[str, str] = field(default_factory=dict)
    questions: set[str] = field(default_factory=set)

    @property
    def unknown(self) -> bool:
        """Tells whether only a record is known, but not its person: its CRM did not answer."""
        return not self.handles and any(crm in self.not_asked for crm, _, _ in self.named)

    @property
    def refs(self) -> frozenset[Ref]:
        """Returns every record known to be theirs."""
        return frozenset({*self.records, *self.named})

    def set_apart(self) -> Iterator[str]:
        """Yields a sentence for each record that only a mistaken profile joins to the person."""
        for ref in sorted(self.others):
            yield (
                f"{' '.join(ref)} bears the same profile address and another person's name, so it was left out: "
                f"to take it, name it by --record"
            )


async def somebody(runtime: Runtime, texts: Sequence[str], reading: ValueReading, record: Ref | None) -> Somebody:
    """Returns the person that the texts name, with their records in every CRM that is watched.

    Raises:
        ConfigError: a text names nobody, or a whole company.
    """
    logging.getLogger("connectors").setLevel(logging.ERROR)  # what cannot be asked is said by the command
    settings = runtime.settings
    handles = frozenset(known(text, reading, settings) for text in texts)
    if not texts and record is None:
        raise ConfigError(["name somebody by an e-mail, a phone or a profile, or a record with --record"])
    if len(personal(handles)) < len(handles):
        raise ConfigError(["a domain names a company: name the person by an e-mail, a phone or a profile"])
    found = Somebody(handles)
    await asyncio.gather(*(_opened(runtime, name, found) for name in settings.crm))
    if record is not None:
        crm, kind = known_watch(settings, record[0], record[1])
        ref = (crm, kind, known_record(settings, crm, kind, record[2]))
        found.named.add(ref)
        if watch := runtime.watches.get((crm, kind)):
            read = (await watch.vendor.read(watch.watched, [ref[2]]))[ref[2]]
            if read.record is not None:
                (found.records[ref],) = await watch.complete([read.record])
                found.handles |= await _learned(runtime, found)
    await _look(runtime, found, found.handles)
    more = await _learned(runtime, found)
    await _look(runtime, found, frozenset(one for one in more - found.handles if one.kind != "phone"))
    found.handles |= more | await _learned(runtime, found)
    found.handles -= _of_others(runtime, found) - handles
    return found


async def _opened(runtime: Runtime, name: str, found: Somebody) -> None:
    try:
        async with asyncio.timeout(READ_S):
            await open_crm(runtime, name)
    except (ConnectorError, TimeoutError, AnotherAccountError) as error:
        found.not_asked[name] = getattr(error, "hint", "") or str(error) or "it did not answer"


async def _look(runtime: Runtime, found: Somebody, handles: frozenset[Handle]) -> None:
    for (crm, kind), watch in runtime.watches.items() if handles else ():
        try:
            for id, one in (await bearing(watch, handles)).items():
                found.records[crm, kind, id] = one
        except ConnectorError as error:
            found.not_asked[crm] = error.hint or str(error)
    _set_apart(runtime, found, found.handles | handles)


def _set_apart(runtime: Runtime, found: Somebody, handles: frozenset[Handle]) -> None:
    """Take out the records that share nothing but a profile's address and are of somebody with another given name.

    If nothing else is known of the person, the address itself may spell their name.
    """
    sure: list[PersonName] = []
    by_slug: dict[Ref, tuple[PersonName, str]] = {}
    for ref, record in found.records.items():
        watch = runtime.watches[ref[:2]]
        facts = watch.view(record, {}).facts
        shared = handles_of(record, watch.policy) & handles
        if ref in found.named or any(one.kind != "slug" for one in shared):
            sure.append(facts.name)
        else:
            by_slug[ref] = facts.name, facts.slug
    sure = sure or [name for name, slug in by_slug.values() if spells(slug, name)]
    for ref, (name, slug) in by_slug.items():
        if all(is_called_otherwise(name, other) for other in sure) if sure else spells_another(slug, name):
            found.others[ref] = found.records.pop(ref)
    found.others = {ref: one for ref, one in found.others.items() if ref not in found.records}


def _of_others(runtime: Runtime, found: Somebody) -> frozenset[Handle]:
    """Returns the profiles whose address spells one of the others and none of the person's own records."""
    own = [runtime.watches[ref[:2]].view(record, {}).facts.name for ref, record in found.records.items()]
    others = [runtime.watches[ref[:2]].view(record, {}).facts for ref, record in found.others.items()]
    return frozenset(
        Handle("slug", one.slug)
        for one in others
        if spells(one.slug, one.name) and not any(spells(one.slug, name) for name in own)
    )


async def _learned(runtime: Runtime, found: Somebody) -> frozenset[Handle]:
    """Returns the handles on the person's records, and those of the people bought for them."""
    handles = frozenset[Handle]()
    for (crm, kind, _), record in found.records.items():
        watch = runtime.watches[crm, kind]
        bought = await identified(watch, runtime.lookups, record)
        handles |= learned(watch, record) | bought.handles
        found.questions |= bought.questions
    return handles
