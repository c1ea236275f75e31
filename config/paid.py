"""Defines the configuration of providers: budgets, and how the calls that cost credits are made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeInt,
    create_model,
    model_validator,
)

from config.units import (
    Listed,
    Text,
)
from connectors.forager.options import ForagerOptions
from connectors.openprospect.options import OpenProspectOptions
from connectors.options import Duration, Options
from connectors.ports import PaidVendor
from connectors.registry import PAID

if TYPE_CHECKING:
    PaidProvider = str
else:
    PaidProvider = Literal[tuple(sorted(PAID))]
OnUncertain = Literal["never", "once_if_uncharged"]


class Budget(Options):
    """Limits the credits that may be spent; at least one of the two is set."""

    day: NonNegativeInt | None = None
    """Credits that may be spent a day; the day begins at midnight in `budget_zone`."""
    month: NonNegativeInt | None = None
    """Credits that may be spent a calendar month."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.day is None and self.month is None:
            raise ValueError("limits nothing: write one such as { day = 500, month = 10000 }")
        return self


class Paid(Options):
    """Holds the settings of every provider that costs credits."""

    budget: Budget
    """Credits that may be spent; no paid provider works without one."""
    live_reserve: float = Field(default=0.3, ge=0, le=1)
    """Share of a day's budget that a backfill leaves alone."""
    skip_after: Duration = timedelta(hours=1)
    """How long a record waits for the provider's outage before it goes on without it."""
    sole_user: bool = False
    """`true`: nobody else spends from this account, so its balance proves something."""
    reconcile_tolerance: NonNegativeInt = 0
    """Credits by which bill and books may differ before the provider is paused."""
    on_uncertain: OnUncertain
    """The way on after a lookup without a clear outcome: `once_if_uncharged` asks again if the provider's log proves
    that it was not charged, `never` does not."""


class _Logged(Paid):
    """Adds the settings of a provider that keeps a log of its charges."""

    on_uncertain: OnUncertain = "once_if_uncharged"


class _Unlogged(Paid):
    on_uncertain: OnUncertain = "never"

    @model_validator(mode="after")
    def _verdict_is_possible(self) -> Self:
        if self.on_uncertain == "once_if_uncharged" and not self.sole_user:
            raise ValueError(
                'cannot tell from a shared balance whether a call was charged: on_uncertain = "once_if_uncharged" '
                "needs sole_user = true"
            )
        return self


class OpenProspectSettings(OpenProspectOptions):
    poll_every: Duration = timedelta(minutes=5)
    """How often deliveries are pulled; stretched when the rate cannot carry it."""
    discover: bool = True
    """`true` takes every search of the account, `false` those of `delivery_ids` only."""
    delivery_ids: Annotated[tuple[Text, ...], Listed] = ()
    """The searches whose results are delivered, besides the discovered ones."""
    deliver_to: Annotated[tuple[str, ...], Listed] = ()
    """The names of the CRMs that get the deliveries."""


class _Providers(Options):
    openprospect: OpenProspectSettings | None = None

    @property
    def names(self) -> list[str]:
        """Returns every configured provider: those that are paid, then OpenProspect."""
        return [*self.paid, *(["openprospect"] if self.openprospect else [])]

    @property
    def deliver_to(self) -> tuple[str, ...]:
        """Returns the crms that get what OpenProspect delivers."""
        return self.openprospect.deliver_to if self.openprospect else ()

    @property
    def paid(self) -> dict[str, Paid]:
        """Returns the configured providers that lookups go to, by name."""
        return {name: one for name in sorted(PAID) if (one := getattr(self, name)) is not None}

    @property
    def verify_person(self) -> bool:
        """Tells whether a person that Forager found is proved before anything else is bought of them."""
        forager = self.paid.get("forager")
        return not isinstance(forager, ForagerOptions) or forager.verify_person


def _table(name: str, vendor: PaidVendor) -> type[Options]:
    bases = (_Logged if vendor.keeps_log else _Unlogged, vendor.options)
    return create_model(f"{name.title()}Settings", __base__=bases)


if TYPE_CHECKING:
    Providers = _Providers
else:
    _TABLES = {name: (_table(name, vendor) | None, None) for name, vendor in sorted(PAID.items())}
    Providers = create_model("Providers", __base__=_Providers, **_TABLES)
