"""Lists the questions about somebody: those of every operation, by what each is asked by.

Everything here is cached: a visit looks at the same few operations and the same person with every answer again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from msgspec.structs import replace

from connectors.models import AskedBy, Identity, Offer, Question

Askable: TypeAlias = tuple[Offer, Question]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Holds the operations of some providers, cheapest first, equal prices in a fixed order, so that visits ask alike.

    ``by_slug`` are asked about somebody who is known, ``finders`` find somebody.
    """

    offers: tuple[Offer, ...]
    by_slug: tuple[Offer, ...]
    finders: tuple[Offer, ...]


def catalogue(offers: Sequence[Offer]) -> Catalogue:
    """Sorts operations by price and by what they are asked by."""
    return _catalogue(tuple(offers))


@lru_cache(maxsize=128)
def _catalogue(offers: tuple[Offer, ...]) -> Catalogue:
    ordered = tuple(sorted(offers, key=lambda one: (one.price, one.provider, one.operation, one.account)))
    by_slug = tuple(offer for offer in ordered if offer.asked_by is AskedBy.SLUG)
    return Catalogue(ordered, by_slug, tuple(offer for offer in ordered if offer.asked_by is not AskedBy.SLUG))


@lru_cache(maxsize=4_096)
def finders(known: Catalogue, identity: Identity, domains: tuple[str, ...]) -> tuple[Askable, ...]:
    """Returns questions that find somebody without a slug, cheapest first.

    By name once for each of the employer's domains.
    """
    named = [identity if one == identity.domain else replace(identity, domain=one) for one in domains] or [identity]
    asked = []
    for offer in known.finders:
        whom = named if offer.asked_by is AskedBy.NAME else [identity]
        asked += [(offer, question) for one in whom if (question := offer.question(one))]
    return tuple(asked)


@lru_cache(maxsize=4_096)
def lookups(known: Catalogue, identity: Identity) -> tuple[Askable, ...]:
    """Returns questions about somebody who is known by slug or by a provider's own id, cheapest first."""
    if not (identity.slug or identity.ids):
        return ()
    return tuple((offer, question) for offer in known.by_slug if (question := offer.question(identity)))
