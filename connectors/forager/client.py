"""Speaks to Forager: every operation as a typed method, and the provider that the flows ask."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import TypeAdapter

from connectors import replies
from connectors.bodies import Many
from connectors.errors import AccessError, ContractError
from connectors.forager import operations as op
from connectors.forager import read
from connectors.forager.models import (
    Account,
    ApiKey,
    CreditChange,
    CreditPage,
    CreditTotals,
    ForagerJob,
    ForagerOrganization,
    FoundRole,
    NewApiKey,
    SearchTotals,
    Suggestion,
    SuggestionPage,
    User,
)
from connectors.forager.options import ForagerOptions
from connectors.forager.queries import JobQuery, OrganizationQuery, Query, RoleQuery, quoted
from connectors.limits import Limiter, Ticket, Window
from connectors.models import AccountStatus, Answer, AskedBy, Identity, Offer, Question, Reply
from connectors.operations import Operation
from connectors.transport import ConnectionTerms, StaticAuth, Transport

T = TypeVar("T")
Answered = Callable[[Question], Awaitable[Reply]]  # asks a paid question, or gives its kept answer
CALLS = 200  # at a time: as many as visits of a process
PAGES_MOST = 50  # the vendor's window is about 500 results, ten a page
LOG_PAGES_MOST = 1000
DETAIL = frozenset(
    {"person", "first_name", "last_name", "job_title", "linkedin_url", "city", "country", "company_name"}
    | {"company_domain"}
)
_DETAIL_WITH_SLUG = DETAIL | {"slug"}
_PLAIN_JSON = frozenset({"person_id", "organization_id", "do_contacts_enrichment"})
_QUERIES: Mapping[str, type[Query]] = {
    op.ROLE_SEARCH.name: RoleQuery,
    op.ORGANIZATION_SEARCH.name: OrganizationQuery,
    op.JOB_SEARCH.name: JobQuery,
}
_TOTALS = TypeAdapter(SearchTotals)
_USER = TypeAdapter(User)
_CREDIT_PAGE = TypeAdapter(CreditPage)
_CREDIT_TOTALS = TypeAdapter(CreditTotals)
_KEYS = TypeAdapter(Many[ApiKey])
_KEY = TypeAdapter(ApiKey)
_NEW_KEY = TypeAdapter(NewApiKey)
_SUGGESTIONS = TypeAdapter(SuggestionPage)


def open_transport(options: ForagerOptions, limiter: Limiter, read_s: float = 60) -> Transport:
    """Returns the connection pool ``Forager`` is built on."""
    return Transport(
        read.NAME,
        options.base_url,
        StaticAuth("x-api-key", options.api_key),
        limiter,
        reading=read.READING,
        terms=ConnectionTerms(read_s=read_s, most=CALLS),
    )


async def _current_user(transport: Transport) -> User:
    reply = await transport.send(op.CURRENT_USER)
    return replies.parsed(_USER, reply, read.NAME, op.CURRENT_USER.name)


Contact: TypeAlias = Literal["work", "personal", "phone"]
_FEEDBACK: Mapping[Contact, tuple[Operation, str]] = {
    "work": (op.FEEDBACK_WORK, "email"),
    "personal": (op.FEEDBACK_PERSONAL, "email"),
    "phone": (op.FEEDBACK_PHONE, "phone_number"),
}


class Forager:
    """Asks Forager for one account. Paid methods need a ticket, which is used up by the call."""

    name = read.NAME

    def __init__(self, transport: Transport, options: ForagerOptions) -> None:
        self._transport = transport
        self.clock = transport.clock
        self._account = {"account_id": options.account_id}
        self.account = str(options.account_id)
        self.buckets: Mapping[str, tuple[Window, ...]] = MappingProxyType(
            {transport.bucket(op.WORK_EMAILS): options.rate}
        )

    @classmethod
    def opened(cls, options: ForagerOptions, limiter: Limiter) -> Forager:
        """Returns a client with its own transport."""
        return cls(open_transport(options, limiter), options)

    async def aclose(self) -> None:
        await self._transport.aclose()

    # ---- the provider --------------------------------------------------------------------------------------------

    def offers(self, prices: Mapping[str, int]) -> tuple[Offer, ...]:
        def offer(
            operation: Operation,
            gives: frozenset[str],
            by: AskedBy,
            arguments: Callable[[Identity], Mapping[str, str] | None],
            *,
            searches: bool = False,
        ) -> Offer:
            price = prices.get(operation.name, operation.credits)
            bucket = self._transport.bucket(operation)
            names = "person" in gives
            return Offer(
                self.name, self.account, operation.name, gives, price, bucket, by, arguments, names, searches=searches
            )

        rows = (
            offer(op.PERSON_DETAIL, DETAIL, AskedBy.SLUG, _by_slug),
            offer(op.ROLE_SEARCH, _DETAIL_WITH_SLUG, AskedBy.NAME, _by_name, searches=True),
            offer(op.WORK_EMAILS, frozenset({"work_email"}), AskedBy.SLUG, _by_person),
            offer(op.PERSONAL_EMAILS, frozenset({"personal_email"}), AskedBy.SLUG, _by_person),
            offer(op.BY_EMAIL, _DETAIL_WITH_SLUG, AskedBy.EMAIL, _by_email),
            offer(op.PHONE_NUMBERS, frozenset({"phone", "mobile_phone"}), AskedBy.SLUG, _by_person),
            offer(op.BY_PHONE, _DETAIL_WITH_SLUG, AskedBy.PHONE, _by_phone),
        )
        return tuple(sorted(rows, key=lambda row: row.price))

    def question(self, operation: Operation, arguments: Mapping[str, str], price: int | None = None) -> Question:
        """Returns a paid question by hand; ``price`` overrules the contract's."""
        return Question(
            self.name, self.account, operation.name, arguments, operation.credits if price is None else price
        )

    async def ask(self, question: Question, ticket: Ticket) -> Reply:
        operation = op.PAID[question.operation]
        return await self._transport.send(
            operation, path=self._account, json=_body(operation, question.arguments), ticket=ticket
        )

    def read(self, question: Question, reply: Reply) -> Answer:
        return read.answer(question, reply)

    async def account_status(self) -> AccountStatus:
        account = await self.own_account()
        subscription = account.subscription
        balance = subscription.credits_balance
        notes = () if subscription.is_active else ("the subscription is not active",)
        return AccountStatus(account.name, None if balance is None else int(balance), prices_of(account), notes)

    async def charged(self, operation: str, start_ms: int, end_ms: int) -> int | None:
        wanted = op.LEDGER_NAMES.get(operation)
        if wanted is None:
            return None
        total = Decimal(0)
        async for change in self.balance_change_logs(_second(start_ms), _second(end_ms + 999)):
            if change.change_type == wanted:
                if change.change_sum is None:
                    raise ContractError(self.name, op.CREDIT_LOG.name, "change_sum")
                total += change.change_sum
        return int(abs(total).to_integral_value(ROUND_CEILING))  # the sign of a charge is assumed: either counts

    async def billed(self, start_ms: int, end_ms: int) -> int:
        spent = await self.credits_spent(_second(start_ms), _second(end_ms + 999))
        if spent.total_credits_spent is None:
            raise ContractError(self.name, op.CREDIT_TOTALS.name, "total_credits_spent")
        return int(abs(spent.total_credits_spent).to_integral_value(ROUND_CEILING))

    async def charges(self, start_ms: int, end_ms: int) -> Mapping[tuple[int, str], int]:
        ours = {theirs: name for name, theirs in op.LEDGER_NAMES.items()}
        sums: dict[tuple[int, str], Decimal] = {}
        async for change in self.balance_change_logs(_second(start_ms), _second(end_ms + 999)):
            if change.change_sum is None:
                raise ContractError(self.name, op.CREDIT_LOG.name, "change_sum")
            known = ours.get(change.change_type)
            if known is None and change.change_sum >= 0:
                continue  # credits that were added
            key = (_day(change.date_created), known or change.change_type)
            sums[key] = sums.get(key, Decimal(0)) + change.change_sum
        return {key: int(abs(total).to_integral_value(ROUND_CEILING)) for key, total in sums.items()}

    # ---- searches (1-4, 11, 12) ----------------------------------------------------------------------------------

    def jobs(self, query: JobQuery, answered: Answered, pages: int = PAGES_MOST) -> AsyncIterator[ForagerJob]:
        """Yields job posts, 2 credits a page of ten."""
        return self._pages(op.JOB_SEARCH, query, answered, pages, read.jobs, lambda row: row.id)

    async def jobs_total(self, query: JobQuery) -> SearchTotals:
        return await self._totals(op.JOB_TOTALS, query)

    def organizations(
        self, query: OrganizationQuery, answered: Answered, pages: int = PAGES_MOST
    ) -> AsyncIterator[ForagerOrganization]:
        """Yields companies, 1 credit a page of ten. A search by domain is noisy: compare the domain."""
        return self._pages(op.ORGANIZATION_SEARCH, query, answered, pages, read.organizations, lambda row: row.id)

    async def organizations_total(self, query: OrganizationQuery) -> SearchTotals:
        return await self._totals(op.ORGANIZATION_TOTALS, query)

    def roles(self, query: RoleQuery, answered: Answered, pages: int = PAGES_MOST) -> AsyncIterator[FoundRole]:
        """Yields employments with their persons, 1 credit a page of ten."""
        return self._pages(op.ROLE_SEARCH, query, answered, pages, read.roles, lambda row: row.id)

    async def roles_total(self, query: RoleQuery) -> SearchTotals:
        return await self._totals(op.ROLE_TOTALS, query)

    # ---- credits, keys, user (14-20) -----------------------------------------------------------------------------

    async def balance_change_logs(self, start: str = "", end: str = "") -> AsyncIterator[CreditChange]:
        """Yields the credit log between two ISO date-times."""
        page: int | None = 1
        for _ in range(LOG_PAGES_MOST):
            query = {"date_created_start": start or None, "date_created_end": end or None, "page": page}
            got = await self._get(op.CREDIT_LOG, _CREDIT_PAGE, query=query)
            for change in got.results:
                yield change
            if got.next is None or page is None:
                return
            if got.next <= page:
                raise ContractError(self.name, op.CREDIT_LOG.name, "next")
            page = got.next
        raise ContractError(self.name, op.CREDIT_LOG.name, "next")

    async def credits_spent(self, start: str = "", end: str = "") -> CreditTotals:
        query = {"date_created_start": start or None, "date_created_end": end or None}
        return await self._get(op.CREDIT_TOTALS, _CREDIT_TOTALS, query=query)

    async def api_keys(self) -> tuple[ApiKey, ...]:
        return await self._get(op.KEYS, _KEYS)

    async def create_api_key(self, name: str, ticket: Ticket | None = None) -> NewApiKey:
        """Issue a secret: for a person at a terminal, never for the daemon. ``name`` has at most 50 characters."""
        reply = await self._transport.send(op.KEY_CREATE, json={"name": name[:50]}, ticket=ticket)
        return replies.parsed(_NEW_KEY, reply, self.name, op.KEY_CREATE.name)

    async def api_key(self, prefix: str) -> ApiKey | None:
        reply = await self._transport.send(op.KEY, path={"prefix": prefix})
        return None if reply.status == 404 else replies.parsed(_KEY, reply, self.name, op.KEY.name)

    async def delete_api_key(self, prefix: str) -> bool:
        """Tells whether it was there; a second call finds nothing and is done too."""
        reply = await self._transport.send(op.KEY_DELETE, path={"prefix": prefix})
        return reply.status != 404

    async def current_user(self) -> User:
        return await _current_user(self._transport)

    async def own_account(self) -> Account:
        """Returns the configured account as the vendor sees it.

        Raises:
            AccessError: the key does not reach it.
        """
        user = await self.current_user()
        for account in user.accounts:
            if str(account.id) == self.account:
                return account
        hint = "the key does not reach account_id"
        raise AccessError(self.name, op.CURRENT_USER.name, hint=hint)

    # ---- suggestions (21-26), feedback (27-29) -------------------------------------------------------------------

    async def suggestions(self, kind: str, text: str, pages: int = 10) -> AsyncIterator[Suggestion]:
        """Yields ids for filters; ``kind`` is a key of ``SUGGESTIONS``. Pages start at 1 (assumed)."""
        operation, seen = op.SUGGESTIONS[kind], set[int]()
        for page in range(1, pages + 1):
            got = await self._get(operation, _SUGGESTIONS, query={"q": text, "page": page})
            new = [row for row in got.results if row.id not in seen]
            for row in new:
                seen.add(row.id)
                yield row
            if not new or not got.pagination.more:
                return

    async def feedback(
        self,
        kind: Contact,
        value: str,
        status: str,
        *,
        correct: bool,
        person_id: int | None = None,
        ticket: Ticket | None = None,
    ) -> None:
        """Sends a verdict: ``valid`` or ``invalid`` of an address, ``connected`` or ``disconnected`` of a number.

        Each call adds a row: send a verdict once.
        """
        operation, name = _FEEDBACK[kind]
        body: dict[str, object] = {name: value, "contact_status": status, "is_correct_person": correct}
        body |= {} if person_id is None else {"person_id": person_id}
        await self._transport.send(operation, path=self._account, json=body, ticket=ticket)

    async def tell_bad(self, kind: str, value: str, ticket: Ticket) -> None:
        """Tells that a value bounced or is disconnected; of the person nothing is claimed."""
        match kind:
            case "work" | "personal":
                await self.feedback(kind, value, "invalid", correct=True, ticket=ticket)
            case _:
                await self.feedback("phone", value, "disconnected", correct=True, ticket=ticket)

    # ---- the ways of sending -------------------------------------------------------------------------------------

    async def _get(self, operation: Operation, adapter: TypeAdapter[T], query: Mapping[str, object] | None = None) -> T:
        path = self._account if "{account_id}" in operation.path else {}
        reply = await self._transport.send(operation, path=path, query=query)
        return replies.parsed(adapter, reply, self.name, operation.name)

    async def _totals(self, operation: Operation, query: Query) -> SearchTotals:
        reply = await self._transport.send(operation, path=self._account, json=query.body())
        return replies.parsed(_TOTALS, reply, self.name, operation.name)

    async def _pages(
        self,
        operation: Operation,
        query: Query,
        answered: Answered,
        pages: int,
        reader: Callable[[Reply], Any],
        key: Callable[[T], int],
    ) -> AsyncIterator[T]:
        """Yields rows of a paid search, each once, until a page brings nothing new or ``pages`` end."""
        seen: set[int] = set()
        for number in range(min(pages, PAGES_MOST)):
            arguments = query.model_copy(update={"page": number}).arguments()
            page = reader(await answered(self.question(operation, arguments)))
            new = [row for row in page.search_results if key(row) not in seen]
            for row in new:
                seen.add(key(row))
                yield row
            if not new or len(seen) >= page.total_search_results:
                return


def prices_of(account: Account) -> dict[str, int]:
    """Returns credits per operation of ours by the account's own price list.

    A part of a credit counts as a whole one.
    """
    tier = account.subscription.subscription_tier
    prices: dict[str, int] = {}
    for name, theirs in op.LEDGER_NAMES.items():
        try:
            price = Decimal(str(tier[theirs]))
        except (KeyError, ArithmeticError):
            continue
        if price.is_finite() and price >= 0:
            prices[name] = int(price.to_integral_value(ROUND_CEILING))
    return prices


def _body(operation: Operation, arguments: Mapping[str, str]) -> dict[str, object]:
    query = _QUERIES.get(operation.name)
    if query is not None:
        return query.from_arguments(arguments).body()
    return {name: json.loads(text) if name in _PLAIN_JSON else text for name, text in arguments.items()}


def _by_slug(identity: Identity) -> Mapping[str, str] | None:
    return {"linkedin_public_identifier": identity.slug} if identity.slug else None


def _by_person(identity: Identity) -> Mapping[str, str] | None:
    """Returns the arguments by slug, else by the id under which a search found somebody without a profile."""
    id = identity.id_at(read.NAME)
    return _by_slug(identity) or ({"person_id": id} if id else None)


def _by_email(identity: Identity) -> Mapping[str, str] | None:
    return {"email": identity.email} if identity.email else None


def _by_phone(identity: Identity) -> Mapping[str, str] | None:
    return {"phone_number": identity.phone} if identity.phone else None


def _by_name(identity: Identity) -> Mapping[str, str] | None:
    if not (identity.first_name and identity.last_name and identity.domain) or _is_initials(identity.first_name):
        return None  # initials fit several people, so no answer could prove the person
    return {"organization_domains": json.dumps([identity.domain]), "person_name": quoted(identity.full_name)}


def _is_initials(name: str) -> bool:
    """Tells ``J.`` and ``J. R.`` from names; a single letter without a case, as in Chinese, is one."""
    return all(len(word) == 1 and word.lower() != word.upper() for word in name.replace(".", " ").split())


def _day(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ContractError(read.NAME, op.CREDIT_LOG.name, "date_created") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) // 86_400


def _second(ms: int) -> str:
    """Returns a whole second: the log shows no finer one, so that windows are widened rather than cut."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
