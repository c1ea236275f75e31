"""Finds the data kept about a person: in the ledger by its texts, in the CRMs by the rows with a handle.

The ledger has no index by person, because that would have to be erased too. So the whole ledger is walked, but only for
a report or an erasure.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from config.fields import PEOPLE
from connectors.models import Fate, Person, Record
from connectors.openprospect.read import DeliveredCompany
from worker.decide import delivery
from worker.decide.handles import Handle, personal
from worker.decide.record import handles as handles_of
from worker.decide.values import emails, linkedin, phones
from worker.decide.values.person import spells_another
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.intake.deliveries import DeliveredRow
from worker.ledger.journal.journal import Entry
from worker.ledger.journal.reviews import Proposal, Reviews
from worker.ledger.ledger import Ledger
from worker.ledger.money.answers import Answers, KeptAnswer, Ref
from worker.ledger.work.record_state import same_person
from worker.upkeep.archive import lines
from worker.upkeep.audit import audit_lines
from worker.visits.journal_entries import scrub, subject_of
from worker.visits.watch import Watch

Says = Callable[[str], bool]
_PERSON: TypeAdapter[Person] = TypeAdapter(Person)
_ROW: TypeAdapter[DeliveredCompany] = TypeAdapter(DeliveredCompany)


@dataclass(frozen=True, slots=True)
class Traces:
    """Holds the data that the ledger keeps about a person.

    ``records`` are theirs; of ``working`` ones work, memory or proposals name them. ``entries`` are the journal's that
    name them, in whatever record. ``answers`` are by question, ``claims`` by (crm, object), ``intents`` the open
    changes of delivered rows by (crm, key), ``proposals`` theirs in review, ``archived`` are lines of the archive.
    """

    records: frozenset[Ref] = frozenset()
    working: frozenset[Ref] = frozenset()
    entries: tuple[Entry, ...] = ()
    answers: Mapping[str, KeptAnswer] = field(default_factory=dict, repr=False)
    rows: tuple[DeliveredRow, ...] = field(default=(), repr=False)
    claims: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict, repr=False)
    intents: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    archived: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    proposals: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        """Tells whether anything that names them is kept."""
        held = (self.working, self.entries, self.answers, self.rows, self.claims, self.intents)
        return any((*held, self.archived, self.proposals))


async def traces(ledger: Ledger, says: Says, archive: Path | None, known: Iterable[Ref] = ()) -> Traces:
    """Walk the ledger and the archive for everybody whom ``says`` recognises; ``known`` records are theirs anyway."""
    records: set[Ref] = set()
    for one in known:
        records |= set(await same_person(ledger.scripts, one))
    named, working, proposals = set(records), set[Ref](), set[tuple[str, str]]()
    entries = [entry async for entry in ledger.journal.walk() if says(entry.entry)]
    named |= {of for one in entries for of in _of(one.crm, one.object, one.id, json.loads(one.entry))}
    named |= await asyncio.to_thread(_named, archive, says) if archive else set()
    intents: dict[tuple[str, str], str] = {}
    claims: dict[tuple[str, str], dict[str, str]] = {}
    for crm, kind in await ledger.all_work.works():
        work = ledger.work(crm, kind)
        texts = {id: text for id, text in (await work.texts.intents()).items() if says(text)}
        if kind == DELIVERY:
            intents |= {(crm, id): text for id, text in texts.items()}
            proposals |= {(crm, one.id) for one in await Reviews(ledger.scripts, crm, kind).all() if _says(one, says)}
            continue
        ids = {*texts, *(id for id, text in (await work.texts.owned()).items() if says(text))}
        ids |= {one.id for one in await Reviews(ledger.scripts, crm, kind).all() if _says(one, says)}
        working |= {(crm, kind, id) for id in ids}
    named |= working
    for crm, kind in {(crm, kind) for crm, _ in await ledger.all_work.works() for kind in PEOPLE}:
        held = await ledger.creations.claims(crm, kind)
        mine = {key: value for key, value in held.items() if says(key)}
        rows = {value for value in mine.values() if value.startswith("=")}
        rows |= {f"={id}" for one, other, id in named if (one, other) == (crm, kind)}
        mine |= {key: value for key, value in held.items() if value in rows and not key.startswith("ext:")}
        if mine:
            claims[crm, kind] = mine
            named |= {(crm, kind, value[1:]) for value in mine.values() if value.startswith("=")}
    for record in tuple(named):
        named |= set(await same_person(ledger.scripts, record))
    answers = {key: kept async for key, kept in Answers(ledger.scripts).walk() if says(_text(kept))}
    archived = await asyncio.to_thread(_archived, archive, says, frozenset(named)) if archive else ()
    delivered = tuple(row for row in await ledger.deliveries.all() if says(row.json))
    people = (frozenset(named), frozenset(working), tuple(entries))
    return Traces(*people, answers, delivered, claims, intents, archived, frozenset(proposals))


def _says(proposal: Proposal, says: Says) -> bool:
    return any(says(f"{line.before} {line.after}") for line in proposal.changes)


def _of(crm: str, object: str, id: str, entry: Mapping[str, object]) -> set[Ref]:
    """Names the record that an entry is about, when it is a person's."""
    if object != DELIVERY:
        return {(crm, object, id)} if object in PEOPLE else set()
    kind, row = subject_of(entry)
    return {(crm, kind, row)} if kind in PEOPLE and row else set()


def _text(kept: KeptAnswer) -> str:
    return kept.reply.body.decode("utf-8", "replace")


def _named(folder: Path, says: Says) -> set[Ref]:
    """Returns the records of which the archive says something that names the person, as their journal would."""
    named = set[Ref]()
    for line in chain(lines(folder), audit_lines(folder)):
        if says(json.dumps(line["entry"], ensure_ascii=False)):
            named |= _of(line["crm"], line["object"], line["id"], line["entry"])
    return named


def _archived(folder: Path, says: Says, records: frozenset[Ref]) -> tuple[Mapping[str, Any], ...]:
    """Returns the archive's lines that name the person, or hold values of their records."""
    found = []
    for line in chain(lines(folder), audit_lines(folder)):
        entry, mine = line["entry"], _of(line["crm"], line["object"], line["id"], line["entry"])
        if (mine & records and scrub(entry) != entry) or says(json.dumps(entry, ensure_ascii=False)):
            found.append(line)
    return tuple(found)


def without(row: DeliveredRow, handles: frozenset[Handle], says: Says) -> DeliveredRow:
    """Returns a delivered row without the people who have one of the handles."""
    found = _ROW.validate_json(row.json)
    kept = tuple(
        one
        for one in found.people
        if not handles & delivery.person(one, found.company).handles and not says(_PERSON.dump_json(one).decode())
    )
    return DeliveredRow(row.key, row.digest, _ROW.dump_json(replace(found, people=kept)).decode())


async def bearing(watch: Watch, handles: frozenset[Handle]) -> dict[str, Record]:
    """Returns the records of a CRM that bear one of the handles, by id.

    Raises:
        ConnectorError: the CRM could not be asked.
    """
    vendor, policy, ids = watch.vendor, watch.policy, set[str]()
    by_kind = {kind: [one.value for one in handles if one.kind == kind] for kind in ("email", "phone", "slug")}
    slots = {"email": ("email", "work_email", "personal_email"), "phone": ("mobile_phone", "phone")}
    readers = {"email": emails.key, "phone": lambda text: phones.read(text, _home(policy.default_region)).e164}
    for kind, names in slots.items():
        for property in dict.fromkeys(policy.slot(name) for name in names):
            if property in watch.schema and by_kind[kind]:
                found = await vendor.find(watch.object, property, by_kind[kind], (), readers[kind])
                ids |= {row.id for rows in found.values() for row in rows}
    profile = policy.slot("linkedin_url")
    if profile in watch.schema:
        for slug in by_kind["slug"]:
            usual, spelt = linkedin.usual_addresses(slug), linkedin.spellings(slug)
            ids |= {row.id for row in await vendor.find_containing(watch.object, profile, usual, spelt, ())}
    return {one.id: one for one in await _read(watch, sorted(ids)) if handles & personal(handles_of(one, policy))}


def learned(watch: Watch, record: Record) -> frozenset[Handle]:
    """Returns the handles of a record that are surely its person's.

    Leaves out role addresses, office numbers, and profiles whose address spells somebody else.
    """
    view = watch.view(record, {})
    mobile = view.numbers.get("mobile_phone", "")
    found = {Handle("email", one) for one in view.facts.emails} | ({Handle("phone", mobile)} if mobile else set())
    slug = view.facts.slug
    return frozenset(found | ({Handle("slug", slug)} if slug and not spells_another(slug, view.facts.name) else set()))


async def _read(watch: Watch, ids: Sequence[str]) -> list[Record]:
    records: list[Record] = []
    for start in range(0, len(ids), watch.vendor.batch):
        found = await watch.vendor.read(watch.watched, ids[start : start + watch.vendor.batch])
        records += [one.record for one in found.values() if one.fate is Fate.FOUND and one.record is not None]
    return await watch.complete(records)


def _home(region: str) -> tuple[str, ...]:
    return (region,) if region else ()
