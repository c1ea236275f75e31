"""``web`` and ``up``: the web process, alone or together with a worker."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

from worker.commands.session import err, opened_ledger, session, settings_of, with_work
from worker.manual.exit_codes import DONE, FAILED
from worker.service.heartbeat import answering, beating
from worker.service.lifecycle import stop_on_signals, work
from worker.web.app import web_app
from worker.web.server import WebError, listen, serve

LAST_S = 3.0  # of the grace: what requests have to end in once a worker has drained


async def run_web(config: Path | None) -> int:
    """Answer until SIGTERM or Ctrl-C."""
    settings = settings_of(config, verbose=True)
    with listen(settings.web) as bound:
        stop = stop_on_signals()
        async with opened_ledger(settings) as ledger:
            app = web_app(ledger, settings, stop)
            _settle_down()
            _say(bound.getsockname())
            try:
                with answering(settings.data_dir, bound.getsockname()):
                    await serve(app, bound, stop, grace_s=max(1.0, settings.worker.grace.total_seconds() - LAST_S))
            except WebError as error:
                err.say(str(error), style="red")
                return FAILED
    return DONE


async def run_up(config: Path | None) -> int:
    """A worker and the web process in one; the web answers until the worker has drained."""
    settings, drained = with_work(settings_of(config, verbose=True)), asyncio.Event()
    with listen(settings.web) as bound:
        stop = stop_on_signals()
        async with session(settings) as runtime:
            app = web_app(runtime.ledger, settings, runtime.visits.draining)
            _settle_down()
            _say(bound.getsockname())

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

            ended = await asyncio.gather(worker(), web(), return_exceptions=True)
    for failure in ended:
        if isinstance(failure, WebError):
            err.say(str(failure), style="red")
            return FAILED
        if isinstance(failure, BaseException):
            raise failure
    return DONE


def _settle_down() -> None:
    """Take what stays for good out of the garbage collector's rounds: each would stop every answer for 50 ms."""
    gc.collect()
    gc.freeze()


def _say(address: tuple[str, int]) -> None:
    """Tells where it listens, for a person; the logs have it too."""
    if err.is_terminal:
        host, port = address[:2]
        err.say(f"listening on http://{host}:{port}")
