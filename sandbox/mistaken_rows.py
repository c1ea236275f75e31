"""Draws rows that carry another person's values: exact shares of them, over a CRM's ordinary rows."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sandbox.crm_rows import linkedin_url
from sandbox.lookalikes import PLACEHOLDER_ADDRESSES, PLACEHOLDER_NUMBERS, ROLES, Lookalikes
from sandbox.options import Options
from sandbox.people import CrmRow, Person
from sandbox.scripts import SHORT

_NO_NAMES = ("Unknown", "LNU", "TBC", "undefined", "N/A", "[not provided]", "-", "Lead")
_NO_PROFILES = ("https://www.linkedin.com/pub/dir/{first}/{last}", "https://www.linkedin.com/in/", "n/a")
_PLAIN = frozenset({"typed", "do_not_call"})
"""Traits a row may have before it is spoiled."""


def mistaken_rows(crm: str, options: Options, rows: Sequence[CrmRow], lookalikes: Lookalikes) -> tuple[CrmRow, ...]:
    """Returns `rows` with the shares of `options.mistakes`; a row is spoiled in one way at most."""
    chance = random.Random(f"refill-mistakes-{crm}-{options.seed}")
    plain = [row for row in rows if row.traits <= _PLAIN]
    chance.shuffle(plain)
    drawing = _Drawing(chance, plain, lookalikes, {row.number: row for row in rows})
    mistakes, many = options.mistakes, len(rows)
    namesakes = round(many * mistakes.links * mistakes.namesakes)
    strangers = round(many * mistakes.links) - namesakes - sum("wrong_linkedin" in row.traits for row in rows)
    drawing.spoil(namesakes, drawing.namesake, lambda row: row.person.number in lookalikes.relatives)
    drawing.spoil(strangers, drawing.stranger)
    drawing.spoil(round(many * mistakes.placeholders), drawing.placeholder)
    drawing.spoil(round(many * mistakes.shared_phones), drawing.shared_phone)
    drawing.spoil(round(many * mistakes.role_addresses), drawing.role_address)
    drawing.spoil(round(many * mistakes.addresses), drawing.wrong_address)
    drawing.spoil(round(many * mistakes.first_names), drawing.first_name_only)
    drawing.spoil(round(many * mistakes.short_names), drawing.short_name)
    spelled = (_own_script(row) for row in drawing.rows.values())
    return tuple(spelled)


@dataclass
class _Drawing:
    """Draws rows to spoil. `plain` are the unspoiled ones, in the order they are taken."""

    chance: random.Random
    plain: list[CrmRow]
    lookalikes: Lookalikes
    rows: dict[int, CrmRow]

    def spoil(
        self, count: int, how: Callable[[CrmRow], CrmRow], fits: Callable[[CrmRow], bool] = lambda _row: True
    ) -> None:
        """Spoils that many rows, or as many as there are."""
        taken = [row for row in self.plain if fits(row)][: max(0, count)]
        numbers = {row.number for row in taken}
        self.plain = [row for row in self.plain if row.number not in numbers]
        self.rows |= {row.number: how(row) for row in taken}

    def namesake(self, row: CrmRow) -> CrmRow:
        other = self.lookalikes.relatives[row.person.number]
        return self._linked(row, other, "namesake_linkedin")

    def stranger(self, row: CrmRow) -> CrmRow:
        other = row.person
        while other.last_name == row.person.last_name:
            other = self.chance.choice(self.lookalikes.people)
        return self._linked(row, other, "wrong_linkedin")

    def placeholder(self, row: CrmRow) -> CrmRow:
        """Puts in a placeholder: a third each for the profile, for the address or number, and for the last name."""
        chance, kind = self.chance, self.chance.randrange(6)
        unlinked = replace(row, linkedin_url=None, email=None, phone=None, mobile=None)
        if kind == 0:
            other = chance.choice([one for one in self.lookalikes.strangers if not one.aliases])
            return _marked(replace(row, linkedin_url=linkedin_url(chance, other.slug)), "placeholder", other)
        if kind == 1:
            names = {"first": row.first_name or "", "last": row.last_name or ""}
            return _marked(replace(row, linkedin_url=chance.choice(_NO_PROFILES).format(**names)), "placeholder")
        if kind == 2:
            address = chance.choice(PLACEHOLDER_ADDRESSES)
            return _marked(replace(unlinked, email=address), "placeholder", self._behind(address))
        if kind == 3:
            text, number = chance.choice(tuple(PLACEHOLDER_NUMBERS.items()))
            return _marked(replace(unlinked, mobile=text), "placeholder", self._behind(number))
        nameless = replace(row, last_name=chance.choice(_NO_NAMES))
        if kind == 4:
            return _marked(nameless, "placeholder")
        other = chance.choice([one for one in self.lookalikes.people if one.first_name != row.person.first_name])
        first = row.first_name if chance.random() < 0.5 else None
        return self._linked(replace(nameless, first_name=first), other, "placeholder")

    def shared_phone(self, row: CrmRow) -> CrmRow:
        """Puts in a number at which somebody else answers: at home, or at the company's switchboard."""
        unlinked = replace(row, linkedin_url=None, email=None, mobile=None)
        other = self.lookalikes.relatives.get(row.person.number)
        if other is not None and other.phone == row.person.phone:
            return _marked(replace(unlinked, phone=row.person.phone), "shared_phone", other)
        company = row.company or row.person.employer
        operator = self.lookalikes.colleagues[company.number][1]
        return _marked(replace(unlinked, phone=company.phone), "shared_phone", operator)

    def role_address(self, row: CrmRow) -> CrmRow:
        company = row.company or row.person.employer
        clerk = self.lookalikes.colleagues[company.number][0]
        address = f"{self.chance.choice(ROLES)}@{company.domain}"
        last = row.last_name if self.chance.random() < 0.5 else None
        return _marked(replace(row, linkedin_url=None, email=address, last_name=last), "role_address", clerk)

    def wrong_address(self, row: CrmRow) -> CrmRow:
        """Puts in a colleague's address: an assistant's, or one from the line above in a list."""
        company = row.company or row.person.employer
        other = self.chance.choice(self.lookalikes.colleagues[company.number])
        url = row.linkedin_url if self.chance.random() < 0.5 else None
        return _marked(replace(row, email=other.work_email, linkedin_url=url), "wrong_address", other)

    def first_name_only(self, row: CrmRow) -> CrmRow:
        """Leaves only the first name; half of the rows carry somebody else's profile."""
        named = replace(row, first_name=row.person.first_name, last_name=None)
        if self.chance.random() < 0.5:
            return _marked(named, "first_name_only")
        others = [one for one in self.lookalikes.people if one.first_name[:2] != row.person.first_name[:2]]
        return self._linked(named, self.chance.choice(others), "first_name_only")

    def short_name(self, row: CrmRow) -> CrmRow:
        first = row.person.first_name
        return _marked(replace(row, first_name=SHORT.get(first, f"{first[0]}.")), "short_name")

    def _linked(self, row: CrmRow, other: Person, trait: str) -> CrmRow:
        return _marked(replace(row, linkedin_url=linkedin_url(self.chance, other.slug)), trait, other)

    def _behind(self, alias: str) -> Person:
        return next(one for one in self.lookalikes.strangers if alias in one.aliases)


def _marked(row: CrmRow, trait: str, other: Person | None = None) -> CrmRow:
    return replace(row, traits=row.traits | {trait}, mistaken_for=other.number if other else 0)


def _own_script(row: CrmRow) -> CrmRow:
    """Returns the row with the person's own spelling wherever it has the name at all."""
    own = row.person.own_script
    if own is None or row.first_name != row.person.first_name or row.last_name != row.person.last_name:
        return row
    return replace(row, first_name=own[0], last_name=own[1], traits=row.traits | {"own_script"})
