"""Implements ``advise``: each provider's yield and price, and the order that would have been cheapest."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import to_builtins

from config.settings import Settings
from connectors.models import Offer
from worker.commands.options import Config, Json, as_command, one_command
from worker.commands.session import out, print_json, session, settings_of
from worker.commands.tables import table
from worker.decide.odds import ENOUGH, EXPLORED, Odds, odds_of
from worker.decide.order import Advice, advise
from worker.decide.policy import Policy
from worker.decide.scorecard import Score, scorecard
from worker.manual.exit_codes import DONE
from worker.reports.story_words import field_word, listed, provider_word
from worker.service.policy import policy

_COUNTRIES = 15  # rows on a terminal; --json has them all
_SEED = 20  # the interval of the same counts is the same

app = one_command()


@as_command(app)
async def command(config: Config = None, as_json: Json = False) -> int:
    """Show what each provider brings at what price, and the cheapest order.

    Asks nobody and changes nothing.
    """
    settings = settings_of(config)
    async with session(settings) as runtime:
        odds, offers = odds_of(await runtime.lookups.yields.counted()), runtime.lookups.offers
    scores, advices = advised(settings, odds, offers)
    if as_json:
        print_json(
            {
                "scorecard": [one.as_json() for one in scores],
                "orders": [_advice(rules, found) for rules, found in advices],
                "explored": EXPLORED,
            }
        )
        return DONE
    if not scores:
        out.say("No paid lookup has been counted yet, so there is nothing to advise.")
        return DONE
    out.print(_table("Providers", "", [one for one in scores if not one.field and not one.country]))
    out.print(_table("By field", "field", [one for one in scores if one.field]))
    countries = sorted((one for one in scores if one.country), key=lambda one: -one.wanted)
    if countries:
        out.print(_table("By country", "country", countries[:_COUNTRIES]))
    for rules, found in advices:
        for sentence in sentences(rules, found):
            out.say(sentence)
    return DONE


def advised(settings: Settings, odds: Odds, offers: Sequence[Offer]) -> tuple[list[Score], list[tuple[Policy, Advice]]]:
    """Returns the providers' scores and the advice on each watched object, from the counts."""
    advices = []
    for one in _policies(settings):
        asked = [offer for offer in offers if offer.provider in one.providers]
        draws = random.Random(_SEED)  # noqa: S311 - of an interval, no secret
        advices.append((one, advise(one, asked, odds, draws.betavariate)))
    return scorecard(odds), advices


def _policies(settings: Settings) -> Iterator[Policy]:
    for name, crm in settings.crm.items():
        for object, watched in crm.objects().items():
            yield policy(name, crm, object, watched, settings.providers)


def _table(title: str, by: str, scores: Iterable[Score]) -> Any:
    columns = ("provider", by, "asked", "hit", "usable", "right person", "bad", "credits a value")
    rows = []
    for one in scores:
        shown = one.as_json()
        rates = (_percent(shown[name]) for name in ("hit_rate", "usable_rate", "right_person_rate", "bounce_rate"))
        what = one.country or field_word(one.field)
        rows.append((one.provider, what, one.asked, *rates, shown["credits_per_filled"]))
    keep = [at for at, name in enumerate(columns) if name or by]
    return table(title, [columns[at] for at in keep], [[row[at] for at in keep] for row in rows], figures=6)


def _percent(one: dict[str, float] | None) -> tuple[str, ...]:
    """Returns a rate, and its interval on a line below."""
    return (f"{one['rate']:.0%}", f"{one['low'] * 100:.0f}-{one['high']:.0%}") if one else ()


def _advice(rules: Policy, found: Advice) -> dict[str, Any]:
    shown: dict[str, Any] = to_builtins(found)
    return {"crm": rules.crm, "object": rules.object} | shown | {"proved": found.is_proved, "learned": rules.learned}


def sentences(rules: Policy, found: Advice) -> Iterator[str]:
    """Yields the advice on one watched object, line by line."""
    name = f"{rules.crm} {rules.object}"
    if not found.orders:
        yield f"{name}: no field has a provider, so there is no order."
    elif found.unseen:
        yield (
            f"{name}: not enough is known yet of {', '.join(found.unseen)} to advise an order; "
            f"each has to be asked {ENOUGH} times."
        )
    elif not found.is_proved:
        yield f"{name}: your order is already the cheapest we can prove ({found.now:.2f} credits a record)."
    else:
        yield (
            f"{name}: another order would have cost {found.best:.2f} credits a record instead of {found.now:.2f}: "
            f"{found.saved:.0%} less ({found.low:.0%} to {found.high:.0%}), for as many values."
        )
        orders: dict[tuple[str, ...], list[str]] = {}
        for field, order in found.orders.items():
            orders.setdefault(order, []).append(field)
        for order, fields in orders.items():
            yield f"  {', then '.join(map(provider_word, order))} for {listed(fields)}"
        yield (
            f'  Write it as "from", or set crm.{rules.crm}.order = "learned".'
            if not rules.learned
            else ("  The order is learned already and keeps following the results.")
        )
