"""Defines the protocols of vendors for the flows. Each connector implements one of these.

Objects are spoken of by our words: ``contact``, ``lead``, ``company``. Every method may raise the classes of
``connectors.errors``, and nothing else of a vendor or a library.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import replace

from connectors.limits import Limiter, Ticket, Window
from connectors.models import (
    AccountStatus,
    Answer,
    Company,
    Cursor,
    Edit,
    Found,
    Lacks,
    Need,
    Offer,
    Page,
    Property,
    Provenance,
    Question,
    Record,
    Reply,
    Use,
    Write,
    WriteResult,
)
from connectors.options import Options
from connectors.replies import VendorClock

Edits = Mapping[str, Mapping[str, Edit]]  # by id and property
Reader = Callable[[str], str]  # gives the one spelling of a value for comparisons, "" if there is none


@runtime_checkable
class TakesFeedback(Protocol):
    """Lets a provider know when a value of its own turned out bad."""

    async def tell_bad(self, kind: str, value: str, ticket: Ticket) -> None:
        """Tells it of a ``work`` or ``personal`` address that bounced, or a ``phone`` number that is wrong.

        Each call adds a row; never sent twice on one ticket.

        Raises:
            ConnectorError: not taken, or no clear answer came back.
        """


class Provider(Protocol):
    """Answers paid lookups."""

    name: str
    account: str
    buckets: Mapping[str, tuple[Window, ...]]  # limiter bucket -> its windows; the first is the ordinary one

    @property
    def clock(self) -> VendorClock:
        """Returns the vendor's clock, read from its replies."""

    def offers(self, prices: Mapping[str, int]) -> tuple[Offer, ...]:
        """Lists the operations on offer, cheapest first; ``prices`` (credits per operation) overrule the defaults."""

    async def ask(self, question: Question, ticket: Ticket) -> Reply:
        """Send one paid lookup on its ticket; never sent twice.

        Raises:
            RateLimitedError: no slot within patience; the ticket is released.
            UnavailableError: surely never connected; the ticket is released.
            CreditsError, AccessError, RejectedError: refused and not charged; the ticket is released.
            OutcomeUnknownError: sent, no clear answer came back; the ticket is uncertain.
        """

    def read(self, question: Question, reply: Reply) -> Answer:
        """Reads a live or kept reply. Pure; never raises: an unreadable one is ``Outcome.UNREADABLE``."""

    async def account_status(self) -> AccountStatus:
        """Returns the cheapest free read: our account, credits left, prices."""

    async def aclose(self) -> None:
        """Close connections."""


@runtime_checkable
class KeepsLog(Protocol):
    """Keeps a log of its charges, so that an uncertain call can be judged."""

    name: str

    @property
    def clock(self) -> VendorClock:
        """Returns the vendor's clock, read from its replies."""

    async def account_status(self) -> AccountStatus:
        """Returns the cheapest free read, as ``Provider`` does."""

    async def charged(self, operation: str, start_ms: int, end_ms: int) -> int | None:
        """Returns credits that the log shows for ``operation`` in the window; ``None`` for one it does not name."""

    async def billed(self, start_ms: int, end_ms: int) -> int:
        """Returns credits that the log shows in the window, all operations together."""

    async def charges(self, start_ms: int, end_ms: int) -> Mapping[tuple[int, str], int]:
        """Returns the same by UTC day since 1970 and operation.

        A field that is not one of ours has the provider's own name.
        """


@runtime_checkable
class KeepsBalance(Protocol):
    """Returns the balance as one sum that is comparable with the prices of calls."""

    async def left(self) -> int | None:
        """Returns the credits left by a free read; ``None`` if there is no such read."""

    def left_after(self, reply: Reply) -> int | None:
        """Returns the credits left after a paid call by its reply's own word; the same sum as ``left``."""


class PaidVendor(Struct, frozen=True):
    """Tells of a vendor of lookups what must be known before it is opened: its keys of the configuration, and how.

    ``keeps_log``: of its charges, so that an uncertain call can be judged while others use the account too.
    """

    options: type[Options]
    open: Callable[[Any, Limiter], Provider]
    keeps_log: bool


class Watched(Struct, frozen=True):
    """Says which records of one object are looked for and which properties are read.

    ``gaps`` are mapped properties of which at least one must be blank; a connector filters by them only as far as
    the vendor's limits allow, the caller filters again. ``where`` keeps records whose property holds one of the
    values, ``skip_if`` drops those that hold the value. ``optional`` are properties that are left out while the CRM
    does not show them; without any other it is not asked.
    """

    object: str
    properties: tuple[str, ...]
    gaps: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = {}
    skip_if: Mapping[str, str] = {}
    optional: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Returns everything that is read or compared of a record."""
        return frozenset((*self.properties, *self.gaps, *self.where, *self.skip_if))

    def without(self, lost: Collection[str]) -> Watched:
        """Returns the rest to ask for if the CRM does not show ``lost``."""
        kept = tuple(name for name in self.properties if name not in lost)
        return replace(self, properties=kept, gaps=tuple(name for name in self.gaps if name not in lost))


class Crm(Protocol):
    """Reads and writes a system of record in batches.

    The first call that asks for a property that is gone or hidden from us notices it: the schema is read again, and the
    question is asked without it if it is ``optional``, else refused as an ``AccessError`` of code ``LOST``.
    """

    name: str
    kind: str
    batch: int  # records per read and write call
    search_batch: int  # parts of a text that one search takes
    index_lag_ms: int  # a row written so long ago is found by any search
    keeps_history: bool  # of each property: ``edits`` names its last writer
    provenance: Provenance  # the names our optional properties have here
    buckets: Mapping[str, tuple[Window, ...]]

    @property
    def clock(self) -> VendorClock:
        """Returns the vendor's clock, read from its replies."""

    @property
    def user_id(self) -> str:
        """Returns the user that the CRM names as our writes' author; ``""`` if none, and before the first call."""

    async def account(self) -> str:
        """Returns the portal or org that our credential belongs to; ``""`` if that is hidden from our user."""

    async def account_status(self) -> AccountStatus:
        """Returns the cheapest free read of our credential."""

    async def properties(self, object: str) -> Mapping[str, Property]:
        """Returns the CRM's own schema of ``object``, by property name."""

    def seen(self, object: str) -> Mapping[str, Property] | None:
        """Returns the newest schema that anybody has read; ``None`` before the first time."""

    async def now(self) -> int:
        """Returns the vendor's clock (ms)."""

    async def changed(self, watched: Watched, cursor: Cursor) -> Page:
        """Returns the next page of records changed since ``cursor``, oldest first as the vendor can; never skips."""

    async def walk(self, watched: Watched, after: str) -> Page:
        """Returns the next page of all records in id order, after id ``after`` (``""`` = from the first)."""

    async def read(self, watched: Watched, ids: Sequence[str]) -> Mapping[str, Found]:
        """Returns up to ``batch`` records; every id asked for is answered."""

    async def write(self, object: str, writes: Sequence[Write]) -> Mapping[str, WriteResult]:
        """Returns up to ``batch`` updates; every id is answered.

        Each is sent once at the most, and nothing is repeated.
        """

    async def history(
        self, object: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[tuple[str, str], ...]]]:
        """Returns newest first (value, writer) per id and property; empty if the vendor keeps no history."""

    async def edits(self, object: str, ids: Sequence[str], properties: Sequence[str]) -> Edits:
        """Returns the last edit of each property, by id; a property that was never written has none.

        Every id is answered. Where ``keeps_history`` is false it has those alone that the CRM happens to keep.
        """

    def is_ours(self, writer: str) -> bool:
        """Tells whether a ``history`` line's writer is this credential, as far as the vendor tells."""

    async def ours(self, object: str, ids: Sequence[str], properties: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Returns those of ``properties`` whose last writer was this credential, by id, as far as the vendor tells."""

    async def companies(self, ids: Sequence[str]) -> Mapping[str, Company]:
        """Returns the linked companies' names and domains; ids that are gone are left out."""

    async def find(
        self, object: str, property: str, values: Sequence[str], also: Sequence[str] = (), read: Reader = str.casefold
    ) -> Mapping[str, tuple[Record, ...]]:
        """Returns rows per value, by direct read where ``property`` is unique, else by query; compared by us once more.

        ``values`` are as ``read`` gives them. A row counts whose text ``read`` gives one of them, too: the connector
        knows how its vendor is asked, and not which spellings mean the same.
        Each row tells its ``also`` properties as the vendor's index has them, which may be older than a read.
        """

    async def find_containing(
        self, object: str, property: str, exact: Sequence[str], parts: Sequence[str], also: Sequence[str] = ()
    ) -> tuple[Record, ...]:
        """Returns rows whose ``property`` is one of ``exact`` or contains one of ``parts``, and perhaps others.

        One call while no more than ``search_batch`` parts are asked for. The caller compares what comes back.
        """

    async def staff(
        self, object: str, people: Sequence[tuple[str, str]], also: Sequence[str] = ()
    ) -> tuple[Record, ...]:
        """Returns rows at one of the companies with one of the last names, each pair a (company id, last name)."""

    async def create(self, object: str, values: Mapping[str, str], ticket: Ticket, company_id: str = "") -> str:
        """Create one row on its ticket, at a company in the same call if one is given; returns its id.

        Raises:
            ConflictError: something like it is there; ``existing`` names the rows, ``rule`` the rule, when given.
            RejectedError: not created; ``fields`` are the properties at fault, when known.
            OutcomeUnknownError: it may exist: look it up by its unique property.
        """

    async def attached(self, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Returns the ids of rows at each company that would go with it, or lose it; as far as we may see them."""

    async def archive(self, object: str, ids: Sequence[str]) -> frozenset[str]:
        """Move up to ``batch`` rows to the CRM's recycle bin; returns those that are there now.

        Sent once: what became of a lost answer says a read.
        """

    async def link(self, object: str, pairs: Sequence[tuple[str, str]], made: Collection[str] = ()) -> frozenset[str]:
        """Link (record id, company id) pairs and give the records that are at the given company now.

        Linking again changes nothing. A lead has no link: does nothing.

        A record that has a company already keeps it, unless it is one of ``made``: those we have just created.
        """

    async def related(self, object: str, names: Sequence[str]) -> Mapping[str, Property]:
        """Returns fields of linked records that ``where`` may name with a dot, by that name.

        Unknown ones are left out.
        """

    def needs(self, object: str) -> tuple[Need, ...]:
        """Names the properties that visits of ``object`` need besides the mapped ones."""

    async def lacks(self, object: str) -> Lacks:
        """Tells what this credential may not do with rows of ``object``, as far as the CRM tells."""

    async def ungranted(self, uses: Collection[tuple[Use, str]]) -> tuple[str, ...] | None:
        """Names the scopes that the credential lacks for uses of objects; ``None`` if unknown."""

    async def unusable(self, object: str, ids: Mapping[str, str]) -> Mapping[str, str]:
        """Lists ids, such as an owner's, that a new row cannot be given, with the reason; both by property."""

    def missing(self, object: str, properties: Mapping[str, Property]) -> tuple[str, ...]:
        """Returns our own custom properties (external id) that ``object`` lacks."""

    async def setup(self, object: str, names: Sequence[str]) -> str:
        """Create these properties of ours, or return the definitions to deploy if they cannot be created."""

    async def aclose(self) -> None:
        """Close connections."""
