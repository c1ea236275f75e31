"""Implements ``up``: a worker and the web process in one."""

from __future__ import annotations

import asyncio

from worker.commands.options import Config, as_command, one_command
from worker.commands.page_orders import PageOrders
from worker.commands.session import err, session, settings_of, with_work
from worker.commands.web import LAST_S, say_where, settle_down
from worker.manual.exit_codes import DONE, FAILED
from worker.reports.alerting import alerting
from worker.service.heartbeat import answering, beating
from worker.service.lifecycle import stop_on_signals, work
from worker.web.app import web_app
from worker.web.server import WebError, listen, serve

app = one_command()


@as_command(app)
async def command(config: Config = None) -> int:
    """Run a worker and the web process in one: the whole daemon."""
    settings, drained = with_work(settings_of(config, verbose=True)), asyncio.Event()
    with listen(settings.web) as bound:
        stop = stop_on_signals()
        async with session(settings) as runtime:
            orders = PageOrders(settings, runtime.ledger)
            app = web_app(runtime.ledger, settings, runtime.visits.draining, orders)
            await orders.prepare()
            settle_down()
            say_where(bound.getsockname())

            async def worker() -> None:
                try:
                    with beating(settings.data_dir) as heartbeat:
                        await work(runtime, stop, heartbeat.beat)
                finally:
                    drained.set()

            async def web() -> None:
                try:
                    with answering(settings.data_dir, bound.getsockname()):
                        await serve(app, bound, drained, grace_s=LAST_S)
                finally:
                    stop.set()

            async with alerting(runtime.ledger, settings):
                ended = await asyncio.gather(worker(), web(), return_exceptions=True)
    for failure in ended:
        if isinstance(failure, WebError):
            err.say(str(failure), style="red")
            return FAILED
        if isinstance(failure, BaseException):
            raise failure
    return DONE
