"""Finds the row that a delivered company or person has in a CRM already, and judges whether it is theirs.

An address or a profile leads to a row, and the row's own name and facts decide: somebody else's row is not a match.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from connectors.batching import Batcher
from connectors.models import Company, Fate, Found, Record
from connectors.ports import Reader, Watched
from worker.decide import gate
from worker.decide.delivery import FACTS, Delivered, row_facts
from worker.decide.gate import Fact, Verdict
from worker.decide.values import domains, emails, linkedin
from worker.visits.delivery_target import Target
from worker.visits.watch import Companies

MOST = 20  # more rows than this under one address or profile cannot be distinguished
_FIELDS = {"domain": "domain", "email": "work_email", "slug": "linkedin_url"}
_READERS: Mapping[str, Reader] = {"domain": domains.host, "email": emails.key}
_FACTS = {"email": Fact.EMAIL, "slug": Fact.SLUG}


class Match(Struct, frozen=True):
    """Names the row ``id``, ``""`` if there is none; ``key`` led there. Values may be written on it when ``sure``.

    An unsure one is ``likely`` if its data match, and ``theirs`` if no person need be asked.

    ``others`` are rows of other people as (object, id), by the key that led to them; our external id is the key ``""``.
    ``namesakes`` are contacts of the same name at the company, none of whom is surely the person.
    """

    id: str = ""
    object: str = ""
    key: str = ""
    sure: bool = True
    likely: bool = False
    theirs: bool = False
    others: Mapping[str, tuple[str, str]] = {}
    namesakes: frozenset[str] = frozenset()


class Matcher:
    """Looks rows up in one CRM; questions of concurrent deliveries leave as one batch."""

    def __init__(self, target: Target) -> None:
        self._target, self._vendor = target, target.vendor
        self._finders: dict[tuple[str, str], Batcher[str, tuple[Record, ...]]] = {}
        self._profiles: dict[str, Batcher[str, tuple[Record, ...]]] = {}
        self._readers: dict[str, Batcher[str, Found]] = {}
        self._companies = Companies(target.vendor)
        self._staff: Batcher[tuple[str, str], tuple[Record, ...]] = Batcher(
            target.crm, "find", self._at_companies, " ".join, target.vendor.batch
        )

    async def aclose(self) -> None:
        """Send the gathered calls."""
        for batcher in (*self._finders.values(), *self._profiles.values()):
            await batcher.aclose()
        await self._staff.aclose()
        for reader in self._readers.values():
            await reader.aclose()

    async def by_external_id(self, object: str, external_id: str) -> tuple[str, ...]:
        """Returns rows that carry our external id."""
        found = await self._find(object, self._target.external_id, external_id)
        return tuple(row.id for row in found)

    async def company(self, delivered: Delivered, external_id: str) -> str:
        """Returns the company's row, ``""`` if there is none."""
        for key in ("", *delivered.keys):
            if rows := await self._led_to("company", key, external_id):
                return rows[0].id
        return ""

    async def is_company(self, id: str, delivered: Delivered) -> bool:
        """Tells whether a company that the CRM takes for the delivered one may be it: it has no other domain."""
        company = await self._companies.one(id)
        held = domains.company_domain(company.domain) or domains.company_domain(company.website)
        return not held or held == delivered.values.get("domain", held)

    async def person(self, delivered: Delivered, external_id: str, company_id: str = "") -> Match:
        """Returns the person's row: one that may be written, else one that nothing speaks for or against.

        Every object that may hold people is searched, that of new people first. ``company_id`` is where the person
        works, if that company was there before: somebody of the name there is the person unless something differs.
        """
        others: dict[str, tuple[str, str]] = {}
        unsure = Match()
        for object in self._target.people:
            match = await self._person_in(object, delivered, external_id)
            for key, other in match.others.items():
                others.setdefault(key, other)
            if match.id and match.sure:
                return replace(match, others=others)
            unsure = match if match.likely or not unsure.id else unsure
        if not unsure.id and company_id and delivered.named and "contact" in self._target.people:
            unsure = await self._colleague(delivered, company_id)
        return replace(unsure, others=others)

    async def twins(
        self, object: str, id: str, delivered: Delivered, company_id: str, before: Collection[str] = ()
    ) -> list[str]:
        """Returns other rows that a search takes for the delivered one, besides the row ``id`` that was made for it.

        ``before`` are those that stood there when it was made.
        """
        found: dict[str, None] = {}
        for key in delivered.keys:
            for row in (await self._led_to(object, key, ""))[:MOST]:
                if object == "company" or await self.judge(row, delivered, key) is not Verdict.OTHER:
                    found[row.id] = None
        if object == "contact" and company_id and delivered.named:
            found |= dict.fromkeys(await self._colleagues(delivered, company_id))
        return [one for one in found if one != id and one not in before]

    async def _colleagues(self, delivered: Delivered, company_id: str) -> list[str]:
        """Returns contacts at the company who have the name and contradict in nothing."""
        rows = await self._staff.ask((company_id, delivered.values["last_name"]))
        return [row.id for row in rows if await self.is_sure(row, delivered)]

    async def _colleague(self, delivered: Delivered, company_id: str) -> Match:
        """Returns the one contact at the company who has the name and contradicts in nothing, if there is only one."""
        same = await self._colleagues(delivered, company_id)
        return Match(same[0], "contact", delivered.named) if len(same) == 1 else Match(namesakes=frozenset(same))

    async def _person_in(self, object: str, delivered: Delivered, external_id: str) -> Match:
        others: dict[str, tuple[str, str]] = {}
        unsure = Match(sure=False)
        sure_keys = [
            key for key in ("", *delivered.keys) if not key.startswith("slug:")
        ]  # read directly, in one batch each
        led_to = [self._led_to(object, key, external_id) for key in sure_keys]
        found = dict(zip(sure_keys, await asyncio.gather(*led_to), strict=True))
        for key in ("", *delivered.keys):
            rows = found[key] if key in found else await self._led_to(object, key, external_id)
            for row in rows[:MOST]:
                verdict = await self.judge(row, delivered, key)
                if verdict is Verdict.OTHER:
                    others.setdefault(key, (object, row.id))
                    continue
                place = await self.survivor(object, row.id)
                if place is None:
                    continue
                if verdict is Verdict.SAME:
                    return Match(place[1], place[0], key, others=others)
                asked = (await self._facts(row), delivered.facts, _found_by(key))
                likely, theirs = gate.is_likely(*asked), gate.is_theirs(*asked)
                if not unsure.id or (likely and not unsure.likely):
                    unsure = Match(place[1], place[0], key, sure=False, likely=likely, theirs=theirs)
        return replace(unsure, others=others)

    async def survivor(self, object: str, id: str) -> tuple[str, str] | None:
        """Finds the present row of a lead: itself, or the contact that it was converted into."""
        if object != "lead" or object not in self._target.people:
            return object, id
        found = await self._reader(object).ask(id)
        if found.fate is Fate.MOVED:
            moved = found.moved_object or object
            return (moved, found.moved_to) if moved in self._target.people else None
        return (object, id) if found.fate is Fate.FOUND else None

    async def judged(self, object: str, id: str, delivered: Delivered, key: str = "") -> Verdict | None:
        """Tells whether a row, read now, is the person's; ``None`` when it is not there any more."""
        found = await self._reader(object).ask(id)
        return await self.judge(found.record, delivered, key) if found.record is not None else None

    async def judged_of_ours(self, object: str, id: str, delivered: Delivered) -> Verdict | None:
        """Returns the same for a row that we created under one of the person's keys, even by a name alone."""
        found = await self._reader(object).ask(id)
        if found.record is None:
            return None
        row = await self._facts(found.record)
        judged = gate.judge(row, delivered.facts)
        return Verdict.OTHER if judged.verdict is Verdict.SAME and not judged.second else judged.verdict

    async def judge(self, record: Record, delivered: Delivered, key: str = "") -> Verdict:
        """Tells whether a row as it was read is the person's. Without a name, our own id on it decides.

        A name alone leads to somebody else unless a second fact agrees.
        """
        found = gate.judge(await self._facts(record), delivered.facts, found_by=_found_by(key))
        if key == delivered.named and key:
            return found.verdict if found.second else Verdict.OTHER
        return Verdict.SAME if found.verdict is Verdict.UNSAID and not key else found.verdict

    async def is_sure(self, record: Record, delivered: Delivered) -> bool:
        """Tells whether a row bears the person's name and agrees in something else."""
        return await self.judge(record, delivered, delivered.named) is Verdict.SAME

    async def _facts(self, record: Record) -> gate.Facts:
        company = await self._companies.one(record.company_id) if record.company_id else Company()
        properties, region = self._target.readable[record.object], self._target.default_region
        return row_facts(record, properties, company.domain, region)

    def read_for(self, object: str) -> tuple[str, ...]:
        """Returns properties that ``judge`` needs of a row."""
        names = {self._target.readable[object].get(name, "") for name in FACTS}
        return tuple(sorted(name for name in names if self._shows(object, name)))

    def _shows(self, object: str, property: str) -> bool:
        held = self._target.schema[object].get(property)
        return held is not None and held.shown

    async def _led_to(self, object: str, key: str, external_id: str) -> Sequence[Record]:
        """Returns rows that a key of the delivered one leads to, oldest first; ``""`` is our external id."""
        kind, _, value = key.partition(":")
        property = self._target.readable[object].get(_FIELDS.get(kind, ""), "") if key else self._target.external_id
        if property not in self._target.schema[object]:
            return ()
        if key and not self._shows(object, property):  # without our external id nobody is searched
            return ()
        if kind == "slug":
            return _oldest_first(await self._profile(object, property).ask(value))
        return await self._find(object, property, value if key else external_id, _READERS.get(kind, str.casefold))

    async def _find(self, object: str, property: str, value: str, read: Reader = str.casefold) -> Sequence[Record]:
        if (object, property) not in self._finders:
            also = self.read_for(object) if object in self._target.people else ()

            async def find(values: Sequence[str]) -> Mapping[str, tuple[Record, ...]]:
                return await self._vendor.find(object, property, values, also, read)

            self._finders[object, property] = Batcher(self._target.crm, "find", find, str, self._vendor.batch)
        return _oldest_first(await self._finders[object, property].ask(value))

    def _profile(self, object: str, property: str) -> Batcher[str, tuple[Record, ...]]:
        """Finds rows by slug, however their address spells it."""
        if object not in self._profiles:
            also = self.read_for(object)

            async def find(slugs: Sequence[str]) -> Mapping[str, tuple[Record, ...]]:
                exact = [address for slug in slugs for address in linkedin.usual_addresses(slug)]
                parts = [spelt for slug in slugs for spelt in linkedin.spellings(slug)]
                rows = await self._vendor.find_containing(object, property, exact, parts, also)
                held = [(linkedin.slug(row.values.get(property) or ""), row) for row in rows]
                return {slug: tuple(row for one, row in held if one == slug) for slug in slugs}

            size = self._vendor.search_batch
            self._profiles[object] = Batcher(self._target.crm, "find", find, str, size)
        return self._profiles[object]

    async def _at_companies(self, people: Sequence[tuple[str, str]]) -> Mapping[str, tuple[Record, ...]]:
        rows = await self._vendor.staff("contact", people, self.read_for("contact"))
        last = self._target.readable["contact"].get("last_name", "")
        held = [(f"{row.company_id} {row.values.get(last) or ''}".casefold(), row) for row in rows]
        return {" ".join(one): tuple(row for place, row in held if place == " ".join(one).casefold()) for one in people}

    def _reader(self, object: str) -> Batcher[str, Found]:
        if object not in self._readers:
            watched = Watched(object, self.read_for(object))

            async def read(ids: Sequence[str]) -> Mapping[str, Found]:
                return await self._vendor.read(watched, ids)

            self._readers[object] = Batcher(self._target.crm, "read", read, str, self._vendor.batch)
        return self._readers[object]


def _found_by(key: str) -> Fact | None:
    return _FACTS.get(key.partition(":")[0])


def _oldest_first(rows: Sequence[Record]) -> list[Record]:
    return sorted(rows, key=lambda row: (len(row.id), row.id))
