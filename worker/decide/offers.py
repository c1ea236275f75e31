"""Lists the questions about somebody: those of every operation, by what each is asked by.

Everything here is cached: a visit looks at the same few operations and the same person with every answer again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from typing import TypeAlias

from connectors.models import Identity, Offer, Question

Askable: TypeAlias = tuple[Offer, Question]


class By(Enum):
    """Names what an operation is asked by."""

    SLUG = auto()  # or by a provider's own id: somebody who is known already
    EMAIL = auto()
    PHONE = auto()
    NAME = auto()


_PROBES = (
    (By.EMAIL, Identity(email="x@example.com")),
    (By.PHONE, Identity(phone="+14155552671")),
    (By.NAME, Identity(first_name="X", last_name="Y", domain="example.com")),
)


def _asked_by(offer: Offer) -> By:
    return next((by for by, probe in _PROBES if offer.arguments(probe) is not None), By.SLUG)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Represents the operations of some providers, cheapest first, equal prices in a fixed order.

    So that visits ask alike.

    ``by_slug`` are asked about somebody who is known, ``finders`` find somebody, by what ``by`` tells of each.
    """

    offers: tuple[Offer, ...]
    by_slug: tuple[Offer, ...]
    finders: tuple[tuple[Offer, By], ...]
    by: Mapping[Offer, By]


def catalogue(offers: Sequence[Offer]) -> Catalogue:
    """Sorts operations by price and by what they are asked by."""
    return _catalogue(tuple(offers))


@lru_cache(maxsize=128)
def _catalogue(offers: tuple[Offer, ...]) -> Catalogue:
    ordered = tuple(sorted(offers, key=lambda one: (one.price, one.provider, one.operation, one.account)))
    by = {offer: _asked_by(offer) for offer in ordered}
    by_slug = tuple(offer for offer in ordered if by[offer] is By.SLUG)
    return Catalogue(ordered, by_slug, tuple((offer, by[offer]) for offer in ordered if offer not in by_slug), by)


@lru_cache(maxsize=4_096)
def finders(known: Catalogue, identity: Identity, domains: tuple[str, ...]) -> tuple[Askable, ...]:
    """Returns questions that find somebody without a slug, cheapest first.

    By name once for each of the employer's domains.
    """
    named = [identity if one == identity.domain else replace(identity, domain=one) for one in domains] or [identity]
    asked = []
    for offer, by in known.finders:
        whom = named if by is By.NAME else [identity]
        asked += [(offer, question) for one in whom if (question := offer.question(one))]
    return tuple(asked)


@lru_cache(maxsize=4_096)
def lookups(known: Catalogue, identity: Identity) -> tuple[Askable, ...]:
    """Returns questions about somebody who is known by slug or by a provider's own id, cheapest first."""
    if not (identity.slug or identity.ids):
        return ()
    return tuple((offer, question) for offer in known.by_slug if (question := offer.question(identity)))
