"""Defines neutral frozen values that vendors are read into and that the rules in ``worker.decide`` work on.

Nothing here knows a vendor. Times are integers: milliseconds since the epoch on the vendor's clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from functools import lru_cache
from typing import ClassVar, Literal

from msgspec import Struct, structs

_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Discreet(Struct, frozen=True):
    """Keeps its ``hidden`` fields out of its repr, and so out of every log line and traceback."""

    hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in self.hidden)
        return f"{type(self).__name__}({', '.join(shown)})"


class Grade(StrEnum):
    """Tells how sure a provider is of an e-mail, best first."""

    VALID = "valid"
    UNVERIFIED = "unverified"
    RISKY = "risky"
    INVALID = "invalid"


class PhoneKind(StrEnum):
    """Names a provider's kinds of numbers; ``ANY`` when it does not say."""

    MOBILE = "mobile"
    FIXED = "fixed"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Email:
    """Holds an address as a provider gave it.

    ``kind`` is ``work``, ``personal`` or ``""`` when it does not say.
    """

    address: str
    grade: Grade = Grade.UNVERIFIED
    kind: Literal["work", "personal", ""] = ""


@dataclass(frozen=True, slots=True)
class Phone:
    """Holds a number as a provider gave it, not yet normalised."""

    number: str
    kind: PhoneKind = PhoneKind.ANY


@dataclass(frozen=True, slots=True)
class Company:
    """Describes an employer or a delivered company.

    ``domain`` is a bare lower-case host; absent values are ``""`` or 0.
    """

    id: str = ""
    name: str = ""
    domain: str = ""
    website: str = ""
    phone: str = ""
    linkedin_url: str = ""
    industry: str = ""
    employee_count: int = 0
    city: str = ""
    country: str = ""
    description: str = ""
    technologies: tuple[str, ...] = ()
    founded_year: int = 0


@dataclass(frozen=True, slots=True)
class Role:
    """Describes one employment of a person; ``current`` as the provider says."""

    title: str
    company: Company
    current: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Describes somebody as a provider describes them. ``slug`` is as the provider gives it, or a whole address.

    Absent values are ``""``.
    """

    id: str = ""
    slug: str = ""
    full_name: str = ""
    first_name: str = ""
    last_name: str = ""
    title: str = ""
    city: str = ""
    country: str = ""
    roles: tuple[Role, ...] = ()
    emails: tuple[Email, ...] = ()
    phones: tuple[Phone, ...] = ()


class Identity(Struct, frozen=True):
    """Holds the values that can find a person. Every value is already normalised, ``""`` if unknown.

    ``ids`` are the person's own at providers that found somebody without a profile: (provider, id).
    """

    slug: str = ""
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    domain: str = ""
    ids: tuple[tuple[str, str], ...] = ()

    def id_at(self, provider: str) -> str:
        """Returns the person's id at a provider, ``""`` when it is not known or not needed."""
        return next((id for name, id in self.ids if name == provider), "")

    @property
    def full_name(self) -> str:
        """Returns first and last name with one blank between, for providers that want the display name."""
        return f"{self.first_name} {self.last_name}".strip()


class Question(Struct, frozen=True):
    """Describes one lookup as it will be sent: charged at most once within its keeping time.

    ``arguments`` identify the answer completely. ``name`` is the display name some providers want besides
    them and ``fields`` the values asked for: neither is part of the key. ``price`` is the worst case in credits.
    """

    provider: str
    account: str
    operation: str
    arguments: Mapping[str, str]
    price: int
    name: str = ""
    fields: frozenset[str] = frozenset()
    key: str = ""
    """Derived, not given: 32 hex digits over account, operation and canonical arguments."""

    def __post_init__(self) -> None:
        """Derive the key once: it is looked up with every answer again."""
        pairs = [f"[{_canonical(name)},{_canonical(text)}]" for name, text in sorted(self.arguments.items())]
        canonical = f"{_of_operation(self.provider, self.account, self.operation)},[{','.join(pairs)}]]"
        structs.force_setattr(self, "key", hashlib.sha256(canonical.encode()).hexdigest()[:32])


@lru_cache(maxsize=256)
def _of_operation(provider: str, account: str, operation: str) -> str:
    """Returns the common beginning of the keys of all questions of one operation."""
    return _canonical([provider, account, operation])[:-1]


class AskedBy(Enum):
    SLUG = auto()  # or by a provider's own id: a person who is known already
    EMAIL = auto()
    PHONE = auto()
    NAME = auto()


@dataclass(frozen=True, slots=True)
class Offer:
    """Describes the possible answers of one operation. ``gives`` names canonical fields, plus ``slug`` and ``person``.

    ``arguments`` turns an identity into the arguments to send, or ``None`` if the identity lacks them.
    ``bucket`` is the provider's limiter bucket the call counts in. ``names_person`` says that the answer carries
    the person's name, so that it proves by itself whom it is about.
    """

    provider: str
    account: str
    operation: str
    gives: frozenset[str]
    price: int
    bucket: str
    asked_by: AskedBy
    arguments: Callable[[Identity], Mapping[str, str] | None] = field(compare=False)
    names_person: bool = False
    searches: bool = False
    _fields: frozenset[str] = field(init=False, compare=False, repr=False)
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Derive once the parts that every question needs, and the hash by which questions are found."""
        object.__setattr__(self, "_fields", self.gives - {"slug", "person"})
        object.__setattr__(self, "_hash", hash((self.provider, self.account, self.operation)))

    def __hash__(self) -> int:
        """Returns the hash; cheap, since questions are cached by the offers they belong to."""
        return self._hash

    def question(self, identity: Identity) -> Question | None:
        """Returns the question about ``identity`` for this operation, ``None`` if it lacks the arguments."""
        arguments = self.arguments(identity)
        if arguments is None:
            return None
        return Question(
            self.provider, self.account, self.operation, arguments, self.price, identity.full_name, self._fields
        )


class Outcome(StrEnum):
    HIT = "hit"
    MISS = "miss"
    REFUSED = "refused"  # understood, not answered and not charged: try again when its cause is gone
    UNREADABLE = "unreadable"  # may be charged, but in an unknown form: an operator looks


class Reply(Discreet, frozen=True):
    """Holds a vendor's answer as it came over the wire. Header names are lower case."""

    hidden = frozenset({"body"})
    status: int
    headers: Mapping[str, str]
    body: bytes


class Answer(Discreet, frozen=True):
    """Holds a reply's meaning. ``credits`` is the provider's own figure for this call, ``None`` when it gave none."""

    hidden = frozenset({"people"})
    outcome: Outcome
    people: tuple[Person, ...] = ()
    credits: int | None = None
    cause: str = ""


# ---- CRM -------------------------------------------------------------------------------------------------------


class Record(Discreet, frozen=True):
    """Holds one CRM row. ``values`` holds the properties read, blank ones as ``None`` or ``""``.

    ``modified`` is the vendor's stamp in ms, ``read_at`` the vendor's clock (ms) when it was read.
    ``company_domain`` and ``company_name`` come from the linked company, when one is linked and known.
    ``suppressed`` does not come from the vendor: the caller sets it for people on our own list.
    """

    hidden = frozenset({"values"})
    object: str
    id: str
    values: Mapping[str, str | None]
    modified: int = 0
    read_at: int = 0
    company_id: str = ""
    company_domain: str = ""
    company_name: str = ""
    opted_out: bool = False
    do_not_call: bool = False
    suppressed: bool = False


class Writer(StrEnum):
    """Names the kind of writer of a value: us or another integration, the CRM itself, or possibly a person."""

    INTEGRATION = "integration"
    SYSTEM = "system"
    PERSON = "person"


class Edit(Struct, frozen=True):
    """Describes the last write or clearing of one property of a record; ``at`` is the vendor's (ms)."""

    by: Writer
    at: int
    cleared: bool = False


class Fate(StrEnum):
    """Names what became of an id that was asked for."""

    FOUND = "found"
    MOVED = "moved"  # merged or converted: ``Found.record`` is the survivor, or ``moved_to`` names it
    GONE = "gone"
    UNKNOWN = "unknown"  # the vendor said nothing about it: ask again


class Found(Struct, frozen=True):
    fate: Fate
    record: Record | None = None
    moved_to: str = ""
    moved_object: str = ""


class Write(Discreet, frozen=True):
    """Holds new values for one record; property name to text. ``seen`` is the stamp the values were decided on."""

    hidden = frozenset({"values"})
    id: str
    values: Mapping[str, str]
    seen: int = 0


class Written(StrEnum):
    """Tells what became of one record of a written batch."""

    DONE = "done"
    INVALID = "invalid"  # refused, for what ``WriteResult.kind`` says; ``properties`` are at fault when it names any
    SPLIT = "split"  # its batch was refused: read it again, then send it with the others of ``WriteResult.part``
    CHANGED = "changed"  # a conditional write met a newer record
    LOCKED = "locked"
    GONE = "gone"
    UNKNOWN = "unknown"  # no word about it: read before writing again


class RefusalKind(StrEnum):
    """Names the subject of a refused write; the words are those people see."""

    VALUE = "invalid_value"
    DUPLICATE = "duplicate"  # another record has the value, or a rule says so
    RULE = "portal_rule"  # about another property: required, or a rule of the customer's own
    ROW = "record_locked"  # the record's state: an approval, a deleted or inactive owner
    ACCESS = "no_access"  # our user's rights on this record or field
    ORG = "org_limit"  # storage, flows, triggers, limits
    UNKNOWN = "refused_by_crm"

    @property
    def passes(self) -> bool:
        """Tells whether time alone may end it."""
        return self in {RefusalKind.ACCESS, RefusalKind.ORG, RefusalKind.UNKNOWN}

    @property
    def of_values(self) -> bool:
        """Tells whether the record's other values may be taken."""
        return self in {RefusalKind.VALUE, RefusalKind.DUPLICATE, RefusalKind.RULE, RefusalKind.UNKNOWN}


class WriteResult(Struct, frozen=True):
    """Holds the vendor's word on one record of a batch. ``modified`` is the new stamp (ms), 0 when not given.

    Of a refusal ``kind`` says what it concerns, ``words`` are the vendor's without personal data, and
    ``existing_id`` is the record that has the value already. ``request`` is the vendor's own id of the call.
    """

    outcome: Written
    properties: tuple[str, ...] = ()
    code: str = ""
    modified: int = 0
    part: int = 0
    kind: RefusalKind = RefusalKind.VALUE
    words: str = ""
    existing_id: str = ""
    request: str = ""


class Property(Struct, frozen=True):
    """Describes a CRM property. ``length`` 0 means no limit known; ``options`` are internal values.

    ``labels`` are what people see of them, by internal value, where the CRM tells. ``is_open``: it takes any other text
    besides.
    """

    name: str
    kind: str  # text | email | phone | url | number | bool | date | datetime | options
    writable: bool
    length: int = 0
    options: frozenset[str] = frozenset()
    unique: bool = False
    label: str = ""
    labels: Mapping[str, str] = {}
    is_open: bool = False
    creatable: bool = True  # a new row may be given it
    searchable: bool = True  # rows can be looked for by it
    shown: bool = True  # the CRM has it still, and shows it to our user


class Lacks(Struct, frozen=True):
    """Names what must be granted before this credential may change or make rows of an object; ``""`` for nothing."""

    update: str = ""
    create: str = ""


class Use(StrEnum):
    """Names the rights that a credential needs on an object: to define its properties, and to name owners too."""

    READ = "read"
    WRITE = "write"
    DEFINE = "define"
    OWN = "own"


class Need(Struct, frozen=True):
    """Names a property of ``object`` that is read regardless of the mapping.

    Whether a person opted out, who employs them, or which contact a lead has become.
    """

    object: str
    property: str
    use: Literal["consent", "company", "converted"]


class Provenance(Struct, frozen=True):
    """Names our own optional properties beside the values we write; ``""`` for one that does not exist.

    ``source`` names each field's source and time, ``checked_at`` the time of our last write on the record.
    """

    source: str = ""
    checked_at: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.source, self.checked_at) if name)


class Cursor(Struct, frozen=True):
    """Holds the position of a poll: ``stamp`` (ms) and ``id`` of the last row of the last page.

    HubSpot: the window [``start``, ``end``] is walked by id. Salesforce: keyset over (stamp, id).
    """

    start: int = 0
    end: int = 0
    stamp: int = 0
    id: str = ""


class Page(Struct, frozen=True):
    """Holds changed rows and the cursor behind them. ``done`` says that the vendor has no more rows for now."""

    records: tuple[Record, ...]
    cursor: Cursor
    done: bool
    server_time: int = 0


class AccountStatus(Struct, frozen=True):
    """Holds the result of a vendor's cheapest free read. ``prices`` are credits per operation."""

    who: str
    credits: int | None = None
    prices: Mapping[str, int] = {}
    notes: tuple[str, ...] = ()
