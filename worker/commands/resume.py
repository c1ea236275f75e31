"""Implements ``resume``: lifts the reasons for which a crm or a provider is paused."""

from __future__ import annotations

from config.settings import Settings
from worker.commands.names import ALL, known_target
from worker.commands.options import Config, Json, Target, as_command, one_command
from worker.commands.session import opened_ledger, report, settings_of
from worker.ledger.ledger import Ledger
from worker.ledger.rates.pauses import Pause
from worker.manual.exit_codes import DONE
from worker.upkeep.reconcile import RESTORED

app = one_command()


@as_command(app)
async def command(target: Target, config: Config = None, as_json: Json = False) -> int:
    """Lift every pause of a crm or a provider."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        lifted, stands = await lift(ledger, settings, target)
    sentences = [f"{one.target}: no longer paused ({one.reason})" for one in lifted]
    sentences += [
        f"{one.target}: still paused ({one.reason}) until refill reconcile has looked at the provider's books"
        for one in stands
    ]
    if not (lifted or stands):
        sentences.append("nothing was paused" if target == ALL else f"{target} was not paused")
    values = {
        name: [{"target": one.target, "reason": one.reason} for one in pauses_]
        for name, pauses_ in (("lifted", lifted), ("stands", stands))
    }
    report(values, *sentences, as_json=as_json)
    return DONE


async def lift(ledger: Ledger, settings: Settings, target: str) -> tuple[list[Pause], list[Pause]]:
    """Lifts every reason of a target; returns those lifted, and those that only the provider's books can lift.

    Raises:
        ConfigError: nothing is called so.
    """
    pauses = await ledger.pauses.all()
    known_target(settings, target, {one.target for one in pauses})
    found = [one for one in pauses if target == ALL or _is_of(one.target, target)]
    lifted = [one for one in found if one.reason != RESTORED]
    for one in lifted:
        await ledger.pauses.lift(one.target, one.reason)
    return lifted, [one for one in found if one.reason == RESTORED]


def _is_of(paused: str, target: str) -> bool:
    return paused == target or paused.startswith(f"{target}:")
