"""Defines the ends of a vendor call, sorted by what the caller does next.

::

    ConnectorError(vendor, operation, status, request_id)
      UnavailableError(retry_after_s)   never connected, 408, 5xx or timeout of a free call: try later
        RateLimitedError                429, or our own limiter would wait too long
        SignInUnavailableError          no access token can be had now: wait, and blame neither record nor credential
        StaleReadError                  what a write was decided on is too old: nothing was sent, read it again
      OutcomeUnknownError               PAID or CREATES was sent and no clear answer came back: look before repeating
      RejectedError                     understood and refused: final for this record
        NotFoundError
        ConflictError(existing, rule)
      AccessError                       401/403 after one refresh: pause the vendor, tell an operator
      CreditsError                      credits are gone: pause until there are some
      ContractError(endpoint, field)    the answer does not fit the model: final for this record, an operator looks

No text here carries a payload, a URL or a credential.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from msgspec import Struct

from connectors.models import RefusalKind


class CrmWord(Struct, frozen=True):
    """Says what the refusal of a row concerns, with the vendor's words without their quotations."""

    kind: RefusalKind = RefusalKind.UNKNOWN
    words: str = ""


class ErrorFacts(TypedDict, total=False):
    """Names the facts that a failure may carry besides its place; each class below says which are its own."""

    code: str
    hint: str
    retry_after_s: float | None
    bucket: str
    fields: tuple[str, ...]
    existing: tuple[tuple[str, str], ...]
    rule: str
    said: CrmWord


class ConnectorError(Exception):
    """Signals any failure of a vendor call. ``hint`` is one sentence of ours on what to do, never vendor text."""

    code = hint = bucket = rule = ""
    retry_after_s: float | None = None
    fields: tuple[str, ...] = ()
    existing: tuple[tuple[str, str], ...] = ()
    said = CrmWord()

    def __init__(
        self,
        vendor: str,
        operation: str,
        status: int | None = None,
        request_id: str = "",
        **facts: Unpack[ErrorFacts],
    ) -> None:
        self.vendor, self.operation, self.status, self.request_id = vendor, operation, status, request_id
        vars(self).update(facts)
        self.kind, self.words = self.said.kind, self.said.words
        words = [f"{vendor} {operation}", type(self).__name__.removesuffix("Error").lower()]
        if status is not None:
            words.append(f"status {status}")
        if self.code:
            words.append(self.code)
        if request_id:
            words.append(f"request {request_id}")
        super().__init__(": ".join([", ".join(words), self.hint] if self.hint else [", ".join(words)]))


class UnavailableError(ConnectorError):
    """Try later. ``retry_after_s`` is the vendor's wish, ``None`` when it has none."""


class RateLimitedError(UnavailableError):
    """Says that the vendor's limit is reached, or our own limiter's slot is too far away; ``bucket`` names which."""


class SignInUnavailableError(UnavailableError):
    """Says that the token endpoint does not answer or wants the request repeated.

    The credential may be as good as ever.
    """


STALE_READ = "stale_read"


class StaleReadError(UnavailableError):
    """Tells that the read behind a write is too old: nothing was sent. Its ``code`` is ``STALE_READ``."""


class OutcomeUnknownError(ConnectorError):
    """Says that a paid or creating call was sent and its effect is not known."""


class RejectedError(ConnectorError):
    """Says that the vendor understood and refused; the same call would be refused again. ``fields`` are property names.

    ``said`` is the vendor's word on a refused row.
    """


class NotFoundError(RejectedError):
    """Says that there is no such row, or none visible to this credential."""


class ConflictError(RejectedError):
    """Says that something like it is there already.

    ``existing`` are the conflicting rows as (object, id), by our names, if the vendor names them. ``rule`` is the
    vendor's name of the rule that found them, ``""`` if a value has to be unique.
    """

    @property
    def existing_id(self) -> str:
        """Returns the first conflicting row, ``""`` if the vendor names none."""
        return self.existing[0][1] if self.existing else ""


LOST = "PROPERTY_LOST"
UNFIT = frozenset({400, 404, 405, 406, 415, 422})  # of a question that names no row's value: our question is wrong


class AccessError(ConnectorError):
    """Says that the credential is refused or lacks a right.

    Of code ``LOST`` it says that the CRM shows a property no more that nothing is done without.
    """


class CreditsError(ConnectorError):
    """Says that the provider has no credits left; ``bucket`` names the pool when it has several."""


class ContractError(ConnectorError):
    """Says that the answer lacks a needed member, or is not an answer of this API at all.

    ``field`` names it, ``""`` for all of it.
    """

    def __init__(self, vendor: str, endpoint: str, field: str = "", status: int | None = None) -> None:
        super().__init__(vendor, endpoint, status, code=f"field {field}" if field else "body")
        self.endpoint, self.field = endpoint, field


def lost_key(vendor: str, object: str, property: str, external_id: str) -> ConnectorError:
    """Returns what it means that rows are looked for by a property that the CRM shows no more.

    Without our external id rows would be doubled; without any other whoever looks again goes by the rest.
    """
    hint = f"{vendor} shows no {object} property {property}"
    if property == external_id:
        return AccessError(vendor, "find", code=LOST, hint=f"{hint}: run refill setup {vendor}")
    return UnavailableError(vendor, "find", code=LOST, hint=hint)
