"""Implements ``web``: the web process, alone."""

from __future__ import annotations

import gc

from worker.commands.options import Config, as_command, one_command
from worker.commands.page_orders import PageOrders
from worker.commands.session import err, opened_ledger, settings_of
from worker.manual.exit_codes import DONE, FAILED
from worker.reports.alerting import alerting
from worker.service.heartbeat import answering
from worker.service.lifecycle import stop_on_signals
from worker.service.tracing import tracing
from worker.web.app import web_app
from worker.web.server import WebError, listen, serve

LAST_S = 3.0  # of the grace: what requests have to end in once a worker has drained

app = one_command()


@as_command(app)
async def command(config: Config = None) -> int:
    """Serve webhooks, the API, the page, health and metrics."""
    settings = settings_of(config, verbose=True)
    with listen(settings.web) as bound:
        stop = stop_on_signals()
        async with tracing(), opened_ledger(settings) as ledger:
            orders = PageOrders(settings, ledger)
            app = web_app(ledger, settings, stop, orders)
            await orders.prepare()
            settle_down()
            say_where(bound.getsockname())
            try:
                with answering(settings.data_dir, bound.getsockname()):
                    async with alerting(ledger, settings):
                        await serve(app, bound, stop, grace_s=max(1.0, settings.worker.grace.total_seconds() - LAST_S))
            except WebError as error:
                err.say(str(error), style="red")
                return FAILED
    return DONE


def settle_down() -> None:
    """Take what stays for good out of the garbage collector's rounds: each would stop every answer for 50 ms."""
    gc.collect()
    gc.freeze()


def say_where(address: tuple[str, int]) -> None:
    """Prints the address for a person; the logs have it too."""
    if err.is_terminal:
        host, port = address[:2]
        err.say(f"listening on http://{host}:{port}")
