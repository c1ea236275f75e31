"""Builds the world from a seed: companies, people, what providers know."""

import random
import re
import unicodedata
from collections.abc import Callable

from sandbox.countries import (
    COMPANY_WORDS,
    COUNTRIES,
    FREE_MAIL,
    INDUSTRIES,
    TECHNOLOGIES,
    TITLES,
    US_AREAS,
    Country,
)
from sandbox.crm_rows import build_rows
from sandbox.lookalikes import Lookalikes
from sandbox.mistaken_rows import mistaken_rows
from sandbox.options import Options
from sandbox.people import Company, ForagerKnows, KasprKnows, Person, World
from sandbox.scripts import OWN_SCRIPT

_ASCII = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ı": "i", "ø": "o", "đ": "d", "Đ": "D", "æ": "ae"})
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_GRADES = ("valid", "risky", "invalid", "unknown")


def build_world(options: Options | None = None) -> World:
    """Builds the world: equal options give an equal one, in every process and version of Python."""
    options = options or Options()
    chance = random.Random(f"refill-world-{options.seed}")
    outside = max(4, options.searches * options.delivered_companies)
    companies = tuple(
        _company(chance, number, in_crm=number <= options.companies)
        for number in range(1, options.companies + outside + 1)
    )
    drawn = _People(chance, companies, options)
    people = drawn.all()
    listed = people[: options.records]
    if not options.mistakes.some:
        rows = {crm: build_rows(crm, options.seed, listed, people) for crm in ("hubspot", "salesforce")}
        return World(companies, people, rows)
    lookalikes = Lookalikes.drawn(people, companies, options, drawn.another)
    people = lookalikes.people
    listed = people[: options.records]
    rows = {
        crm: mistaken_rows(crm, options, build_rows(crm, options.seed, listed, people), lookalikes)
        for crm in ("hubspot", "salesforce")
    }
    return World(companies, people, rows)


def _pick_country(chance: random.Random) -> Country:
    return chance.choices(COUNTRIES, [country.weight for country in COUNTRIES])[0]


def _digits(chance: random.Random, template: str) -> str:
    filled = "".join(str(chance.randrange(10)) if mark == "#" else mark for mark in template)
    filled = filled.replace("@", chance.choice(US_AREAS))
    return filled.replace("AA", chance.choice(("AB", "HX", "QT")))


def ascii_word(text: str, *, german: bool = False) -> str:
    """Returns a name as it is written in a mail address."""
    text = text.translate(_GERMAN) if german else text
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "", plain.lower())


def _company(chance: random.Random, number: int, *, in_crm: bool) -> Company:
    # the first ones cover every country, so that even a small world is a mixed one
    country = COUNTRIES[number - 1] if number <= len(COUNTRIES) else _pick_country(chance)
    word = COMPANY_WORDS[(number * 7) % len(COMPANY_WORDS)]
    top_level = country.top_level if chance.random() < 0.5 else "com"
    domain = f"{word}-{number:03d}.{top_level}"
    industry = chance.choice(INDUSTRIES)[1]
    city = chance.choice(country.cities)
    return Company(
        number=number,
        name=f"{word.title()} {number:03d} {country.company_form}",
        domain=domain,
        website=f"https://{'www.' if chance.random() < 0.5 else ''}{domain}",
        slug=f"{word}-{number:03d}",
        phone=_digits(chance, country.fixed),
        industry=industry,
        employees=int(chance.lognormvariate(4.5, 1.2)) + 2,
        city=city,
        country=country.name,
        country_code=country.code,
        street=f"{chance.choice(country.streets)} {chance.randrange(1, 120)}",
        postcode=_digits(chance, country.postcode),
        founded_year=chance.randrange(1950, 2024),
        description=f"{industry} from {city}",
        technologies=tuple(name for _, name, _ in chance.sample(TECHNOLOGIES, chance.randrange(1, 5))),
        in_crm=in_crm,
    )


class _People:
    def __init__(self, chance: random.Random, companies: tuple[Company, ...], options: Options) -> None:
        self.chance = chance
        self.companies = companies
        self.options = options
        self.taken: set[str] = set()
        self.by_code = {country.code: country for country in COUNTRIES}
        self.mistakes = random.Random(f"refill-names-{options.seed}")
        self.names: set[tuple[int, str, str]] = set()

    def all(self) -> tuple[Person, ...]:
        records, known = self.options.records, self.companies[: self.options.companies]
        people = [self._person(n, known[(n - 1) % len(known)], movable=True) for n in range(1, records + 1)]
        # colleagues nobody has in a CRM: for OpenProspect's deliveries and for role searches
        for company in self.companies:
            for _ in range(3 if company.in_crm else 4):
                people.append(self._person(len(people) + 1, company, movable=False))
        return tuple(people)

    def another(self, number: int, company: Company, name: tuple[str, str] | None = None) -> Person:
        """Makes one more person, who has never moved; with a name of their own unless one is given."""
        return self._person(number, company, movable=False, name=name)

    def _person(self, number: int, company: Company, *, movable: bool, name: tuple[str, str] | None = None) -> Person:
        chance, mistakes = self.chance, self.options.mistakes
        local = chance.random() < 0.8
        country = self.by_code[company.country_code] if local else _pick_country(chance)
        first, last = name or (chance.choice(country.first_names), chance.choice(country.last_names))
        own_script = None
        if name is None and mistakes.scripts and self.mistakes.random() < mistakes.scripts:
            own_script, (first, last) = self.mistakes.choice(OWN_SCRIPT)
        while mistakes.some and name is None and (company.number, first, last) in self.names:
            own_script = None  # nobody can distinguish two people of one name at one company
            first, last = chance.choice(country.first_names), chance.choice(country.last_names)
        self.names.add((company.number, first, last))
        moved = movable and chance.random() < 0.03
        employer = self._other(company) if moved else company
        mail_first, mail_last = (ascii_word(name, german=country.code == "DE") for name in (first, last))
        work = self._free(lambda salt: f"{mail_first}.{mail_last}{salt}@{employer.domain}")
        personal = f"{mail_first}.{mail_last}.{number:04d}{chance.randrange(16**4):04x}@{chance.choice(FREE_MAIL)}"
        mobile = self._free(lambda _: _digits(chance, country.mobile))
        phone = self._free(lambda _: _digits(chance, country.fixed))
        return Person(
            number=number,
            first_name=first,
            last_name=last,
            slug=self._slug(first, last),
            employer=employer,
            title=chance.choice(TITLES),
            work_email=work,
            personal_email=personal,
            mobile=mobile,
            phone=phone,
            city=chance.choice(country.cities),
            country=country.name,
            country_code=country.code,
            opted_out=chance.random() < 0.05,
            do_not_call=chance.random() < 0.03,
            former_employer=company if moved else None,
            forager=_forager(chance, work, personal, (mobile, phone)),
            kaspr=_kaspr(chance, work, personal, mobile),
            own_script=own_script,
        )

    def _other(self, company: Company) -> Company:
        other = company
        while other is company:
            other = self.chance.choice(self.companies)
        return other

    def _free(self, make: Callable[[str], str]) -> str:
        salt = ""
        while (text := make(salt)) in self.taken:
            salt = str(int(salt or "1") + 1)
        self.taken.add(text)
        return text

    def _slug(self, first: str, last: str) -> str:
        chance = self.chance
        words = f"{first} {last}" if chance.random() < 0.35 else f"{ascii_word(first)} {ascii_word(last)}"
        stem = re.sub(r"[\s'.]+", "-", unicodedata.normalize("NFC", words).casefold().replace("i̇", "i"))
        stem = unicodedata.normalize("NFC", stem)
        if chance.random() < 0.15 and stem not in self.taken:
            self.taken.add(stem)
            return stem
        return self._free(lambda _: f"{stem}-{chance.randrange(16**8):08x}")


def _forager(chance: random.Random, work: str, personal: str, numbers: tuple[str, str]) -> ForagerKnows:
    grade = chance.choices(_GRADES, (70, 10, 8, 12))[0]
    work_emails = [(work, grade)] if chance.random() < 0.7 else []
    if work_emails and chance.random() < 0.05:
        local, domain = work.split("@")
        work_emails.insert(0, (f"{local.split('.')[0]}@{domain}", "invalid"))
    has_phone = chance.random()
    phones = numbers if has_phone < 0.2 else numbers[:1] if has_phone < 0.48 else numbers[1:]
    return ForagerKnows(
        detail=chance.random() < 0.85,
        work_emails=tuple(work_emails),
        personal_emails=((personal, chance.choice(("valid", "unknown"))),) if chance.random() < 0.45 else (),
        phones=phones if has_phone < 0.55 else (),
    )


def _kaspr(chance: random.Random, work: str, personal: str, mobile: str) -> KasprKnows:
    if chance.random() >= 0.75:
        return KasprKnows(False, None, None, None, None)
    spaced = f"{mobile[:3]} {mobile[3:6]} {mobile[6:9]} {mobile[9:]}".strip()
    return KasprKnows(
        known=True,
        work_email=work if chance.random() < 0.8 else None,
        work_email_valid=chance.choices((True, False, None), (65, 7, 28))[0],
        direct_email=personal if chance.random() < 0.4 else None,
        phone=spaced if chance.random() < 0.7 else None,
        masked=chance.random() < 0.06,
    )
