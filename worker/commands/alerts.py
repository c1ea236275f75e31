"""Implements ``alerts``: which alerts people got, and whether they can be reached."""

from __future__ import annotations

from contextlib import AsyncExitStack

from msgspec.structs import asdict

from config.problems import ConfigError
from worker.commands.options import Config, Json, as_command, group
from worker.commands.session import err, opened_ledger, out, print_json, settings_of
from worker.commands.tables import table
from worker.ledger.journal.alerts import KeptAlerts
from worker.manual.exit_codes import DONE, FAILED
from worker.reports.alerting import send_test
from worker.reports.words import ago

NOWHERE = (
    "alerts go nowhere: set REFILL_ALERTS__SLACK_URL, REFILL_ALERTS__TEAMS_URL, REFILL_ALERTS__WEBHOOK_URL with "
    "REFILL_ALERTS__WEBHOOK_SECRET, or alerts.mail_to with alerts.smtp (docs/alerts.md)"
)

app = group("Show open alerts, or send a test on every channel.")


@as_command(app, "list")
async def alerts_list(config: Config = None, as_json: Json = False) -> int:
    """List open alerts, since when, and the channels that sent them."""
    settings = settings_of(config)
    async with opened_ledger(settings) as ledger:
        found, now = (await KeptAlerts(ledger.scripts).all()).values(), await ledger.scripts.now()
    if as_json:
        print_json([asdict(one) for one in found])
        return DONE
    rows = [(one.cause, ago(one.since_ms, now), ", ".join(one.sent) or "nobody yet", one.sentence) for one in found]
    out.print(table("Alerts", ("cause", "since", "sent to", "what"), rows))
    if not settings.alerts.is_on:
        err.say(NOWHERE)
    return DONE


@as_command(app, "test")
async def alerts_test(config: Config = None, as_json: Json = False) -> int:
    """Send a test message on every configured channel.

    Exit codes: 0 sent, 1 one of them failed, 2 none is configured.
    """
    settings = settings_of(config)
    if not settings.alerts.is_on:
        raise ConfigError([NOWHERE])
    from connectors.alerts.channels import channels

    async with AsyncExitStack() as stack:
        ways = channels(settings.alerts)
        for way in ways:
            stack.push_async_callback(way.aclose)
        ended = await send_test(settings, ways)
    if as_json:
        print_json({name: str(error) if error else "sent" for name, error in ended.items()})
    else:
        for way in ways:
            if (error := ended[way.name]) is None:
                out.say(f"{way.name}: sent to {way.where}")
            else:
                err.say(f"{way.name}: not sent to {way.where} ({error})", style="red")
    return FAILED if any(ended.values()) else DONE
