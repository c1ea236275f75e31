"""Speaks to Kaspr in both dialects: every operation as a typed method, and the provider that the flows ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from pydantic import SecretStr, TypeAdapter

from connectors import replies
from connectors.errors import UnavailableError
from connectors.kaspr import operations as op
from connectors.kaspr import read
from connectors.kaspr.models import KeyUser, RateLimits, RemainingCredits
from connectors.kaspr.options import KasprOptions
from connectors.limits import Limiter, Ticket, Window
from connectors.models import AccountStatus, Answer, AskedBy, Identity, Offer, Question, Reply
from connectors.transport import ConnectionTerms, StaticAuth, Transport

_SILENT_HINT = (
    'if the network is fine, this host of the vendor\'s reference is gone: try dialect = "v2" with '
    'base_url = "https://api.developers.kaspr.io"'
)
_USER = TypeAdapter(KeyUser)
_REMAINING = TypeAdapter(RemainingCredits)
_LIMITS = TypeAdapter(RateLimits)
_GIVES = frozenset({"person", "work_email", "phone", "mobile_phone", "job_title", "first_name", "last_name"})
_EMPLOYER = frozenset({"company_name"})


def open_transport(options: KasprOptions, limiter: Limiter, read_s: float = 60) -> Transport:
    """Returns the connection pool ``Kaspr`` is built on."""
    key = options.api_key.get_secret_value()
    value = SecretStr(f"Bearer {key}" if options.auth_scheme == "bearer" else key)
    return Transport(
        read.NAME,
        options.base_url,
        StaticAuth("authorization", value),
        limiter,
        reading=read.reading(options.auth_scheme),
        headers={"accept-version": "v2.0"} if options.dialect == "v2" else None,
        terms=ConnectionTerms(read_s=read_s, most=50),
    )


class Kaspr:
    """Asks Kaspr with one key. Paid methods need a ticket, which is used up by the call."""

    name = read.NAME
    account = "main"  # part of what identifies a kept answer, so that a new key keeps the old answers

    def __init__(self, transport: Transport, options: KasprOptions) -> None:
        self._transport = transport
        self.clock, self.dialect = transport.clock, options.dialect
        self._profile = op.PROFILE_V2 if options.dialect == "v2" else op.PROFILE
        self.buckets: Mapping[str, tuple[Window, ...]] = MappingProxyType(
            {transport.bucket(self._profile): options.rate}
        )

    @classmethod
    def opened(cls, options: KasprOptions, limiter: Limiter) -> Kaspr:
        """Returns a client with its own transport."""
        return cls(open_transport(options, limiter), options)

    async def aclose(self) -> None:
        await self._transport.aclose()

    # ---- the provider --------------------------------------------------------------------------------------------

    def offers(self, prices: Mapping[str, int]) -> tuple[Offer, ...]:
        personal = frozenset({"personal_email"}) if self.dialect == "reference" else frozenset[str]()
        gives = _GIVES | _EMPLOYER | personal
        price = prices.get(self._profile.name, self.price(gives))
        bucket = self._transport.bucket(self._profile)
        name, by = self._profile.name, AskedBy.SLUG
        return (Offer(self.name, self.account, name, gives, price, bucket, by, _by_slug, names_person=True),)

    def price(self, fields: Collection[str]) -> int:
        """Returns the worst price of a profile: in v2 one for each field and one for the export, else one in all."""
        return len(self._wanted(fields)) + 1 if self.dialect == "v2" else self._profile.credits

    async def ask(self, question: Question, ticket: Ticket) -> Reply:
        arguments = question.arguments
        if question.operation == op.DOMAIN_PATTERN.name:
            return await self._transport.send(op.DOMAIN_PATTERN, json=dict(arguments), ticket=ticket)
        if question.operation == op.DOMAIN_EMPLOYEES.name:
            body = {"domain": arguments["domain"], "contactsNumberLimit": int(arguments["limit"])}
            return await self._transport.send(op.DOMAIN_EMPLOYEES, json=body, ticket=ticket)
        profile: dict[str, object] = {"id": arguments["id"], "name": question.name}
        wanted = {"dataToGet": self._wanted(question.fields)} if self.dialect == "v2" else {"isPhoneRequired": False}
        return await self._transport.send(self._profile, json=profile | wanted, ticket=ticket)

    def read(self, question: Question, reply: Reply) -> Answer:
        return read.answer(self.dialect, question, reply)

    async def account_status(self) -> AccountStatus:
        try:
            reply = await self._transport.send(op.VERIFY_KEY)
        except UnavailableError as error:
            if error.status is None and self.dialect == "reference":
                error.hint = _SILENT_HINT
            raise
        who = replies.parsed(_USER, reply, self.name, op.VERIFY_KEY.name).user
        if self.dialect == "reference":
            return AccountStatus(who, read.remaining(reply))
        left = await self.remaining_credits()
        pools = {
            "work e-mail credits": left.work_email,
            "personal e-mail credits": left.personal_email,
            "phone credits": left.phone,
        }
        empty = tuple(f"no {name} left" for name, count in pools.items() if count == 0)
        export = None if left.export is None or left.export < 0 else int(left.export)
        return AccountStatus(who, export, notes=empty)

    async def left(self) -> int | None:
        if self.dialect == "reference":
            return None  # known from paid replies only
        pools = await self.remaining_credits()
        return read.pooled((pools.work_email, pools.personal_email, pools.phone, pools.export))

    def left_after(self, reply: Reply) -> int | None:
        return read.remaining(reply) if self.dialect == "reference" else read.pools_left(reply)

    # ---- the operations ------------------------------------------------------------------------------------------

    async def verify_key(self) -> str:
        """Returns the user the key belongs to; free."""
        reply = await self._transport.send(op.VERIFY_KEY)
        return replies.parsed(_USER, reply, self.name, op.VERIFY_KEY.name).user

    async def remaining_credits(self) -> RemainingCredits:
        """Returns credits per pool; v2 only, free."""
        reply = await self._transport.send(op.REMAINING_CREDITS)
        return replies.parsed(_REMAINING, reply, self.name, op.REMAINING_CREDITS.name)

    async def rate_limits(self) -> RateLimits:
        """Returns the key's windows; v2 only, free."""
        reply = await self._transport.send(op.RATE_LIMITS)
        return replies.parsed(_LIMITS, reply, self.name, op.RATE_LIMITS.name)

    def pattern_question(self, domain: str) -> Question:
        """Asks how addresses of a domain look: guesses, never findings."""
        arguments = {"domain": domain}
        return Question(self.name, self.account, op.DOMAIN_PATTERN.name, arguments, op.DOMAIN_PATTERN.credits)

    def employees_question(self, domain: str, limit: int = 5) -> Question:
        """Asks for people at a domain, the same each time: at worst a credit for each of ``limit``, each time."""
        most = min(max(limit, 1), op.EMPLOYEES_MOST)
        arguments = {"domain": domain, "limit": str(most)}
        return Question(self.name, self.account, op.DOMAIN_EMPLOYEES.name, arguments, most)

    def _wanted(self, fields: Collection[str]) -> list[str]:
        """Returns V2's names for the values to reveal, from ours."""
        names = {"work_email": "workEmail", "phone": "phone", "mobile_phone": "phone"}
        return sorted({names[field] for field in fields if field in names})


def _by_slug(identity: Identity) -> Mapping[str, str] | None:
    return {"id": identity.slug} if identity.slug and identity.full_name and "/" not in identity.slug else None
